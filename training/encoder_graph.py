"""A BERT encoder, and a cross-encoder, as the graph that ONNX Runtime runs fastest on a CPU, written from its tensors.

What an exporter writes keeps the framework's many small steps, and 8-bit weights that the runtime turns back into 32
bits when it opens the file: 42 MB to read for every query. Here a layer is ten operators, the weights stay 8 bits wide
while they are multiplied (``MatMulNBits``), and the file is what the runtime would make of it: it opens in 17 ms
instead of 140. Measured on one core of an EPYC with AVX-512 VNNI: a query of 14 tokens 3.1 ms instead of 5.4, 256
tokens of documents 44 ms instead of 66.

A cross-encoder is the same with token types, and a linear head on the first token. Of the last layer nobody reads the
other tokens, so that only their keys and values are computed: a sixth of the work of six layers is saved.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Tensors = Mapping[str, NDArray[np.float32]]

BLOCK = 64
"""Weights of a row that share a scale. Golden texts, mean cosine to the original: 0.9994 with 32, 0.9991 with 64 (as
with 8-bit weights and 32-bit activations), 0.9985 with 128. A query takes 3.5, 3.2 and 3.0 ms."""
INT8_ACTIVATIONS = 4
"""The operator's ``accuracy_level``: activations are rounded to 8 bits, each block of each token by its own scale."""
OPSET = 23
"""The first with ``Attention`` as one operator: a third faster than its parts."""
IR_VERSION = 10
"""The newest that ONNX Runtime 1.23 reads."""
MASKED = -10_000.0
"""Added to the attention on padding: it vanishes in the softmax, and no row becomes a division by zero."""
OUTPUT = "last_hidden_state"
LOGITS = "logits"
HEAD = "classifier"
"""Its tensors: ``classifier.weight``, shape (1, hidden), and ``classifier.bias``, shape (1,)."""
_RUNTIME = "com.microsoft"


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of an encoder."""

    hidden: int
    heads: int
    layers: int
    epsilon: float = 1e-12


@dataclass(slots=True)
class _Graph:
    """Collects the nodes and constants of a graph; every method returns the name of what it computes."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def constant(self, name: str, value: NDArray[Any]) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, operator: str, inputs: Sequence[str], output: str, domain: str = "", **attributes: Any) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, domain=domain, **attributes))
        return output

    def split(self, whole: str, sizes: str, outputs: Sequence[str]) -> Sequence[str]:
        self.nodes.append(helper.make_node("Split", [whole, sizes], outputs, name=outputs[0], axis=2))
        return outputs

    def multiply(self, rows: str, weights: NDArray[np.float32], output: str) -> str:
        """Multiply rows, shape (batch, tokens, in), with weights of shape (out, in)."""
        packed, scales = quantised(weights)
        inputs = [rows, self.constant(f"{output}.weights", packed), self.constant(f"{output}.scales", scales)]
        n, k = weights.shape
        sizes = {"N": n, "K": k, "bits": 8, "block_size": BLOCK, "accuracy_level": INT8_ACTIVATIONS}
        return self.node("MatMulNBits", inputs, output, _RUNTIME, **sizes)

    def add(self, rows: str, bias: NDArray[np.float32], output: str) -> str:
        return self.node("Add", [rows, self.constant(f"{output}.bias", bias)], output)


