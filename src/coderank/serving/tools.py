"""The tools that an agent sees: what each is for, what it takes, and what it answers. Knows nothing of the protocol."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from coderank.serving import cursor
from coderank.serving.account import account, account_line, state_fields, state_line
from coderank.serving.arguments import FindRelated, IndexStatus, Nothing, SearchCode, SearchOne, Shown, schema, taken
from coderank.serving.page import lay_out
from coderank.serving.workspace import Question

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    from coderank.serving.follow import Call
    from coderank.serving.workspace import Answer, Workspace

WINDOW = 50
"""Hits that a cursor leads through: as many candidates as each leg gives, so that a longer list costs nothing."""
MAX_TOOL_NAME_CHARS = 44
"""Models take names of 64 characters, and clients put the server's name before a tool's."""
ACCOUNT_TOKENS = 150
"""What is kept of a budget for the account below the hits, and for the cursor."""
BRIEF_TOKENS = 70
"""What is kept for a brief one, which is given where the other would take half of the budget or more. The least budget
then holds one place, if its path is no longer than most."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a tool answers, for a reader and for a program."""

    text: str
    structured: dict[str, Any]


Run: TypeAlias = "Callable[[Workspace, dict[str, Any], Call], Reply]"


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """One tool."""

    name: str
    description: str
    parameters: dict[str, Any]
    """JSON schema."""
    run: Run = field(repr=False)


def tools(workspace: Workspace, *, per_collection: bool = False) -> tuple[ToolSpec, ...]:
    """Give the four tools; with ``per_collection`` one more for each configured collection."""
    always = (_SEARCH_CODE, _FIND_RELATED, _LIST_COLLECTIONS, _INDEX_STATUS)
    if not per_collection:
        return always
    names = (target.name for target in workspace.targets.values() if target.kind == "collection")
    return (*always, *_search_ones(names, {spec.name for spec in always}))


def _search_ones(names: Iterable[str], used: set[str]) -> Iterable[ToolSpec]:
    for name in names:
        plain = ("search_" + re.sub(r"\W+", "_", name, flags=re.ASCII))[:MAX_TOOL_NAME_CHARS]
        # Of two tools of one name, and `search_code` is one already, clients would see the last.
        numbered = (f"{plain}_{number}" for number in count(2))
        tool = next(free for free in chain([plain], numbered) if free not in used)
        used.add(tool)
        parameters = schema(SearchOne, {"query": "", "limit": "", "enable_reranking": ""})
        yield ToolSpec(tool, f"Search the collection {name}.", parameters, partial(_search_one, tool, name))


def _search_code(workspace: Workspace, given: dict[str, Any], call: Call) -> Reply:
    return _search(workspace, taken(given, SearchCode, "search_code"), call)


def _search_one(tool: str, name: str, workspace: Workspace, given: dict[str, Any], call: Call) -> Reply:
    asked = taken(given, SearchOne, tool)
    whole = SearchCode(query=asked.query, limit=asked.limit, enable_reranking=asked.enable_reranking, collection=name)
    return _search(workspace, whole, call)


def _search(workspace: Workspace, asked: SearchCode, call: Call) -> Reply:
    question = Question(
        query=asked.query,
        collection=asked.collection,
        languages=(asked.language,) if asked.language else (),
        paths=(asked.path,) if asked.path else (),
        rerank=asked.enable_reranking,
    )
    key = json.dumps(["search", asdict(question)])
    return _paged(key, asked, lambda window: workspace.search(replace(question, limit=window), call))


def _find_related(workspace: Workspace, given: dict[str, Any], call: Call) -> Reply:
    asked = taken(given, FindRelated, "find_related")
    key = json.dumps(["related", asked.collection, asked.path, asked.line])

    def ask(window: int) -> Answer:
        return workspace.related(asked.path, asked.line, limit=window, collection=asked.collection, call=call)

    return _paged(key, asked, ask)


def _paged(key: str, asked: Shown, ask: Callable[[int], Answer]) -> Reply:
    """Show one page of the hits: those after the cursor, as many as wanted and as fit."""
    place = cursor.begin(key, asked.cursor, max(WINDOW, asked.limit))
    answer = ask(place.window)
    hits = answer.result.hits
    cursor.check(place, hits)
    wanted = hits[place.taken : place.taken + asked.limit]
    spans, gone = answer.checked(wanted)
    brief = asked.max_tokens < 2 * ACCOUNT_TOKENS
    budget = asked.max_tokens - (BRIEF_TOKENS if brief else ACCOUNT_TOKENS)
    page = lay_out(spans, answer.result.query, asked.detail, budget)
    shown = spans[page.taken].rank if page.taken < len(spans) else len(wanted)
    following = cursor.after(place, hits, shown)
    fields = account(answer, gone=gone, brief=brief) | ({"cursor": following} if following else {})
    text = "\n\n".join(part for part in (page.text(), account_line(answer, shown, following, gone=gone)) if part)
    return Reply(text, {"results": page.results()} | fields)


def _list_collections(workspace: Workspace, given: dict[str, Any], call: Call) -> Reply:
    taken(given, Nothing, "list_collections")
    call.check()
    listed = [
        {"name": target.name, "kind": target.kind, "places": list(target.places)}
        for target in workspace.targets.values()
    ]
    lines = (f"{one['name']} ({one['kind']}): {', '.join(one['places'])}" for one in listed)
    return Reply("\n".join(lines), {"collections": listed})


def _index_status(workspace: Workspace, given: dict[str, Any], call: Call) -> Reply:
    asked = taken(given, IndexStatus, "index_status")
    call.check()
    states = workspace.states(asked.collection)
    return Reply("\n".join(map(state_line, states)), {"collections": [state_fields(state) for state in states]})


_SHOWN = {
    "limit": "hits",
    "max_tokens": "budget of the answer",
    "detail": "",
    "cursor": "from the last answer, for more",
}

_SEARCH_CODE = ToolSpec(
    "search_code",
    "Find code and docs by meaning or name. Use it before grep when you do not know the exact words. "
    "Returns ranked places: path, lines, symbol, the lines that matter.",
    schema(
        SearchCode,
        {
            "query": "what the code does, or a name",
            "collection": "see list_collections; default: this workspace",
            "path": "glob as in .gitignore: src/**, *.go",
            "language": "as in python, go",
            "enable_reranking": "slower, better order",
        }
        | _SHOWN,
    ),
    _search_code,
)

_FIND_RELATED = ToolSpec(
    "find_related",
    "Find code like the code at a line: other implementations, callers in the same style, tests.",
    schema(FindRelated, {"path": "as in a hit", "line": "", "collection": ""} | _SHOWN),
    _find_related,
)

_LIST_COLLECTIONS = ToolSpec("list_collections", "List what can be searched.", schema(Nothing, {}), _list_collections)

_INDEX_STATUS = ToolSpec(
    "index_status",
    "Tell how complete and current the index is, and what was left out.",
    schema(IndexStatus, {"collection": ""}),
    _index_status,
)
