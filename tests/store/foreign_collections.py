"""Collections as other programs make them: their vectors, payloads and ids, after the public sources of each."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from qdrant_client import models
from tests.store.store_samples import DIMENSION, unit

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

TEXTS = (
    "def login(user): ...\n",
    "func Serve(addr string) error {\n}\n",
    "# Installing\n\nRun make.\n",
)
PATHS = ("src/auth/login.py", "cmd/serve.go", "docs/install.md")
COSINE = models.VectorParams(size=DIMENSION, distance=models.Distance.COSINE)


def mcp_server_qdrant(client: QdrantClient, name: str) -> None:
    """One named vector after the model of FastEmbed; the tool `qdrant-store` gives free metadata or none."""
    client.create_collection(name, {"fast-all-minilm-l6-v2": COSINE})
    metadata: list[Any] = [{"path": PATHS[0], "language": "python"}, {"path": PATHS[1]}, None]
    points = [
        models.PointStruct(
            id=uuid.UUID(int=number + 1).hex,
            vector={"fast-all-minilm-l6-v2": unit(number).tolist()},
            payload={"document": text, "metadata": metadata[number]},
        )
        for number, text in enumerate(TEXTS)
    ]
    client.upsert(name, points)


def langchain(client: QdrantClient, name: str) -> None:
    """The unnamed vector, beside the sparse one of its hybrid mode."""
    client.create_collection(name, COSINE, sparse_vectors_config={"langchain-sparse": models.SparseVectorParams()})
    lines = {"loc": {"lines": {"from": 3, "to": 4}}}
    points = [
        models.PointStruct(
            id=str(uuid.UUID(int=number + 1)),
            vector={"": unit(number).tolist(), "langchain-sparse": models.SparseVector(indices=[1], values=[1.0])},
            payload={"page_content": text, "metadata": {"source": PATHS[number], **lines}},
        )
        for number, text in enumerate(TEXTS)
    ]
    client.upsert(name, points)


def llama_index(client: QdrantClient, name: str) -> None:
    """Named vectors of its hybrid mode; the text is in a node that is kept as JSON."""
    client.create_collection(
        name, {"text-dense": COSINE}, sparse_vectors_config={"text-sparse-new": models.SparseVectorParams()}
    )
    points = []
    for number, text in enumerate(TEXTS):
        node = {"id_": str(number), "embedding": None, "text": text, "metadata": {"file_path": PATHS[number]}}
        payload = {
            "file_path": PATHS[number],
            "file_name": PATHS[number].rsplit("/", 1)[-1],
            "_node_content": json.dumps(node),
            "_node_type": "TextNode",
            "document_id": "d",
            "doc_id": "d",
            "ref_doc_id": "d",
        }
        vector = {"text-dense": unit(number).tolist()}
        points.append(models.PointStruct(id=str(uuid.UUID(int=number + 1)), vector=vector, payload=payload))
    client.upsert(name, points)


def roo_code(client: QdrantClient, name: str) -> None:
    """The unnamed vector, the segments of the path for filters, and one point of notes without code."""
    client.create_collection(name, COSINE)
    points = [
        models.PointStruct(
            id=str(uuid.uuid5(uuid.NAMESPACE_URL, PATHS[number])),
            vector=unit(number).tolist(),
            payload={
                "filePath": PATHS[number],
                "codeChunk": text,
                "startLine": 10 * number + 1,
                "endLine": 10 * number + 2,
                "segmentHash": "0" * 64,
                "pathSegments": {str(place): part for place, part in enumerate(PATHS[number].split("/"))},
            },
        )
        for number, text in enumerate(TEXTS)
    ]
    notes = models.PointStruct(
        id=str(uuid.uuid5(uuid.NAMESPACE_URL, "metadata")),
        vector=[0.0] * DIMENSION,
        payload={"type": "metadata", "indexing_complete": True, "completed_at": 1_760_000_000_000},
    )
    client.upsert(name, [*points, notes])


def claude_context(client: QdrantClient, name: str) -> None:
    """The fields of its vector database, and its metadata as text."""
    client.create_collection(name, {"vector": COSINE})
    points = [
        models.PointStruct(
            id=number + 1,
            vector={"vector": unit(number).tolist()},
            payload={
                "content": text,
                "relativePath": PATHS[number],
                "startLine": 10 * number + 1,
                "endLine": 10 * number + 2,
                "fileExtension": "." + PATHS[number].rsplit(".", 1)[-1],
                "metadata": json.dumps({"language": "python" if number == 0 else "", "chunkIndex": number}),
            },
        )
        for number, text in enumerate(TEXTS)
    ]
    client.upsert(name, points)


MAKERS = {
    "mcp-server-qdrant": mcp_server_qdrant,
    "langchain": langchain,
    "llama-index": llama_index,
    "roo-code": roo_code,
    "claude-context": claude_context,
}
