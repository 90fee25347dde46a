"""The addresses of the API: read a message, ask the workspace in a thread, write a message."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from coderank import __version__
from coderank.serving.api.messages import (
    Collection,
    CollectionHealth,
    Collections,
    CollectionState,
    Health,
    RelatedRequest,
    Results,
    SearchRequest,
    States,
)
from coderank.serving.api.openapi import document
from coderank.serving.follow import CancelledError
from coderank.serving.targets import chosen
from coderank.serving.workspace import Question

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from coderank.serving.calls import Calls
    from coderank.serving.follow import Call
    from coderank.serving.metrics import Metrics
    from coderank.serving.workspace import Workspace

Message = TypeVar("Message", SearchRequest, RelatedRequest)
Answer = TypeVar("Answer")

JSON = "application/json"


class Api:
    """The endpoints over one workspace."""

    def __init__(self, workspace: Workspace, calls: Calls, metrics: Metrics) -> None:
        """Take what is asked, how, and what has counted it."""
        self._workspace = workspace
        self._calls = calls
        self._metrics = metrics
        self._document = msgspec.json.encode(document(list(workspace.targets)))

    def routes(self) -> list[Route]:
        """List the addresses."""
        return [
            Route("/v1/search", self.search, methods=["POST"]),
            Route("/v1/related", self.related, methods=["POST"]),
            Route("/v1/collections", self.collections),
            Route("/v1/status", self.status),
            Route("/health", self.health),
            Route("/metrics", self.metrics),
            Route("/openapi.json", self.openapi),
        ]

    async def search(self, request: Request) -> Response:
        """Answer a question."""
        asked = await _read(request, SearchRequest)
        question = Question(
            asked.query,
            limit=asked.limit,
            collection=self._collection(asked.collection),
            languages=asked.languages,
            paths=asked.paths,
            rerank=asked.enable_reranking,
        )
        return _json(await self._ask(request, lambda call: Results.of(self._workspace.search(question, call))))

    async def related(self, request: Request) -> Response:
        """Find code like the code at a place."""
        asked = await _read(request, RelatedRequest)
        collection = self._collection(asked.collection)

        def ask(call: Call) -> Results:
            found = self._workspace.related(asked.path, asked.line, limit=asked.limit, collection=collection, call=call)
            return Results.of(found)

        return _json(await self._ask(request, ask))

    async def collections(self, request: Request) -> Response:
        """List what can be searched."""
        _refuse_unknown(request)
        targets = self._workspace.targets.values()
        return _json(Collections(tuple(Collection(one.name, one.kind, one.places) for one in targets)))

    async def status(self, request: Request) -> Response:
        """Tell how the collections stand; looks at the files of each."""
        _refuse_unknown(request, "collection")
        name = self._collection(request.query_params.get("collection"))
        states = await self._ask(request, lambda _: self._workspace.states(name))
        return _json(States(tuple(map(CollectionState.of, states))))

    async def health(self, request: Request) -> Response:
        """Tell whether questions can be answered, from what is known: nothing is opened or read for it."""
        _refuse_unknown(request)
        pulses = self._workspace.pulses()
        ready = all(pulse.chunks is not None for pulse in pulses if pulse.asked_by_default)
        known = tuple(
            CollectionHealth(pulse.target.name, pulse.opened, pulse.indexing, pulse.chunks, pulse.dense_coverage)
            for pulse in pulses
        )
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        return _json(Health(ready, __version__, self._workspace.gate.in_flight, known), status)

    async def metrics(self, request: Request) -> Response:
        """Write the figures in Prometheus' text format."""
        text, media_type = self._metrics.page(request.headers.get("accept", ""))
        return Response(text, media_type=None, headers={"Content-Type": media_type})

    async def openapi(self, _: Request) -> Response:
        """Describe this API."""
        return Response(self._document, media_type=JSON)

    def _collection(self, name: str | None) -> str:
        """Check a name, the empty one too, which the workspace takes for none. Raises UnknownCollectionError."""
        return chosen(name, self._workspace.targets).name if name is not None else ""

    async def _ask(self, request: Request, work: Callable[[Call], Answer]) -> Answer:
        """Do work for a client in a thread, until it is done or the client has gone. Raises what the work raises."""
        doing = asyncio.create_task(self._calls.run(work))
        watching = asyncio.create_task(_until_gone(request))
        try:
            await asyncio.wait({doing, watching}, return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                raise CancelledError
            return doing.result()
        finally:
            doing.cancel()
            watching.cancel()


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _read(request: Request, kind: type[Message]) -> Message:
    """Decode the body strictly. Raises HTTPException, or CancelledError where the client goes away meanwhile."""
    _refuse_unknown(request)
    given = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if given != JSON:
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"The body is {given or 'of no type'}, not {JSON}")
    try:
        return msgspec.convert(_with_integers(msgspec.json.decode(await request.body())), kind)
    except ClientDisconnect:
        raise CancelledError from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"The body cannot be read: {error}") from error


def _with_integers(fields: object) -> object:
    """Take 10.0 for 10, as JSON Schema does: JSON has one kind of numbers, and some programs write no other."""
    if not isinstance(fields, dict):
        return fields
    whole = {name: int(value) for name, value in fields.items() if isinstance(value, float) and value.is_integer()}
    return fields | whole


def _refuse_unknown(request: Request, *known: str) -> None:
    """Refuse a parameter that would be ignored. Raises HTTPException."""
    given = [name for name, _ in request.query_params.multi_items()]
    for name in given:
        if name not in known:
            raise HTTPException(HTTPStatus.BAD_REQUEST, f"There is no parameter {name!r}")
        if given.count(name) > 1:
            raise HTTPException(HTTPStatus.BAD_REQUEST, f"The parameter {name!r} is given more than once")


def _json(message: msgspec.Struct, status: int = HTTPStatus.OK) -> Response:
    return Response(msgspec.json.encode(message), status, media_type=JSON)
