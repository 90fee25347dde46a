"""The torch back end on random weights in the hub's layout, against a reference written in numpy."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.embedding.nomic_reference import hidden_states
from tests.hub_layout import CODERANK_EMBED, Shape, Tensors, write_nomic_bert, write_qwen2

from coderank.embedding.contract import Embedder
from coderank.embedding.devices import DevicePool
from coderank.embedding.tokenizer import encode, load_tokenizer
from coderank.errors import ModelError, ModelUnavailableError
from coderank.models.catalogue import Model, Pooling, get
from coderank.models.layout import inspect

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'coderank[torch]'")
pytest.importorskip("transformers", reason="transformers is not installed: pip install 'coderank[torch]'")

from coderank.embedding.torch import TorchEmbedder, TorchWeights, cuda_devices  # noqa: E402

SHAPE = Shape()
SMALL = replace(get("coderank-embed"), dimension=SHAPE.hidden, layers=SHAPE.layers)
QWEN = replace(get("nomic-embed-code"), dimension=SHAPE.hidden, layers=SHAPE.layers, max_tokens_limit=SHAPE.positions)
TEXTS = ["def read(path):\n    return open(path).read()", "", "x", "word " * 700, "größe 处理 🚀", "a b c d e f g"]
EXACT = 1e-4
"""The largest difference of a coordinate that fp32 may make."""


def weights_in(folder: Path, model: Model) -> TorchWeights:
    layout = inspect(folder, model)
    return TorchWeights(layout.folder, layout.config)


@pytest.fixture(scope="module")
def nomic(tmp_path_factory: pytest.TempPathFactory) -> tuple[TorchWeights, Tensors]:
    folder = tmp_path_factory.mktemp("nomic")
    tensors = write_nomic_bert(folder, SHAPE)
    return weights_in(folder, SMALL), tensors


@pytest.fixture(scope="module")
def qwen(tmp_path_factory: pytest.TempPathFactory) -> TorchWeights:
    folder = tmp_path_factory.mktemp("qwen")
    write_qwen2(folder, SHAPE)
    return weights_in(folder, QWEN)


def reference(tensors: Tensors, shape: Shape, texts: list[str], pooling: Pooling, max_tokens: int) -> np.ndarray:
    rows = []
    for ids in encode(load_tokenizer(max_tokens), texts, max_tokens):
        states = hidden_states(tensors, shape, ids)
        pooled = {"cls": states[0], "mean": states.mean(axis=0), "last": states[-1]}[pooling]
        rows.append(pooled / np.linalg.norm(pooled))
    return np.array(rows)


@pytest.mark.parametrize("pooling", ["cls", "mean", "last"])
def test_vectors_are_those_of_the_reference(nomic: tuple[TorchWeights, Tensors], pooling: Pooling) -> None:
    weights, tensors = nomic
    embedder: Embedder = TorchEmbedder(replace(SMALL, pooling=pooling), weights, device="cpu")
    vectors = embedder.embed_documents(TEXTS)
    assert vectors.shape == (len(TEXTS), SHAPE.hidden)
    assert vectors.dtype == np.float32
    assert np.abs(vectors - reference(tensors, SHAPE, TEXTS, pooling, SMALL.max_tokens)).max() <= EXACT


def test_a_query_has_the_prefix_and_a_document_has_not(nomic: tuple[TorchWeights, Tensors]) -> None:
    weights, tensors = nomic
    embedder = TorchEmbedder(SMALL, weights, device="cpu")
    query = embedder.embed_query("retry delay")
    prefixed = "Represent this query for searching relevant code: retry delay"
    assert np.abs(query - reference(tensors, SHAPE, [prefixed], "cls", SMALL.max_tokens)[0]).max() <= EXACT
    assert np.abs(query - embedder.embed_documents(["retry delay"])[0]).max() > 0.01


def test_text_far_beyond_512_tokens_is_read_when_asked_for(nomic: tuple[TorchWeights, Tensors]) -> None:
    """The folder's tokenizer.json still cuts and pads at 512, as exports in the wild do."""
    weights, tensors = nomic
    long = replace(SMALL, max_tokens=3000)
    text = "the retry delay of request " * 700
    vector = TorchEmbedder(long, weights, device="cpu").embed_documents([text])
    assert np.abs(vector - reference(tensors, SHAPE, [text], "cls", 3000)).max() <= EXACT


