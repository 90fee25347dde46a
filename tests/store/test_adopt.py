"""Collections of other programs are found out, searched, and left as they are."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qdrant_client import models
from tests.store.foreign_collections import COSINE, MAKERS, PATHS, TEXTS
from tests.store.store_samples import DIMENSION, sparse, unit

from coderank.corpus.languages import detect as language
from coderank.errors import ConfigurationError, IndexIncompatibleError, StoreError
from coderank.store.adopt import PRESETS, Fields, chunk_of, detect, fields_for
from coderank.store.contract import Counts, StoreQuery
from coderank.store.server import ServerStore
from coderank.store.server_adoption import adopted, is_own
from coderank.store.server_points import open_server_points
from coderank.types import Chunk, Filters

if TYPE_CHECKING:
    from tests.store.servers import Servers

    from coderank.store.server_connection import Connection


def language_of(path: str) -> str:
    return language(path).name


@pytest.fixture
def connection(servers: Servers) -> Connection:
    return servers.connection()


def opened(connection: Connection, name: str, **how: Any) -> ServerStore:
    layout = adopted(connection, name, DIMENSION, language_of=language_of, **how)
    return ServerStore(connection, name, DIMENSION, layout=layout)


def made(connection: Connection, servers: Servers, program: str) -> str:
    name = servers.collection()
    connection.call(lambda client: MAKERS[program](client, name))
    return name


@pytest.mark.parametrize("program", MAKERS)
def test_a_collection_of_each_program_is_found_out_and_searched(
    connection: Connection, servers: Servers, program: str
) -> None:
    name = made(connection, servers, program)
    store = opened(connection, name)
    for number, text in enumerate(TEXTS):
        both = StoreQuery(unit(number), sparse(t1=1.0), 10, lexical_weight=0.1, defines=("login",), definitions=5)
        first, *others = store.query(both)
        assert first.chunk.content == text
        assert first.score == pytest.approx(1.0, abs=1e-3)
        assert [hit.score for hit in others] == sorted((hit.score for hit in others), reverse=True)
        if not (program == "mcp-server-qdrant" and number == 2):
            assert first.chunk.path == PATHS[number]
    assert len(store.query(StoreQuery(unit(1), None, 10))) == 3
    assert store.counts().points == 3 + (program == "roo-code")
    assert not is_own(connection, name)


@pytest.mark.parametrize(
    ("program", "lines"),
    [
        ("mcp-server-qdrant", [(1, 1), (1, 2), (1, 3)]),
        ("langchain", [(3, 4)] * 3),
        ("llama-index", [(1, 1), (1, 2), (1, 3)]),
        ("roo-code", [(1, 2), (11, 12), (21, 22)]),
        ("claude-context", [(1, 2), (11, 12), (21, 22)]),
    ],
)
def test_lines_and_languages_are_those_of_the_owner_or_of_the_text(
    connection: Connection, servers: Servers, program: str, lines: list[tuple[int, int]]
) -> None:
    store = opened(connection, made(connection, servers, program))
    found = {hit.chunk.content: hit.chunk for hit in store.query(StoreQuery(unit(1), None, 10))}
    assert [(found[text].start_line, found[text].end_line) for text in TEXTS] == lines
    expected = ["python", "go", "text" if program == "mcp-server-qdrant" else "markdown"]
    assert [found[text].language for text in TEXTS] == expected


def test_what_has_no_path_is_named_by_its_id(connection: Connection, servers: Servers) -> None:
    store = opened(connection, made(connection, servers, "mcp-server-qdrant"))
    (hit,) = store.query(StoreQuery(unit(2), None, 1))
    assert hit.chunk.path == hit.id == "00000000-0000-0000-0000-000000000003"


def test_nothing_is_written_to_a_collection_of_others(connection: Connection, servers: Servers) -> None:
    name = made(connection, servers, "roo-code")
    before = list(open_server_points(connection, name).pages(vectors=False))
    store = opened(connection, name)
    id_ = str(before[0][0].id)
    with pytest.raises(StoreError, match="belongs to another program"):
        store.delete_paths([PATHS[0]])
    with pytest.raises(StoreError, match="belongs to another program"):
        store.set_dense([id_], unit(1)[None])
    with pytest.raises(StoreError, match="belongs to another program"):
        store.move({id_: Chunk("a", 1, 1, "text", "x")})
    with pytest.raises(StoreError, match="not made by coderank"):
        store.erase()
    assert list(open_server_points(connection, name).pages(vectors=False)) == before


def test_filters_work_where_the_payload_has_the_field(connection: Connection, servers: Servers) -> None:
    store = opened(connection, made(connection, servers, "roo-code"))
    hits = store.query(StoreQuery(unit(1), None, 10, filters=Filters(paths=(PATHS[1], PATHS[2]))))
    assert {hit.chunk.path for hit in hits} == {PATHS[1], PATHS[2]}
    assert [chunk.path for chunk in store.chunks_of([PATHS[0]]).values()] == [PATHS[0]]
    with pytest.raises(StoreError, match="no field for the language"):
        store.query(StoreQuery(unit(1), None, 10, filters=Filters(languages=("python",))))


def test_a_search_by_words_alone_is_refused(connection: Connection, servers: Servers) -> None:
    store = opened(connection, made(connection, servers, "langchain"))
    with pytest.raises(StoreError, match="no terms to search by"):
        store.query(StoreQuery(None, sparse(t1=1.0), 10))


def test_a_mapping_finds_the_text_of_any_payload(connection: Connection, servers: Servers) -> None:
    name = servers.collection()
    payload = {"body": {"code": "x = 1\n"}, "where": {"file": "a\\b.py", "line": 7}}
    point = models.PointStruct(id=5, vector=unit(1).tolist(), payload=payload)
    connection.call(lambda client: client.create_collection(name, COSINE))
    connection.call(lambda client: client.upsert(name, [point]))
    with pytest.raises(StoreError, match=r"Its fields: body.code, where.file, where.line") as caught:
        opened(connection, name)
    assert '{"text": "payload.document"}' in caught.value.remedy
    fields = Fields(("payload.body.code",), ("payload.where.file",), ("where.line",))
    (hit,) = opened(connection, name, fields=fields).query(StoreQuery(unit(1), None, 5))
    assert hit.chunk == Chunk("a/b.py", 7, 7, "python", "x = 1\n")
    with pytest.raises(StoreError, match=r"has no text in body\.kode. Its fields: body.code"):
        opened(connection, name, fields=Fields(("body.kode",)))
    with pytest.raises(ConfigurationError, match="no preset 'langchian'"):
        opened(connection, name, fields="langchian")


def test_the_vector_is_the_one_that_fits_or_that_is_named(connection: Connection, servers: Servers) -> None:
    name = servers.collection()
    small = models.VectorParams(size=8, distance=models.Distance.COSINE)
    connection.call(lambda client: client.create_collection(name, {"a": COSINE, "b": small, "c": small}))
    payload = {"page_content": "x", "metadata": {}}
    vectors: dict[str, Any] = {"a": unit(1).tolist(), "b": unit(1, 8).tolist(), "c": unit(2, 8).tolist()}
    connection.call(lambda client: client.upsert(name, [models.PointStruct(id=1, vector=vectors, payload=payload)]))
    find = partial(adopted, connection, name, language_of=language_of)
    assert find(DIMENSION).dense == "a"
    assert find(8, vector="c").dense == "c"
    for asked, said in (((8, None), "2 vectors of 8"), ((5, None), "no vectors of 5"), ((8, "d"), "no vector 'd'")):
        with pytest.raises(IndexIncompatibleError, match=said):
            find(asked[0], vector=asked[1])
    with pytest.raises(IndexIncompatibleError, match="16 numbers, those of the model 8"):
        ServerStore(connection, name, 8, layout=find(8, vector="a")).counts()


@pytest.mark.parametrize("distance", [models.Distance.EUCLID, models.Distance.MANHATTAN, models.Distance.DOT])
def test_the_nearest_comes_first_whatever_the_distance(
    connection: Connection, servers: Servers, distance: models.Distance
) -> None:
    name = servers.collection()
    params = models.VectorParams(size=DIMENSION, distance=distance)
    connection.call(lambda client: client.create_collection(name, params))
    points = [
        models.PointStruct(id=number, vector=unit(number).tolist(), payload={"page_content": f"{number}"})
        for number in range(1, 60)
    ]
    connection.call(lambda client: client.upsert(name, points))
    hits = opened(connection, name).query(StoreQuery(unit(7), None, 5))
    assert hits[0].chunk.content == "7"
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    nearest = np.argsort([-float(unit(7) @ unit(number)) for number in range(1, 60)])[:5] + 1
    if distance is not models.Distance.MANHATTAN:
        assert [int(hit.chunk.content) for hit in hits] == nearest.tolist()


def test_a_collection_that_is_not_there_or_empty_is_named(connection: Connection, servers: Servers) -> None:
    name = servers.collection()
    with pytest.raises(StoreError, match=f"no collection {name}"):
        opened(connection, name)
    connection.call(lambda client: client.create_collection(name, COSINE))
    with pytest.raises(StoreError, match="none: it has no points"):
        opened(connection, name)
    assert opened(connection, name, fields="langchain").counts() == Counts(0, 0)


def test_presets_are_told_apart() -> None:
    samples = {name: dict.fromkeys(preset.has, "x") for name, preset in PRESETS.items()}
    assert {name: detect([sample]) for name, sample in samples.items()} == {name: name for name in PRESETS}
    assert detect([]) is None
    assert detect([{"document": "x", "metadata": None}, {"type": "metadata"}]) == "mcp-server-qdrant"
    assert detect([{"document": "x", "metadata": None}, {"type": 1}, {"type": 2}]) is None


def test_payloads_of_any_shape_are_read_without_a_failure() -> None:
    fields = fields_for([], "llama-index", "x")
    odd: list[Any] = [None, {}, {"_node_content": "not json"}, {"_node_content": "[1]"}, {"_node_content": {"text": 5}}]
    assert [chunk_of(payload, "id", fields, language_of) for payload in odd] == [None] * 5
    nested = {"_node_content": '{"text": "", "text_resource": {"text": "y\\n\\n"}}'}
    assert chunk_of(nested, "7", fields, language_of) == Chunk("7", 1, 1, "text", "y\n\n")
