"""Processes that own a device each; what they compute is of no matter here, so torch is not needed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from coderank.embedding.devices import DevicePool
from coderank.errors import ModelError

if TYPE_CHECKING:
    from coderank.types import Matrix, Vector

MODEL: Any = SimpleNamespace(name="lengths", dimension=2)
"""What a pool reads of a model."""
PATIENT = 30.0
"""Seconds: a busy machine must not fail a test."""


class Lengths:
    """An embedder whose vectors are the length of a text and the process that read it.

    ``log`` begins the name of the file that says which process has the device. Documents wait until there are
    ``company`` of those files: what the first process has done, the others need not be started for.
    """

    def __init__(self, *, device: str, log: Path | None = None, company: int = 1) -> None:
        self.name, self.dimension = f"lengths on {device}", 2
        self._log, self._company = log, company
        if log:
            log.with_name(f"{log.name}-{device}").write_text(str(os.getpid()))

    def embed_query(self, text: str) -> Vector:
        if text == "bad":
            raise ModelError("cannot read this", "Leave it out")
        return np.array([len(text), os.getpid()], dtype=np.float32)

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        until = time.monotonic() + PATIENT
        while self._log and len(list(self._log.parent.iterdir())) < self._company and time.monotonic() < until:
            time.sleep(0.01)
        return np.array([self.embed_query(text) for text in texts])


def test_documents_come_back_in_order_from_processes_of_their_own() -> None:
    texts = ["x" * length for length in (5, 1, 900, 0, 30, 7, 7, 120)]
    with DevicePool(MODEL, Lengths, ["a", "b"]) as pool:
        vectors = pool.embed_documents(texts)
        query = pool.embed_query("four")
    assert vectors[:, 0].tolist() == [len(text) for text in texts]
    assert query[0] == 4
    assert os.getpid() not in vectors[:, 1]


def test_a_query_starts_one_process_and_documents_as_many_as_they_can_use(tmp_path: Path) -> None:
    log = tmp_path / "process"
    with DevicePool(MODEL, partial(Lengths, log=log, company=2), ["a", "b", "c"]) as pool:
        pool.embed_query("x")
        assert {path.name for path in tmp_path.iterdir()} == {"process-a"}
        pool.embed_documents(["x", "y"])
        assert {path.name for path in tmp_path.iterdir()} == {"process-a", "process-b"}
        assert pool.embed_documents([]).shape == (0, 2)


def test_an_error_of_one_document_is_raised(tmp_path: Path) -> None:
    with DevicePool(MODEL, Lengths, ["a", "b"]) as pool, pytest.raises(ModelError, match="cannot read this"):
        pool.embed_documents(["fine", "bad", "fine"])


@pytest.mark.skipif(os.name != "posix", reason="asks the system whether a process is there")
def test_processes_end_with_an_owner_that_does_not_close_them(tmp_path: Path) -> None:
    """As the command line ends, and as everything ends that is killed."""
    root = Path(__file__).parents[2]
    log = tmp_path / "process"
    code = f"import sys; sys.path.insert(0, {str(root)!r}); from tests.embedding.test_devices import abandon; abandon()"
    subprocess.run([sys.executable, "-c", code, str(log)], check=True, timeout=120)
    (owned,) = (int(path.read_text()) for path in tmp_path.glob("process-*"))
    end = time.monotonic() + PATIENT
    while is_running(owned) and time.monotonic() < end:
        time.sleep(0.05)
    assert not is_running(owned)


def abandon() -> None:
    """Use a pool, and end this process without a word to it."""
    pool = DevicePool(MODEL, partial(Lengths, log=Path(sys.argv[1])), ["a"])
    pool.embed_query("x")
    os._exit(0)


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{process}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")
