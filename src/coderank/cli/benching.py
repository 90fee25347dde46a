"""Measures what an installation does with one tree: whole processes, warm questions by stage, growth, compression."""

from __future__ import annotations

import shutil
import time
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from coderank import __version__
from coderank.cli.growing import LIMIT, TOTAL, Questions, check_room, grown
from coderank.corpus.header import dense_text
from coderank.corpus.walk import walk
from coderank.engine import Engine
from coderank.errors import MeasurementError, UsageError
from coderank.evaluation import machine, rivals
from coderank.evaluation.bench import Bench, Rival, Spent, compressed
from coderank.evaluation.growth import Pool
from coderank.evaluation.metrics import median
from coderank.evaluation.process import coderank, environment, run
from coderank.loading.choice import ALWAYS_THERE, BUNDLED_MODEL
from coderank.loading.choice import embedder as model_of
from coderank.loading.opened import opened_embedder
from coderank.settings import Settings
from coderank.store.edge_points import open_edge_points
from coderank.store.layout import DENSE
from coderank.store.payload import from_payload
from coderank.store.room import bytes_on_disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from coderank.embedding.contract import Embedder
    from coderank.evaluation.bench import Grown
    from coderank.evaluation.process import Finished
    from coderank.types import Chunk, IndexReport, Matrix

RUNS = 5
"""Whole processes of each kind; the first is left out, as it reads programs and index from the disk."""
COMPRESSED_AT_MOST = 100_000
"""Chunks whose vectors are compressed in every way: each is compared with all of them in memory."""
ENCODED = 256
"""Chunks that are embedded to compare speed."""
SEMBLE, TRANSFORMERS = "semble", "sentence-transformers"
QUESTION = "where are errors handled"
_QUESTION = "where is the code for {}"


@dataclass(frozen=True)
class Plan:
    """What to measure."""

    source: Path
    scratch: Path
    model: str
    sizes: Sequence[int]
    questions: int
    rerank: bool = False
    rival: Path | None = None
    """An interpreter with semble, sentence-transformers, or both."""
    settings: Settings = field(default_factory=Settings.from_environment)
    announce: Callable[[str], None] = lambda _: None

    @cached_property
    def tree(self) -> Path:
        """A copy of what would be indexed: files are changed, and nobody else's."""
        files = walk(self.source).files
        if not files:
            raise UsageError(f"There is nothing to index in {self.source}", "Name a folder with source code")
        for entry in files:
            target = self.scratch / "tree" / entry.path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.source / entry.path, target)
        return self.scratch / "tree"

    @cached_property
    def own(self) -> Settings:
        """The user's settings, but a cache of its own that is empty at first."""
        return replace(self.settings, cache_dir=self.scratch / "cache")

    def open(self) -> Engine:
        """Open the engine of the tree."""
        return Engine.open(self.tree, model=self.model, index_dir=self.scratch / "index", settings=self.own)


def bench(plan: Plan) -> Bench:
    """Measure everything; takes minutes. Raises MeasurementError where a process fails."""
    check_room(plan.scratch, plan.sizes)
    others, before = _others(plan), machine.load()
    processes, report = _processes(plan)
    pool = _pool(plan)
    asked = _questions(pool.chunks, plan.questions)
    plan.announce(f"asking {len(asked):,} questions")
    stages = _warm(plan, asked)
    opened = opened_embedder(model_of(plan.model, plan.own), plan.own)
    vectors = np.stack([opened.embed_query(text) for text in asked])
    questions = Questions(asked, vectors, model_of(plan.model, plan.own).lexical_weight)
    stores = tuple(_grown(plan, pool, questions))
    size = max([len(pool.chunks), *(size for size in plan.sizes if size <= COMPRESSED_AT_MOST)])
    plan.announce(f"compressing the vectors of {size:,} chunks")
    trials = tuple(compressed(pool, vectors, size))
    beside = tuple(_rivals(plan, others, pool.chunks))
    return Bench(
        version=__version__,
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        machine=machine.sentence(),
        load_before=tuple(before),
        load_after=tuple(machine.load()),
        model=opened.name,
        files=report.files,
        chunks=report.chunks,
        lines=_lines(plan.tree),
        disk_bytes=bytes_on_disk(plan.scratch / "index"),
        questions=len(asked),
        stages={name: tuple(values) for name, values in stages.items()},
        processes=tuple(processes),
        grown=stores,
        compressed_chunks=size,
        compressed=trials,
        rivals=beside,
        notes=(),
    )


def _processes(plan: Plan) -> tuple[list[Spent], IndexReport]:
    """Run the command as a user would, from nothing to a changed file."""
    plan.announce(f"indexing {plan.tree}")
    env = environment(plan.settings.data_dir, plan.own.cache_dir)
    index = coderank("index", str(plan.tree), "--index-dir", str(plan.scratch / "index"), "--model", plan.model)
    found = [_spent("index, from nothing", [run(index, env)])]
    with plan.open() as engine:
        report = engine.index()
    found.append(_spent("index, nothing changed", [run(index, env) for _ in range(RUNS + 1)][1:]))
    plan.announce("changing a file at a time")
    found.append(_spent("index, one file changed", [_changed(plan, number, index, env) for number in range(RUNS)]))
    question = ["search", QUESTION, str(plan.tree), "--index-dir", str(plan.scratch / "index")]
    found.append(_spent("search, whole process", [run(coderank(*question), env) for _ in range(RUNS + 1)][1:]))
    found.append(_spent("--version, whole process", [run(coderank("--version"), env) for _ in range(RUNS + 1)][1:]))
    return found, report


