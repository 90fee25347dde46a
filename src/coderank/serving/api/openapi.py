"""The OpenAPI 3.1 document, made from the messages themselves and from what this server serves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from coderank import __version__
from coderank.corpus.language_table import LANGUAGES
from coderank.serving.api import messages
from coderank.serving.api.problems import MEDIA_TYPE

if TYPE_CHECKING:
    from collections.abc import Sequence

_MESSAGES = (
    messages.SearchRequest,
    messages.RelatedRequest,
    messages.Results,
    messages.Collections,
    messages.States,
    messages.Health,
    messages.Problem,
)
_REFUSED = {
    "400": "The request is malformed: the detail names the field.",
    "401": "The token is missing or wrong, where the server demands one.",
    "403": "A web page of another origin asks.",
    "404": "No such collection, or no such place in the index.",
    "409": "The server is not set up for what is asked, as reranking without a reranker.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "421": "The request names another host than this server.",
    "500": "The index is damaged or something unforeseen happened.",
    "503": "Too many requests, or nothing is indexed yet: Retry-After says when to ask again.",
}
_ALWAYS = ("400", "401", "403", "421", "500", "503")


def document(collections: Sequence[str]) -> dict[str, Any]:
    """Describe the API of a server with these collections."""
    _, components = msgspec.json.schema_components(_MESSAGES, ref_template="#/components/schemas/{name}")
    for name in ("SearchRequest", "RelatedRequest"):
        components[name]["properties"]["collection"] |= {"enum": [None, *collections]}
    languages = components["SearchRequest"]["properties"]["languages"]
    languages["items"] |= {"enum": sorted(language.name for language in LANGUAGES)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "coderank", "version": __version__, "summary": "Find code by meaning."},
        "paths": _paths(collections),
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        # Only a server that was given a token asks for it.
        "security": [{}, {"token": []}],
    }


def _paths(collections: Sequence[str]) -> dict[str, Any]:
    one = {
        "name": "collection",
        "in": "query",
        "description": "Only this one.",
        "schema": {"type": "string", "enum": list(collections)},
    }
    return {
        "/v1/search": {"post": _asked("search", "Find code by meaning.", "SearchRequest")},
        "/v1/related": {"post": _asked("related", "Find code like the code at a line.", "RelatedRequest")},
        "/v1/collections": {"get": _told("collections", "List what can be searched.", "Collections")},
        "/v1/status": {"get": _told("status", "Tell how the indexes stand.", "States", "404") | {"parameters": [one]}},
        "/health": {"get": _health()},
        "/metrics": {"get": _metrics()},
    }


def _asked(name: str, summary: str, message: str) -> dict[str, Any]:
    body = {"required": True, "content": {"application/json": {"schema": _ref(message)}}}
    return _told(name, summary, "Results", "404", "409", "413", "415") | {"requestBody": body}


def _told(name: str, summary: str, message: str, *refused: str) -> dict[str, Any]:
    answers = {"200": _answer("The answer.", message)}
    answers |= {status: _refusal(_REFUSED[status]) for status in sorted({*_ALWAYS, *refused})}
    return {"operationId": name, "summary": summary, "responses": answers}


def _health() -> dict[str, Any]:
    told = _told("health", "Tell whether the server can answer.", "Health")
    told["responses"]["503"] = _answer("Not ready: nothing can be searched yet.", "Health")
    return told


def _metrics() -> dict[str, Any]:
    told = _told("metrics", "Figures for Prometheus.", "Health")
    text = {"text/plain": {"schema": {"type": "string"}}}
    told["responses"]["200"] = {"description": "The figures.", "content": text}
    return told


def _answer(description: str, message: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": _ref(message)}}}


def _refusal(description: str) -> dict[str, Any]:
    return {"description": description, "content": {MEDIA_TYPE: {"schema": _ref("Problem")}}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
