"""What the training of all three models has in common: the loop, the slope of its rate, steps prepared ahead."""

from __future__ import annotations

import sys
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

WARM_UP = 0.08
"""Share of the steps in which the rate rises: the first gradients are large, and Adam's averages are of few."""
LAST_RATE = 0.02
"""Of the highest one, at the end."""
WEIGHT_DECAY = 0.01
"""The usual one for BERT, as its authors had it (Devlin et al. 2019)."""
LONGEST_GRADIENT = 1.0
"""The usual bound for BERT, too."""
THREADS = 6
"""That phrase and tokenise batches: enough that the GPU does not wait."""
TOLD_EVERY = 20
"""Steps."""

Job = TypeVar("Job")
Step = TypeVar("Step")
Log = list[dict[str, float]]


def decaying(parameters: Iterable[torch.nn.Parameter], rate: float) -> torch.optim.Optimizer:
    """Give the optimiser of an encoder."""
    return torch.optim.AdamW(parameters, lr=rate, weight_decay=WEIGHT_DECAY, fused=torch.cuda.is_available())


def descend(
    optimiser: torch.optim.Optimizer,
    jobs: Sequence[Job],
    prepare: Callable[[Job], Step],
    loss_of: Callable[[Step], torch.Tensor],
    *,
    bounded: bool = True,
) -> Log:
    """Take a step for every job, in their order; return how the loss went. ``bounded`` shortens long gradients.

    Raises:
        SystemExit: there is no job.
    """
    if not jobs:
        raise SystemExit("There are fewer pairs than one batch has: give a smaller --batch")
    rates = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: slope(step, len(jobs)))
    log: Log = []
    began = time.time()
    for number, step in enumerate(ahead(jobs, prepare)):
        loss = loss_of(step)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if bounded:
            parameters = [one for group in optimiser.param_groups for one in group["params"]]
            torch.nn.utils.clip_grad_norm_(parameters, LONGEST_GRADIENT)
        optimiser.step()
        rates.step()
        if number % TOLD_EVERY == 0 or number == len(jobs) - 1:
            log.append({"step": number, "loss": loss.item(), "seconds": time.time() - began})
            told = "step {step}/{steps} loss {loss:.4f} {seconds:.0f} s".format(steps=len(jobs), **log[-1])
            print(told, file=sys.stderr, flush=True)
    return log


def slope(step: int, steps: int) -> float:
    """Let the learning rate rise for a while and then fall in a line."""
    warm = max(1, int(WARM_UP * steps))
    return min((step + 1) / warm, max(LAST_RATE, (steps - step) / max(1, steps - warm)))


def ahead(jobs: Sequence[Job], work: Callable[[Job], Step]) -> Iterator[Step]:
    """Work on some jobs ahead of their turn, beside the GPU."""
    with ThreadPoolExecutor(THREADS) as pool:
        waiting = deque(pool.submit(work, job) for job in jobs[: 2 * THREADS])
        for number in range(len(jobs)):
            yield waiting.popleft().result()
            if (later := number + 2 * THREADS) < len(jobs):
                waiting.append(pool.submit(work, jobs[later]))
