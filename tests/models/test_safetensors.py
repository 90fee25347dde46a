from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.static_table import random_table, write_table

from coderank.errors import ModelUnavailableError
from coderank.models.safetensors import map_tensors, read_shapes

TABLE = random_table(8)


def test_tensors_are_mapped_as_they_were_written(tmp_path: Path) -> None:
    path = write_table(tmp_path / "static.safetensors", TABLE)
    vectors, scales = map_tensors(path, ("table", "scales"))
    np.testing.assert_array_equal(vectors, TABLE.vectors)
    np.testing.assert_array_equal(scales, TABLE.scales.astype(np.float16))
    assert not vectors.flags.writeable
    assert read_shapes(path) == {"table": (30522, 8), "scales": (30522,)}


def test_what_cannot_be_mapped_is_named(tmp_path: Path) -> None:
    path = write_table(tmp_path / "static.safetensors", TABLE)
    with pytest.raises(ModelUnavailableError, match=r"has no 'weights', only \['scales', 'table'\]"):
        map_tensors(path, ("weights",))
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"I8"', b'"U8"'))
    with pytest.raises(ModelUnavailableError, match="has U8 for 'table'"):
        map_tensors(path, ("table",))
    path.write_bytes(whole.replace(b"[30522, 8]", b"[30521, 8]"))
    with pytest.raises(ModelUnavailableError, match="'table' has 244176 bytes for the shape"):
        map_tensors(path, ("table",))
    path.write_bytes(whole[:-1])
    with pytest.raises(ModelUnavailableError, match="damaged: it has"):
        map_tensors(path, ("table",))
    with pytest.raises(ModelUnavailableError, match="cannot read the weights"):
        map_tensors(tmp_path / "none", ("table",))
