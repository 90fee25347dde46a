"""``coderank collections info``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from coderank.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from coderank.collections.config import Collection
    from coderank.settings import Settings

_LABEL_COLUMNS = 14


@click.command("info", short_help="Say all about one collection.")
@click.argument("name")
@options.output_format
def command(name: str, output_format: str) -> None:
    """Say how the collection NAME is described, and what is indexed of it."""
    from coderank.cli.output import write_json  # noqa: PLC0415 - not needed to print help
    from coderank.settings import Settings  # noqa: PLC0415
    from coderank.wiring import describe  # noqa: PLC0415

    settings = Settings.from_environment()
    described = describe(name, settings)
    facts = _facts(described, settings)
    if output_format == "json":
        write_json(json.dumps(facts, ensure_ascii=False))
        return
    for line in _lines(facts):
        click.echo(line)


def _facts(described: Collection, settings: Settings) -> dict[str, Any]:
    import msgspec  # noqa: PLC0415 - not needed to print help

    from coderank.described import EMBEDDED  # noqa: PLC0415

    used = described.quantization.used
    reranking = described.reranking
    facts: dict[str, Any] = {
        "collection": described.name,
        "file": str(settings.collections_place()),
        "model": described.embedding_model,
        "distance": described.distance_metric,
        "quantization": {type(used).__name__.lower(): msgspec.to_builtins(used)} if used else {},
        "reranking": msgspec.to_builtins(reranking) if reranking.enabled else {},
        "sources": [{"name": one.name, one.kind: one.place} for one in described.sources],
        "store": msgspec.to_builtins(described.store) if described.store else EMBEDDED,
    }
    return facts | _index_facts(described, settings)


def _index_facts(described: Collection, settings: Settings) -> dict[str, Any]:
    """Tell what is indexed; of what cannot be told, why."""
    from coderank.described import difference  # noqa: PLC0415 - not needed to print help
    from coderank.engine import Engine  # noqa: PLC0415
    from coderank.errors import CoderankError  # noqa: PLC0415

    try:
        with Engine.open_collection(described.name, settings=settings) as engine:
            found = engine.status()
        notes = [difference(described, found.model, settings)]
    except CoderankError as error:
        return {"notes": [str(error)]}
    return {
        "index": found.index_dir,
        "indexed_with": found.model,
        "files": found.files,
        "changed_since": found.changed_since,
        "chunks": found.chunks,
        "dense_coverage": found.dense_coverage,
        "left_out": len(found.skips),
        "bytes_on_disk": found.bytes_on_disk,
        "notes": list(filter(None, notes)),
    }


def _lines(facts: Mapping[str, Any]) -> Iterator[str]:
    from coderank.cli.output import size  # noqa: PLC0415 - not needed to print help
    from coderank.render import percent, visible  # noqa: PLC0415

    written = {"bytes_on_disk": size, "dense_coverage": percent}
    for key, value in facts.items():
        label = key.replace("_", " ")
        if key in written:
            shown = [written[key](value)]
        elif isinstance(value, list):
            shown = [_pairs(one) if isinstance(one, dict) else str(one) for one in value]
        elif isinstance(value, dict):
            shown = [_pairs(value)]
        else:
            shown = [f"{value:,}" if isinstance(value, int) else str(value)]
        for number, text in enumerate(shown or [""]):
            yield f"{'' if number else label:<{_LABEL_COLUMNS}}{visible(text) or '-'}"


def _pairs(table: Mapping[str, Any]) -> str:
    parts = [
        f"{key} ({_pairs(value)})" if isinstance(value, dict) else f"{key} {value}"
        for key, value in table.items()
        if value not in (None, "")
    ]
    return ", ".join(parts)
