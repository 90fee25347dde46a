"""The process boundary: lazy commands, exit codes, one line per failure."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from coderank import __version__
from coderank.cli import main
from coderank.errors import IndexCorruptError, PathNotFoundError

COMMANDS = ("search", "related", "index", "status", "doctor", "models", "install", "uninstall")


def coderank(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "coderank", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment or None)


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


class TestStart:
    def test_version(self) -> None:
        done = coderank("--version")
        assert (done.returncode, done.stdout) == (0, f"coderank, version {__version__}\n")

    def test_version_imports_nothing_heavy(self) -> None:
        loaded = python(
            "import sys, coderank.cli.main as m\ntry: m.cli(['--version'])\nexcept SystemExit: print(*sys.modules)"
        ).split()
        assert not {"rich", "numpy", "onnxruntime", "coderank.types", "coderank.cli.search"} & set(loaded)

    def test_help_of_every_command_imports_no_engine(self) -> None:
        imports = ", ".join(f"coderank.cli.{name}" for name in COMMANDS)
        loaded = python(f"import sys, {imports}; print(*sys.modules)").split()
        assert not {"rich", "numpy", "onnxruntime", "coderank.engine"} & set(loaded)

    def test_help_names_every_command(self) -> None:
        shown = CliRunner().invoke(main.cli, ["--help"])
        assert shown.exit_code == 0
        assert all(f"  {name} " in shown.output for name in COMMANDS)
        assert "..." not in shown.output.partition("Commands:")[2]

    @pytest.mark.parametrize("name", COMMANDS)
    def test_every_option_is_explained(self, name: str) -> None:
        command = getattr(import_module(f"coderank.cli.{name}"), name)
        assert command.help
        assert all(option.help for option in command.params if isinstance(option, click.Option))

    @pytest.mark.parametrize("name", ["", *COMMANDS])
    def test_the_page_of_commands_shows_what_the_command_shows(self, name: str) -> None:
        page = (Path(__file__).parents[2] / "docs" / "commands.md").read_text("utf-8")
        shown = CliRunner().invoke(main.cli, [*name.split(), "-h"], prog_name="coderank")
        assert "-h, --help" in shown.output
        assert " ".join(shown.output.split()) in " ".join(page.split())


class TestWrongUsage:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["search"], "coderank: Missing argument 'QUERY'. See `coderank search --help`\n"),
            (
                ["search", "x", "-k", "0"],
                "coderank: Invalid value for '-k' / '--limit': 0 is not in the range 1<=x<=1000",
            ),
            (
                ["search", "x", "-k", "1001"],
                "coderank: Invalid value for '-k' / '--limit': 1001 is not in the range 1<=",
            ),
            (
                ["related", "x:1", "-k", "1001"],
                "coderank: Invalid value for '-k' / '--limit': 1001 is not in the range",
            ),
            (["search", "x", "--mode", "magic"], "coderank: Invalid value for '--mode'"),
            (["search", "x", ".", "--collection", "docs"], "coderank: --collection does not go with PATH. "),
            (["status", ".", "--collection", "docs"], "coderank: --collection does not go with PATH. "),
            (["index", "--collection", "docs", "--index-dir", "i"], "coderank: --collection does not go with --index"),
            (["search", "x", "a", "b", "--index-dir", "i"], "coderank: --index-dir holds the index of one PATH. "),
            (["related", "nowhere.py"], "coderank: 'nowhere.py' is not FILE:LINE. "),
            (["related", "nowhere.py:3"], "coderank: No such file: 'nowhere.py'. "),
            (["search", "x", ".", ""], "coderank: The path is empty. "),
            (["index", ""], "coderank: The path is empty. "),
            (["serch", "x"], "coderank: No such command 'serch'"),
        ],
    )
    def test_is_one_line_and_exit_2(self, arguments: list[str], message: str) -> None:
        done = coderank(*arguments)
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.startswith(message)
        assert done.stderr.count("\n") == 1

    def test_no_arguments_show_the_help(self) -> None:
        done = coderank()
        assert done.returncode == 2
        assert "Commands:" in done.stderr


class TestBoundary:
    """Failures raised inside a command."""

    @pytest.fixture(autouse=True)
    def _failing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(main.cli, "get_command", lambda _ctx, _name: click.Command("x", callback=self._raise))
        monkeypatch.setattr(sys, "argv", ["coderank", "x"])
        monkeypatch.delenv("CODERANK_DEBUG", raising=False)
        self.error: BaseException = RuntimeError()

    def _raise(self) -> None:
        raise self.error

    @pytest.mark.parametrize(
        ("error", "code", "line"),
        [
            (IndexCorruptError("The index is\ndamaged", "Rebuild it"), 1, "coderank: The index is damaged. Rebuild it"),
            (PathNotFoundError("No such path: 'x'"), 2, "coderank: No such path: 'x'"),
            (KeyboardInterrupt(), 130, "coderank: interrupted"),
            (
                ZeroDivisionError("by zero"),
                1,
                "coderank: unexpected ZeroDivisionError: by zero. Set CODERANK_DEBUG=1 for the traceback",
            ),
        ],
    )
    def test_is_one_line(self, error: BaseException, code: int, line: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.error = error
        assert main.run() == code
        assert capsys.readouterr().err.strip() == line

    def test_debug_shows_the_traceback(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CODERANK_DEBUG", "1")
        self.error = ZeroDivisionError("by zero")
        with pytest.raises(ZeroDivisionError):
            main.run()

    def test_a_wrong_setting_does_not_hide_the_failure(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("CODERANK_DEBUG", "perhaps")
        assert main.run() == 1
        assert "unexpected RuntimeError" in capsys.readouterr().err
