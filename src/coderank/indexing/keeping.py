"""Where the points of an index are kept: in its folder, or wherever a `Keeper` says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from coderank.store.quantization import TURBO

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from coderank.models.catalogue import Model
    from coderank.store.contract import KeptStore
    from coderank.store.quantization import Quantization
    from coderank.store.raw import RawPoints


class Keeper(Protocol):
    """Opens the points of one index. Nothing is touched before their first use."""

    @property
    def shared(self) -> bool:
        """Whether other machines can write the same points."""
        ...

    def store(
        self, folder: Path, model: Model, verify: Callable[[], object], verify_empty: Callable[[], object]
    ) -> KeptStore:
        """Open the store of a generation, whose own folder is given; for the checks see `store.edge.EdgeStore`."""
        ...

    def points(self, folder: Path, verify: Callable[[], object]) -> RawPoints:
        """Open the points of a generation as they were written."""
        ...


class InFolder:
    """Keeps points in the folder of their generation, by the embedded engine."""

    shared = False
    """No other machine writes there."""

    def __init__(self, quantization: Quantization = TURBO, static: Model | None = None) -> None:
        """Take how vectors are compressed for the first pass of a search, and the table whose vectors stand in."""
        self.quantization = quantization
        self.static = static

    def store(
        self, folder: Path, model: Model, verify: Callable[[], object], verify_empty: Callable[[], object]
    ) -> KeptStore:
        """Open the store in the folder."""
        from coderank.store.edge import EdgeStore  # noqa: PLC0415 - the engine's library is loaded when it is used
        from coderank.store.layout import StaticVector  # noqa: PLC0415

        table = None if model.is_static else self.static
        return EdgeStore(
            folder,
            model.dimension,
            quantization=self.quantization,
            static=StaticVector(table.file_stem, table.dimension) if table else None,
            verify=verify,
            verify_empty=verify_empty,
        )

    def points(self, folder: Path, verify: Callable[[], object]) -> RawPoints:
        """Open the points in the folder."""
        from coderank.store.edge_points import open_edge_points  # noqa: PLC0415 - hardly ever used

        return open_edge_points(folder, verify=verify)
