"""The documentation tells the truth of today: commands, settings, examples and figures."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from coderank import Engine
from coderank.settings import Settings

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "benchmarks").glob("*.md")])


def test_the_page_of_commands_is_current() -> None:
    script = runpy.run_path(str(ROOT / "docs" / "commands.py"))
    assert script["PAGE"].read_text("utf-8") == script["page"](), "run: python docs/commands.py"


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs" / "python.md").read_text("utf-8")
    documented = set(re.findall(r"`(CODERANK_[A-Z_]+)`", page))
    assert documented == {f"CODERANK_{field.name.upper()}" for field in fields(Settings)}


def test_every_method_of_the_engine_is_documented() -> None:
    page = (ROOT / "docs" / "python.md").read_text("utf-8")
    methods = {name for name, value in vars(Engine).items() if not isinstance(value, property)}
    public = {name for name in methods if not name.startswith("_")} - {"is_indexed"}
    assert {name for name in public if f"`{name}(" not in page and f"Engine.{name}(" not in page} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", ["README.md", "docs/python.md"])
def test_the_python_example_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)
    source = tmp_path / "app"
    source.mkdir()
    (source / "login.py").write_text("def limit_failed_logins(user):\n    return user.failures < 5\n")
    code = re.sub(r'Engine\.open\("[^"]+"\)', f"Engine.open({str(source)!r})", example)
    monkeypatch.setenv("CODERANK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CODERANK_CACHE_DIR", str(tmp_path / "cache"))
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert printed.stderr == ""
    assert "login.py" in printed.stdout
    assert "limit_failed_logins" in printed.stdout
