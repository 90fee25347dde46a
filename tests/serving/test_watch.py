"""The kernel says whether anything has changed; what it cannot say is not believed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coderank.corpus.walk import walk
from coderank.serving import watch as watch_module
from coderank.serving.watch import RENEW_S, TRUST_S, Watch

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells before the call returns")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(clock: Clock) -> Iterator[Watch]:
    made = Watch(clock)
    yield made
    made.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "repo" / "src" / "deep").mkdir(parents=True)
    (tmp_path / "repo" / "src" / "a.py").write_text("a = 1\n")
    (tmp_path / "repo" / "ignored").mkdir()
    (tmp_path / "repo" / ".gitignore").write_text("ignored/\n*.log\n")
    return tmp_path / "repo"


def look(watch: Watch, root: Path) -> None:
    with watch.look():
        walk(root, on_folder=watch.seen)


CHANGES: dict[str, Callable[[Path], object]] = {
    "written": lambda root: (root / "src" / "a.py").write_text("a = 2\n"),
    "created": lambda root: (root / "src" / "deep" / "b.py").touch(),
    "deleted": lambda root: (root / "src" / "a.py").unlink(),
    "renamed": lambda root: (root / "src" / "a.py").rename(root / "src" / "c.py"),
    "moved in": lambda root: (
        Path(root.parent, "x.py").write_text("x") and Path(root.parent, "x.py").rename(root / "x.py")
    ),
    "moved out": lambda root: (root / "src").rename(root.parent / "src"),
    "touched": lambda root: os.utime(root / "src" / "a.py", (1, 1)),
    "a new folder": lambda root: (root / "new").mkdir(),
    "rules": lambda root: (root / ".gitignore").write_text("ignored/\n"),
    "no permission": lambda root: (root / "src" / "a.py").chmod(0),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_every_kind_of_change_is_noticed_at_once(watch: Watch, root: Path, change: Callable[[Path], object]) -> None:
    look(watch, root)
    assert watch.quiet()
    change(root)
    assert not watch.quiet()
    assert not watch.quiet()  # until somebody looks
    look(watch, root)
    assert watch.quiet()


def test_what_is_not_part_of_the_tree_disturbs_nobody(watch: Watch, root: Path) -> None:
    look(watch, root)
    (root / "ignored" / "built.py").write_text("x = 1\n")
    (root / "src" / "a.py").read_text()
    list(root.rglob("*"))
    assert watch.quiet()


def test_a_change_while_it_is_looked_is_noticed(watch: Watch, root: Path) -> None:
    for asked_meanwhile in (False, True):
        look(watch, root)
        with watch.look():
            walk(root, on_folder=watch.seen)
            (root / "src" / "a.py").write_text("a = 3\n")
            if asked_meanwhile:
                assert not watch.quiet()
        assert not watch.quiet()


def test_what_is_known_stays_known_while_it_is_looked_again(watch: Watch, root: Path, clock: Clock) -> None:
    with watch.look():
        walk(root, on_folder=watch.seen)
        assert not watch.quiet()  # nothing was known before
    clock.now += RENEW_S + 0.1
    assert watch.is_due()
    with watch.look():
        assert watch.quiet()
        walk(root, on_folder=watch.seen)
        assert watch.quiet()
    assert not watch.is_due()
    clock.now += TRUST_S - 0.1
    assert watch.quiet()


def test_a_look_that_fails_tells_nothing(watch: Watch, root: Path) -> None:
    look(watch, root)
    with pytest.raises(OSError, match="gone"), watch.look():
        raise OSError("gone")
    assert not watch.quiet()


def test_folders_below_a_new_folder_are_watched_after_the_next_look(watch: Watch, root: Path) -> None:
    look(watch, root)
    (root / "new" / "below").mkdir(parents=True)
    assert not watch.quiet()
    look(watch, root)
    (root / "new" / "below" / "d.py").touch()
    assert not watch.quiet()


def test_quiet_is_believed_for_a_while_only(watch: Watch, root: Path, clock: Clock) -> None:
    look(watch, root)
    clock.now += TRUST_S + 0.1
    assert not watch.quiet()


def test_nothing_is_believed_before_a_look_without_folders_or_where_one_could_not_be_watched(
    watch: Watch, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not watch.quiet()
    with watch.look():
        pass
    assert not watch.quiet()
    with watch.look():
        walk(root, on_folder=watch.seen)
        watch.seen(str(root / "gone"))
    assert not watch.quiet()
    monkeypatch.setattr(watch_module, "MAX_FOLDERS", 2)
    look(watch, root)
    assert not watch.quiet()


def test_a_closed_watch_begins_anew(watch: Watch, root: Path) -> None:
    look(watch, root)
    watch.close()
    assert not watch.quiet()
    look(watch, root)
    assert watch.quiet()


def test_without_a_kernel_that_tells_nothing_is_believed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "_library", lambda: None)
    watch = Watch()
    look(watch, root)
    assert not watch.quiet()