def test_a_text_has_the_same_vector_alone_and_beside_longer_ones(qwen: TorchWeights) -> None:
    embedder = TorchEmbedder(QWEN, qwen, device="cpu")
    together = embedder.embed_documents(TEXTS)
    alone = np.concatenate([embedder.embed_documents([text]) for text in TEXTS])
    assert np.abs(together - alone).max() <= EXACT


def test_last_token_pooling_reads_the_last_real_token(qwen: TorchWeights) -> None:
    module = TorchEmbedder(QWEN, qwen, device="cpu").module
    ids = encode(load_tokenizer(512), ["a b c"], 512)[0]
    with torch.inference_mode():
        last = module(input_ids=torch.tensor([ids])).last_hidden_state[0, -1].numpy()
    vector = TorchEmbedder(QWEN, qwen, device="cpu").embed_documents([TEXTS[3], "a b c"])[1]
    assert np.abs(vector - last / np.linalg.norm(last)).max() <= EXACT


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_keeps_the_direction(nomic: tuple[TorchWeights, Tensors], precision: Any) -> None:
    weights, tensors = nomic
    vectors = TorchEmbedder(SMALL, weights, device="cpu", precision=precision).embed_documents(TEXTS)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-6)
    assert (vectors * reference(tensors, SHAPE, TEXTS, "cls", SMALL.max_tokens)).sum(axis=1).min() > 0.99


def test_no_documents_load_nothing(tmp_path: Path) -> None:
    embedder = TorchEmbedder(SMALL, TorchWeights(tmp_path, {}), device="cpu")
    assert embedder.embed_documents([]).shape == (0, SHAPE.hidden)


def test_threads_share_an_embedder(nomic: tuple[TorchWeights, Tensors]) -> None:
    embedder = TorchEmbedder(SMALL, nomic[0], device="cpu")
    with ThreadPoolExecutor(4) as threads:
        vectors = list(threads.map(embedder.embed_query, ["retry"] * 8))
    assert all(np.abs(vector - vectors[0]).max() <= EXACT for vector in vectors)


class OutOfMemoryAbove:
    """Wraps a module and refuses batches of more rows, as a full GPU does."""

    def __init__(self, module: Any, rows: int) -> None:
        self.module = module
        self.rows = rows
        self.refused = 0

    def __call__(self, input_ids: Any, attention_mask: Any) -> Any:
        if len(input_ids) > self.rows:
            self.refused += 1
            raise torch.OutOfMemoryError
        return self.module(input_ids=input_ids, attention_mask=attention_mask)

    def parameters(self) -> Any:
        return self.module.parameters()


def full_gpu(nomic: tuple[TorchWeights, Tensors], monkeypatch: pytest.MonkeyPatch, rows: int) -> TorchEmbedder:
    from coderank.embedding import torch as back_end

    load = back_end.load_module
    monkeypatch.setattr(back_end, "load_module", lambda *given: OutOfMemoryAbove(load(*given), rows))
    return TorchEmbedder(SMALL, nomic[0], device="cpu")


