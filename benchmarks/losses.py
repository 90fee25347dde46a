"""Where right answers are lost: every question that is not answered in full, and the stage that is to blame.

``python -m benchmarks.losses DATA_DIR REPOS_DIR --cache-dir DIR [--only NAME ...] [--list]``. The shares of all stages
add up to what the mean nDCG lacks: no cure of one stage can gain more than its share.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import parts, questions
from benchmarks.loss_stages import DENSE, LEXICAL, SHIPPED, SUM, Loss, Stage, losses
from coderank import Engine
from coderank.evaluation.metrics import CUT
from coderank.evaluation.tables import markdown
from coderank.retrieval.fusion import request
from coderank.retrieval.legs import ModelLegs
from coderank.retrieval.priors import DEFAULT, OFF, Priors, rank
from coderank.retrieval.query import QueryProfile, profile
from coderank.retrieval.search import DEFINITIONS, PREFETCH
from coderank.settings import Settings
from coderank.store.edge import EdgeStore
from coderank.types import Filters, SearchMode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from coderank.embedding.contract import Embedder
    from coderank.evaluation.datasets import Root
    from coderank.evaluation.judging import Place, Question
    from coderank.store.contract import Store
    from coderank.types import Candidate, Chunk

DEPTH = 1_000
"""How far down the lists of single legs are looked."""
CATEGORIES = ("architecture", "semantic", "symbol")
LISTS = (SHIPPED, SUM, DENSE, LEXICAL)


def main(arguments: Sequence[str] | None = None) -> None:
    """Ask every question and print where answers were lost."""
    given = _parser().parse_args(arguments)
    repositories = questions.load(given.data, given.only)
    found: list[Loss] = []
    with tempfile.TemporaryDirectory() as scratch:
        laid_out = _LaidOut(given.repositories, Path(scratch), given.cache_dir or Path(scratch) / "cache")
        embedder = parts.Remembering(parts.embedder())
        for repository in repositories:
            print(f"asking {repository.name}", file=sys.stderr, flush=True)
            found += laid_out.losses(repository, embedder)
    if given.list:
        print("\n".join(line for loss in sorted(found, key=lambda loss: -loss.share) for line in _lines(loss)))
    print(f"\nnDCG@{CUT} that is lost, in thousandths\n\n{table(found, repositories)}")


def table(found: Sequence[Loss], repositories: Sequence[Root]) -> str:
    """Add up the shares of each stage: of all as the benchmark weighs repositories, and of each category."""
    asked = [question for repository in repositories for question in repository.questions]
    weight = dict(zip(asked, questions.weights(asked), strict=True))
    rows = []
    for stage in Stage:
        here = [loss for loss in found if loss.stage is stage]
        total = sum(loss.share * weight[loss.question] for loss in here) / len(repositories)
        by_category = [
            sum(loss.share for loss in here if loss.question.category == category)
            / max(1, sum(question.category == category for question in asked))
            for category in CATEGORIES
        ]
        rows.append([stage.value, str(len(here)), *(f"{1000 * lost:.1f}" for lost in (total, *by_category))])
    return markdown(("stage", "targets", "all", *CATEGORIES), rows)


@dataclass(frozen=True, slots=True)
class _LaidOut:
    """Indexes repositories below ``scratch``, with the vectors in ``cache``, and asks them."""

    repositories: Path
    scratch: Path
    cache: Path

    def losses(self, repository: Root, embedder: Embedder) -> Iterator[Loss]:
        index_dir = self.scratch / repository.name
        settings = Settings(data_dir=self.scratch, cache_dir=parts.cache_folder(self.cache))
        root = self.repositories / repository.folder
        with Engine.open(root, index_dir=index_dir, settings=settings) as engine:
            engine.index()
        paths = [file.relative_to(root).as_posix() for file in root.rglob("*") if file.is_file()]
        with closing(EdgeStore(index_dir, parts.MODEL.dimension)) as store:
            indexed = [_place(chunk) for chunk in store.chunks_of(paths).values()]
            for question in repository.questions:
                yield from losses(question, _lists(question, store, embedder), indexed)


def _lists(question: Question, store: Store, embedder: Embedder) -> dict[str, list[Place]]:
    asked = profile(question.text)
    candidates = _candidates(asked, store, embedder, SearchMode.HYBRID, PREFETCH)
    lists = {
        SHIPPED: _ranked(asked, candidates, DEFAULT),
        SUM: _ranked(asked, candidates, OFF),
        DENSE: [_place(c.chunk) for c in _candidates(asked, store, embedder, SearchMode.DENSE, DEPTH)],
        LEXICAL: [_place(c.chunk) for c in _candidates(asked, store, embedder, SearchMode.LEXICAL, DEPTH)],
    }
    for prior in fields(Priors):
        off = replace(DEFAULT, **{prior.name: getattr(OFF, prior.name)})
        lists[f"without {prior.name}"] = _ranked(asked, candidates, off)
    return lists


def _candidates(
    asked: QueryProfile, store: Store, embedder: Embedder, mode: SearchMode, prefetch: int
) -> list[Candidate]:
    legs = ModelLegs(lambda: embedder, parts.MODEL.lexical_weight, mode)
    dense, sparse = legs.dense_query(asked.text), legs.sparse_query(asked.text)
    if dense is None and sparse is None:
        return []
    plan = request(
        asked,
        dense,
        sparse,
        unit=legs.lexical_unit,
        prefetch=prefetch,
        definitions=DEFINITIONS if mode is SearchMode.HYBRID else 0,
        filters=Filters(),
    )
    return store.query(plan)


def _ranked(asked: QueryProfile, candidates: Sequence[Candidate], priors: Priors) -> list[Place]:
    ranked = rank(asked, candidates, len(candidates), ModelLegs.terms, priors)
    return [_place(candidate.chunk) for candidate in ranked]


def _place(chunk: Chunk) -> Place:
    return (chunk.path, chunk.start_line, chunk.end_line)


def _lines(loss: Loss) -> Iterator[str]:
    """Describe one loss for a person."""
    target, question = loss.target, loss.question
    where = f"{target.path}:{target.span[0]}-{target.span[1]}" if target.span else target.path
    yield f"{loss.share:.3f} {question.root}, {question.category}: {question.text}"
    yield f"  {where}: {loss.stage}; {', '.join(f'{name} {loss.ranks[name] or chr(8211)}' for name in LISTS)}"
    better = [name for name, rank in loss.ranks.items() if name not in LISTS and _is_better(rank, loss.ranks[SHIPPED])]
    if better:
        yield f"  better {', '.join(better)}"
    yield from (f"  above: {path}:{start}-{end}" for path, start, end in loss.above)


def _is_better(rank: int | None, shipped: int | None) -> bool:
    return rank is not None and (shipped is None or rank < shipped)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.losses", description=__doc__)
    parser.add_argument("data", type=Path, metavar="DATA_DIR", help="folder of repos.json and annotations")
    parser.add_argument("repositories", type=Path, metavar="REPOS_DIR", help="where checkout.py laid them out")
    parser.add_argument("--cache-dir", type=Path, help="keep vectors here between runs")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="these repositories alone")
    parser.add_argument("--list", action="store_true", help="every loss, the largest first")
    return parser


if __name__ == "__main__":
    main()
