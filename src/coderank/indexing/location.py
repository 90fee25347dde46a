"""Where the index of a root lives. Pure."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_NAME_LENGTH = 40
_DIGEST_BYTES = 5


def index_folder(data_dir: Path, root: Path) -> Path:
    """Return the folder of a root's index: readable by its name, unique by a hash of the absolute path."""
    digest = hashlib.blake2b(str(root).encode("utf-8", "surrogateescape"), digest_size=_DIGEST_BYTES).hexdigest()
    name = re.sub(r"[^\w.-]+", "-", root.name, flags=re.ASCII).strip("-.")[:_NAME_LENGTH]
    return data_dir / "indexes" / f"{name or 'root'}-{digest}"
