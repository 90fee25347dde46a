"""The models coderank knows, as frozen data."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from coderank.errors import ModelNotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

Kind: TypeAlias = Literal["embedder", "reranker"]
Pooling: TypeAlias = Literal["mean", "cls", "last"]
"""How a model condenses its tokens: their mean, the first one, or the last one."""
Weights: TypeAlias = Literal["bundled", "hub", "folder"]
"""Where weights come from: an installed package, a download from the Hugging Face hub, or a folder of the user's."""
Backend: TypeAlias = Literal["onnx", "torch", "endpoint", "static"]
"""What runs a model. ``static`` is a table of token vectors, which nothing has to run."""

CODE_QUERY_PREFIX = "Represent this query for searching relevant code: "
"""The instruction CodeRankEmbed was trained with; the trailing space belongs to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model: everything that differs between models, and nothing that runs."""

    name: str
    kind: Kind
    hub_id: str
    """Its repository on the Hugging Face hub; empty for a model that is in none."""
    revision: str
    """Commit of the hub repository, or of bundled weights the first 12 digits of the file's SHA-256."""
    dimension: int
    """Length of a vector; 0 for a reranker."""
    query_prefix: str
    """Put before natural-language queries, never before documents or code."""
    pooling: Pooling
    max_tokens: int
    """Tokens of a text that are read: the rest is cut."""
    max_tokens_limit: int
    """Tokens the architecture admits."""
    licence: str
    """SPDX identifier."""
    weights: Weights
    backends: tuple[Backend, ...]
    """Preferred one first."""
    lexical_weight: float
    """What one raw BM25 point is worth against cosine similarity; 0 for a reranker. Measured on all-MiniLM-L6-v2,
    coderank-mini and coderank-static (benchmarks/LOG.md): with half of it sets of functions gain half as much from
    words, with twice as much web queries fall behind the dense leg. Other models have that of the first two."""
    layers: int = 0
    """Layers of the architecture, checked when weights are found; 0 where that is not known."""
    vocabulary: int = 0
    """Rows of the token embedding, checked when weights are found; 0 where that is not known."""
    folder: str = ""
    """Where weights of the kind ``folder`` are."""
    setting: str = ""
    """What besides the weights makes its vectors others than usual: ``1024t`` where so many tokens are read."""
    cut_of: str = ""
    """The model whose weights it has, where its vectors are the first numbers of that one's, which was trained for it
    (Matryoshka: Kusupati et al. 2022)."""

    @property
    def is_static(self) -> bool:
        """Whether it is a table of token vectors, with which texts are embedded while they are read."""
        return "static" in self.backends

    @property
    def space(self) -> str:
        """Tells its vectors from those of other weights, or of other settings."""
        return "+".join(filter(None, (self.revision, self.setting)))

    @property
    def file_stem(self) -> str:
        """A short form of name and space for the names of files."""
        return "-".join(filter(None, (self.name, self.revision[:12], self.setting)))


def cut(model: Model, dimension: int) -> Model:
    """Describe the model whose vectors are the first numbers of another's, as one of its own: theirs do not mix."""
    return replace(model, name=f"{model.name}-{dimension}", dimension=dimension, cut_of=model.name)


