"""What a person sees: colours and bars on a terminal, and nothing of them in a pipe."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are a thing of POSIX", allow_module_level=True)

import fcntl
import pty
import struct
import termios

from coderank.loading.choice import bundled_model

if TYPE_CHECKING:
    from tests.cli.conftest import World

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
LONG_LINE = "def wide_function(value):\n    return '" + "日本語 wide " * 40 + "'\n"


def on_terminal(world: World, *arguments: str, columns: int = 80) -> str:
    """Run the command with all its streams on a pseudo-terminal, and return what the screen was sent."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    surroundings = {"TERM": "xterm-256color"} | world.environment
    with subprocess.Popen(
        world.command(*arguments), cwd=world.repo, env=surroundings, stdin=slave, stdout=slave, stderr=slave
    ):
        os.close(slave)
        sent = b"".join(iter(lambda: _read(master), b""))
    os.close(master)
    return sent.decode("utf-8").replace("\r\n", "\n")


def _read(master: int) -> bytes:
    try:
        return os.read(master, 65536)
    except OSError:  # Linux: the last holder of the other end has gone
        return b""


def width(line: str) -> int:
    from rich.cells import cell_len

    return cell_len(COLOUR.sub("", line))


@pytest.fixture
def indexed(world: World) -> World:
    (world.repo / "wide.py").write_text(LONG_LINE, "utf-8")
    assert world.run("index").returncode == 0
    return world


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_line_of_code_is_a_line_on_the_screen(indexed: World, columns: int) -> None:
    screen = on_terminal(indexed, "search", "wide_function", columns=columns)
    code = [line for line in screen.split("\n") if re.match(r" +\d+  ", COLOUR.sub("", line))]
    assert code
    assert max(width(line) for line in code) <= columns


def test_hits_are_coloured_and_accounted_for(indexed: World) -> None:
    screen = on_terminal(indexed, "search", "check_password", "-k", "1")
    assert COLOUR.search(screen)
    plain = COLOUR.sub("", screen)
    assert plain.startswith("src/login.py:1-3  check_password  ")
    assert "  1  def check_password(user, password):\n" in plain
    assert re.search(rf"\n1 hit in \d+ ms \(.*\); \d+ chunks, {bundled_model()}\n", plain)


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colours_can_be_switched_off(indexed: World, name: str, value: str) -> None:
    screen = on_terminal(indexed.having(name, value), "search", "check_password", "-k", "1")
    assert not re.search(r"\x1b\[[0-9;]*[34][0-7]", screen)
    assert COLOUR.sub("", screen).startswith("src/login.py:1-3  check_password  ")


def test_a_bar_shows_work_that_takes_a_while(world: World) -> None:
    for n in range(40):
        body = "\n".join(f"def task_{n}_{m}(queue):\n    return queue.take({m}) + {n}\n" for m in range(20))
        (world.repo / f"many_{n}.py").write_text(body)
    screen = on_terminal(world, "index")
    assert "embedding chunks" in screen
    assert re.search(r"\d+/\d+", screen)
    assert re.search(r"\d/s", screen), "no rate"
    assert "━" in screen


def test_a_pipe_gets_neither(world: World) -> None:
    done = world.run("search", "check_password", "--wait")
    assert "\x1b" not in done.stdout + done.stderr
    assert done.stderr == ""


def test_an_interrupt_is_one_line(world: World) -> None:
    """Control-C in the middle of the work, sent when the bar has appeared."""
    for n in range(60):
        body = "\n".join(f"def task_{n}_{m}(queue):\n    return queue.take({m}) + {n}\n" for m in range(60))
        (world.repo / f"many_{n}.py").write_text(body)
    master, slave = pty.openpty()
    running = subprocess.Popen(
        world.command("index"), cwd=world.repo, env=world.environment, stdin=slave, stdout=slave, stderr=slave,
        start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    sent = b""
    while b"embedding chunks" not in sent:
        sent += _read(master)
    running.send_signal(2)
    sent += b"".join(iter(lambda: _read(master), b""))
    os.close(master)
    assert running.wait() == 130
    assert b"Traceback" not in sent
    assert b"coderank: interrupted" in sent
