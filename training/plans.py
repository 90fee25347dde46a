"""How long each stage trains, with how large batches, how fast: what the shipped weights were trained with."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Plan:
    """How long a model is trained, in batches of how many questions, at which highest rate."""

    epochs: int
    batch: int
    rate: float


BATCH = 1_024
"""Questions of a batch of the first stage, the texts of which are wrong answers to one another."""
PLANS = {
    "warm": Plan(epochs=2, batch=BATCH, rate=1.5e-4),
    # Two texts for each question, so fewer of them; a model that has learned most of it is changed more carefully.
    "bi": Plan(epochs=1, batch=BATCH * 2 // 3, rate=0.75e-4),
    # A table is no deep model: it wants a high rate, and takes no memory.
    "static": Plan(epochs=4, batch=BATCH * 2, rate=2e-3),
    # Eight texts for each question.
    "cross": Plan(epochs=1, batch=BATCH * 3 // 16, rate=1.2e-4),
}
"""By stage."""


def planned(stage: str, batch: int) -> Plan:
    """Give the plan of a stage, its batch in proportion to what is asked for in place of ``BATCH``."""
    plan = PLANS[stage]
    return replace(plan, batch=max(1, plan.batch * batch // BATCH))