CODERANK_MINI = Model(
    name="coderank-mini",
    kind="embedder",
    hub_id="",
    revision="6fa2e80e3bfa",
    dimension=384,
    query_prefix="",
    pooling="mean",
    max_tokens=256,
    max_tokens_limit=512,
    licence="Apache-2.0",
    weights="bundled",
    backends=("onnx",),
    lexical_weight=0.0065,
)
MODELS: tuple[Model, ...] = (
    Model(
        name="coderank-embed",
        kind="embedder",
        hub_id="nomic-ai/CodeRankEmbed",
        revision="3c4b60807d71f79b43f3c4363786d9493691f8b1",
        dimension=768,
        query_prefix=CODE_QUERY_PREFIX,
        pooling="cls",
        # 40 lines of code have 397 tokens on average, 576 at the 90th percentile.
        max_tokens=512,
        # The position cap. It was trained on texts of up to 2,048 tokens.
        max_tokens_limit=8192,
        licence="MIT",
        weights="hub",
        backends=("onnx", "torch"),
        lexical_weight=0.0065,
        layers=12,
        # 30,522 tokens, padded to a multiple of 64.
        vocabulary=30528,
    ),
    Model(
        name="nomic-embed-code",
        kind="embedder",
        hub_id="nomic-ai/nomic-embed-code",
        revision="11114029805cee545ef111d5144b623787462a52",
        dimension=3584,
        query_prefix=CODE_QUERY_PREFIX,
        pooling="last",
        max_tokens=512,
        max_tokens_limit=32768,
        licence="Apache-2.0",
        weights="hub",
        backends=("torch",),
        lexical_weight=0.0065,
    ),
    CODERANK_MINI,
    *(cut(CODERANK_MINI, dimension) for dimension in (256, 128)),
    Model(
        name="coderank-static",
        kind="embedder",
        hub_id="",
        revision="a870c56c053d",
        dimension=256,
        query_prefix="",
        pooling="mean",
        max_tokens=512,
        max_tokens_limit=512,
        licence="Apache-2.0",
        weights="bundled",
        backends=("static",),
        # Token vectors know less than a model, so that words count for more beside them.
        lexical_weight=0.012,
    ),
    Model(
        name="all-minilm-l6-v2",
        kind="embedder",
        hub_id="sentence-transformers/all-MiniLM-L6-v2",
        revision="c43d470de8a0",
        dimension=384,
        query_prefix="",
        pooling="mean",
        # The length its authors evaluate it with; it was trained on texts of 128 tokens.
        max_tokens=256,
        max_tokens_limit=512,
        licence="Apache-2.0",
        weights="bundled",
        backends=("onnx",),
        lexical_weight=0.0065,
    ),
    Model(
        name="coderank-llm",
        kind="reranker",
        hub_id="nomic-ai/CodeRankLLM",
        # No commit of this repository could be confirmed.
        revision="main",
        dimension=0,
        query_prefix="",
        pooling="last",
        max_tokens=32768,
        max_tokens_limit=32768,
        licence="MIT",
        weights="hub",
        backends=("endpoint", "torch"),
        lexical_weight=0.0,
    ),
    Model(
        name="coderank-mini-rerank",
        kind="reranker",
        hub_id="",
        revision="d6d30f67d791",
        dimension=0,
        query_prefix="",
        pooling="cls",
        # What it was trained with, query and passage together.
        max_tokens=256,
        max_tokens_limit=512,
        licence="Apache-2.0",
        weights="bundled",
        backends=("onnx",),
        lexical_weight=0.0,
    ),
    Model(
        name="ms-marco-minilm-l6-v2",
        kind="reranker",
        hub_id="cross-encoder/ms-marco-MiniLM-L6-v2",
        revision="c5ee24cb16019beea0893ab7796b1df96625c6b8",
        dimension=0,
        query_prefix="",
        pooling="cls",
        max_tokens=512,
        max_tokens_limit=512,
        licence="Apache-2.0",
        weights="hub",
        backends=("onnx", "torch"),
        lexical_weight=0.0,
    ),
)
"""Every model, the default embedder first."""


def get(name: str, models: Sequence[Model] = MODELS) -> Model:
    """Find a model by its name or its hub id, in any case; where two share one, the first is meant.

    Raises:
        ModelNotFoundError: no model has that name; the message lists the embedders, which are what one chooses by name.
    """
    by_name = {key.lower(): model for model in reversed(models) for key in (model.hub_id, model.name) if key}
    model = by_name.get(name.lower())
    if model is None:
        embedders = {key: known.name for key, known in by_name.items() if known.kind == "embedder"}
        listed = ", ".join(known.name for known in models if known.kind == "embedder")
        remedy = f"{_suggestion(name, embedders)}Known embedders: {listed}"
        raise ModelNotFoundError(f"no model is called {name!r}", remedy)
    return model


def _suggestion(name: str, names: dict[str, str]) -> str:
    closest = difflib.get_close_matches(name.lower(), names, n=1)
    return f"Did you mean {names[closest[0]]}? " if closest else ""
