"""Writes results: the answer to standard output, remarks about it to standard error."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from coderank.render import coverage_note, footer, rerank_note, to_json, to_text
from coderank.types import SearchMode, Tier

if TYPE_CHECKING:
    from coderank.types import SearchResult


def write_json(text: str) -> None:
    """Write JSON and a line end in UTF-8, whatever the locale; a byte that was no UTF-8 in a name stays an escape."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace") + b"\n")
    sys.stdout.buffer.flush()


def size(count: int) -> str:
    """Write a number of bytes in the unit that fits."""
    scaled = float(count)
    for unit in ("B", "KiB", "MiB"):
        if scaled < 1024:
            return f"{scaled:.0f} {unit}"
        scaled /= 1024
    return f"{scaled:.1f} GiB"


def write_result(
    result: SearchResult,
    output_format: str,
    *,
    outlook: str,
    named: str,
    mode: str = SearchMode.HYBRID,
    with_root: bool = False,
) -> None:
    """Write hits as text or JSON. The remarks accompany text only: JSON carries the same facts itself.

    ``named``: the arguments that name the index in a command that a remark advises; ``mode``: the legs asked for.
    """
    if output_format == "json":
        write_json(to_json(result, with_root=with_root))
        return
    if sys.stdout.isatty():
        from coderank.cli.terminal import show  # noqa: PLC0415 - rich costs 50 ms that a pipe need not pay

        show(result)
    else:
        sys.stdout.write(to_text(result))
    sys.stdout.flush()
    _remark(result, outlook, named, mode)


def _remark(result: SearchResult, outlook: str, named: str, mode: str) -> None:
    # That nothing could be asked is said below, and is no reason to try other words.
    unasked = mode == SearchMode.DENSE and result.index.tier is Tier.NONE
    if not len(result) and not unasked:
        sys.stderr.write(f"{_nothing_found(result, named)}\n")
    elif len(result) and sys.stderr.isatty():
        from coderank.cli.terminal import note  # noqa: PLC0415 - as above

        note(f"\n{footer(result)}")
    for remark in filter(None, (rerank_note(result), coverage_note(result.index, outlook, mode))):
        sys.stderr.write(f"{remark}\n")


def _nothing_found(result: SearchResult, named: str) -> str:
    if not result.index.chunks:
        return f"no hits: there is nothing to search here (`coderank status --skips {named}` lists the files left out)"
    return f"no hits in {result.index.chunks:,} chunks; other words or fewer filters may help"