def quantised(weights: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Round weights, shape (out, in), to 8 bits around 128: (out, blocks, BLOCK), and a scale a block."""
    out, width = weights.shape
    blocks = weights.reshape(out, width // BLOCK, BLOCK)
    scales = np.abs(blocks).max(axis=2) / 127
    scales[scales == 0] = 1
    packed = np.rint(blocks / scales[:, :, None]).astype(np.int16) + 128
    return packed.astype(np.uint8), scales.astype(np.float32).ravel()


def encoder(tensors: Tensors, shape: Shape) -> onnx.ModelProto:
    """Build the model: token ids and attention mask, shape (batch, tokens), to hidden states (batch, tokens, hidden).

    ``tensors`` are named as in the hub's BERT checkpoints. Every text is of token type 0.
    """
    graph = _Graph()
    graph.constant("three", np.full(3, shape.hidden, np.int64))
    type_of_all = tensors["embeddings.token_type_embeddings.weight"][0]
    _embedded(graph, tensors, tensors["embeddings.position_embeddings.weight"] + type_of_all)
    rows, bias = _normalised(graph, "embedded", tensors, "embeddings.LayerNorm", shape), _attention_bias(graph)
    for number in range(shape.layers):
        rows = _layer(graph, tensors, shape, number, rows, bias)
    # Renamed at the end: the last layer need not know that it is.
    graph.node("Identity", [rows], OUTPUT)
    return _model(graph, "encoder", ("input_ids", "attention_mask"), OUTPUT, ("batch", "tokens", shape.hidden))


def cross_encoder(tensors: Tensors, shape: Shape) -> onnx.ModelProto:
    """Build the model: token ids, attention mask and token types, shape (batch, tokens), to logits (batch, 1).

    ``tensors`` are those of the encoder and of the head on the first token's hidden state, which no pooler precedes.
    """
    graph = _Graph()
    graph.constant("two", np.full(2, shape.hidden, np.int64))
    graph.constant("three", np.full(3, shape.hidden, np.int64))
    _embedded(graph, tensors, tensors["embeddings.position_embeddings.weight"])
    graph.constant("types", tensors["embeddings.token_type_embeddings.weight"])
    graph.node("Gather", ["types", "token_type_ids"], "type")
    graph.node("Add", ["embedded", "type"], "typed")
    rows, bias = _normalised(graph, "typed", tensors, "embeddings.LayerNorm", shape), _attention_bias(graph)
    for number in range(shape.layers - 1):
        rows = _layer(graph, tensors, shape, number, rows, bias)
    first = _layer_of_first(graph, tensors, shape, shape.layers - 1, rows)
    graph.node("Squeeze", [first, "single"], "first")
    weights = graph.constant(f"{HEAD}.weights", tensors[f"{HEAD}.weight"])
    graph.node("Gemm", ["first", weights, graph.constant(f"{HEAD}.bias", tensors[f"{HEAD}.bias"])], LOGITS, transB=1)
    return _model(graph, "cross-encoder", ("input_ids", "attention_mask", "token_type_ids"), LOGITS, ("batch", 1))


def _model(
    graph: _Graph, name: str, inputs: Sequence[str], output: str, output_shape: Sequence[str | int]
) -> onnx.ModelProto:
    made = helper.make_graph(
        graph.nodes,
        name,
        [helper.make_tensor_value_info(each, TensorProto.INT64, ("batch", "tokens")) for each in inputs],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, output_shape)],
        graph.constants,
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(_RUNTIME, 1)]
    return helper.make_model(made, opset_imports=opsets, ir_version=IR_VERSION, producer_name="coderank")


def _embedded(graph: _Graph, tensors: Tensors, places: NDArray[np.float32]) -> None:
    """Sum what a token and its place say, as ``embedded``. The table has 8 bits a number and a scale a row."""
    table = tensors["embeddings.word_embeddings.weight"]
    scales = np.abs(table).max(axis=1, keepdims=True) / 127
    scales[scales == 0] = 1
    graph.constant("table", np.rint(table / scales).astype(np.int8))
    graph.constant("table.scales", scales.astype(np.float32))
    graph.constant("places", places)
    graph.constant("zero", np.array([0], np.int64))
    graph.node("Gather", ["table", "input_ids"], "words.int8")
    graph.node("Cast", ["words.int8"], "words.unscaled", to=TensorProto.FLOAT)
    graph.node("Gather", ["table.scales", "input_ids"], "words.scales")
    graph.node("Mul", ["words.unscaled", "words.scales"], "words")
    graph.node("Shape", ["input_ids"], "length", start=1, end=2)
    graph.node("Slice", ["places", "zero", "length"], "place")
    graph.node("Add", ["words", "place"], "embedded")


def _attention_bias(graph: _Graph) -> str:
    """Turn the mask into what is added to the attention of every token, shape (batch, 1, tokens, tokens)."""
    graph.constant("full", np.array(1, np.float32))
    graph.constant("masked", np.array(MASKED, np.float32))
    graph.constant("middle", np.array([1, 2], np.int64))
    graph.constant("single", np.array([1], np.int64))
    graph.node("Cast", ["attention_mask"], "present", to=TensorProto.FLOAT)
    graph.node("Sub", ["full", "present"], "absent")
    graph.node("Mul", ["absent", "masked"], "bias.row")
    graph.node("Unsqueeze", ["bias.row", "middle"], "bias.rows")
    graph.node("Shape", ["input_ids"], "texts", start=0, end=1)
    graph.node("Concat", ["texts", "single", "length", "length"], "bias.shape", axis=0)
    return graph.node("Expand", ["bias.rows", "bias.shape"], "bias")


def _layer(graph: _Graph, tensors: Tensors, shape: Shape, number: int, rows: str, bias: str) -> str:
    name = f"layer{number}"
    projected = _projected(graph, tensors, number, ("query", "key", "value"), rows, f"{name}.qkv")
    asked = graph.split(projected, "three", [f"{name}.{part}" for part in ("query", "key", "value")])
    mixed = _attended(graph, shape, number, [*asked, bias])
    return _fed(graph, tensors, shape, number, rows, mixed)


def _layer_of_first(graph: _Graph, tensors: Tensors, shape: Shape, number: int, rows: str) -> str:
    """Compute what a layer makes of the first token, shape (batch, 1, hidden), from the rows of all."""
    name = f"layer{number}"
    first = graph.node("Slice", [rows, "zero", "single", "single"], f"{name}.first")
    query = _projected(graph, tensors, number, ("query",), first, f"{name}.query")
    projected = _projected(graph, tensors, number, ("key", "value"), rows, f"{name}.kv")
    asked = graph.split(projected, "two", [f"{name}.{part}" for part in ("key", "value")])
    mixed = _attended(graph, shape, number, [query, *asked, "bias.rows"])
    return _fed(graph, tensors, shape, number, first, mixed)


def _projected(graph: _Graph, tensors: Tensors, number: int, parts: Sequence[str], rows: str, output: str) -> str:
    """Multiply rows with the weights of several projections at once: theirs stand side by side in the output."""
    sources = [f"encoder.layer.{number}.attention.self.{part}" for part in parts]
    together = np.concatenate([tensors[f"{source}.weight"] for source in sources])
    biases = np.concatenate([tensors[f"{source}.bias"] for source in sources])
    return graph.add(graph.multiply(rows, together, f"{output}.product"), biases, output)


def _attended(graph: _Graph, shape: Shape, number: int, inputs: Sequence[str]) -> str:
    output = f"layer{number}.mixed"
    return graph.node("Attention", inputs, output, q_num_heads=shape.heads, kv_num_heads=shape.heads)


def _fed(graph: _Graph, tensors: Tensors, shape: Shape, number: int, rows: str, mixed: str) -> str:
    """Add what the attention found to the rows it found it for, and what the two dense layers make of the sum."""
    source, name = f"encoder.layer.{number}", f"layer{number}"
    rows = _residual(graph, tensors, shape, rows, mixed, f"{source}.attention.output")
    inner = graph.multiply(rows, tensors[f"{source}.intermediate.dense.weight"], f"{name}.inner")
    inner_bias = graph.constant(f"{name}.inner.bias", tensors[f"{source}.intermediate.dense.bias"])
    active = graph.node("BiasGelu", [inner, inner_bias], f"{name}.active", _RUNTIME)
    return _residual(graph, tensors, shape, rows, active, f"{source}.output")


def _residual(graph: _Graph, tensors: Tensors, shape: Shape, rows: str, new: str, source: str) -> str:
    """Project what is new, add it to the rows, and normalise the sum."""
    product = graph.multiply(new, tensors[f"{source}.dense.weight"], f"{source}.product")
    projected = graph.add(product, tensors[f"{source}.dense.bias"], f"{source}.projected")
    total = graph.node("Add", [projected, rows], f"{source}.sum")
    return _normalised(graph, total, tensors, f"{source}.LayerNorm", shape)


def _normalised(graph: _Graph, rows: str, tensors: Tensors, source: str, shape: Shape) -> str:
    scale = graph.constant(f"{source}.scale", tensors[f"{source}.weight"])
    bias = graph.constant(f"{source}.bias", tensors[f"{source}.bias"])
    return graph.node("LayerNormalization", [rows, scale, bias], source, axis=-1, epsilon=shape.epsilon)
