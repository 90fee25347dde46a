"""A machine of its own for every test: the real command, a real repository, and an index that is built once."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

FILES = {
    "src/ring.py": '''class RingBuffer:
    """Keeps the newest items."""

    def push(self, item):
        """Append an item and overwrite the oldest one when the buffer is full."""
        self.items[self.head] = item
''',
    "src/login.py": '''def check_password(user, password):
    """Compare a password with the stored hash of a user."""
    return user.hash == digest(password, user.salt)
''',
    "docs/guide.md": "# Guide\n\nA user signs in with a password.\n",
}
QUESTION = "overwrite the oldest item"
_COMMAND = re.compile(r"(coderank index .*?)(?:$|`)")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str

    def failure(self) -> str:
        """The message of a command that failed as it should: one line on standard error, nothing else."""
        assert self.code in (1, 2), (self.code, self.out, self.err)
        assert self.out == ""
        assert self.err.startswith("coderank: ")
        assert self.err.count("\n") == 1, self.err
        assert "unexpected" not in self.err
        return self.err.removeprefix("coderank: ").rstrip("\n")

    def remedy(self) -> list[str]:
        """The arguments of the command that the message advises."""
        found = _COMMAND.search(self.failure())
        assert found, self.err
        return shlex.split(found[1])[1:]


@dataclass(frozen=True, slots=True)
class Machine:
    """Folders, and the command run in them."""

    base: Path
    repo: Path
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def index(self) -> Path:
        """The one index folder there is."""
        [folder] = (self.base / "data" / "indexes").iterdir()
        return folder

    @property
    def environment(self) -> dict[str, str]:
        foreign = ("CODERANK_", "XDG_", "ORT_", "HF_", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "PYTHON")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        own = {
            "HOME": str(self.base / "home"),
            "CODERANK_DATA_DIR": str(self.base / "data"),
            "CODERANK_CACHE_DIR": str(self.base / "cache"),
            "CODERANK_BACKGROUND": "0",
        }
        return inherited | own | self.extra

    def command(self, *arguments: str | Path) -> list[str]:
        return [sys.executable, "-m", "coderank", *map(str, arguments)]

    def start(self, *arguments: str | Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.command(*arguments), cwd=self.repo, env=self.environment, stdout=-1, stderr=-1, stdin=-3
        )

    def run(self, *arguments: str | Path, cwd: Path | None = None, **environment: str) -> Outcome:
        done = subprocess.run(
            self.command(*arguments),
            cwd=cwd or self.repo,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return Outcome(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))

    def shell(self, line: str, cwd: Path | None = None) -> Outcome:
        """Run a line of shell in which ``coderank`` is the command."""
        function = f'coderank() {{ {shlex.join(self.command())} "$@"; }}\n'
        done = subprocess.run(
            ["bash", "-c", function + line],
            cwd=cwd or self.repo,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def answers(self) -> bool:
        """Whether a search finds what is there, by words and by meaning, and has nothing to remark."""
        done = self.run("search", QUESTION)
        return done.code == 0 and "RingBuffer" in done.out and done.err == ""


def write_tree(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A repository that was never indexed."""
    write_tree(tmp_path / "repo", FILES)
    return Machine(tmp_path, tmp_path / "repo")


@pytest.fixture(scope="session")
def model_machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Indexed once for all tests, which copy it."""
    base = tmp_path_factory.mktemp("e2e")
    write_tree(base / "repo", FILES)
    built = Machine(base, base / "repo")
    assert built.run("index").code == 0
    return built


@pytest.fixture
def indexed(model_machine: Machine, tmp_path: Path) -> Machine:
    """An indexed repository; the index is this test's own, the repository is shared and must not be changed."""
    for name in ("data", "cache"):
        shutil.copytree(model_machine.base / name, tmp_path / name)
    return Machine(tmp_path, model_machine.repo)
