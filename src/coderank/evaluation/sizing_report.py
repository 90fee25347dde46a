"""Sizes for people: tables, and the page docs/sizing.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coderank.evaluation.sizing import GRAPH_BYTES, SPARE, USABLE, needs
from coderank.evaluation.tables import Table, markdown
from coderank.store.quantization import NONE, Quantization

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coderank.evaluation.sizing import Measured, Need, Shape

KINDS = (
    NONE,
    Quantization("scalar", quantile=0.99),
    Quantization("turbo", 4.0),
    Quantization("turbo", 2.0),
    Quantization("binary", 1.0),
)
"""What the tables compare: every step of a factor of two."""
CHUNKS = (1_000_000, 100_000_000, 1_000_000_000)
"""The numbers that the page shows."""
_GIB = 2**30


def table(found: Sequence[Need], shape: Shape) -> Table:
    """One row a number of chunks and compression."""
    rows = [
        (count(one.chunks), one.quantization.stored, size(one.memory), size(one.disk), f"{one.nodes:,}")
        for one in found
    ]
    replicas = f", {shape.replicas} replicas" if shape.replicas > 1 else ""
    title = f"{shape.dimension} numbers a vector, nodes of {shape.node_memory / _GIB:.0f} GiB{replicas}"
    return Table(title, ("chunks", "compression", "memory", "disk", "nodes"), rows)


def notes(measured: Measured, shape: Shape) -> list[str]:
    """Say where the figures come from, and what they include."""
    point = measured.point
    graph = (
        f"The graph's {GRAPH_BYTES:.0f} B a point are computed" if shape.graph else "No graph: every vector is scanned"
    )
    return [
        f"Measured at {measured.commit} with {measured.engine} on {measured.chunks:,} real chunks and "
        f"{measured.vectors:,} vectors of each dimension ({measured.machine})",
        f"A chunk has {point.payload:.0f} B of payload, {point.lexical:.0f} B of terms, {point.fields:.0f} B of "
        f"indexed fields and {point.ids:.0f} B of ids. {graph}",
        f"Memory is what searches read; {1 - USABLE:.0%} of a node is left to the system. Disk is {SPARE:g} times the "
        "data, for the optimizer writes segments anew",
    ]


def record(found: Sequence[Need], measured: Measured, shape: Shape) -> dict[str, Any]:
    """Everything, for JSON."""
    return {
        "dimension": shape.dimension,
        "replicas": shape.replicas,
        "node_memory_bytes": round(shape.node_memory),
        "needs": [
            {
                "chunks": one.chunks,
                "compression": one.quantization.stored,
                "memory_bytes": round(one.memory),
                "disk_bytes": round(one.disk),
                "nodes": one.nodes,
            }
            for one in found
        ],
        "notes": notes(measured, shape),
    }


def tables(measured: Measured, shapes: Sequence[Shape]) -> str:
    """Render the tables of the page in Markdown."""
    parts = []
    for shape in shapes:
        one = table(needs(measured, CHUNKS, KINDS, shape), shape)
        parts.append(f"### {one.title}\n\n{markdown(one.columns, one.rows)}")
    return "\n\n".join(parts)


def count(number: int) -> str:
    """Write a number of chunks: 1 M, 2.5 M, 1 B."""
    for unit, name in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if number >= unit:
            return f"{number / unit:.3g} {name}"
    return str(number)


def size(count: float) -> str:
    """Write bytes in the unit that a machine is bought in."""
    if count >= 1024 * _GIB:
        return f"{count / (1024 * _GIB):.1f} TiB"
    return f"{count / _GIB:.1f} GiB"
