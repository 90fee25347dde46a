"""Settings every test shares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from qdrant_client import QdrantClient
    from tests.store.qdrant_server import QdrantServer

# No deadline: a busy machine must not fail a test. Derandomised: a red run shows the same example to everyone.
settings.register_profile("coderank", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("coderank")

collect_ignore = ["golden/corpus"]
"""Ranked, not run."""


@pytest.fixture
def server() -> Iterator[QdrantServer]:
    """Run a Qdrant server for one test, which may stop it and start it again."""
    from tests.store.qdrant_server import QdrantServer  # the client takes 0.5 s to import, and most tests need none

    made = QdrantServer().start()
    yield made
    made.stop()


@pytest.fixture
def client(server: QdrantServer) -> Iterator[QdrantClient]:
    """Speak to it as its owner does."""
    from qdrant_client import QdrantClient

    made = QdrantClient(url=server.url, check_compatibility=False)
    yield made
    made.close()
