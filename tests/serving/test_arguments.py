"""Schemas are what is checked, and cost an agent little."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from coderank.errors import InvalidQueryError
from coderank.serving.arguments import BUDGET, FindRelated, SearchCode, taken
from coderank.serving.instructions import INSTRUCTIONS
from coderank.serving.page import Detail
from coderank.serving.targets import Target
from coderank.serving.tokens import tokens
from coderank.serving.tools import tools
from coderank.serving.workspace import Workspace
from coderank.settings import Settings

MAX_SCHEMA_TOKENS = 1_000


@pytest.fixture
def workspace(repo: Path, settings: Settings) -> Workspace:
    return Workspace.open([str(repo)], settings)


def test_defaults_are_those_that_are_promised() -> None:
    asked = taken({"query": "x"}, SearchCode, "search_code")
    assert (asked.limit, asked.enable_reranking, asked.max_tokens) == (10, False, BUDGET)
    assert (asked.detail, asked.cursor, asked.collection, asked.path, asked.language) == (
        Detail.SNIPPETS,
        "",
        "",
        "",
        "",
    )


def test_numbers_and_flags_as_text_and_nulls_are_understood() -> None:
    asked = taken({"query": "x", "limit": "5", "enable_reranking": "true", "path": None}, SearchCode, "search_code")
    assert (asked.limit, asked.enable_reranking, asked.path) == (5, True, "")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "no required field `query`"),
        ({"query": "x", "limitt": 3}, "unknown field `limitt`"),
        ({"query": "x", "limit": 0}, "limit"),
        ({"query": "x", "limit": 101}, "limit"),
        ({"query": "x", "max_tokens": 99}, "max_tokens"),
        ({"query": "x", "detail": "all"}, "detail.*one of: paths, signatures, snippets, full"),
        ({"query": ["x"]}, "query"),
        ({"query": {"x" * 10: 1}}, "query"),
        ({"query": "x", "path": "y" * 501}, "path"),
        ({"query": "x", "collection": "y" * 201}, "collection"),
        ({"query": "x", "cursor": "y" * 10_000_000}, "cursor"),
    ],
)
def test_anything_else_is_refused_with_what_the_tool_takes(given: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidQueryError, match=message) as refused:
        taken(given, SearchCode, "search_code")
    assert "It takes: query, " in str(refused.value)


def test_a_schema_names_every_argument_and_forbids_others(workspace: Workspace) -> None:
    kinds: dict[str, type[msgspec.Struct]] = {"search_code": SearchCode, "find_related": FindRelated}
    for spec in tools(workspace):
        assert spec.parameters["additionalProperties"] is False
        if kind := kinds.get(spec.name):
            assert set(spec.parameters["properties"]) == {field.name for field in msgspec.structs.fields(kind)}
            rules = spec.parameters["properties"]
            defaults = {key: rule["default"] for key, rule in rules.items() if "default" in rule}
            assert defaults.pop("enable_reranking", False) is False
            assert defaults == {"limit": 10, "max_tokens": BUDGET, "detail": "snippets"}
            assert ("enable_reranking" in rules) is (spec.name == "search_code")


def test_the_tools_cost_an_agent_little(workspace: Workspace) -> None:
    # As they are listed, titles and hints included, and with what is said of the server; counted by `serving.tokens`.
    listed = [
        {
            "name": spec.name,
            "title": spec.name.replace("_", " ").title(),
            "description": spec.description,
            "inputSchema": spec.parameters,
            "annotations": {"readOnlyHint": True, "openWorldHint": False},
        }
        for spec in tools(workspace)
    ]
    assert len(listed) <= 4
    assert tokens(json.dumps(listed, separators=(",", ":"))) + tokens(INSTRUCTIONS) <= MAX_SCHEMA_TOKENS


def test_a_tool_for_each_collection_on_request(settings: Settings) -> None:
    def never() -> None:
        raise AssertionError("nothing is opened to list tools")

    targets = {
        name: Target(name, kind, never)  # type: ignore[arg-type]
        for name, kind in (
            ("app", "folder"),
            *((name, "collection") for name in ("agent_kit", "my-docs v2", "my_docs_v2", "code", "x" * 200)),
        )
    }
    workspace = Workspace(targets, ("app",))
    assert len(tools(workspace)) == 4
    more = {spec.name: spec for spec in tools(workspace, per_collection=True)[4:]}
    assert list(more) == [
        "search_agent_kit",
        "search_my_docs_v2",
        "search_my_docs_v2_2",
        "search_code_2",
        "search_" + "x" * 37,
    ]
    assert more["search_code_2"].description == "Search the collection code."
    assert list(more["search_agent_kit"].parameters["properties"]) == ["query", "limit", "enable_reranking"]
