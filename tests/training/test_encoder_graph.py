"""The graphs of the bundled models against BERT's forward pass in numpy, on random weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import erf, sqrt
from pathlib import Path
from typing import cast

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import Encoding
from training.bundle import written
from training.encoder_graph import BLOCK, Shape, cross_encoder, encoder, quantised

from coderank.embedding.onnx import Session
from coderank.reranking.pair_model import GraphPairs

Array = NDArray[np.float32]
SHAPE = Shape(hidden=2 * BLOCK, heads=2, layers=2)
INNER = 4 * BLOCK
VOCABULARY, PLACES = 50, 24
SAME_DIRECTION = 0.999
"""Cosine of a token's hidden state: weights and activations are rounded to 8 bits. Measured: from 0.9999."""
SAME_ORDER = 0.99
"""Correlation of logits with those of 32 bits: a random head makes much of the rounding. Measured: 0.998."""
_gelu = np.vectorize(lambda x: 0.5 * x * (1 + erf(x / sqrt(2))), otypes=[np.float32])


def random_tensors() -> dict[str, Array]:
    random = np.random.default_rng(3)
    made: dict[str, Array] = {}

    def new(name: str, *shape: int) -> None:
        made[name] = random.normal(scale=0.2, size=shape).astype(np.float32)

    def norm(name: str) -> None:
        new(f"{name}.bias", SHAPE.hidden)
        made[f"{name}.weight"] = 1 + random.normal(scale=0.2, size=SHAPE.hidden).astype(np.float32)

    def dense(name: str, out: int, width: int) -> None:
        new(f"{name}.weight", out, width)
        new(f"{name}.bias", out)

    new("embeddings.word_embeddings.weight", VOCABULARY, SHAPE.hidden)
    new("embeddings.position_embeddings.weight", PLACES, SHAPE.hidden)
    new("embeddings.token_type_embeddings.weight", 2, SHAPE.hidden)
    norm("embeddings.LayerNorm")
    for number in range(SHAPE.layers):
        layer = f"encoder.layer.{number}"
        for part in ("query", "key", "value"):
            dense(f"{layer}.attention.self.{part}", SHAPE.hidden, SHAPE.hidden)
        dense(f"{layer}.attention.output.dense", SHAPE.hidden, SHAPE.hidden)
        norm(f"{layer}.attention.output.LayerNorm")
        dense(f"{layer}.intermediate.dense", INNER, SHAPE.hidden)
        dense(f"{layer}.output.dense", SHAPE.hidden, INNER)
        norm(f"{layer}.output.LayerNorm")
    dense("classifier", 1, SHAPE.hidden)
    return made


