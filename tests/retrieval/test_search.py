"""The pipeline over the real store, with vectors that are made up so that every score is known."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.store.store_samples import id_of

from coderank.embedding import lexical
from coderank.retrieval.fusion import ASSUMED_SIMILARITY
from coderank.retrieval.search import PREFETCH, Wanted, hit, related, search
from coderank.store.edge import EdgeStore
from coderank.types import Chunk, Filters, Point

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from coderank.types import SparseVector, Vector

MEANINGS = {"login": 0, "cookie": 1, "password": 0}
"""Words that point along an axis each: two of one axis mean the same."""
FILES = {
    "src/auth.py": ("def verify(user):\n    return password(user)\n", ("verify",)),
    "src/jar.py": ("def cookie(name):\n    return jar[name]\n", ("cookie",)),
    "tests/test_auth.py": ("def test_password():\n    assert password\n", ("test_password",)),
    "docs/guide.md": ("# login\n\nHow to log in with a password.\n", ()),
}


def meaning(text: str) -> Vector:
    vector = np.full(4, 0.01, dtype=np.float32)
    for word, axis in MEANINGS.items():
        vector[axis] += text.lower().count(word)
    unit: Vector = vector / np.linalg.norm(vector)
    return unit


class MadeUp:
    """Both legs, with the meanings above for a model."""

    lexical_unit = 0.02

    def __init__(self, *, dense: bool = True, sparse: bool = True) -> None:
        self._dense = dense
        self._sparse = sparse

    def dense_query(self, text: str) -> Vector | None:
        return meaning(text) if self._dense else None

    def dense_code(self, chunk: Chunk) -> Vector | None:
        return self.dense_query(chunk.content)

    def static_query(self, _text: str) -> None:
        return None

    def static_code(self, _chunk: Chunk) -> None:
        return None

    def sparse_query(self, text: str) -> SparseVector | None:
        return lexical.encode_query(text) if self._sparse else None

    def terms(self, text: str) -> Sequence[str]:
        return lexical.tokens(text)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EdgeStore]:
    made = EdgeStore(tmp_path_factory.mktemp("store"), 4)
    points = []
    for number, (path, (content, defines)) in enumerate(FILES.items(), 1):
        language = "markdown" if path.endswith(".md") else "python"
        chunk = Chunk(path, 1, content.count("\n"), language, content, symbol=".".join(defines), defines=defines)
        points.append(Point(id_of(number), chunk, lexical.encode_document(f"{path} {content}"), meaning(content)))
    made.upsert(points)
    yield made
    made.close()


def paths(query: str, store: EdgeStore, legs: MadeUp | None = None, wanted: Wanted | None = None) -> list[str]:
    found, _ = search(query, store, legs or MadeUp(), wanted or Wanted(10))
    return [candidate.chunk.path for candidate in found]


def test_code_that_means_it_comes_before_its_test_and_its_guide(store: EdgeStore) -> None:
    assert paths("login", store)[0] == "src/auth.py"  # which has no such word


def test_a_name_finds_its_definition_first(store: EdgeStore) -> None:
    assert paths("verify", store)[0] == "src/auth.py"
    assert paths("test_password", store)[0] == "tests/test_auth.py"


def test_words_alone_find_only_what_has_them(store: EdgeStore) -> None:
    assert paths("cookie", store, MadeUp(dense=False)) == ["src/jar.py"]
    assert paths("biscuit", store, MadeUp(dense=False)) == []


def test_found_by_words_alone_is_scored_like_a_chunk_without_a_vector_in_a_fused_list(store: EdgeStore) -> None:
    (alone,), _ = search("cookie", store, MadeUp(dense=False), Wanted(1))
    (fused, *_), _ = search("cookie", store, MadeUp(), Wanted(1))
    assert alone.id == fused.id
    # What a vector adds is the similarity beyond the assumed one.
    assert alone.score < fused.score < alone.score * (1 / ASSUMED_SIMILARITY)


def test_meaning_alone_ranks_everything(store: EdgeStore) -> None:
    assert sorted(paths("cookie", store, MadeUp(sparse=False))) == sorted(FILES)


def test_without_a_leg_nothing_is_asked(store: EdgeStore) -> None:
    assert search("?", store, MadeUp(dense=False, sparse=False), Wanted(3))[0] == []


def test_limit_and_filters_hold(store: EdgeStore) -> None:
    assert len(paths("password", store, wanted=Wanted(2))) == 2
    assert paths("password", store, wanted=Wanted(9, Filters(languages=("markdown",)))) == ["docs/guide.md"]


def test_a_list_longer_than_the_prefetch_is_filled(tmp_path: Path) -> None:
    store = EdgeStore(tmp_path, 4)
    size = PREFETCH + 30
    chunks = [Chunk(f"f{n}.py", 1, 1, "python", "cookie") for n in range(size)]
    store.upsert(
        [Point(id_of(n + 1), c, lexical.encode_document("cookie"), meaning("cookie")) for n, c in enumerate(chunks)]
    )
    assert len(paths("cookie", store, wanted=Wanted(size))) == size
    store.close()


def test_the_stages_are_told(store: EdgeStore) -> None:
    _, stages = search("login", store, MadeUp(), Wanted(3))
    assert [(stage.name, stage.detail) for stage in stages] == [
        ("embed", ""),
        ("retrieve", "dense + lexical"),
        ("rank", "4 candidates"),
    ]
    assert all(stage.ms >= 0 for stage in stages)


def test_related_code_is_not_the_code_itself_and_may_be_a_test(store: EdgeStore) -> None:
    here = store.retrieve([id_of(1)])[id_of(1)]
    found, _ = related(here, store, MadeUp(), Wanted(3))
    assert len(found) == 3
    assert "src/auth.py" not in [candidate.chunk.path for candidate in found]
    # The test calls what the code calls; asked in words it would be damped.
    assert found[0].chunk.path == "tests/test_auth.py"


def test_a_hit_is_the_candidate_as_it_is_shown(store: EdgeStore) -> None:
    (best, *_), _ = search("cookie", store, MadeUp(), Wanted(1))
    shown = hit(best)
    assert (shown.path, shown.start_line, shown.end_line) == ("src/jar.py", 1, 2)
    assert shown.content == FILES["src/jar.py"][0]
    assert shown.score == pytest.approx(best.score, abs=1e-6)


RANKING = """
from coderank.retrieval.priors import rank
from coderank.retrieval.query import profile
from coderank.embedding.lexical import tokens
from coderank.types import Candidate, Chunk
paths = [f"{a}/{b}.py" for a in ("src/login", "tests", "docs") for b in ("auth", "login_form", "jar", "session")]
found = [Candidate(str(n), Chunk(p, n, n, "python", "x", defines=("login",)), 0.5) for n, p in enumerate(paths)]
for candidate in rank(profile("where does the login form keep its session"), found, 12, tokens):
    print(candidate.chunk.path, candidate.score)
"""


def test_the_order_is_the_same_in_every_process() -> None:
    answers = {
        subprocess.run(
            [sys.executable, "-c", RANKING],
            env=os.environ | {"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(answers) == 1
    assert len(answers.pop().splitlines()) == 12
