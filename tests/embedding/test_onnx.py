from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.tiny_graph import table, write_lookup

from coderank.embedding.onnx import CPU, GPU, WIDE, OnnxEmbedder, available_cores, providers_for
from coderank.embedding.session import OPTIMISE_AT_DOCUMENT, OPTIMISE_AT_QUERY, Sessions
from coderank.embedding.tokenizer import encode, load_tokenizer
from coderank.errors import ModelError, ModelUnavailableError
from coderank.models.bundled import bundled_weights
from coderank.models.catalogue import get

if TYPE_CHECKING:
    from pathlib import Path

    from coderank.embedding.contract import Embedder
    from coderank.models.catalogue import Pooling
    from coderank.types import Vector

MINILM = get("all-minilm-l6-v2")
TINY = replace(MINILM, name="tiny", dimension=3, query_prefix="find: ", max_tokens=8)
TEXT = "read the configuration file"
TEXTS = ["def read(path):\n    return open(path).read()", "", "x", "word " * 300, "größe 处理 🚀", TEXT]


@pytest.fixture(scope="module")
def minilm() -> OnnxEmbedder:
    return OnnxEmbedder(MINILM, bundled_weights(MINILM))


def token_ids(text: str) -> list[int]:
    return encode(load_tokenizer(TINY.max_tokens), [text], TINY.max_tokens)[0]


def unit(vector: Vector) -> Vector:
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def test_it_is_an_embedder(minilm: OnnxEmbedder) -> None:
    embedder: Embedder = minilm
    assert (embedder.name, embedder.dimension) == ("all-minilm-l6-v2", 384)


def test_vectors_are_unit_float32_in_input_order(minilm: OnnxEmbedder) -> None:
    vectors = minilm.embed_documents(TEXTS)
    assert vectors.shape == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-6)
    for text, vector in zip(TEXTS, vectors, strict=True):
        assert np.abs(minilm.embed_documents([text])[0] - vector).max() < 1e-5


def test_no_documents_have_no_vectors(minilm: OnnxEmbedder) -> None:
    assert minilm.embed_documents([]).shape == (0, 384)


def test_meaning_orders_documents(minilm: OnnxEmbedder) -> None:
    documents = ["def close_socket(sock): sock.shutdown()", "def parse_json(text): return json.loads(text)"]
    scores = minilm.embed_documents(documents) @ minilm.embed_query("decode JSON")
    assert scores[1] > scores[0] + 0.2


def test_the_first_session_and_the_optimised_one_agree() -> None:
    embedder = OnnxEmbedder(MINILM, bundled_weights(MINILM))
    first, *_, last = [embedder.embed_query(TEXT) for _ in range(OPTIMISE_AT_QUERY + 1)]
    assert first @ last > 0.999  # activations are rounded to 8 bits, so that a last digit can become a step


def test_threads_share_an_embedder() -> None:
    embedder = OnnxEmbedder(MINILM, bundled_weights(MINILM), threads=1, ready=True)
    alone = embedder.embed_query(TEXT)
    with ThreadPoolExecutor(4) as threads:
        vectors = list(threads.map(lambda _: embedder.embed_query(TEXT), range(8)))
        documents = list(threads.map(embedder.embed_documents, [[TEXT] * 3] * 4))
    assert all(np.abs(vector - alone).max() < 1e-5 for vector in vectors)
    assert all(np.abs(matrix - alone).max() < 1e-5 for matrix in documents)


@pytest.mark.parametrize(("dimension", "expected"), [(3, 2), (WIDE, 1)])
def test_a_wide_model_has_one_batch_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dimension: int, expected: int
) -> None:
    at_once: list[int] = []

    class Counted(ThreadPoolExecutor):
        def __init__(self, workers: int) -> None:
            at_once.append(workers)
            super().__init__(workers)

    monkeypatch.setattr("coderank.embedding.onnx.ThreadPoolExecutor", Counted)
    path = write_lookup(tmp_path / "model.onnx", table(dimension))
    embedder = OnnxEmbedder(replace(TINY, dimension=dimension), path, threads=2)
    assert embedder.embed_documents(TEXTS).shape == (len(TEXTS), dimension)
    assert at_once == [expected]


def test_the_optimised_session_is_opened_once_and_only_when_it_pays() -> None:
    opened: list[bool] = []

    def open_session(optimised: bool) -> int:
        opened.append(optimised)
        return len(opened)

    sessions = Sessions(open_session)
    given = [sessions.for_query() for _ in range(OPTIMISE_AT_QUERY + 2)]
    assert given == [1] * (OPTIMISE_AT_QUERY - 1) + [2] * 3
    assert sessions.for_documents(1000) == 2
    assert opened == [False, True]


@pytest.mark.parametrize("counts", [[OPTIMISE_AT_DOCUMENT], [OPTIMISE_AT_DOCUMENT - 1, 1]])
def test_many_documents_open_it_in_one_call_or_in_several(counts: list[int]) -> None:
    sessions = Sessions(lambda optimised: optimised)
    assert [sessions.for_documents(count) for count in counts][-1] is True


def test_there_is_a_core_to_use() -> None:
    assert available_cores() >= 1


