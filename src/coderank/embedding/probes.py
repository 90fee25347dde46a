"""Whether two embedders of one model give the same vectors: fixed texts and the worst of their cosine similarities."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from coderank.errors import ModelError

if TYPE_CHECKING:
    from coderank.embedding.contract import Embedder
    from coderank.types import Matrix

QUERIES = (
    "where is the retry delay of an HTTP request computed",
    "parseHTTPResponse",
    "how are expired sessions removed from the cache",
    "为请求计算重试延迟",
)
_WRITTEN = (
    "",
    "x",
    "def read(path: str) -> str:\n    with open(path, encoding='utf-8') as file:\n        return file.read()\n",
    "func (s *Server) Close() error {\n\ts.mu.Lock()\n\tdefer s.mu.Unlock()\n\treturn s.listener.Close()\n}\n",
    "impl<T: Ord> Heap<T> {\n    pub fn push(&mut self, item: T) {\n        self.items.push(item);\n    }\n}\n",
    "SELECT u.id, COUNT(*) FROM users AS u JOIN orders AS o ON o.user_id = u.id GROUP BY u.id HAVING COUNT(*) > 3;",
    '<button class="primary" onclick="save()">Größe übernehmen 🚀</button>',
    "# Installation\n\nRun the installer, then restart the service. See `docs/upgrade.md` on version 1.\n",
)
_WORDS = (
    "account buffer cache decode encode error file graph handle index json key lock merge node offset parse query "
    "render socket thread update value worker yield ( ) { } [ ] = == + - * / , . ; : -> => if for while return 0 1 42"
).split()
RANDOM_LENGTHS = (8, 24, 60, 120, 200, 400, 900)
"""Words of the made-up texts, two texts each: the longest pass what a file that cuts at 512 tokens would read."""


@dataclass(frozen=True, slots=True)
class ProbeVectors:
    """What an embedder makes of the probes, rows of length one."""

    queries: Matrix
    documents: Matrix

    def __len__(self) -> int:
        return len(self.queries) + len(self.documents)


def documents() -> list[str]:
    """List the documents: written ones in several languages, and random words of growing length."""
    source = random.Random(7)  # noqa: S311 - the same texts on every machine
    made_up = [" ".join(source.choices(_WORDS, k=length)) for length in RANDOM_LENGTHS for _ in range(2)]
    return [*_WRITTEN, *made_up]


def embed_probes(embedder: Embedder) -> ProbeVectors:
    """Embed every probe, queries as queries and documents as documents."""
    return ProbeVectors(
        queries=np.stack([embedder.embed_query(text) for text in QUERIES]),
        documents=embedder.embed_documents(documents()),
    )


def min_cosine(found: ProbeVectors, reference: ProbeVectors) -> float:
    """Compute the cosine similarity of the probe on which both differ most.

    Raises:
        ModelError: the vectors have different lengths.
    """
    if found.documents.shape != reference.documents.shape:
        raise ModelError(
            f"vectors of {found.documents.shape[1]} numbers cannot be compared with {reference.documents.shape[1]}"
        )
    pairs = ((found.queries, reference.queries), (found.documents, reference.documents))
    return min(float((ours * theirs).sum(axis=1).min()) for ours, theirs in pairs)
