"""The Qdrant server that tests of the contract run on, and collections of their own on it."""

from __future__ import annotations

import itertools
import os
import uuid

from tests.store.grpc_front import GrpcFront
from tests.store.qdrant_server import QdrantServer

from coderank.store.address import GRPC_PORT, Address
from coderank.store.server_connection import Connection
from coderank.store.server_names import aliases, collections, delete_collection, drop_alias


class Servers:
    """A real server where QDRANT_URL names one, else one of this process. What a test made there is removed again."""

    def __init__(self) -> None:
        self._url = os.environ.get("QDRANT_URL", "")
        self._own = None if self._url else QdrantServer().start()
        self._front = GrpcFront(self._own).start() if self._own else None
        self._run = f"coderank-test-{uuid.uuid4().hex[:8]}"
        self._numbers = itertools.count(1)

    @property
    def url(self) -> str:
        return self._own.url if self._own else self._url

    def connection(self, *, grpc: bool = False) -> Connection:
        port = self._front.port if self._front else GRPC_PORT
        key = os.environ.get("QDRANT_API_KEY", "")
        return Connection(Address(self.url, api_key=key, prefer_grpc=grpc, grpc_port=port))

    def collection(self) -> str:
        """A name that nobody else uses."""
        return f"{self._run}-{next(self._numbers)}"

    def close(self) -> None:
        connection = self.connection()
        for alias in aliases(connection):
            if alias.startswith(self._run):
                drop_alias(connection, alias)
        for name in collections(connection):
            if name.startswith(self._run):
                delete_collection(connection, name)
        connection.close()
        if self._front:
            self._front.stop()
        if self._own:
            self._own.stop()
