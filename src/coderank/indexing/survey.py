"""Look at the tree and at the manifest, and see what differs. Reads only."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coderank.corpus.walk import Listing
from coderank.indexing.plan import Plan, make_plan
from coderank.types import IndexPhase, Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from coderank.indexing.manifest import FileRow, Manifest, SkipRow
    from coderank.indexing.tree import Tree
    from coderank.types import Skip


@dataclass(frozen=True, slots=True)
class Survey:
    """The tree compared with the manifest at one moment."""

    revision: int
    """The manifest's revision before the tree was listed."""
    read_ns: int
    """A time before the tree was listed."""
    files: dict[str, FileRow]
    skips: dict[str, SkipRow]
    left_out: tuple[Skip, ...]
    """Files that the listing itself left out."""
    plan: Plan


def survey(tree: Tree, manifest: Manifest, on_progress: Callable[[Progress], None] | None = None) -> Survey:
    """Compare a tree with the manifest."""
    # The manifest comes first: rows older than the listing can only cause a second look, never a lost file.
    revision = manifest.revision()
    files, skips = manifest.files(), manifest.skips()
    read_ns = time.time_ns()
    listing = tree.entries(_counter(on_progress)) if tree.is_there else Listing((), ())
    plan = make_plan(listing.files, files, skips) if tree.is_there else Plan((), (), (), (), len(files))
    return Survey(
        revision=revision,
        read_ns=read_ns,
        files={row.path: row for row in files},
        skips={row.path: row for row in skips},
        left_out=tuple(listing.skips),
        plan=plan,
    )


def _counter(on_progress: Callable[[Progress], None] | None) -> Callable[[int], None] | None:
    """Report files as they are found: how many there will be is not known, so the total grows with the count."""
    if on_progress is None:
        return None
    return lambda found: on_progress(Progress(IndexPhase.SCAN, found, found))
