"""Protobuf by hand, as ONNX files are made of it: the package that writes them is a large dependency."""

from __future__ import annotations

from collections.abc import Sequence


def value_info(name: str, kind: int, axes: Sequence[str]) -> bytes:
    shape = b"".join(message(1, text(2, axis)) for axis in axes)
    return text(1, name) + message(2, message(1, number(1, kind) + message(2, shape)))


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def text(field: int, value: str) -> bytes:
    return message(field, value.encode())


def message(field: int, value: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(value)) + value


def varint(value: int) -> bytes:
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])
