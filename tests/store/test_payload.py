from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.store.store_samples import chunk

from coderank.errors import IndexCorruptError
from coderank.store.payload import FILTERED_FIELDS, from_payload, path_of, to_payload
from coderank.types import Chunk

chunks = st.builds(
    Chunk,
    path=st.text(),
    start_line=st.integers(1),
    end_line=st.integers(1),
    language=st.text(),
    content=st.text(),
    symbol=st.text(),
    signature=st.text(),
    defines=st.lists(st.text()).map(tuple),
)


@given(chunks)
def test_a_chunk_survives_the_round_trip(original: Chunk) -> None:
    payload = to_payload(original)
    assert from_payload(payload) == original
    assert from_payload(json.loads(json.dumps(payload))) == original
    assert path_of(payload) == original.path


@given(chunks)
def test_every_field_is_stored(original: Chunk) -> None:
    assert {*Chunk.__dataclass_fields__} <= {*to_payload(original)}
    assert {*FILTERED_FIELDS} <= {*to_payload(original)}


def test_defined_names_are_filtered_in_lower_case() -> None:
    payload = to_payload(chunk(defines=("HTTPServer", "run")))
    assert payload["defines"] == ["httpserver", "run"]
    assert from_payload(payload).defines == ("HTTPServer", "run")


@pytest.mark.parametrize("payload", [None, {}, {"path": "a", "start_line": 1}])
def test_a_foreign_payload_is_named(payload: dict[str, object] | None) -> None:
    with pytest.raises(IndexCorruptError, match="has no field"):
        from_payload(payload)


def test_a_missing_path_is_named() -> None:
    with pytest.raises(IndexCorruptError, match="'path'"):
        path_of({"language": "python"})
