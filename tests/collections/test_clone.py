from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.upstream import Upstream

from coderank.collections.clone import Clone
from coderank.errors import SourceUnavailableError


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    made = Upstream(tmp_path / "upstream")
    made.commit(one="a = 1\n", two="b = 2\n")
    return made


def test_a_copy_follows_its_repository_and_keeps_what_did_not_change(upstream: Upstream, tmp_path: Path) -> None:
    clone = Clone(tmp_path / "copies", upstream.url, "", "name")
    assert not clone.exists
    clone.update()
    old = (clone.place / "two.py").stat().st_mtime_ns
    (upstream.place / "two.py").touch()
    upstream.commit(one="a = 3\n", three="c = 3\n")
    (clone.place / "left.py").write_text("not of the repository")
    clone.update()
    assert (clone.place / "one.py").read_text() == "a = 3\n"
    assert sorted(file.name for file in clone.place.glob("*.py")) == ["one.py", "three.py", "two.py"]
    assert (clone.place / "two.py").stat().st_mtime_ns == old


def test_a_copy_is_shallow_and_of_its_ref(upstream: Upstream, tmp_path: Path) -> None:
    upstream.git("tag", "v1")
    upstream.commit(one="a = 2\n")
    clone = Clone(tmp_path / "copies", upstream.url, "v1", "name")
    clone.update()
    assert (clone.place / "one.py").read_text() == "a = 1\n"
    log = subprocess.run(
        ["git", "-C", str(clone.place), "log", "--oneline"], capture_output=True, text=True, check=True
    )
    assert len(log.stdout.splitlines()) == 1
    assert Clone(tmp_path / "copies", upstream.url, "main", "name").place != clone.place


def test_nothing_of_the_users_templates_runs(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = tmp_path / "template" / "hooks" / "post-checkout"
    hook.parent.mkdir(parents=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(tmp_path / "template"))
    # As inside a hook of another repository, which must not be taken for the copy.
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    Clone(tmp_path / "copies", upstream.url, "", "name").update()
    assert not (tmp_path / "ran").exists()


def test_links_do_not_lead_out(upstream: Upstream, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("mine")
    (upstream.place / "link.py").symlink_to(tmp_path / "secret")
    upstream.commit()
    clone = Clone(tmp_path / "copies", upstream.url, "", "name")
    clone.update()
    assert not (clone.place / "link.py").is_symlink()
    assert "mine" not in (clone.place / "link.py").read_text()


def test_a_repository_that_is_not_there_is_named_and_leaves_no_half_copy(upstream: Upstream, tmp_path: Path) -> None:
    clone = Clone(tmp_path / "copies", (tmp_path / "absent").as_uri(), "", "name")
    with pytest.raises(SourceUnavailableError, match=r"Cannot fetch file:.*absent"):
        clone.update()
    assert not clone.exists
    assert [file.name for file in clone.place.parent.iterdir()] == ["fetch.lock"]


def test_a_failed_update_keeps_the_copy(upstream: Upstream, tmp_path: Path) -> None:
    clone = Clone(tmp_path / "copies", upstream.url, "", "name")
    clone.update()
    upstream.place.rename(tmp_path / "moved")
    with pytest.raises(SourceUnavailableError):
        clone.update()
    assert (clone.place / "one.py").read_text() == "a = 1\n"


def test_without_git_the_remedy_is_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceUnavailableError, match="Install git"):
        Clone(tmp_path / "copies", "https://example.org/a.git", "", "a").update()
