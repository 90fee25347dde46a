"""The ``coderank`` command: finds the command asked for, and turns every failure into one line and an exit code.

Only click is imported here, and a command's module only when it runs: ``coderank --version`` must feel instant.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import sys
from typing import TYPE_CHECKING, NoReturn, cast

import click

from coderank import __version__
from coderank.cli.options import Program
from coderank.errors import CoderankError

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMANDS = (
    "search",
    "related",
    "index",
    "status",
    "serve",
    "doctor",
    "models",
    "collections",
    "eval",
    "compare",
    "bench",
    "install",
    "uninstall",
    "migrate",
    "embed",
    "load",
    "spread",
)
_INTERRUPTED = 130
"""128 + SIGINT, as shells report it."""


class _Commands(click.Group):
    """Imports ``coderank.cli.NAME`` when NAME is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"coderank.cli.{cmd_name}")
        return cast("click.Command", getattr(module, cmd_name))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="coderank")
def cli() -> None:
    """Find code by meaning, offline.

    \b
    coderank search "where are retries limited"        in this folder
    coderank search "parse the lock file" ~/src/uv     in another one
    """


def program() -> NoReturn:
    """Run the command line as the program of this process, and end it."""
    code = run(Program())
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # the reader has gone, which the code says already
            stream.flush()
    # Taking the interpreter and its libraries apart takes 50 ms; whatever must be closed is closed.
    os._exit(code)


def run(program: Program | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 1 ran but failed, 2 wrong usage, 130 interrupted."""
    _fill_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # the interpreter's own text streams
    return _guarded(sys.argv[1:], program)


def _fill_closed_streams() -> None:
    """Put nothing in the place of a standard stream that the caller closed (``>&-``).

    Else the next file that is opened, be it of the index, takes its number, and what is printed ends up there.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
            setattr(sys, name, os.fdopen(number, "w" if number else "r"))


def _guarded(arguments: Sequence[str], program: Program | None) -> int:
    """Run and map every outcome to an exit code."""
    try:
        code = cli.main(arguments, prog_name="coderank", standalone_mode=False, obj=program)
        sys.stdout.flush()
    except CoderankError as error:
        return _fail(str(error), error.exit_code)
    except click.ClickException as error:
        return _refused(error)
    except (click.Abort, KeyboardInterrupt):
        # An interrupt that met a class definition inside an import leaves a mark in CPython, by which it would end this
        # process with the signal although the interrupt is handled. Evaluating text anew takes the mark away.
        exec("")  # noqa: S102
        return _fail("interrupted", _INTERRUPTED)
    except BrokenPipeError:
        _give_up_output()  # the reader has gone (`| head`)
        return 1
    except Exception as error:  # noqa: BLE001 - the process boundary: a person gets one line, not a traceback
        return _unexpected(error)
    return code if isinstance(code, int) else 0


def _give_up_output() -> None:
    """Drop what is still to be written, which the interpreter would try once more at exit, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(message: str, code: int) -> int:
    click.echo(f"coderank: {' '.join(message.split())}", err=True)
    return code


def _refused(error: click.ClickException) -> int:
    """Report what click found wrong with the arguments; none at all gets the help."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return error.exit_code
    message = error.format_message().rstrip(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context else "coderank"
    return _fail(f"{message}. See `{command} --help`", error.exit_code)


def _unexpected(error: Exception) -> int:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC and error.filename is None:
        _give_up_output()
        return _fail("cannot write the answer: no space left on the disk it goes to", 1)
    from coderank.settings import Settings  # noqa: PLC0415 - only a failure needs it

    try:
        debug = Settings.from_environment().debug
    except CoderankError:
        debug = False
    if debug:
        raise error
    return _fail(f"unexpected {type(error).__name__}: {error}. Set CODERANK_DEBUG=1 for the traceback", 1)
