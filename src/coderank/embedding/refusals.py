"""Embed many texts although the model refuses some: by halving, down to those at fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from coderank.errors import ModelError, ModelNotFoundError, ModelUnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coderank.embedding.contract import Embedder
    from coderank.types import Matrix, Vector


def embed_accepted(embedder: Embedder, texts: Sequence[str]) -> tuple[dict[int, Vector], dict[int, str]]:
    """Embed documents; return the vectors by position, and for the texts that the model refused why.

    Raises ModelUnavailableError and ModelNotFoundError: then no text is at fault.
    """
    if not texts:
        return {}, {}
    try:
        vectors = _finite(embedder, texts)
    except (ModelUnavailableError, ModelNotFoundError):
        raise
    except (ModelError, ValueError, RuntimeError) as error:
        if len(texts) == 1:
            return {}, {0: str(error)}
    else:
        return dict(enumerate(vectors)), {}
    middle = len(texts) // 2
    accepted, refused = embed_accepted(embedder, texts[:middle])
    more, worse = embed_accepted(embedder, texts[middle:])
    accepted.update((middle + at, vector) for at, vector in more.items())
    refused.update((middle + at, reason) for at, reason in worse.items())
    return accepted, refused


def _finite(embedder: Embedder, texts: Sequence[str]) -> Matrix:
    vectors = embedder.embed_documents(texts)
    if not np.isfinite(vectors).all():
        raise ModelError(f"{embedder.name} gave a vector that is not finite")
    return vectors
