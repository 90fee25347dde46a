"""Results as files: one JSON document per benchmark, committed beside the code that it measured."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import bars, machine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FOLDER = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows for people; every cell is written already."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    headline: bool = False
    """Whether the README shows it."""

    def record(self) -> dict[str, Any]:
        rows = [list(row) for row in self.rows]
        return {"title": self.title, "columns": list(self.columns), "rows": rows, "headline": self.headline}


@dataclass(slots=True)
class Run:
    """One run of a benchmark, from its start, which is when it is made, to its file."""

    benchmark: str
    command: str
    """How to repeat it, without paths of a machine."""
    _commit: str = field(default_factory=machine.commit)
    _modified: list[str] = field(default_factory=machine.modified)
    _started: datetime = field(default_factory=lambda: datetime.now(UTC))
    _load: list[float] = field(default_factory=machine.load)

    def write(
        self,
        measured: Mapping[str, float],
        details: Mapping[str, Any],
        tables: Sequence[Table] = (),
        folder: Path = FOLDER,
    ) -> Path:
        """Write the file of this benchmark, sorted and indented, so that a change is a readable diff.

        Raises:
            ValueError: ``measured`` does not hold exactly the bars of this benchmark.
        """
        ended = datetime.now(UTC)
        document = {
            "benchmark": self.benchmark,
            "command": self.command,
            "commit": self._commit,
            "modified_files": self._modified,
            "date": self._started.strftime("%Y-%m-%d %H:%M UTC"),
            "seconds": round((ended - self._started).total_seconds()),
            "machine": machine.describe(),
            "load_at_start": self._load,
            "load_at_end": machine.load(),
            "bars": bars.of_benchmark(self.benchmark, measured),
            "details": details,
            "tables": [table.record() for table in tables],
        }
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.benchmark}.json"
        path.write_text(json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")
        return path


def read_all(folder: Path = FOLDER) -> dict[str, dict[str, Any]]:
    """Read every result by the name of its benchmark."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))}
