from __future__ import annotations

import pytest

from coderank.errors import ConfigurationError
from coderank.store.quantization import NONE, TURBO, Quantization
from coderank.store.server_requests import quantization_config, search_params


def test_each_kind_has_its_own_bits() -> None:
    assert [Quantization(kind).bits for kind in ("none", "turbo", "scalar", "binary")] == [32, 4, 8, 1]
    assert (TURBO.bits, NONE.kind) == (4.0, "none")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kind": "binary", "bits": 4.0}, "binary quantization has no 4 bits"),
        ({"kind": "turbo", "bits": 8.0}, "turbo quantization has no 8 bits"),
        ({"kind": "scalar", "oversampling": 0.5}, "Oversampling 0.5"),
        ({"kind": "scalar", "oversampling": 1000.0}, "Oversampling 1000"),
        ({"kind": "scalar", "quantile": 0.1}, "Quantile 0.1"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        Quantization(**wrong)  # type: ignore[arg-type]
    assert "Choose" in caught.value.remedy


def test_labels_and_sizes() -> None:
    binary = Quantization("binary", 1.5, oversampling=3)
    assert (binary.label, binary.stored, binary.bytes_per_vector(768)) == ("binary 1.5 bit x3", "binary 1.5 bit", 144)
    assert Quantization("scalar", rescore=False).label == "scalar 8 bit x1, not rescored"
    assert (NONE.label, NONE.bytes_per_vector(768)) == ("none", 0)


def test_what_a_server_is_told_and_asked() -> None:
    scalar = Quantization("scalar", quantile=0.99, oversampling=2)
    told = quantization_config(scalar)
    assert told is not None
    assert told.model_dump(exclude_none=True, mode="json") == {
        "scalar": {"type": "int8", "quantile": 0.99, "always_ram": True}
    }
    asked = search_params(scalar).quantization
    assert asked is not None
    assert (asked.rescore, asked.oversampling) == (True, 2)
    assert search_params(NONE).quantization is None
    turbo = quantization_config(Quantization("turbo", 1.5))
    assert turbo is not None
    assert turbo.model_dump(exclude_none=True, mode="json") == {"turbo": {"bits": "bits1_5", "always_ram": True}}