def _changed(plan: Plan, number: int, index: Sequence[str], env: dict[str, str]) -> Finished:
    files = sorted(path for path in plan.tree.rglob("*") if path.is_file())
    file = files[len(files) * number // RUNS]
    file.write_bytes(file.read_bytes() + b"\n")
    return run(index, env)


def _spent(what: str, runs: Sequence[Finished]) -> Spent:
    return Spent(what, tuple(one.seconds for one in runs), max(one.peak_mib for one in runs))


def _pool(plan: Plan) -> Pool:
    """Read chunks and vectors of the index."""
    with closing(open_edge_points(plan.scratch / "index")) as points:
        rows = [point for page in points.pages(vectors=True) for point in page if DENSE in point.vectors]
    vectors: Matrix = np.array([point.vectors[DENSE] for point in rows], np.float32)
    return Pool([from_payload(point.payload) for point in rows], vectors)


def _questions(chunks: Sequence[Chunk], wanted: int) -> list[str]:
    """Make questions of the names of evenly chosen chunks: every other one a name, the others a sentence about it."""
    named = [chunk for chunk in chunks if chunk.symbol] or list(chunks)
    step = max(1, len(named) // wanted)
    names = [chunk.symbol or chunk.content.split("\n", 1)[0][:60] or chunk.path for chunk in named[::step][:wanted]]
    return [name if number % 2 else _QUESTION.format(name.replace(".", " ")) for number, name in enumerate(names)]


def _warm(plan: Plan, asked: Sequence[str]) -> dict[str, list[float]]:
    spent: dict[str, list[float]] = {}
    with plan.open() as engine:
        for text in asked[: max(1, len(asked) // 4)]:
            engine.search(text, limit=LIMIT, rerank=plan.rerank)
        for text in asked:
            start = time.perf_counter()
            result = engine.search(text, limit=LIMIT, rerank=plan.rerank)
            total = (time.perf_counter() - start) * 1000
            for stage in result.stages:
                spent.setdefault(stage.name, []).append(stage.ms)
            spent.setdefault(TOTAL, []).append(total)
    return spent


def _grown(plan: Plan, pool: Pool, questions: Questions) -> Iterator[Grown]:
    for size in plan.sizes:
        plan.announce(f"a store of {size:,} chunks")
        yield grown(pool, plan.scratch / f"grown-{size}", size, questions)


def _others(plan: Plan) -> dict[str, str]:
    """Return the versions of the others that are installed beside the interpreter that the plan names.

    Raises:
        MeasurementError: it has none of them.
    """
    if plan.rival is None:
        return {}
    python = plan.rival
    found = {name: version for name in (SEMBLE, TRANSFORMERS) if (version := rivals.installed(python, name))}
    if not found:
        raise MeasurementError(
            f"{python} has neither {SEMBLE} nor {TRANSFORMERS}", f"Run: {python} -m pip install {SEMBLE}"
        )
    return found


def _rivals(plan: Plan, others: Mapping[str, str], chunks: Sequence[Chunk]) -> Iterator[Rival]:
    """Let others do the same work."""
    if plan.rival is None:
        return
    if SEMBLE in others:
        plan.announce(f"{SEMBLE} on the same tree")
        ours = median([_first_answer(plan, number).seconds for number in range(RUNS)])
        theirs = median([one.seconds for one in rivals.first_answers(plan.rival, plan.tree, QUESTION, RUNS)])
        yield Rival("first answer about a tree never seen", f"{SEMBLE} {others[SEMBLE]}, random model", ours, theirs)
    model = model_of(plan.model, plan.own)
    if TRANSFORMERS in others and model.name in {BUNDLED_MODEL, ALWAYS_THERE}:
        plan.announce(f"{TRANSFORMERS} on the same texts")
        texts = [dense_text(chunk) for chunk in chunks[:: max(1, len(chunks) // ENCODED)][:ENCODED]]
        ours = _encoding(opened_embedder(model, plan.own), texts)
        theirs = rivals.encoding(plan.rival, texts)
        yield Rival(f"embedding {len(texts):,} chunks", f"{TRANSFORMERS} {others[TRANSFORMERS]}, fp32", ours, theirs)


def _encoding(embedder: Embedder, texts: Sequence[str]) -> float:
    embedder.embed_documents(texts[:8])
    start = time.perf_counter()
    embedder.embed_documents(texts)
    return time.perf_counter() - start


def _first_answer(plan: Plan, number: int) -> Finished:
    fresh = plan.scratch / f"first-{number}"
    env = environment(plan.settings.data_dir, fresh / "cache")
    return run(coderank("search", QUESTION, str(plan.tree), "--index-dir", str(fresh / "index")), env)


def _lines(tree: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in tree.rglob("*") if path.is_file())