def reference(tensors: dict[str, Array], ids: NDArray[np.int64], types: NDArray[np.int64]) -> Array:
    """Hidden states, shape (tokens, hidden), of one text without padding (Devlin et al. 2019)."""

    def dense(rows: Array, name: str) -> Array:
        return np.asarray(rows @ tensors[f"{name}.weight"].T + tensors[f"{name}.bias"], np.float32)

    def norm(rows: Array, name: str) -> Array:
        centred = rows - rows.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + SHAPE.epsilon)
        return np.asarray(scaled * tensors[f"{name}.weight"] + tensors[f"{name}.bias"], np.float32)

    def heads(rows: Array) -> Array:
        return rows.reshape(len(ids), SHAPE.heads, -1).transpose(1, 0, 2)

    rows = tensors["embeddings.word_embeddings.weight"][ids]
    rows = rows + tensors["embeddings.position_embeddings.weight"][: len(ids)]
    rows = norm(rows + tensors["embeddings.token_type_embeddings.weight"][types], "embeddings.LayerNorm")
    for number in range(SHAPE.layers):
        layer = f"encoder.layer.{number}"
        query, key, value = (heads(dense(rows, f"{layer}.attention.self.{part}")) for part in ("query", "key", "value"))
        scores = np.exp(query @ key.transpose(0, 2, 1) / sqrt(query.shape[-1]))
        mixed = (scores / scores.sum(axis=-1, keepdims=True) @ value).transpose(1, 0, 2).reshape(rows.shape)
        rows = norm(rows + dense(mixed, f"{layer}.attention.output.dense"), f"{layer}.attention.output.LayerNorm")
        inner = _gelu(dense(rows, f"{layer}.intermediate.dense"))
        rows = norm(rows + dense(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
    return rows


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    file = tmp_path_factory.mktemp("graph") / "model.onnx"
    file.write_bytes(encoder(random_tensors(), SHAPE).SerializeToString())
    return Session(file, optimised=False, threads=1)


@pytest.mark.parametrize("tokens", [1, 2, 7, PLACES])
def test_hidden_states_are_those_of_bert(session: Session, tokens: int) -> None:
    ids = np.random.default_rng(tokens).integers(0, VOCABULARY, tokens)
    (found,) = session.run({"input_ids": ids[None], "attention_mask": np.ones_like(ids)[None]})
    wanted = reference(random_tensors(), ids, np.zeros_like(ids))
    cosines = (found * wanted).sum(axis=1) / np.linalg.norm(found, axis=1) / np.linalg.norm(wanted, axis=1)
    assert cosines.min() >= SAME_DIRECTION


def test_a_text_is_not_changed_by_its_neighbours_in_the_batch(session: Session) -> None:
    ids = np.random.default_rng(1).integers(0, VOCABULARY, (2, 9))
    mask = np.array([[1] * 4 + [0] * 5, [1] * 9])
    together = session.run({"input_ids": ids, "attention_mask": mask})
    (alone,) = session.run({"input_ids": ids[:1, :4], "attention_mask": mask[:1, :4]})
    np.testing.assert_allclose(together[0, :4], alone, atol=1e-4)


def test_optimising_the_graph_changes_nothing(session: Session, tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(encoder(random_tensors(), SHAPE).SerializeToString())
    inputs = {"input_ids": np.arange(8)[None], "attention_mask": np.ones((1, 8), np.int64)}
    optimised = Session(file, optimised=True, threads=2).run(inputs)
    np.testing.assert_allclose(session.run(inputs), optimised, atol=1e-4)


@dataclass(frozen=True)
class Pair:
    """What a scorer reads of a tokenizer's encoding."""

    ids: list[int]
    type_ids: list[int]


def pair(seed: int, query: int, passage: int) -> Pair:
    ids = np.random.default_rng(seed).integers(0, VOCABULARY, query + passage)
    return Pair(ids.tolist(), [0] * query + [1] * passage)


def logits(scorer: GraphPairs, pairs: Sequence[Pair]) -> Array:
    return scorer.logits(cast("Sequence[Encoding]", pairs), 0)


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> GraphPairs:
    file = tmp_path_factory.mktemp("pairs") / "model.onnx"
    file.write_bytes(cross_encoder(random_tensors(), SHAPE).SerializeToString())
    return GraphPairs(file, 1)


def test_logits_are_those_of_a_linear_head_on_berts_first_token(scorer: GraphPairs) -> None:
    tensors = random_tensors()
    pairs = [pair(seed, 2 + seed % 5, 1 + seed % 17) for seed in range(40)]
    first = np.stack([reference(tensors, np.array(one.ids), np.array(one.type_ids))[0] for one in pairs])
    wanted = (first @ tensors["classifier.weight"].T + tensors["classifier.bias"])[:, 0]
    found = np.concatenate([logits(scorer, [one]) for one in pairs])
    assert np.corrcoef(found, wanted)[0, 1] >= SAME_ORDER


def test_leaving_the_other_tokens_of_the_last_layer_out_changes_nothing(session: Session, scorer: GraphPairs) -> None:
    tensors = random_tensors()
    one = Pair(pair(6, 4, 13).ids, [0] * 17)
    hidden = session.run({"input_ids": np.array([one.ids]), "attention_mask": np.ones((1, 17), np.int64)})
    wanted = hidden[:, 0] @ tensors["classifier.weight"].T + tensors["classifier.bias"]
    np.testing.assert_allclose(logits(scorer, [one]), wanted[:, 0], atol=1e-3)


def test_a_pair_is_not_changed_by_its_neighbours_and_its_types_count(scorer: GraphPairs) -> None:
    short, long = pair(1, 3, 2), pair(2, 5, 15)
    np.testing.assert_allclose(logits(scorer, [short, long])[0], logits(scorer, [short])[0], atol=1e-4)
    untyped = Pair(short.ids, [0] * len(short.ids))
    assert abs(logits(scorer, [untyped]) - logits(scorer, [short]))[0] > 0.01


def test_rounding_costs_half_a_step_of_each_block() -> None:
    weights = np.random.default_rng(5).normal(size=(3, 2 * BLOCK)).astype(np.float32)
    weights[1, :BLOCK] = 0
    packed, scales = quantised(weights)
    restored = (packed.astype(np.float32) - 128) * scales.reshape(3, 2, 1)
    errors = np.abs(restored.reshape(weights.shape) - weights).reshape(3, 2, BLOCK)
    assert (errors <= scales.reshape(3, 2, 1) / 2 + 1e-7).all()
    assert not restored[1, 0].any()


@pytest.mark.parametrize("inputs", [["input_ids", "attention_mask"], ["input_ids", "attention_mask", "token_type_ids"]])
def test_the_same_weights_give_the_same_file_and_a_head_makes_a_cross_encoder(
    tmp_path: Path, inputs: list[str]
) -> None:
    tensors = random_tensors()
    if len(inputs) == 2:
        del tensors["classifier.weight"]
    save_file(tensors, tmp_path / "model.safetensors")
    config = {"hidden_size": SHAPE.hidden, "num_attention_heads": SHAPE.heads, "num_hidden_layers": SHAPE.layers}
    (tmp_path / "config.json").write_text(json.dumps(config | {"layer_norm_eps": SHAPE.epsilon}))
    first = written(tmp_path, tmp_path / "a" / "first.onnx")
    assert written(tmp_path, tmp_path / "second.onnx") == first == (tmp_path / "a" / "first.onnx").read_bytes()
    assert [each.name for each in onnx.load_from_string(first).graph.input] == inputs
