from __future__ import annotations

import uuid
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from coderank.corpus.identity import point_ids, vector_key
from coderank.types import Chunk

CHUNK = Chunk("src/a.py", 10, 12, "python", "def f():\n    return 1", "f", "def f():", ("f",))


def test_ids_are_uuids_and_stable() -> None:
    (identifier,) = point_ids([CHUNK])
    assert str(uuid.UUID(identifier)) == identifier
    assert point_ids([CHUNK]) == [identifier]


def test_moved_chunk_keeps_its_id() -> None:
    assert point_ids([replace(CHUNK, start_line=90, end_line=92)]) == point_ids([CHUNK])


def test_every_part_of_the_header_and_the_content_counts() -> None:
    others = [
        replace(CHUNK, path="src/b.py"),
        replace(CHUNK, symbol="A.f"),
        replace(CHUNK, signature="def f(x):"),
        replace(CHUNK, content="def f():\n    return 2"),
    ]
    ids = [point_ids([each])[0] for each in [CHUNK, *others]]
    assert len(set(ids)) == len(ids)


def test_equal_chunks_of_a_file_differ_by_order() -> None:
    first, second = point_ids([CHUNK, replace(CHUNK, start_line=30, end_line=32)])
    assert first != second
    assert first == point_ids([CHUNK])[0]


def test_vector_key_ignores_the_place() -> None:
    assert vector_key(replace(CHUNK, path="lib/z.py", start_line=1, end_line=3)) == vector_key(CHUNK)
    assert len(vector_key(CHUNK)) == 16


def test_vector_key_follows_what_is_embedded() -> None:
    keys = {
        vector_key(each)
        for each in (
            CHUNK,
            replace(CHUNK, symbol="A.f"),
            replace(CHUNK, signature="x"),
            replace(CHUNK, content="y"),
        )
    }
    assert len(keys) == 4


@given(st.lists(st.sampled_from(["a", "b", "ab", ""]), min_size=2, max_size=2))
def test_neighbouring_parts_do_not_run_together(parts: list[str]) -> None:
    plain = replace(CHUNK, symbol=parts[0], signature=parts[1])
    shifted = replace(CHUNK, symbol=parts[0] + parts[1], signature="")
    assert (vector_key(plain) == vector_key(shifted)) == (plain == shifted)
