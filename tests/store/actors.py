"""What other processes do to an index: ``python actors.py ROLE FOLDER NUMBER`` prints what it did."""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path

import numpy as np
from tests.store.store_samples import DIMENSION, id_of, point, sparse, unit

from coderank.store.contract import StoreQuery
from coderank.store.edge import EdgeStore
from coderank.store.lease import Lease
from coderank.store.queue import Queue

BATCH = 50


def say(*words: object) -> None:
    print(*words, flush=True)


def hold(folder: Path, number: int) -> None:
    """Take the lease and keep it, whoever asks."""
    lease = Lease(folder)
    lease.acquire(10)
    say("holding")
    time.sleep(number)
    lease.release()


def yielding(folder: Path, number: int) -> None:
    """Take the lease and release it when it is wanted, ``number`` times."""
    lease = Lease(folder)
    for _ in range(number):
        lease.acquire(10)
        say("holding")
        while not lease.wanted():
            time.sleep(0.005)
        lease.release()
    say("done")


def wait(folder: Path, number: int) -> None:
    """Wait in the line of the folder, for ``number`` seconds at most."""
    with Queue(folder).turn(reads=False, until=time.monotonic() + number):
        say("turn")


def write(folder: Path, number: int) -> None:
    """Write batches in a tight loop, ``number`` of them or without end; say each one that was acknowledged."""
    store = EdgeStore(folder, DIMENSION)
    for turn in itertools.count() if number == 0 else range(number):
        numbers = range(turn * BATCH + 1, (turn + 1) * BATCH + 1)
        store.upsert([point(each, f"file{turn}", dense=False) for each in numbers])
        store.set_dense([id_of(each) for each in numbers], np.stack([unit(each) for each in numbers]))
        say(turn + 1)
    store.close()


def read(folder: Path, number: int) -> None:
    """Search ``number`` times; say how many points were seen and how long the slowest answer took."""
    store = EdgeStore(folder, DIMENSION)
    slowest, seen = 0.0, 0
    for _ in range(number):
        began = time.monotonic()
        hits = store.query(StoreQuery(unit(1), sparse(t1=1.0), 10, 20, 0.1))
        slowest = max(slowest, time.monotonic() - began)
        # Another process may write between the query and the count: it found what was there at some time in between.
        before, seen = seen, store.counts().points
        assert before <= seen, "points vanished"
        assert min(10, before) <= len(hits) <= min(10, seen), "points without an answer"
        time.sleep(0.02)
    store.close()
    say(seen, round(slowest, 3))


def leave(folder: Path, number: int) -> None:
    """Write ``number`` points and end without closing."""
    store = EdgeStore(folder, DIMENSION)
    store.upsert([point(each) for each in range(1, number + 1)])
    say("left")


if __name__ == "__main__":
    roles = {"hold": hold, "yielding": yielding, "wait": wait, "write": write, "read": read, "leave": leave}
    roles[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
