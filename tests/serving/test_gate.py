"""How many requests are let in, and what the others are told."""

from __future__ import annotations

import pytest

from coderank.serving.gate import Gate, OverloadedError


def test_beyond_the_limit_requests_are_turned_away_and_counted() -> None:
    gate = Gate(2)
    first, second = gate.enter(), gate.enter()
    with pytest.raises(OverloadedError, match="Ask again in 2 seconds") as refused:
        gate.enter()
    assert refused.value.retry_after == 2
    assert (gate.in_flight, gate.shed) == (2, 1)
    first.leave()
    first.leave()  # leaving twice makes room once
    assert gate.in_flight == 1
    gate.enter()
    with pytest.raises(OverloadedError):
        gate.enter()
    second.leave()
