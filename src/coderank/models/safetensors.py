"""Safetensors files: what they say of their tensors, and the tensors of small ones, without running anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from coderank.errors import ModelUnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

MAX_HEADER = 100_000_000
"""Bytes: the limit of the format itself, so that a damaged length is not read into memory."""

Shapes = dict[str, tuple[int, ...]]


_DTYPES = {"I8": "int8", "F16": "float16", "F32": "float32"}
"""Of the tensors that are read here, as numpy calls them."""


class _Tensor(msgspec.Struct):
    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


def read_shapes(path: Path) -> Shapes:
    """Read the shape of every tensor of one file from its header.

    Raises:
        ModelUnavailableError: the file is cut off or is none of this format.
    """
    return {name: tensor.shape for name, tensor in _header(path)[1].items()}


def map_tensors(path: Path, names: Sequence[str]) -> list[NDArray[Any]]:
    """Map some tensors of a file, read-only: their pages are shared by all processes that do.

    Raises:
        ModelUnavailableError: the file cannot be read, lacks one, or has it in a type that is not read here.
    """
    import numpy as np  # noqa: PLC0415 - 0.1 s, and headers do without

    try:
        start, tensors = _header(path)
        data = np.memmap(path, np.uint8, "r", offset=start) if tensors else np.empty(0, np.uint8)
    except OSError as error:
        raise ModelUnavailableError(
            f"cannot read the weights {path}: {error.strerror}", "Get the file again"
        ) from error
    found = []
    for name in names:
        tensor = tensors.get(name)
        dtype = _DTYPES.get(tensor.dtype) if tensor else None
        if tensor is None or dtype is None:
            said = f"has {tensor.dtype} for {name!r}" if tensor else f"has no {name!r}, only {sorted(tensors)}"
            raise _damaged(path, f"it {said}")
        begin, end = tensor.data_offsets
        try:
            found.append(data[begin:end].view(dtype).reshape(tensor.shape))
        except ValueError as error:
            raise _damaged(path, f"{name!r} has {end - begin} bytes for the shape {tensor.shape}") from error
    return found


def _header(path: Path) -> tuple[int, dict[str, _Tensor]]:
    """Read where the data of a file begin, and its tensors by name; raise ModelUnavailableError where it is damaged."""
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
    return 8 + length, tensors


def _damaged(path: Path, reason: str) -> ModelUnavailableError:
    return ModelUnavailableError(f"the weights {path} are damaged: {reason}", "Delete the file and download it again")
