"""What the tools take: one table of types and defaults, from which schemas and checks both follow."""

from __future__ import annotations

import re
from enum import EnumType
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from coderank.errors import InvalidQueryError
from coderank.retrieval.limits import MAX_GLOB_CHARS
from coderank.serving.page import Detail

MAX_HITS = 100
"""Most hits of one page: more is no answer but a listing."""
MIN_TOKENS = 100
"""Fewer hold no hit with its account."""
MAX_TOKENS = 50_000
"""More than any client lets a tool return."""
BUDGET = 2_000
"""Ten hits of eight lines: what an agent reads without regret."""

MAX_NAME_CHARS = 200

Name = Annotated[str, Meta(max_length=MAX_NAME_CHARS)]
Glob = Annotated[str, Meta(max_length=MAX_GLOB_CHARS)]
FilePath = Annotated[str, Meta(max_length=4_096)]
Count = Annotated[int, Meta(ge=1, le=MAX_HITS)]
Tokens = Annotated[int, Meta(ge=MIN_TOKENS, le=MAX_TOKENS)]


class Shown(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the hits of an answer are shown."""

    limit: Count = 10
    max_tokens: Tokens = BUDGET
    detail: Detail = Detail.SNIPPETS
    cursor: Name = ""


class SearchCode(Shown, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Arguments of ``search_code``."""

    query: str
    collection: Name = ""
    path: Glob = ""
    language: Name = ""
    enable_reranking: bool = False
    """Never by itself, whatever the description of a collection says: an agent chooses when to wait."""


class FindRelated(Shown, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Arguments of ``find_related``."""

    path: FilePath
    line: Annotated[int, Meta(ge=1)]
    collection: Name = ""


class SearchOne(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Arguments of ``search_COLLECTION``."""

    query: str
    limit: Count = 10
    enable_reranking: bool = False


class IndexStatus(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Arguments of ``index_status``."""

    collection: Name = ""


class Nothing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Arguments of ``list_collections``."""


Arguments = TypeVar("Arguments", bound=msgspec.Struct)


def taken(given: dict[str, Any], kind: type[Arguments], tool: str) -> Arguments:
    """Check what a client gave. Raises InvalidQueryError that names what is wrong and what the tool takes."""
    try:
        # Not strict: agents write numbers and flags as text now and then, and nothing is lost by reading them.
        return msgspec.convert({key: value for key, value in given.items() if value is not None}, kind, strict=False)
    except msgspec.ValidationError as error:
        fields = sorted(msgspec.structs.fields(kind), key=lambda field: not field.required)
        names = ", ".join(field.name + ("" if field.required else "?") for field in fields)
        what = str(error).replace("Object contains", "there is an").replace("Object missing", "there is no")
        values = _values(kind, what)
        raise InvalidQueryError(
            f"The arguments of {tool} cannot be used: {what}{values}", f"It takes: {names}"
        ) from error


def _values(kind: type[msgspec.Struct], what: str) -> str:
    """List what the argument of a message takes, where that is one of a few words."""
    named = re.search(r"`\$\.(\w+)`", what)
    wanted = next((field.type for field in msgspec.structs.fields(kind) if named and field.name == named[1]), None)
    return f", which is one of: {', '.join(wanted)}" if isinstance(wanted, EnumType) else ""


def schema(kind: type[msgspec.Struct], descriptions: dict[str, str]) -> dict[str, Any]:
    """Give the JSON schema of a tool's arguments, as short as it can be: every word of it is paid for by an agent."""
    fields = sorted(msgspec.structs.fields(kind), key=lambda field: list(descriptions).index(field.name))
    properties = {field.name: _property(field, descriptions[field.name]) for field in fields}
    required = [field.name for field in fields if field.required]
    found: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    return found | ({"required": required} if required else {})


def _property(field: msgspec.structs.FieldInfo, description: str) -> dict[str, Any]:
    found: dict[str, Any] = dict(msgspec.json.schema(field.type))
    found.pop("maxLength", None)  # no agent comes near it by accident
    if "$ref" in found:
        found = {"enum": [level.value for level in Detail]}
    if not field.required and field.default != "":
        found["default"] = field.default
    return found | ({"description": description} if description else {})
