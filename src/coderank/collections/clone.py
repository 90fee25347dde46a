"""A working copy of somebody's repository: fetched by git's own program, shallow, and nothing of it is run."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from coderank.errors import SourceUnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

TIMEOUT_S = 1800
"""For one step of git: the first shallow clone of a very large repository takes minutes."""
LOCK_S = 600
"""How long to wait for another process that fetches the same repository."""
_DIGEST_BYTES = 8
_SAFE = (
    # A copy runs no hooks of a template, asks no file watcher, and follows no links out of itself.
    *("-c", "core.hooksPath=" + os.devnull, "-c", "core.fsmonitor=false", "-c", "core.symlinks=false"),
    # Text as it is in the repository, on every system, so that chunks are the same everywhere.
    *("-c", "core.autocrlf=false", "-c", "advice.detachedHead=false", "-c", "submodule.recurse=false"),
    *("-c", "gc.auto=0", "-c", "credential.interactive=false"),
)
_ENVIRONMENT = {
    # Never a question: with no answer at hand, git is to fail, and the error says why.
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
    "GCM_INTERACTIVE": "never",
    "GIT_ALLOW_PROTOCOL": "https:ssh:file",
    # Pointers of large files stay pointers: they are no code.
    "GIT_LFS_SKIP_SMUDGE": "1",
    "LC_ALL": "C",
}
_SSH = "ssh -oBatchMode=yes"


class Clone:
    """The copy of one branch or tag of a repository, in a folder of its own."""

    def __init__(self, folder: Path, url: str, ref: str, name: str) -> None:
        """Take the folder for all copies; each gets one below it, named by url and ref."""
        digest = hashlib.blake2b(f"{url}\n{ref}".encode(), digest_size=_DIGEST_BYTES).hexdigest()
        self.url = url
        """What it is a copy of."""
        self._ref = ref or "HEAD"
        self.place = folder / digest / name
        """Where the files are, once it was fetched."""

    @property
    def exists(self) -> bool:
        """Whether it was fetched."""
        return (self.place / ".git").is_dir()

    def update(self) -> None:
        """Fetch the repository's present state; files that did not change keep their time stamps.

        Raises:
            SourceUnavailableError: git is not installed, or it failed. What was fetched before is still there.
        """
        try:
            self.place.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self.place.parent / "fetch.lock", timeout=LOCK_S):
                if self.exists:
                    self._fetch(self.place)
                else:
                    self._create()
        except Timeout as error:
            raise self._error("another process has been fetching it for minutes", "Try again later") from error
        except OSError as error:
            raise self._error(f"{error.strerror or error}", "Allow writing to the cache folder") from error

    def _create(self) -> None:
        # Made aside and renamed, so that a process that dies half-way leaves no half copy.
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=self.place.parent))
        try:
            self._git(draft, ["init", "--quiet", "--template="])
            self._fetch(draft)
            draft.rename(self.place)
        finally:
            if draft.exists():
                shutil.rmtree(draft, ignore_errors=True)

    def _fetch(self, place: Path) -> None:
        fetch = ["fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--force"]
        self._git(place, [*fetch, "--", self.url, self._ref])
        self._git(place, ["checkout", "--quiet", "--force", "--detach", "FETCH_HEAD", "--"])
        self._git(place, ["clean", "--quiet", "-ffdx"])

    def _git(self, place: Path, arguments: Sequence[str]) -> None:
        inherited = {key: value for key, value in os.environ.items() if key not in _LOCATING}
        environment = {"GIT_SSH_COMMAND": _SSH} | inherited | _ENVIRONMENT
        try:
            done = subprocess.run(  # noqa: S603 - git, with checked arguments one by one
                ["git", *_SAFE, "-C", str(place), *arguments],  # noqa: S607 - the user's own git
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                start_new_session=True,  # without a terminal, on which ssh could ask
                timeout=TIMEOUT_S,
                check=False,
            )
        except FileNotFoundError as error:
            raise self._error("git is not installed", "Install git") from error
        except subprocess.TimeoutExpired as error:
            raise self._error(f"git took more than {TIMEOUT_S} s", "Try again later") from error
        if done.returncode:
            said = " ".join(done.stderr.decode("utf-8", "replace").split())
            raise self._error(said or f"git ended with {done.returncode}", "Check the URL, the ref and your access")

    def _error(self, why: str, remedy: str) -> SourceUnavailableError:
        return SourceUnavailableError(f"Cannot fetch {self.url} ({self._ref}): {why}", remedy)


_LOCATING = frozenset(
    "GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_COMMON_DIR "
    "GIT_NAMESPACE GIT_PREFIX GIT_CONFIG_PARAMETERS GIT_CONFIG_COUNT".split()
)
"""Set inside a hook or an alias: they would lead git to another repository than the copy."""
