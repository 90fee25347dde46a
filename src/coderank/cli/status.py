"""``coderank status``."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

import click

from coderank.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from coderank.types import Skip, Status

_LABEL_COLUMNS = 12


@click.command(short_help="Say what is indexed, and how fresh it is.")
@click.argument("path", required=False)
@click.option("--skips", "list_skips", is_flag=True, help="List every file that was left out, and why.")
@options.index_dir
@options.collection
@options.output_format
def status(
    path: str | None, *, list_skips: bool, index_dir: Path | None, collection: str | None, output_format: str
) -> None:
    """Say what is indexed for PATH (default: this folder) or a collection, how fresh it is, and what was left out."""
    if collection is not None:
        options.refuse_beside_collection({"PATH": path, "--index-dir": index_dir})
    from coderank.cli.output import write_json  # noqa: PLC0415 - the engine is not needed to print help
    from coderank.engine import Engine  # noqa: PLC0415

    given = "." if path is None else path
    opened = Engine.open(given, index_dir=index_dir) if collection is None else Engine.open_collection(collection)
    with opened as engine:
        found = engine.status()
    if output_format == "json":
        write_json(to_json(found, list_skips=list_skips))
    else:
        sys.stdout.write("".join(f"{line}\n" for line in lines(found, list_skips=list_skips)))


def to_json(found: Status, *, list_skips: bool) -> str:
    """Render a status as one line of JSON; ``list_skips`` adds every file left out."""
    import json  # noqa: PLC0415 - only this format needs it

    document: dict[str, object] = {
        "root": found.root,
        "index_dir": found.index_dir,
        "model": found.model,
        "files": found.files,
        "chunks": found.chunks,
        "dense_coverage": found.dense_coverage,
        "changed_since": found.changed_since,
        "bytes_on_disk": found.bytes_on_disk,
        "languages": dict(found.languages),
        "skipped": dict(_by_reason(found.skips)),
    }
    if list_skips:
        document["skips"] = [
            {"path": skip.path, "reason": skip.reason.value, "detail": skip.detail} for skip in found.skips
        ]
    return json.dumps(document, ensure_ascii=False)


def lines(found: Status, *, list_skips: bool) -> Iterator[str]:
    """Yield a status as text, one fact a line."""
    from coderank.cli.output import size  # noqa: PLC0415 - not needed to print help
    from coderank.render import percent, visible  # noqa: PLC0415

    yield _fact("root", visible(found.root))
    yield _fact("index", f"{visible(found.index_dir)}  ({size(found.bytes_on_disk)})")
    yield _fact("model", found.model)
    yield _fact("files", f"{found.files:,}  ({_freshness(found.changed_since)})")
    yield _fact("chunks", f"{found.chunks:,}  ({percent(found.dense_coverage)} have vectors)")
    yield _fact("languages", _counted(found.languages) or "none")
    yield _fact("left out", _counted(_by_reason(found.skips)) or "nothing")
    if list_skips:
        for skip in found.skips:
            detail = f"  ({visible(skip.detail)})" if skip.detail else ""
            yield f"  {visible(skip.path)}  {skip.reason}{detail}"


def _fact(label: str, value: str) -> str:
    return f"{label:<{_LABEL_COLUMNS}}{value}"


def _by_reason(skips: Sequence[Skip]) -> list[tuple[str, int]]:
    counts = Counter(skip.reason.value for skip in skips)
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _counted(counts: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts)


def _freshness(changed: int) -> str:
    if not changed:
        return "up to date"
    return f"{changed:,} changed on disk since; the next search takes them in"
