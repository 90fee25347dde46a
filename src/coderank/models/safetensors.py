"""What a safetensors file says of its tensors, without loading them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from coderank.errors import ModelUnavailableError

if TYPE_CHECKING:
    from pathlib import Path

MAX_HEADER = 100_000_000
"""Bytes: the limit of the format itself, so that a damaged length is not read into memory."""

Shapes = dict[str, tuple[int, ...]]


class _Tensor(msgspec.Struct):
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


def read_shapes(path: Path) -> Shapes:
    """Read the shape of every tensor of one file from its header.

    Raises:
        ModelUnavailableError: the file is cut off or is none of this format.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = file.read(length) if length <= MAX_HEADER else b""
    try:
        entries = msgspec.json.decode(header, type=dict[str, msgspec.Raw])
        tensors = {
            name: msgspec.json.decode(raw, type=_Tensor) for name, raw in entries.items() if name != "__metadata__"
        }
    except msgspec.DecodeError as error:
        raise _damaged(path, "its header cannot be read") from error
    end = max((tensor.data_offsets[1] for tensor in tensors.values()), default=0)
    if path.stat().st_size != 8 + length + end:
        raise _damaged(path, f"it has {path.stat().st_size} bytes instead of {8 + length + end}")
    return {name: tensor.shape for name, tensor in tensors.items()}


def _damaged(path: Path, reason: str) -> ModelUnavailableError:
    return ModelUnavailableError(f"the weights {path} are damaged: {reason}", "Delete the file and download it again")
