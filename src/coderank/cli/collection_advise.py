"""``coderank collections advise``."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from coderank.cli import options

if TYPE_CHECKING:
    from coderank.collections.config import Collection
    from coderank.engine import Engine
    from coderank.evaluation.advice import Advice
    from coderank.settings import Settings
    from coderank.store.bench import Bench
    from coderank.store.quantization import Quantization
    from coderank.types import Matrix

SAMPLE = 10_000
"""Vectors that are tried: ten compressions of them take a minute on two cores."""
QUERIES = 200
"""Held-out vectors that are searched for: recall is then known to half a percent."""


@click.command("advise", short_help="Measure how a collection's vectors are best compressed.")
@click.argument("name")
@click.option("--recall", "target", type=click.FloatRange(0.5, 1.0), default=0.99, show_default=True, metavar="R")
@click.option("--sample", type=click.IntRange(100), default=SAMPLE, show_default=True, help="Vectors to try it on.")
@click.option(
    "--queries",
    "questions",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Questions of yours, one a line, instead of vectors that are held out.",
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.html", help="Write a page, too.")
@click.option("--write", is_flag=True, help="Put the advice into the configuration.")
@options.output_format
def command(
    name: str,
    *,
    target: float,
    sample: int,
    questions: Path | None,
    out: Path | None,
    write: bool,
    output_format: str,
) -> None:
    """Measure how the vectors of the collection NAME are best compressed.

    Every compression is tried on a sample of its own vectors, in the engine it is in; the cheapest that finds what an
    exact search finds is advised. Nothing of the collection is changed.
    """
    from coderank.cli.output import write_json  # noqa: PLC0415 - not needed to print help
    from coderank.cli.reporting import write_file, write_tables  # noqa: PLC0415
    from coderank.engine import Engine  # noqa: PLC0415
    from coderank.evaluation import advice_report  # noqa: PLC0415
    from coderank.settings import Settings  # noqa: PLC0415
    from coderank.wiring import describe  # noqa: PLC0415

    settings = Settings.from_environment()
    described = describe(name, settings)
    with Engine.open_collection(name, settings=settings) as engine:
        found, vector = _advice(engine, described, settings, target, sample, questions)
    if out is not None:
        write_file(out, advice_report.html(found, name))
    if output_format == "json":
        write_json(json.dumps(advice_report.record(found), ensure_ascii=False))
    else:
        write_tables([advice_report.table(found)], [advice_report.sentence(found)], advice_report.notes(found))
    if write:
        _write(found, vector, described, settings)


def _advice(
    engine: Engine, described: Collection, settings: Settings, target: float, size: int, questions: Path | None
) -> tuple[Advice, str]:
    """Try everything; give what was found, and the name of the vector it is about."""
    from coderank.evaluation import sampling  # noqa: PLC0415 - numpy: not needed to print help
    from coderank.evaluation.advice import advise  # noqa: PLC0415

    wanted = described.store.vector if described.store else None
    with closing(engine.points()) as points:
        count = points.count()
        vector = sampling.dense_vector(points.specs(), wanted)
        vectors = sampling.sample(points, vector, size)
    if questions is None:
        vectors, queries = sampling.held_out(vectors, min(QUERIES, max(1, len(vectors) // 10)))
    else:
        queries = _embedded(questions, engine, settings)
    with _bench(described, settings) as bench:
        found = advise(
            bench,
            vectors,
            queries,
            points=count,
            target=target,
            own_queries=questions is not None,
            announce=lambda what: click.echo(f"trying {what}", err=True),
        )
    return found, vector


def _bench(described: Collection, settings: Settings) -> Bench:
    if described.store is None:
        from coderank.store.edge_bench import EdgeBench  # noqa: PLC0415 - either or

        settings.cache_dir.mkdir(parents=True, exist_ok=True)
        return EdgeBench(settings.cache_dir)
    from coderank.loading.servers import connect  # noqa: PLC0415

    connection = connect(described, settings)
    from coderank.store.server_bench import ServerBench  # noqa: PLC0415 - after connect, which says what is missing

    return ServerBench(connection)


def _embedded(questions: Path, engine: Engine, settings: Settings) -> Matrix:
    import numpy as np  # noqa: PLC0415 - not needed to print help

    from coderank.errors import UsageError  # noqa: PLC0415
    from coderank.loading.choice import embedder  # noqa: PLC0415
    from coderank.loading.opened import opened_embedder  # noqa: PLC0415

    try:
        lines = [line.strip() for line in questions.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"Cannot read {questions}: {error}", "Give a text file with a question a line") from error
    if not lines:
        raise UsageError(f"{questions} has no question", "Give a text file with a question a line")
    model = opened_embedder(embedder(engine.model, settings), settings)
    return np.stack([model.embed_query(line) for line in lines])


def _write(found: Advice, vector: str, described: Collection, settings: Settings) -> None:
    from coderank.collections.change import change  # noqa: PLC0415 - not needed to print help
    from coderank.errors import CoderankError  # noqa: PLC0415
    from coderank.loading.servers import configured  # noqa: PLC0415

    if found.chosen is None:
        raise CoderankError(f"Nothing reaches a recall of {found.target:g}", "Nothing is written; lower --recall")
    file = settings.collections_place()
    said = configured(found.chosen.quantization, described.quantization)
    kept = change(file, described.name, {"quantization": said})
    click.echo(f"written to {file}; what it was is in {kept}", err=True)
    if described.is_adopted:
        click.echo(_request(found.chosen.quantization, vector, described, settings), err=True)
    else:
        click.echo(f"takes effect with: coderank index --collection {described.name}", err=True)


def _request(wanted: Quantization, vector: str, described: Collection, settings: Settings) -> str:
    """Say what to ask the server of a collection for, which coderank only searches."""
    from coderank.loading.servers import what_is_there  # noqa: PLC0415 - the client takes 0.5 s to import
    from coderank.store.server_requests import requantization  # noqa: PLC0415

    there = what_is_there(described, settings)
    if there is None or described.store is None:
        return "its server has no such collection any more"
    body = json.dumps({"vectors": {vector: requantization(wanted).model_dump(mode="json", exclude_none=True)}})
    return (
        f"{described.name} is only searched here: it is asked for as advised from now on, but its vectors are not "
        "compressed anew. "
        + (
            f"That is done on {there.host}, by the same description and coderank index"
            if there.host
            else f"Ask its server for that:\n  curl -X PATCH {there.url}/collections/{there.name} "
            f"-H 'Content-Type: application/json' -H \"api-key: ${described.store.api_key_env}\" -d '{body}'"
        )
    )
