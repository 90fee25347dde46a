"""What the files of a shard are for, and how many bytes of disk each purpose takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coderank.store.edge_view import SEGMENTS
from coderank.store.room import bytes_on_disk

if TYPE_CHECKING:
    from pathlib import Path

_PURPOSES = (
    ("payload_storage", "payload"),
    ("payload_index", "fields"),
    ("vector_storage-lexical", "lexical"),
    ("vector_index-lexical", "lexical"),
    ("vector_storage-static-", "static"),
    ("vector_index-static-", "static"),
    ("vector_storage-", "dense"),
    ("vector_index-", "dense"),
    ("mutable_id_tracker", "ids"),
    ("id_tracker", "ids"),
)
"""Beginnings of names in a segment's folder, the longer first. What else is there is a few kilobytes a segment."""


def bytes_by_purpose(shard: Path) -> dict[str, int]:
    """Add up the bytes on disk of ``payload``, ``fields`` (their index), the three kinds of vectors and ``ids``.

    The write-ahead log is left out: it has an end, however many points there are.
    """
    found = dict.fromkeys(("payload", "fields", "lexical", "dense", "static", "ids"), 0)
    for item in shard.glob(f"{SEGMENTS}/*/*"):
        purpose = next((purpose for start, purpose in _PURPOSES if item.name.startswith(start)), None)
        if purpose:
            found[purpose] += bytes_on_disk(item)
    return found
