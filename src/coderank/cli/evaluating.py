"""Runs a data set through the engine that users run: index every root, ask every question in every mode."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from coderank import __version__
from coderank.cli.progress import Asking
from coderank.engine import Engine
from coderank.errors import DatasetError, IndexIncompatibleError
from coderank.evaluation import machine
from coderank.evaluation.asking import Asked, ask, searches_of_a_question
from coderank.evaluation.document_tree import write_tree
from coderank.evaluation.runs import Run
from coderank.retrieval.limits import MAX_QUERY_CHARS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from coderank.evaluation.asking import Search
    from coderank.evaluation.datasets import Dataset, Root
    from coderank.settings import Settings
    from coderank.types import IndexReport, Progress, SearchResult

FOLDER = "eval"
"""Below the cache folder: what is made here can be made again."""
_LISTED = 3
"""Missing files that a note names."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run, and where."""

    dataset: Dataset
    repositories: Path | None
    """Where the repositories of a localisation set lie."""
    modes: Sequence[str]
    rerank: bool
    settings: Settings
    on_progress: Callable[[Progress | Asking], None] | None = None
    announce: Callable[[str], None] = lambda _: None
    """Told what is done next."""

    @property
    def scratch(self) -> Path:
        """Where trees and indexes are kept between runs."""
        return self.settings.cache_dir / FOLDER


@dataclass(slots=True)
class _Tally:
    """What one model was found to do on all roots."""

    asked: dict[str, Asked]
    """By mode."""
    model: str = ""
    files: int = 0
    chunks: int = 0
    notes: list[str] = field(default_factory=list)


def run(plan: Plan, model: str) -> list[Run]:
    """Index every root with a model and ask its questions; return a run for every mode.

    Raises:
        DatasetError: a repository is not where it should be.
    """
    folders = [_folder(plan, root) for root in plan.dataset.roots]
    tally = _Tally({mode: Asked() for mode in plan.modes})
    for root, (folder, names) in zip(plan.dataset.roots, folders, strict=True):
        plan.announce(f"{root.name}: {len(root.questions):,} questions")
        tally.notes += _missing(root, folder)
        with Engine.open(
            folder, model=model, index_dir=_index_dir(plan, folder, model), settings=plan.settings
        ) as engine:
            _count(tally, engine, _indexed(engine, plan), names)
            told = _Told(plan, len(root.questions) * len(plan.modes) * searches_of_a_question(names))
            for mode, asked in tally.asked.items():
                ask(root, _search(engine, mode, told), names, asked, rerank=plan.rerank)
    return [_run(plan, tally, mode) for mode in plan.modes]


def _folder(plan: Plan, root: Root) -> tuple[Path, dict[str, str]]:
    """Return the tree of a root, and which document each of its files is."""
    if root.documents:
        language = hashlib.blake2b("".join(d.language for d in root.documents).encode(), digest_size=4).hexdigest()
        folder = plan.scratch / "trees" / f"{root.name}-{plan.dataset.digest[:16]}-{language}"
        paths = write_tree(root.documents, folder)
        return folder, dict(zip(paths, (document.id for document in root.documents), strict=True))
    if plan.repositories is None:
        raise DatasetError(f"{plan.dataset.name} asks about repositories", "Say where they lie: --repos DIR")
    folder = plan.repositories / root.folder
    if not folder.is_dir():
        raise DatasetError(
            f"{folder} is not there", f"Lay out {root.name} in {plan.repositories}, or leave it out with --only"
        )
    return folder, {}


def _missing(root: Root, folder: Path) -> Iterator[str]:
    """Say which answers cannot be found because the repository does not have them."""
    if root.documents:
        return
    paths = {target.path for question in root.questions for target in question.targets}
    gone = sorted(path for path in paths if not (folder / path).exists() and not any(folder.rglob(Path(path).name)))
    if gone:
        listed = ", ".join(gone[:_LISTED])
        yield f"{root.name} lacks {len(gone):,} of {len(paths):,} answers (is it at the revision of the set?): {listed}"


def _index_dir(plan: Plan, folder: Path, model: str) -> Path:
    digest = hashlib.blake2b(
        f"{model}\n{folder.resolve()}".encode("utf-8", "surrogateescape"), digest_size=6
    ).hexdigest()
    return plan.scratch / "indexes" / f"{folder.name}-{digest}"


def _indexed(engine: Engine, plan: Plan) -> IndexReport:
    try:
        return engine.index(on_progress=plan.on_progress)
    except IndexIncompatibleError:  # it is of this folder alone, and of an earlier version
        return engine.index(on_progress=plan.on_progress, rebuild=True)


def _count(tally: _Tally, engine: Engine, report: IndexReport, names: dict[str, str]) -> None:
    tally.model = engine.model
    tally.files += report.files
    tally.chunks += report.chunks
    if report.dense_coverage < 1:
        bare = report.chunks - round(report.chunks * report.dense_coverage)
        tally.notes.append(f"{bare:,} chunks have no vector")
    if names and (lost := len(names) - report.files):
        reasons = ", ".join(sorted({skip.reason.value for skip in report.skips}))
        tally.notes.append(f"{lost:,} documents are not in the index: {reasons}")


@dataclass(slots=True)
class _Told:
    """Counts the searches of a root, and tells who watches."""

    plan: Plan
    total: int
    done: int = 0

    def one_more(self) -> None:
        self.done += 1
        if self.plan.on_progress is not None:
            self.plan.on_progress(Asking(self.done, self.total))


def _search(engine: Engine, mode: str, told: _Told) -> Search:
    def search(query: str, limit: int, *, rerank: bool) -> SearchResult:
        told.one_more()
        return engine.search(query[:MAX_QUERY_CHARS], limit=limit, mode=mode, rerank=rerank)

    return search


def _run(plan: Plan, tally: _Tally, mode: str) -> Run:
    asked, notes = tally.asked[mode], list(tally.notes)
    if cut := sum(len(question.text) > MAX_QUERY_CHARS for question in plan.dataset.questions):
        notes.append(f"{cut:,} questions were cut to {MAX_QUERY_CHARS:,} characters")
    notes += [f"reranking: {outcome}, {count:,} questions" for outcome, count in sorted(asked.outcomes.items())]
    return Run(
        name=f"{tally.model} {mode}{' + rerank' if plan.rerank else ''}",
        dataset=plan.dataset.name,
        digest=plan.dataset.digest,
        model=tally.model,
        mode=mode,
        rerank=plan.rerank,
        version=__version__,
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        machine=machine.sentence(),
        files=tally.files,
        chunks=tally.chunks,
        notes=tuple(notes),
        stages=asked.medians(),
        answers=tuple(asked.answers),
    )