@pytest.mark.parametrize("pooling", ["mean", "cls", "last"])
def test_pooling(tmp_path: Path, pooling: Pooling) -> None:
    rows = table()
    embedder = OnnxEmbedder(replace(TINY, pooling=pooling), write_lookup(tmp_path / "tiny.onnx", rows))
    hidden = rows[token_ids(TEXT)]
    expected = {"mean": hidden.mean(axis=0), "cls": hidden[0], "last": hidden[-1]}[pooling]
    padded = embedder.embed_documents(["a much longer text beside it for padding", TEXT])[1]
    assert padded == pytest.approx(unit(expected), abs=1e-6)


def test_only_queries_get_the_prefix(tmp_path: Path) -> None:
    embedder = OnnxEmbedder(TINY, write_lookup(tmp_path / "tiny.onnx", table()))
    query, plain = embedder.embed_query("cache"), embedder.embed_documents(["cache"])[0]
    assert query == pytest.approx(embedder.embed_documents(["find: cache"])[0], abs=1e-6)
    assert np.abs(query - plain).max() > 0.01


def test_text_is_cut_at_max_tokens(tmp_path: Path) -> None:
    embedder = OnnxEmbedder(TINY, write_lookup(tmp_path / "tiny.onnx", table()))
    vectors = embedder.embed_documents(["a b c d e f", "a b c d e f and what nobody reads"])
    assert np.array_equal(vectors[0], vectors[1])


@pytest.mark.parametrize("inputs", [["input_ids"], ["input_ids", "attention_mask", "token_type_ids"]])
def test_only_inputs_of_the_graph_are_fed(tmp_path: Path, inputs: list[str]) -> None:
    embedder = OnnxEmbedder(TINY, write_lookup(tmp_path / "tiny.onnx", table(), inputs))
    assert embedder.embed_query("cache").shape == (3,)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_a_vector_without_direction_is_an_error(tmp_path: Path, value: float) -> None:
    embedder = OnnxEmbedder(TINY, write_lookup(tmp_path / "tiny.onnx", np.full_like(table(), value)))
    with pytest.raises(ModelError, match="tiny produced a vector that is zero or not finite"):
        embedder.embed_documents(["text"])


def test_weights_of_another_dimension_are_refused(tmp_path: Path) -> None:
    embedder = OnnxEmbedder(TINY, write_lookup(tmp_path / "tiny.onnx", table(dimension=5)))
    with pytest.raises(ModelError, match="vectors of 5 numbers instead of 3"):
        embedder.embed_query("text")


def test_output_that_is_no_vector_for_each_token_or_text_is_refused(tmp_path: Path) -> None:
    deep = np.zeros((50, 3, 2), dtype=np.float32)
    embedder = OnnxEmbedder(TINY, write_lookup(tmp_path / "tiny.onnx", np.resize(deep, (30_522, 3, 2))))
    with pytest.raises(ModelError, match="not one vector for each token or text"):
        embedder.embed_query("text")


def test_a_graph_that_pools_by_itself_is_taken_at_its_word(tmp_path: Path) -> None:
    """Its output is (texts, numbers): here one number for each of the tokens, of which the first text has three."""
    rows = np.abs(table()[:, 0]) + 1
    embedder = OnnxEmbedder(TINY, write_lookup(tmp_path / "tiny.onnx", rows.copy()))
    assert embedder.embed_documents(["cache"])[0] == pytest.approx(unit(rows[token_ids("cache")]), abs=1e-6)
    with pytest.raises(ModelError, match="vectors of 4 numbers instead of 3"):
        embedder.embed_documents(["two words"])


def test_failure_inside_the_graph_is_translated(tmp_path: Path) -> None:
    embedder = OnnxEmbedder(TINY, write_lookup(tmp_path / "tiny.onnx", table()[:50]))
    with pytest.raises(ModelError, match="failed on their input"):
        embedder.embed_documents(["text"] * 10)


def test_graph_with_other_inputs_is_refused(tmp_path: Path) -> None:
    embedder = OnnxEmbedder(TINY, write_lookup(tmp_path / "tiny.onnx", table(), ["pixels"]))
    with pytest.raises(ModelUnavailableError, match="want the inputs pixels"):
        embedder.embed_query("text")


@pytest.mark.parametrize("content", [None, b"", b"not a graph"])
def test_missing_or_damaged_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "model.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelUnavailableError, match=r"cannot load the weights .*model\.onnx"):
        OnnxEmbedder(TINY, path).embed_query("text")


def test_a_file_that_is_fast_already_is_opened_once() -> None:
    opened: list[bool] = []

    def open_session(optimised: bool) -> int:
        opened.append(optimised)
        return len(opened)

    sessions = Sessions(open_session, ready=True)
    for _ in range(OPTIMISE_AT_QUERY + 1):
        sessions.for_query()
    sessions.for_documents(OPTIMISE_AT_DOCUMENT)
    assert opened == [False]


def test_a_gpu_goes_first_where_the_runtime_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    assert providers_for("auto") == tuple(n for n in (GPU, *CPU) if n in onnxruntime.get_available_providers())
    names = ["AzureExecutionProvider", "CPUExecutionProvider", "CUDAExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: names)
    assert providers_for("auto") == providers_for("cuda:0") == (GPU, *CPU)
    assert providers_for("cpu") == CPU
