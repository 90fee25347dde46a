"""The lexical leg of a search over a pool of texts, as the engine and Qdrant compute it."""

from __future__ import annotations

import multiprocessing
import os
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from coderank.embedding import lexical

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from training.pair import Pair

UNIT = 0.015
"""What a BM25 point is worth against a cosine for a question of one term. It falls with the root of their number, as in
the engine when the shipped weights were trained; for questions of usual length both are alike."""
SHARE = 500
"""Texts that a process is given at a time: fewer are done before it has started."""
_COLUMNS = 1 << 22
"""A term's number is a hash of 32 bits; so many columns keep the matrices small, and hardly any two terms meet."""
Terms = tuple[list[int], list[float]]


def encoded(pairs: Sequence[Pair]) -> tuple[list[list[int]], list[Terms]]:
    """Give the terms of every summary, and those of every text with their weights, on all cores."""
    questions, texts = [pair.summary for pair in pairs], [pair.text for pair in pairs]
    if len(pairs) <= SHARE:
        return list(map(_question, questions)), list(map(_text, texts))
    with multiprocessing.get_context("spawn").Pool(min(os.cpu_count() or 1, -(-len(pairs) // SHARE))) as workers:
        return workers.map(_question, questions, chunksize=SHARE), workers.map(_text, texts, chunksize=SHARE)


def _question(question: str) -> list[int]:
    return [index % _COLUMNS for index in lexical.encode_query(question).indices]


def _text(text: str) -> Terms:
    vector = lexical.encode_document(text)
    return [index % _COLUMNS for index in vector.indices], list(vector.values)


def scored(questions: Sequence[list[int]], texts: Sequence[Terms]) -> NDArray[np.float32]:
    """Score texts, scaled for the fusion, with Qdrant's ln((N - n + 0.5) / (n + 0.5) + 1). Shape (questions, texts)."""
    columns, values = zip(*texts, strict=True)
    documents = _matrix(columns, values)
    holding = np.asarray((documents > 0).sum(axis=0)).ravel()
    idf = np.log((len(texts) - holding + 0.5) / (holding + 0.5) + 1)
    weights = [[idf[column] * UNIT / sqrt(max(len(columns), 1)) for column in columns] for columns in questions]
    scores: NDArray[np.float32] = np.asarray((_matrix(questions, weights) @ documents.T).todense(), dtype=np.float32)
    return scores


def _matrix(columns: Sequence[Sequence[int]], values: Sequence[Sequence[float]]) -> sparse.csr_matrix:
    ends = np.cumsum([0, *map(len, columns)])
    data = np.fromiter((value for row in values for value in row), np.float32, ends[-1])
    indices = np.fromiter((column for row in columns for column in row), np.int64, ends[-1])
    return sparse.csr_matrix((data, indices, ends), shape=(len(columns), _COLUMNS))
