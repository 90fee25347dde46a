"""``coderank collections size``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from coderank.cli import options
from coderank.errors import UsageError

if TYPE_CHECKING:
    from coderank.evaluation.sizing import Measured

GIB = 2**30


@click.command("size", short_help="Work out memory, disk and nodes for a number of chunks.")
@click.option("--chunks", "numbers", default="1e6,1e8,1e9", show_default=True, metavar="N,N", help="How many.")
@click.option("--dimension", type=click.IntRange(1, 65_535), default=768, show_default=True, help="Of the vectors.")
@click.option("--replicas", type=click.IntRange(1, 100), default=1, show_default=True)
@click.option("--node-memory", type=click.IntRange(1), default=64, show_default=True, metavar="GIB")
@click.option("--measure", metavar="NAME", help="By the points of this embedded collection, instead of ours.")
@options.output_format
def command(
    *, numbers: str, dimension: int, replicas: int, node_memory: int, measure: str | None, output_format: str
) -> None:
    """Work out how much memory and disk, and how many nodes, a number of chunks takes on a Qdrant server.

    The bytes of a point were measured in the engine (docs/sizing.md).
    """
    from coderank.cli.output import write_json  # noqa: PLC0415 - not needed to print help
    from coderank.cli.reporting import write_tables  # noqa: PLC0415
    from coderank.evaluation import sizing, sizing_report  # noqa: PLC0415

    counts = [_count(each) for each in numbers.split(",")]
    measured = sizing.committed()
    if measure is not None:
        measured = _measured(measure, measured)
    shape = sizing.Shape(dimension, replicas, node_memory * GIB)
    found = sizing.needs(measured, counts, sizing_report.KINDS, shape)
    if output_format == "json":
        write_json(json.dumps(sizing_report.record(found, measured, shape), ensure_ascii=False))
        return
    write_tables([sizing_report.table(found, shape)], sizing_report.notes(measured, shape), [])


def _count(text: str) -> int:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 1 <= number <= 1e15:
        raise UsageError(f"{text!r} is no number of chunks", "Give numbers from 1 to 1e15, as --chunks 1e6,1e9")
    return round(number)


def _measured(name: str, ours: Measured) -> Measured:
    """Take payload, terms, fields and ids from an index; how many bytes a compressed vector has is the engine's."""
    import msgspec  # noqa: PLC0415 - not needed to print help

    from coderank.engine import Engine  # noqa: PLC0415
    from coderank.evaluation import machine, sizing  # noqa: PLC0415
    from coderank.store.parts import bytes_by_purpose  # noqa: PLC0415

    with Engine.open_collection(name) as engine:
        found = engine.status()
        shards = sorted(engine.index_dir.glob("**/shard"), key=lambda place: place.stat().st_mtime)
    if not shards or not found.chunks:
        raise UsageError(
            f"The collection {name} has no embedded index", f"Index it: coderank index --collection {name}"
        )
    point = sizing.per_point(bytes_by_purpose(shards[-1]), found.chunks)
    return msgspec.structs.replace(
        ours, commit=f"collection {name}", machine=machine.sentence(), chunks=found.chunks, point=point
    )
