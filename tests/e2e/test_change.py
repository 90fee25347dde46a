"""Content that is known is never embedded again, whatever happens to its files; what is gone is not found."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.e2e.conftest import Machine


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def embedded(machine: Machine, root: Path | str = ".") -> int:
    done = machine.run("index", root)
    assert (done.code, done.err) == (0, "")
    found = re.search(r"\((\d+) embedded", done.out)
    assert found
    return int(found[1])


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_branches_worktrees_and_renames_embed_nothing(machine: Machine, tmp_path: Path) -> None:
    repo = machine.repo
    for command in (["init"], ["add", "."], ["commit", "-m", "1"], ["worktree", "add", "../second", "-b", "second"]):
        git(repo, *command)
    assert embedded(machine) == 3
    assert embedded(machine, tmp_path / "second") == 0
    git(repo, "checkout", "-b", "feature")
    (repo / "src" / "login.py").unlink()
    (repo / "feature.py").write_text("def brand_new_feature(x):\n    return x + 41\n")
    git(repo, "add", ".")
    git(repo, "commit", "-m", "2")
    assert embedded(machine) == 1
    git(repo, "checkout", "main")
    assert embedded(machine) == 0
    assert "feature.py" not in machine.run("search", "brand new feature", "--no-sync").out
    git(repo, "checkout", "feature")
    assert embedded(machine) == 0
    (repo / "src").rename(repo / "lib")
    assert embedded(machine) == 0
    assert machine.run("search", "overwrite the oldest item").out.startswith("lib/ring.py:")


def test_a_change_is_seen_whatever_the_clock_says(machine: Machine) -> None:
    file = machine.repo / "clock.py"
    file.write_text("def alpha_one():\n    return 1\n")
    machine.run("search", "alpha", "--mode", "lexical")
    for name, stamp in (("gamma_two", None), ("delta_six", 1), ("omega_ten", 2**33), ("sigma_ten", 2**33)):
        file.write_text(f"def {name}():\n    return 1\n")
        if stamp is not None:
            os.utime(file, (stamp, stamp))
        assert f"def {name}" in machine.run("search", name, "--mode", "lexical", "-k", "1").out
