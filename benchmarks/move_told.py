"""Move the index of a folder as ``coderank migrate`` does, and write each step on a line as it begins.

``python -m benchmarks.move_told FOLDER MODEL``: a process that `benchmarks.migration` kills at a step that it chose.
"""

from __future__ import annotations

import sys

from coderank import Engine
from coderank.migration.contract import Moving, Step
from coderank.moving.index import IndexMove


def main(folder: str, model: str) -> None:
    """Move it, or go on."""
    said: list[Step] = []

    def tell(event: Moving) -> None:
        if event.phase not in said[-1:]:
            said.append(event.phase)
            print(event.phase.value, flush=True)

    with Engine.open(folder) as engine, IndexMove(engine, model) as move:
        move.run(on_progress=tell)


if __name__ == "__main__":
    main(*sys.argv[1:])
