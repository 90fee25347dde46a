"""Write sequence-classification models: a hand-written graph, and a small BERT with random weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tests.onnx_bytes import message, number, text, value_info, varint

INT64, FLOAT, OPSET, IR = 7, 1, 17, 8

Array = NDArray[np.float32] | NDArray[np.int64]

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghijklmnopqrstuvwxyz", *(f"##{c}" for c in "abcdefghijklmnop"))
"""A vocabulary: a word is its letters."""


class Graph:
    """An ONNX file in the making: protobuf by hand, as the package that writes it is a large dependency."""

    def __init__(self, inputs: Sequence[str] = ("input_ids", "attention_mask", "token_type_ids")) -> None:
        self._inputs = inputs
        self._nodes: list[bytes] = []
        self._weights: list[bytes] = []

    def constant(self, value: Array) -> str:
        name = f"w{len(self._weights)}"
        kind = INT64 if value.dtype == np.int64 else FLOAT
        encoded = b"".join(number(1, size) for size in value.shape) + number(2, kind)
        self._weights.append(encoded + text(8, name) + message(9, value.tobytes()))
        return name

    def add(self, operator: str, *inputs: str | Array, **attributes: int | float | Sequence[int]) -> str:
        name = f"n{len(self._nodes)}"
        sources = [source if isinstance(source, str) else self.constant(source) for source in inputs]
        node = b"".join(text(1, source) for source in sources) + text(2, name) + text(4, operator)
        self._nodes.append(node + b"".join(message(5, _attribute(*each)) for each in attributes.items()))
        return name

    def write(self, path: Path, output: str, axes: Sequence[str] = ("n", "one")) -> Path:
        graph = b"".join(message(1, node) for node in self._nodes) + text(2, "tiny")
        graph += b"".join(message(5, weight) for weight in self._weights)
        graph += b"".join(message(11, value_info(name, INT64, ["n", "t"])) for name in self._inputs)
        graph += message(12, value_info(output, FLOAT, axes))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(number(1, IR) + message(7, graph) + message(8, text(1, "") + number(2, OPSET)))
        return path


def _attribute(name: str, value: float | Sequence[int]) -> bytes:
    if isinstance(value, int):
        return text(1, name) + number(3, value % (1 << 64)) + number(20, 2)
    if isinstance(value, float):
        return text(1, name) + varint(2 << 3 | 5) + np.float32(value).tobytes() + number(20, 1)
    return text(1, name) + b"".join(number(8, entry % (1 << 64)) for entry in value) + number(20, 7)


def write_vocabulary(folder: Path) -> Path:
    """Write ``vocab.txt``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "vocab.txt"
    path.write_text("\n".join(WORDS) + "\n", "utf-8")
    return path


class Bert:
    """A BERT cross-encoder of one layer with random weights, as a graph and in numpy."""

    width, heads, inner = 16, 2, 32

    def __init__(self, seed: int = 7) -> None:
        self._random = np.random.default_rng(seed)
        self.words, self.places, self.types = (self._matrix(rows, 16) for rows in (len(WORDS), 512, 2))
        self.query, self.key, self.value, self.out = (self._matrix(16, 16) for _ in range(4))
        self.up, self.down = self._matrix(16, 32), self._matrix(32, 16)
        self.pooler, self.classifier = self._matrix(16, 16), self._matrix(16, 1)

    def _matrix(self, rows: int, columns: int) -> NDArray[np.float32]:
        return self._random.normal(scale=0.5, size=(rows, columns)).astype(np.float32)

    def score(self, ids: Sequence[int], types: Sequence[int]) -> float:
        """The reference: one pair, no padding."""
        x = self._norm(self.words[list(ids)] + self.types[list(types)] + self.places[: len(ids)])
        heads = []
        for at in range(0, 16, 8):
            query, key, value = (x @ weight[:, at : at + 8] for weight in (self.query, self.key, self.value))
            scores = np.exp(query @ key.T / np.sqrt(8))
            heads.append(scores / scores.sum(axis=1, keepdims=True) @ value)
        x = self._norm(x + np.concatenate(heads, axis=1, dtype=np.float32) @ self.out)
        x = self._norm(x + np.maximum(x @ self.up, 0) @ self.down)
        return float((np.tanh(x[0] @ self.pooler) @ self.classifier)[0])

    @staticmethod
    def _norm(x: NDArray[np.float32]) -> NDArray[np.float32]:
        centred = x - x.mean(axis=-1, keepdims=True)
        normed: NDArray[np.float32] = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
        return normed

    def write(self, path: Path) -> Path:
        """The same as a graph, with padding masked."""
        graph = Graph()
        length = graph.add("Gather", graph.add("Shape", "input_ids"), np.array(1))
        positions = graph.add("Range", np.array(0), length, np.array(1))
        x = graph.add(
            "Add", graph.add("Gather", self.words, "input_ids"), graph.add("Gather", self.types, "token_type_ids")
        )
        x = self._normed(graph, graph.add("Add", x, graph.add("Gather", self.places, positions)))
        mask = graph.add("Cast", graph.add("Unsqueeze", "attention_mask", np.array([1, 2])), to=FLOAT)
        hidden = graph.add("Mul", graph.add("Sub", np.array([1], np.float32), mask), np.array([-1e9], np.float32))
        query, key, value = (self._split(graph, x, weight) for weight in (self.query, self.key, self.value))
        scores = graph.add("MatMul", query, graph.add("Transpose", key, perm=[0, 1, 3, 2]))
        scores = graph.add("Add", graph.add("Mul", scores, np.array([8**-0.5], np.float32)), hidden)
        mixed = graph.add("MatMul", graph.add("Softmax", scores, axis=-1), value)
        joined = graph.add("Reshape", graph.add("Transpose", mixed, perm=[0, 2, 1, 3]), np.array([0, 0, 16]))
        x = self._normed(graph, graph.add("Add", x, graph.add("MatMul", joined, self.out)))
        fed = graph.add("MatMul", graph.add("Relu", graph.add("MatMul", x, self.up)), self.down)
        x = self._normed(graph, graph.add("Add", x, fed))
        first = graph.add("Gather", x, np.array(0), axis=1)
        pooled = graph.add("Tanh", graph.add("MatMul", first, self.pooler))
        return graph.write(path, graph.add("MatMul", pooled, self.classifier))

    def _split(self, graph: Graph, x: str, weight: NDArray[np.float32]) -> str:
        shaped = graph.add("Reshape", graph.add("MatMul", x, weight), np.array([0, 0, 2, 8]))
        return graph.add("Transpose", shaped, perm=[0, 2, 1, 3])

    def _normed(self, graph: Graph, x: str) -> str:
        return graph.add("LayerNormalization", x, np.ones(16, np.float32), axis=-1, epsilon=1e-12)


def write_counter(path: Path, inputs: Sequence[str] = ("input_ids",), words: Sequence[str] = WORDS) -> Path:
    """A graph whose logit is how often a pair has the letter ``z``, in a vocabulary of these words."""
    graph = Graph(inputs)
    table = np.zeros((len(words), 1), dtype=np.float32)
    table[words.index("z")] = 1
    return graph.write(path, graph.add("ReduceSum", graph.add("Gather", table, "input_ids"), np.array([1]), keepdims=0))
