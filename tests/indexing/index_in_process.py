"""Index a tree of the tests in a process of its own, so that it can be killed or limited."""

from __future__ import annotations

import argparse
import resource
import sys
from pathlib import Path

from tests.indexing.indexing_world import DIMENSION, HashEmbedder, World

from coderank.errors import IndexNotWritableError
from coderank.store.edge import EdgeStore


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("base", type=Path)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--file-limit", type=int)
    options = parser.parse_args()
    if options.file_limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (options.file_limit, options.file_limit))
    store = EdgeStore(options.base / "index", DIMENSION)
    world = World(options.base, store, HashEmbedder(delay=options.delay))
    (options.base / "started").touch()
    try:
        world.indexer.index()
    except IndexNotWritableError as error:
        print(type(error).__name__)
        return 1
    world.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
