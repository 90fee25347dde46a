"""Memory, disk and nodes for a number of chunks, from bytes per point that were measured."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from math import ceil
from typing import TYPE_CHECKING

import msgspec

from coderank.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from coderank.store.quantization import Quantization

FILE = "bytes_per_point.json"
"""The committed measurement, made by ``python -m benchmarks.sizing``."""
GRAPH_LINKS = 16
"""A server's default m: each point has up to twice as many links on the lowest level."""
GRAPH_BYTES = 2 * GRAPH_LINKS * 4 * (1 + 1 / (GRAPH_LINKS - 1))
"""Computed, not measured: 4 bytes a link, and the upper levels, each of which has a sixteenth of the one below."""
WHOLE_BYTES = 2
"""Bytes a number of the stored vectors: float16."""
USABLE = 0.8
"""Share of a node's memory that may be planned with; the optimizer, caches and the system need the rest."""
SPARE = 2.0
"""Disk per byte of data: the optimizer writes a segment anew beside the old one, and snapshots need room."""
GIB = 2**30


class PerPoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bytes of one point on disk, by what they are for; vectors are besides."""

    payload: float
    fields: float
    lexical: float
    ids: float

    @property
    def hot(self) -> float:
        """What every search may read of it; payload is read of the few that it gives."""
        return self.lexical + self.ids + self.fields


class Measured(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was measured, on what."""

    commit: str
    machine: str
    engine: str
    chunks: int
    """Real chunks whose payload and terms were measured."""
    vectors: int
    """Vectors of each dimension that were compressed."""
    point: PerPoint
    compressed: dict[str, dict[str, float]]
    """Bytes of a compressed vector by dimension and `Quantization.stored`."""

    def scanned(self, dimension: int, quantization: Quantization) -> float:
        """Bytes of a vector that the first pass reads: measured, or between measurements by proportion."""
        if quantization.kind == "none":
            return float(dimension * WHOLE_BYTES)
        known = {int(each): sizes[quantization.stored] for each, sizes in self.compressed.items()}
        if dimension in known:
            return known[dimension]
        nearest = min(known, key=lambda each: abs(each - dimension))
        overhead = known[nearest] - quantization.bytes_per_vector(nearest)
        return quantization.bytes_per_vector(dimension) + overhead


@dataclass(frozen=True, slots=True)
class Need:
    """What a number of chunks takes, compressed in one way; of all replicas together."""

    chunks: int
    quantization: Quantization
    memory: float
    """Bytes that searches read, which must stay in memory to be answered at memory's speed."""
    disk: float
    """Bytes, with room for the optimizer."""
    nodes: int


@dataclass(frozen=True, slots=True)
class Shape:
    """What is asked for besides the number of chunks."""

    dimension: int
    replicas: int = 1
    node_memory: float = 64 * GIB
    graph: bool = True
    """Whether vectors are linked by a graph, as a server does; an embedded index scans."""

    def __post_init__(self) -> None:
        if min(self.dimension, self.replicas) < 1 or self.node_memory < GIB:
            raise UsageError("A node has at least 1 GiB, a vector one number and a point one replica")


def committed() -> Measured:
    """Read the measurement that comes with this version."""
    content = resources.files("coderank.evaluation").joinpath(FILE).read_bytes()
    return msgspec.json.decode(content, type=Measured)


def need(measured: Measured, chunks: int, quantization: Quantization, shape: Shape) -> Need:
    """Work out what so many chunks take.

    Where vectors are compressed, the whole ones stay on disk, and only those that are rescored are read.
    """
    scanned = measured.scanned(shape.dimension, quantization)
    graph = GRAPH_BYTES if shape.graph else 0.0
    whole = shape.dimension * WHOLE_BYTES
    compressed = 0.0 if quantization.kind == "none" else scanned
    copies = chunks * shape.replicas
    memory = copies * (scanned + graph + measured.point.hot)
    disk = copies * (whole + compressed + graph + measured.point.hot + measured.point.payload) * SPARE
    nodes = max(shape.replicas, ceil(memory / (shape.node_memory * USABLE)))
    return Need(chunks, quantization, memory, disk, nodes)


def needs(measured: Measured, chunks: Sequence[int], kinds: Sequence[Quantization], shape: Shape) -> list[Need]:
    """Work out every number of chunks in every compression."""
    return [need(measured, count, one, shape) for count in chunks for one in kinds]


def per_point(by_purpose: Mapping[str, int], chunks: int) -> PerPoint:
    """Divide the bytes of a shard among its points."""
    return PerPoint(**{name: by_purpose[name] / max(1, chunks) for name in PerPoint.__struct_fields__})
