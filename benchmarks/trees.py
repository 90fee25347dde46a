"""Source trees made for measuring, and vectors for them that cost no model run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from coderank.evaluation.growth import SEED, disturbed, renamed
from coderank.store.edge import EdgeStore

if TYPE_CHECKING:
    from coderank.types import Matrix

FILES_PER_FOLDER = 100
_WRITTEN_AT_ONCE = 2_048


def small_files(folder: Path, count: int) -> None:
    """Write ``count`` distinct small Python files, a hundred in a folder."""
    for number in range(count):
        file = folder / f"part_{number // FILES_PER_FOLDER:03d}" / f"module_{number:05d}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_module(number), "utf-8")


def _module(number: int) -> str:
    return (
        f'"""Step {number} of the generated tree."""\n\nFACTOR_{number} = {number * 7 % 1013}\n\n\n'
        f"def transform_{number}(values: list[int]) -> list[int]:\n"
        f'    """Scale and shift every value."""\n'
        f"    return [value * FACTOR_{number} + {number % 17} for value in values if value > {number % 5}]\n\n\n"
        f"def summarise_{number}(values: list[int]) -> int:\n"
        f'    """Add up what transform_{number} returns."""\n'
        f"    return sum(transform_{number}(values))\n"
    )


def copies(repositories: Path, folder: Path) -> Iterator[Path]:
    """Copy repository after repository below ``folder``, round after round, without end; yield each copy's folder.

    In all rounds but the first a share of the long names is changed, another share in every round, so that the copies
    differ in their words as other repositories would.
    """
    sources = sorted(path for path in repositories.iterdir() if path.is_dir())
    if not sources:
        raise FileNotFoundError(f"There is no repository in {repositories}")
    copy = 0
    while True:
        for source in sources:
            target = folder / f"round_{copy}" / source.name
            _copy(source, target, copy)
            yield target
        copy += 1


def _copy(source: Path, target: Path, copy: int) -> None:
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        new = target / file.relative_to(source)
        new.parent.mkdir(parents=True, exist_ok=True)
        text = file.read_bytes().decode("utf-8", "surrogateescape")
        new.write_bytes((renamed(text, copy) if copy else text).encode("utf-8", "surrogateescape"))


def give_vectors(index_dir: Path, real: Matrix) -> int:
    """Give every point that lacks one a vector, drawn from the real ones and disturbed; return how many."""
    random = np.random.default_rng(SEED)
    with closing(EdgeStore(index_dir, real.shape[1])) as store:
        ids = sorted(id_ for id_, _ in store.without_dense())
        for start in range(0, len(ids), _WRITTEN_AT_ONCE):
            some = ids[start : start + _WRITTEN_AT_ONCE]
            store.set_dense(some, disturbed(real[random.integers(0, len(real), len(some))], random))
        store.optimize()  # as at the end of every indexing run
    return len(ids)
