from __future__ import annotations

import os
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from coderank.errors import IndexBusyError, IndexNotFoundError, IndexNotWritableError
from coderank.store.lease import Lease
from coderank.store.queue import Queue

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Start = Callable[[str, Path, int], subprocess.Popen[str]]


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_free_folder_is_taken_and_given_up(tmp_path: Path) -> None:
    lease = Lease(tmp_path / "deep" / "index")
    lease.acquire(0)
    assert lease.held
    assert not lease.wanted()
    lease.release()
    lease.release()
    assert not lease.held


def test_two_leases_of_one_process_exclude_each_other(tmp_path: Path) -> None:
    first, second = Lease(tmp_path), Lease(tmp_path)
    first.acquire(0)
    with pytest.raises(IndexBusyError):
        second.acquire(0)
    first.release()
    second.acquire(0)
    second.release()


@pytest.mark.skipif(os.name != "posix", reason="there are no shared locks")
def test_any_number_may_share_a_folder_and_a_writer_waits_for_all_of_them(tmp_path: Path) -> None:
    readers = [Lease(tmp_path) for _ in range(4)]
    for reader in readers:
        reader.acquire(0, shared=True)
    assert not any(reader.wanted() for reader in readers)
    writer = Lease(tmp_path)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(writer.acquire, 30)
        while not all(reader.wanted() for reader in readers):
            assert not waiting.done()
        late = Lease(tmp_path)
        with pytest.raises(IndexBusyError):
            late.acquire(0.05, shared=True)
        for reader in readers:
            assert not waiting.done()
            reader.release()
        waiting.result()
    with pytest.raises(IndexBusyError):
        late.acquire(0, shared=True)
    writer.release()
    late.acquire(1, shared=True)
    late.release()


@pytest.mark.skipif(os.name != "posix", reason="there are no shared locks")
def test_who_reads_is_not_asked_to_leave_by_others_that_read_but_who_writes_is(tmp_path: Path) -> None:
    first, second = Lease(tmp_path), Lease(tmp_path)
    first.acquire(0, shared=True)
    with Queue(tmp_path).turn(reads=True, until=time.monotonic() + 1):
        assert not first.wanted()
    first.release()
    first.acquire(0)
    with Queue(tmp_path).turn(reads=True, until=time.monotonic() + 1):
        assert first.wanted()
    first.release()
    second.acquire(0, shared=True)
    second.release()


def test_an_interruption_at_the_end_of_the_waiting_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder, waiting = Lease(tmp_path), Lease(tmp_path)
    holder.acquire(0)

    @contextmanager
    def interrupted(*_: object, **__: object) -> Iterator[None]:
        holder.release()
        yield
        raise KeyboardInterrupt

    monkeypatch.setattr(Queue, "turn", interrupted)
    with pytest.raises(KeyboardInterrupt):
        waiting.acquire(1)
    assert not waiting.held
    holder.acquire(0)
    holder.release()


@pytest.mark.skipif(os.name != "posix", reason="a folder in use cannot be deleted")
def test_a_folder_that_was_made_anew_has_locks_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, opened = tmp_path / "index", os.open
    late, new = Lease(folder), Lease(folder)

    def made_anew_meanwhile(*arguments: Any) -> int:
        handle = opened(*arguments)
        monkeypatch.undo()
        shutil.rmtree(folder)
        new.acquire(0)
        return handle

    folder.mkdir()
    monkeypatch.setattr(os, "open", made_anew_meanwhile)
    with pytest.raises(IndexBusyError):
        late.acquire(0.05)
    assert (late.held, new.held) == (False, True)
    new.release()


@pytest.mark.skipif(os.name != "posix", reason="a folder in use cannot be deleted")
def test_who_waits_for_an_index_that_is_deleted_is_told_so_and_does_not_make_it_again(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    holder, waiting = Lease(folder), Lease(folder)
    holder.acquire(0)
    with ThreadPoolExecutor(1) as pool:
        told = pool.submit(waiting.acquire, 30)
        while not holder.wanted():
            time.sleep(0.001)
        while folder.exists():
            with suppress(OSError):  # who waits opens the lock, which makes its file again while there is a folder
                shutil.rmtree(folder)
        with pytest.raises(IndexNotFoundError, match="deleted"):
            told.result()
    holder.release()
    assert not folder.exists()


@pytest.mark.skipif(os.name != "posix", reason="there are no shared locks")
def test_who_has_it_alone_lets_others_in(tmp_path: Path) -> None:
    first, second = Lease(tmp_path), Lease(tmp_path)
    first.acquire(0)
    with pytest.raises(IndexBusyError):
        second.acquire(0, shared=True)
    assert first.share()
    second.acquire(1, shared=True)
    assert (first.held, second.held, first.shared) == (True, True, True)
    first.release()
    second.release()
    assert not first.share()


def test_a_holder_that_keeps_the_folder_is_reported_with_the_time_waited(tmp_path: Path, start: Start) -> None:
    assert line(start("hold", tmp_path, 60)) == "holding"
    with pytest.raises(IndexBusyError, match=r"within 0\.1 s") as caught:
        Lease(tmp_path).acquire(0.1)
    assert caught.value.remedy


def test_the_lease_of_a_killed_process_is_free(tmp_path: Path, start: Start) -> None:
    holder = start("hold", tmp_path, 60)
    assert line(holder) == "holding"
    holder.kill()
    holder.wait()
    lease = Lease(tmp_path)
    lease.acquire(5)
    assert not lease.wanted()
    lease.release()


def test_a_waiter_is_seen_by_the_holder(tmp_path: Path, start: Start) -> None:
    lease = Lease(tmp_path)
    lease.acquire(0)
    other = start("yielding", tmp_path, 1)
    while not lease.wanted():
        pass
    lease.release()
    assert line(other) == "holding"
    lease.acquire(10)
    assert line(other) == "done"
    lease.release()


def test_a_killed_waiter_is_no_longer_seen(tmp_path: Path, start: Start) -> None:
    lease = Lease(tmp_path)
    lease.acquire(0)
    waiter = start("hold", tmp_path, 60)
    while not lease.wanted():
        pass
    waiter.kill()
    waiter.wait()
    assert not lease.wanted()
    lease.release()


def test_processes_that_all_want_it_all_get_their_turns(tmp_path: Path, start: Start) -> None:
    turns = 3
    processes = [start("yielding", tmp_path, turns) for _ in range(3)]
    # The last one to hold waits for somebody to want it: a waiter that never gives up.
    stop = threading.Event()

    def want() -> None:
        lease = Lease(tmp_path)
        while not stop.is_set():
            lease.acquire(30)
            lease.release()

    wanting = threading.Thread(target=want)
    wanting.start()
    try:
        for process in processes:
            out, err = process.communicate(timeout=60)
            assert (out.split(), err) == (["holding"] * turns + ["done"], "")
    finally:
        stop.set()
        wanting.join()


def test_a_place_that_cannot_hold_a_lock_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(IndexNotWritableError, match="file"):
        Lease(tmp_path / "file" / "index").acquire(0)
