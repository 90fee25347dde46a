from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from coderank.indexing.manifest import WRITING, FileRow, SkipRow
from coderank.indexing.plan import RACY_NS, make_plan, settled
from coderank.types import FileEntry, SkipReason

MODIFIED = 1_000_000_000_000
LATER = MODIFIED + RACY_NS + 1


def entry(path: str, size: int = 1, mtime_ns: int = MODIFIED) -> FileEntry:
    return FileEntry(path, size, mtime_ns)


def row(path: str, size: int = 1, mtime_ns: int = MODIFIED, read_ns: int = LATER, state: str = "done") -> FileRow:
    return FileRow(path, size, mtime_ns, read_ns, "digest", 1, "python", state)


def skip(path: str, reason: SkipReason = SkipReason.MINIFIED, read_ns: int = LATER) -> SkipRow:
    return SkipRow(path, 1, MODIFIED, read_ns, reason, "")


def test_same_size_and_time_need_no_look() -> None:
    plan = make_plan([entry("a"), entry("b")], [row("a")], [skip("b")])
    assert not plan
    assert plan.unchanged == 2


def test_new_grown_and_touched_files_are_read() -> None:
    entries = [entry("touched", mtime_ns=MODIFIED + 1), entry("new"), entry("grown", size=2)]
    plan = make_plan(entries, [row("grown"), row("touched")], [])
    assert [found.path for found in plan.to_read] == ["grown", "new", "touched"]
    assert plan.changed == 3


def test_an_older_time_stamp_is_a_change_too() -> None:
    assert make_plan([entry("a", mtime_ns=MODIFIED - 1)], [row("a")], []).to_read


def test_half_written_files_are_read_again() -> None:
    assert make_plan([entry("a")], [row("a", state=WRITING)], []).to_read == (entry("a"),)


def test_a_file_read_right_after_its_modification_is_verified() -> None:
    plan = make_plan([entry("a"), entry("b")], [row("a", read_ns=MODIFIED + RACY_NS)], [skip("b", read_ns=MODIFIED)])
    assert plan.to_verify == (entry("a"), entry("b"))
    assert plan.changed == 0
    assert plan


def test_an_unreadable_file_is_tried_again() -> None:
    assert make_plan([entry("a")], [], [skip("a", SkipReason.UNREADABLE)]).to_verify == (entry("a"),)


def test_vanished_files_are_told_apart() -> None:
    plan = make_plan([], [row("b"), row("a")], [skip("c")])
    assert plan.deleted == ("a", "b")
    assert plan.forgotten == ("c",)
    assert plan.changed == 2


def test_the_margin_is_strict() -> None:
    assert not settled(MODIFIED, MODIFIED + RACY_NS)
    assert settled(MODIFIED, MODIFIED + RACY_NS + 1)


paths = st.sampled_from("abcdef")


@given(
    listed=st.dictionaries(paths, st.integers(1, 2)),
    indexed=st.dictionaries(paths, st.tuples(st.integers(1, 2), st.sampled_from(["done", WRITING]))),
    left=st.sets(paths),
)
def test_every_path_has_exactly_one_fate(
    listed: dict[str, int], indexed: dict[str, tuple[int, str]], left: set[str]
) -> None:
    left -= set(indexed)
    plan = make_plan(
        [entry(path, size) for path, size in listed.items()],
        [row(path, size, state=state) for path, (size, state) in indexed.items()],
        [skip(path) for path in left],
    )
    read = [found.path for found in plan.to_read + plan.to_verify]
    assert len(read) + plan.unchanged == len(listed)
    assert set(read) <= set(listed)
    assert set(plan.deleted) == set(indexed) - set(listed)
    assert set(plan.forgotten) == left - set(listed)