def test_a_batch_that_does_not_fit_is_halved(
    nomic: tuple[TorchWeights, Tensors], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = TorchEmbedder(SMALL, nomic[0], device="cpu").embed_documents(TEXTS)
    assert np.abs(full_gpu(nomic, monkeypatch, 1).embed_documents(TEXTS) - whole).max() <= EXACT


def test_what_did_not_fit_is_not_tried_again(
    nomic: tuple[TorchWeights, Tensors], monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = full_gpu(nomic, monkeypatch, 2)
    module: Any = embedder.module
    alike = ["def read(path):"] * 8
    embedder.embed_documents(alike)
    assert module.refused > 0
    module.refused = 0
    embedder.embed_documents(alike)
    assert module.refused == 0


def test_a_text_that_does_not_fit_is_an_error(
    nomic: tuple[TorchWeights, Tensors], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelError, match="does not fit the memory of cpu"):
        full_gpu(nomic, monkeypatch, 0).embed_query("retry")


def test_weights_of_another_dimension_are_refused(nomic: tuple[TorchWeights, Tensors]) -> None:
    with pytest.raises(ModelError, match="vectors of 32 numbers instead of 5"):
        TorchEmbedder(replace(SMALL, dimension=5), nomic[0], device="cpu").embed_query("retry")


def test_unknown_architecture_is_refused(nomic: tuple[TorchWeights, Tensors]) -> None:
    weights = replace(nomic[0], config={**nomic[0].config, "model_type": "no_such_type"})
    with pytest.raises(ModelUnavailableError, match=r"cannot load the weights in .*no_such_type"):
        TorchEmbedder(SMALL, weights, device="cpu").embed_query("retry")


@pytest.mark.parametrize(("layers", "complaint"), [(3, "missing"), (1, "unknown")])
def test_weights_that_do_not_fill_the_architecture_are_refused(
    nomic: tuple[TorchWeights, Tensors], layers: int, complaint: str
) -> None:
    weights = replace(nomic[0], config={**nomic[0].config, "num_hidden_layers": layers})
    with pytest.raises(ModelUnavailableError, match=complaint):
        TorchEmbedder(SMALL, weights, device="cpu").embed_query("retry")


def test_a_device_that_is_not_there_is_refused(nomic: tuple[TorchWeights, Tensors]) -> None:
    missing = f"cuda:{len(cuda_devices())}"
    with pytest.raises(ModelUnavailableError, match="cannot load the weights"):
        TorchEmbedder(SMALL, nomic[0], device=missing, precision="fp32").embed_query("retry")


def test_several_devices_give_what_one_gives(nomic: tuple[TorchWeights, Tensors]) -> None:
    build = partial(TorchEmbedder, SMALL, nomic[0], precision="fp32", threads=1)
    alone = build(device="cpu")
    texts = TEXTS * 5
    with DevicePool(SMALL, build, ["cpu", "cpu"]) as pool:
        embedder: Embedder = pool
        assert (embedder.name, embedder.dimension) == (SMALL.name, SMALL.dimension)
        assert np.abs(pool.embed_documents(texts) - alone.embed_documents(texts)).max() <= EXACT
        assert np.abs(pool.embed_query("retry") - alone.embed_query("retry")).max() <= EXACT
        assert pool.embed_documents([]).shape == (0, SHAPE.hidden)


def test_an_error_of_another_process_keeps_its_remedy(tmp_path: Path) -> None:
    build = partial(TorchEmbedder, SMALL, TorchWeights(tmp_path, {"model_type": "nomic_bert"}))
    with DevicePool(SMALL, build, ["cpu"]) as pool, pytest.raises(ModelUnavailableError) as caught:
        pool.embed_query("retry")
    assert caught.value.remedy


def test_a_dead_process_is_an_error_and_no_hang() -> None:
    with DevicePool(SMALL, die, ["cpu"]) as pool, pytest.raises(ModelError, match="died"):
        pool.embed_query("retry")


def die(*, device: str) -> Embedder:
    import os

    os._exit(1)


def test_errors_survive_the_way_between_processes() -> None:
    error = pickle.loads(pickle.dumps(ModelUnavailableError("no weights", "pull them")))
    assert (error.message, error.remedy) == ("no weights", "pull them")


@pytest.mark.slow
def test_the_exact_shape_of_coderank_embed(tmp_path: Path) -> None:
    """12 layers of 768: the whole way from the hub's files to vectors, with the catalogue's own description."""
    model = get("coderank-embed")
    tensors = write_nomic_bert(tmp_path, CODERANK_EMBED)
    layout = inspect(tmp_path, model)
    assert layout.notes == ()
    assert (tmp_path / "modules.json").stat().st_size == 229
    vectors = TorchEmbedder(model, TorchWeights(layout.folder, layout.config), device="cpu").embed_documents(TEXTS)
    assert np.abs(vectors - reference(tensors, CODERANK_EMBED, TEXTS, "cls", model.max_tokens)).max() <= EXACT
