"""A large index moves to another model while it is searched, killed and written to.

``python -m benchmarks.migration REPOS_DIR [--save]``

The models give every token a random vector, and a text their mean: what is measured is the move, not a transformer.
`benchmarks.encoder_move` moves to one that computes.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tests.migration import moving_world
from tests.tiny_model import settings_with_tiny

from benchmarks import machine
from benchmarks.parts import normalised
from benchmarks.results import FOLDER, Run, Table
from benchmarks.trees import copies, give_vectors
from coderank import Engine
from coderank.evaluation.metrics import quantile
from coderank.evaluation.process import coderank, environment
from coderank.evaluation.tables import markdown
from coderank.migration.contract import Moving, Step
from coderank.moving.index import IndexMove
from coderank.store.room import bytes_on_disk

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

    from coderank.migration.run import Report

CHUNKS = 20_000
KILLS = 20
REACH_S = {Step.BACK_UP: 3.0, Step.EMBED: 30.0, Step.VERIFY: 20.0, Step.CUT_OVER: 2.0}
"""At which steps moves are killed, and within how many seconds of the step's beginning: half of it where one ended."""
SEED = 7
MODELS = {"shaped-768": 768, "shaped-3584": 3584, "shaped-384": 384}
QUERIES = ("parse the configuration file", "open a socket", "read_lines", "retry after a failure", "class Session")


