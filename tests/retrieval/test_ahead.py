from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from coderank.errors import ModelUnavailableError
from coderank.retrieval.ahead import Ahead

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coderank.types import Matrix, Vector


class Counting:
    """An embedder that remembers which thread asked it for what."""

    name = "counting"
    dimension = 2

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def embed_query(self, text: str) -> Vector:
        self.asked.append((text, threading.current_thread().name))
        return np.full(2, len(text), dtype=np.float32)

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        return np.stack([self.embed_query(text) for text in texts])


def test_the_query_is_embedded_once_in_another_thread() -> None:
    inner = Counting()
    ahead = Ahead("when", lambda: inner)
    assert ahead.embed_query("when").tolist() == [4, 4]
    assert ahead.embed_query("when").tolist() == [4, 4]
    ((text, thread),) = inner.asked
    assert text == "when"
    assert thread.startswith("coderank-query")


def test_anything_else_is_embedded_as_ever() -> None:
    inner = Counting()
    ahead = Ahead("when", lambda: inner)
    assert ahead.embed_query("where").tolist() == [5, 5]
    assert ahead.embed_documents(["abc"]).tolist() == [[3, 3]]
    assert (ahead.name, ahead.dimension) == ("counting", 2)


def test_what_fails_is_raised_where_it_is_asked() -> None:
    def fail() -> Counting:
        raise ModelUnavailableError("no weights")

    ahead = Ahead("when", fail)
    with pytest.raises(ModelUnavailableError, match="no weights"):
        ahead.embed_query("when")
