from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from qdrant_client import QdrantClient
from tests.store.qdrant_server import QdrantServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def server() -> Iterator[QdrantServer]:
    """Run a server for one test, which may stop it and start it again."""
    made = QdrantServer().start()
    yield made
    made.stop()


@pytest.fixture
def client(server: QdrantServer) -> Iterator[QdrantClient]:
    """Speak to it as its owner does."""
    made = QdrantClient(url=server.url, check_compatibility=False)
    yield made
    made.close()