@dataclass(frozen=True)
class World(moving_world.World):
    """A tree that is indexed, and the environment of processes that work on it."""

    def start(self, *arguments: str | Path) -> subprocess.Popen[bytes]:
        env = environment(self.settings.data_dir, self.settings.cache_dir)
        env |= {"CODERANK_THREADS": str(self.settings.threads)}
        env |= {"CODERANK_MODELS_FILE": str(self.settings.models_file)} if self.settings.models_file else {}
        return subprocess.Popen(arguments, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@dataclass
class Watched:
    """What a process saw that searched all the time."""

    ms: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    answers: dict[tuple[str, str], set[tuple[str, ...]]] = field(default_factory=dict)
    """Lists of hits by model and query: more than one would be a half-moved collection."""

    def mixed(self) -> int:
        return sum(len(lists) > 1 for lists in self.answers.values())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, print its table and, if asked to, write its result."""
    given = parser("benchmarks.migration", __doc__).parse_args(arguments)
    run = Run("migration", "python -m benchmarks.migration REPOSITORIES --save")
    benchmark(run, given, _measured, "Moves of {:,} chunks", _rows)


def parser(module: str, description: str | None) -> argparse.ArgumentParser:
    """Make what reads the arguments that benchmarks of moves have in common."""
    made = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    made.add_argument("repositories", type=Path, help="folder of repositories to copy from")
    made.add_argument("--chunks", type=int, default=CHUNKS, help="at least so many")
    made.add_argument("--kills", type=int, default=KILLS, help="how often to kill a move")
    made.add_argument("--save", action="store_true", help="write the result file")
    made.add_argument("--results", type=Path, default=FOLDER, help="where the result file goes")
    return made


def benchmark(
    run: Run,
    given: argparse.Namespace,
    measured: Callable[[Path, argparse.Namespace], dict[str, Any]],
    title: str,
    rows: Callable[[dict[str, Any]], list[list[str]]],
) -> None:
    """Measure in a folder that is deleted again, print a table and, if asked to, write the result."""
    with tempfile.TemporaryDirectory() as scratch:
        details = measured(Path(scratch), given)
    table = Table(title.format(details["chunks"]), ("what", "value"), [*rows(details), _busy()])
    print(f"\n{table.title}\n\n{markdown(table.columns, table.rows)}")
    if given.save:
        print(run.write({}, details, [table], given.results))


def _measured(scratch: Path, given: argparse.Namespace) -> dict[str, Any]:
    settings = settings_with_tiny(scratch, dimensions=MODELS)
    world = World(scratch / "tree", settings)
    found: dict[str, Any] = {"chunks": indexed(world, given.repositories, given.chunks, 384)}
    found["384 to 768"] = moved(world, "shaped-768")
    found["rollback_s"] = rolled_back(world)
    found["kills"] = killed(world, "shaped-768", given.kills)
    found["changes"] = _changed(world)
    _wide(world)
    found["3584 to 384"] = moved(world, "shaped-384")
    return found


def indexed(world: World, repositories: Path, chunks: int, dimension: int) -> int:
    """Copy repositories until there are chunks enough, and give them vectors of their own."""
    trees = copies(repositories, world.root)
    total = 0
    while total < chunks:
        for _ in range(4):
            next(trees)
        with world.engine() as engine:
            total = engine.sync().chunks
    _give(world, dimension)
    return total


def _give(world: World, dimension: int) -> None:
    drawn = np.random.default_rng(SEED).standard_normal((256, dimension), dtype=np.float32)
    with world.engine() as engine:
        engine.close()
        give_vectors(engine.index_dir, normalised(drawn))
        engine.fill()


def moved(world: World, model: str) -> dict[str, Any]:
    """Move in this process, watched by one that searches; tell how long each step took."""
    began: list[tuple[Step, float]] = []

    def note(event: Moving) -> None:
        if not began or began[-1][0] is not event.phase:
            began.append((event.phase, time.monotonic()))

    with world.engine() as engine, _watching(world) as watched, IndexMove(engine, model) as move:
        before = bytes_on_disk(engine.index_dir)
        report = move.run(on_progress=note)
        ends = [moment for _, moment in began[1:]] + [time.monotonic()]
        steps: dict[str, float] = {}
        for (step, start), end in zip(began, ends, strict=True):
            steps[step.value] = round(steps.get(step.value, 0.0) + end - start, 2)
        grown = bytes_on_disk(engine.index_dir) - before
        kept = engine.status()
    assert (kept.chunks, kept.dense_coverage) == (report.points, 1.0)
    return {"steps_s": steps, "grown_mib": round(grown / 2**20), **_reported(report), **_told(watched)}


def _reported(report: Report) -> dict[str, Any]:
    assert report.verified is not None
    return {
        "points": report.points,
        "embedded": report.embedded,
        "seconds": round(report.seconds, 1),
        "worst_cosine": round(report.verified.worst_cosine, 5),
    }


def _told(watched: Watched) -> dict[str, Any]:
    models = sorted({model for model, _ in watched.answers})
    return {
        "searches": len(watched.ms),
        "failed_searches": watched.failures,
        "mixed_answers": watched.mixed(),
        "models_seen": models,
        "search_ms": {share: round(quantile(watched.ms, share), 1) for share in (0.5, 0.95, 1.0)},
    }


def rolled_back(world: World) -> float:
    """Roll back, then delete what was made, so that the next move begins anew."""
    with world.engine() as engine, IndexMove(engine) as move:
        started = time.monotonic()
        move.roll_back()
        spent = time.monotonic() - started
        move.drop()
    return round(spent, 3)


def killed(world: World, model: str, kills: int) -> dict[str, Any]:
    """Kill moves at random moments of every step in turn, and go on each time; one that ended is taken back first."""
    random_ = random.Random(SEED)
    steps: list[str] = []
    reach, ends = dict(REACH_S), 0
    with _watching(world) as watched:
        while len(steps) < kills:
            step = list(REACH_S)[len(steps) * len(REACH_S) // kills]
            process = world.start(sys.executable, "-m", "benchmarks.move_told", str(world.root), model)
            reached = _reached(process, step)
            with suppress(subprocess.TimeoutExpired):
                process.wait(random_.uniform(0.0, reach[step]))
            process.send_signal(signal.SIGKILL)
            said, errors = process.communicate()
            assert process.returncode in {0, -signal.SIGKILL}, errors.decode()
            if process.returncode:
                passed = {reached, *said.decode().splitlines()}
                steps.append([one.value for one in REACH_S if one.value in passed][-1])
            else:
                ends += 1
                reach[step] /= 2
                _taken_back(world, whole=step is not Step.CUT_OVER)
        _, errors = (last := world.start(*coderank("migrate", str(world.root), "--model", model))).communicate()
        assert last.returncode == 0, errors.decode()
    with world.engine() as engine:
        status = engine.status()
    assert (status.model, status.dense_coverage, status.changed_since) == (model, 1.0, 0)
    return {
        "kills": len(steps),
        "killed_while": {step: steps.count(step) for step in dict.fromkeys(steps)},
        "ended_before": ends,
        "chunks": status.chunks,
        **_told(watched),
    }


def _reached(process: subprocess.Popen[bytes], step: Step) -> str:
    """Wait until a move is at a step or past it, and return where it is; nothing if it ended without."""
    assert process.stdout is not None
    late_enough = [later.value for later in list(REACH_S)[list(REACH_S).index(step) :]]
    return next((said for line in process.stdout if (said := line.decode().strip()) in late_enough), "")


def _taken_back(world: World, *, whole: bool) -> None:
    """Roll back a move that ended, so that it can be killed; ``whole`` to begin with its first step."""
    with world.engine() as engine, IndexMove(engine) as move:
        move.roll_back()
        if whole:
            move.drop()


def _changed(world: World) -> dict[str, Any]:
    """Write, change and delete a file during a move."""
    with world.engine() as engine, IndexMove(engine) as move:
        move.roll_back()
        move.drop()
    files = sorted(world.root.rglob("*.py"))
    changed: list[str] = []

    def change(event: Moving) -> None:
        if event.phase is Step.EMBED and event.done > event.total // 3 and not changed:
            (world.root / "written.py").write_text("def written_meanwhile():\n    return 'quixotic zephyr'\n")
            files[0].write_text("def changed_meanwhile():\n    return 'jubilant walrus'\n")
            files[1].unlink()
            process = world.start(*coderank("index", str(world.root)))
            assert (process.communicate(), process.returncode)[1] == 0
            changed.append(files[1].relative_to(world.root).as_posix())

    with world.engine() as engine:
        with IndexMove(engine, "shaped-768") as move:
            report = move.run(on_progress=change)
        status = engine.status()
        assert engine.search("written_meanwhile quixotic zephyr")[0].path == "written.py"
        assert "jubilant walrus" in engine.search("changed_meanwhile jubilant walrus")[0].content
        assert not any(hit.path == changed[0] for hit in engine.search(Path(changed[0]).stem, limit=100))
    assert (status.changed_since, status.dense_coverage) == (0, 1.0)
    return {"points": report.points, "written, changed and deleted": "taken along"}


def _wide(world: World) -> None:
    """Build the index anew with vectors of 3,584 numbers."""
    with world.engine() as engine, IndexMove(engine) as move:
        move.drop()
    with Engine.open(world.root, model="shaped-3584", settings=world.settings) as engine:
        index_dir = engine.index_dir
    for file in sorted(index_dir.iterdir()):
        if file.is_file():
            file.unlink()
    subprocess.run(["rm", "-r", str(index_dir)], check=True)
    with Engine.open(world.root, model="shaped-3584", settings=world.settings) as engine:
        engine.sync()
    _give(world, 3584)


@contextmanager
def _watching(world: World) -> Iterator[Watched]:
    """Search in another process, all the time, until the block ends."""
    context = multiprocessing.get_context("spawn")
    stop, results = context.Event(), context.Queue()
    process = context.Process(target=_watch, args=(world, stop, results))
    process.start()
    watched = Watched()
    results.get()  # the first answer was given
    try:
        yield watched
    finally:
        time.sleep(0.5)  # the new points are seen as well
        stop.set()
        seen: Watched = results.get()
        process.join()
        watched.ms, watched.failures, watched.answers = seen.ms, seen.failures, seen.answers


def _watch(world: World, stop: Event, results: Any) -> None:
    watched = Watched()
    with world.engine() as engine:
        while not stop.is_set():
            for query in QUERIES:
                started = time.monotonic()
                try:
                    found = engine.search(query)
                except Exception as error:  # noqa: BLE001 - whatever it is, it is a failed search
                    watched.failures.append(f"{type(error).__name__}: {error}")
                    continue
                watched.ms.append((time.monotonic() - started) * 1000)
                hits = tuple(f"{hit.path}:{hit.start_line}" for hit in found)
                watched.answers.setdefault((found.index.model, query), set()).add(hits)
                if len(watched.ms) == 1:
                    results.put(None)
                time.sleep(0.01)
    results.put(watched)


def _rows(found: dict[str, Any]) -> list[list[str]]:
    rows = []
    for name in ("384 to 768", "3584 to 384"):
        rows += move_rows(name, found[name])
    rows += kill_rows(found["kills"])
    rows.append(["roll back", f"{found['rollback_s']} s"])
    rows.append(
        ["a file written, one changed, one deleted meanwhile", found["changes"]["written, changed and deleted"]]
    )
    return rows


def move_rows(name: str, one: dict[str, Any]) -> list[list[str]]:
    """Say what one move took."""
    steps = ", ".join(f"{step} {seconds:g} s" for step, seconds in one["steps_s"].items())
    return [
        [f"{name}: whole move", f"{one['seconds']:,.1f} s ({steps})"],
        [f"{name}: searches meanwhile", _searches(one)],
        [f"{name}: disk for backup and new points", f"{one['grown_mib']:,} MiB"],
    ]


def kill_rows(kills: dict[str, Any]) -> list[list[str]]:
    """Say what became of the moves that were killed."""
    return [
        ["kill -9 at random moments", f"{kills['kills']}, each resumed; {_counted(kills['killed_while'])}"],
        ["searches meanwhile", _searches(kills)],
    ]


def _counted(steps: dict[str, int]) -> str:
    return ", ".join(f"{count} while {step}" for step, count in steps.items())


def _busy() -> list[str]:
    return ["load average at the end, of 1, 5 and 15 minutes", ", ".join(map(str, machine.load()))]


def _searches(one: dict[str, Any]) -> str:
    ms = one["search_ms"]
    return (
        f"{one['searches']:,}, {len(one['failed_searches'])} failed, {one['mixed_answers']} of mixed points; "
        f"median {ms[0.5]} ms, 95 % {ms[0.95]} ms, longest {ms[1.0]} ms"
    )


if __name__ == "__main__":
    main()
