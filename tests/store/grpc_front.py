"""Qdrant's gRPC services in front of the test server: what is sent by gRPC is answered as the same thing sent by REST.

It speaks real gRPC, with the services, messages and conversions that come with Qdrant's client, and gives the codes
that a server gives. Of the faults it knows all but a reset: a connection that goes away is a server that stops.
"""

# ruff: noqa: N802 - the names of the methods are Qdrant's

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NoReturn

import grpc
from pydantic import BaseModel, TypeAdapter
from qdrant_client import grpc as services
from qdrant_client import models
from qdrant_client.conversions.conversion import GrpcToRest, RestToGrpc
from tests.store.qdrant_server import RefusedError

if TYPE_CHECKING:
    from tests.store.qdrant_server import Fault, QdrantServer

CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    408: grpc.StatusCode.DEADLINE_EXCEEDED,
    409: grpc.StatusCode.ALREADY_EXISTS,
    413: grpc.StatusCode.OUT_OF_RANGE,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    500: grpc.StatusCode.INTERNAL,
    503: grpc.StatusCode.UNAVAILABLE,
}
"""What the server says by gRPC where it gives this status by REST."""
UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


class GrpcFront:
    """The gRPC port of a test server. It keeps its port when it is stopped and started again."""

    def __init__(self, side: QdrantServer, credentials: grpc.ServerCredentials | None = None) -> None:
        self.side = side
        self.port = 0
        self.calls: list[str] = []
        """The full name of every method that was called, in order."""
        self.options: list[tuple[str, int]] = UNLIMITED
        self._credentials = credentials
        self._grpc: grpc.Server | None = None

    def start(self) -> GrpcFront:
        alone = ("grpc.so_reuseport", 0)  # else two could listen on one port
        self._grpc = grpc.server(ThreadPoolExecutor(8), options=[*self.options, alone])
        added: Any = services  # what adds a service is generated, without types
        added.add_QdrantServicer_to_server(_Root(self), self._grpc)
        added.add_CollectionsServicer_to_server(_Collections(self), self._grpc)
        added.add_PointsServicer_to_server(_Points(self), self._grpc)
        added.add_SnapshotsServicer_to_server(_Snapshots(self), self._grpc)
        at = f"127.0.0.1:{self.port}"
        if self._credentials:
            self.port = self._grpc.add_secure_port(at, self._credentials)
        else:
            self.port = self._grpc.add_insecure_port(at)
        self._grpc.start()
        return self

    def stop(self) -> None:
        if self._grpc is not None:
            self._grpc.stop(None).wait()
            self._grpc = None

    def ask(self, context: grpc.ServicerContext, line: str, body: Any = None) -> Any:
        """Answer a request as if it had come by REST as ``line``, or end the call with a code."""
        fault = self.side.fault_for(line)
        if fault and fault.seconds:
            time.sleep(fault.seconds)
        if fault and fault.status:
            _refuse(context, fault.status, fault.message, fault.headers)
        if fault and fault.reset == "before":
            self._go(context, fault)
        method, path = line.split(" ", 1)
        try:
            self._check(context, path)
            found = self.side.answer(method, path, _plain(body) if body is not None else {})
        except RefusedError as error:
            _refuse(context, error.status, str(error), error.headers)
        if fault and fault.reset:
            self._go(context, fault)
        return found

    def _check(self, context: grpc.ServicerContext, path: str) -> None:
        given = dict(context.invocation_metadata()).get("api-key")
        if self.side.api_key and path != "/" and given != self.side.api_key:
            raise RefusedError(401, "Must provide an API key or an Authorization bearer token")

    def _go(self, context: grpc.ServicerContext, fault: Fault) -> NoReturn:
        if fault.stop and self._grpc is not None:
            self._grpc.stop(None)
        context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
        raise AssertionError


class _Service:
    """What all services have: the front, and the name of what was called for whoever looks."""

    def __init__(self, front: GrpcFront) -> None:
        self.front = front

    def ask(self, context: grpc.ServicerContext, request: Any, line: str, body: Any = None) -> Any:
        self.front.calls.append(type(request).__name__)
        return self.front.ask(context, line, body)


class _Root(_Service, services.QdrantServicer):
    def HealthCheck(self, request: Any, context: Any) -> Any:
        said = self.ask(context, request, "GET /")
        return services.HealthCheckReply(**said)


class _Collections(_Service, services.CollectionsServicer):
    def List(self, request: Any, context: Any) -> Any:
        found = _as(models.CollectionsResponse, self.ask(context, request, "GET /collections"))
        named = [services.CollectionDescription(name=each.name) for each in found.collections]
        return services.ListCollectionsResponse(collections=named)

    def Get(self, request: Any, context: Any) -> Any:
        found = self.ask(context, request, f"GET /collections/{request.collection_name}")
        info = RestToGrpc.convert_collection_info(_as(models.CollectionInfo, found))
        return services.GetCollectionInfoResponse(result=info)

    def CollectionExists(self, request: Any, context: Any) -> Any:
        found = self.ask(context, request, f"GET /collections/{request.collection_name}/exists")
        return services.CollectionExistsResponse(result=services.CollectionExists(**found))

    def Create(self, request: Any, context: Any) -> Any:
        made = models.CreateCollection(
            vectors=GrpcToRest.convert_vectors_config(request.vectors_config),
            sparse_vectors=_given(request, "sparse_vectors_config", GrpcToRest.convert_sparse_vector_config),
            quantization_config=_given(request, "quantization_config", GrpcToRest.convert_quantization_config),
            optimizers_config=_given(request, "optimizers_config", GrpcToRest.convert_optimizers_config_diff),
            metadata=GrpcToRest.convert_payload(request.metadata) or None,
            **{
                name: getattr(request, name)
                for name in ("shard_number", "replication_factor", "write_consistency_factor", "on_disk_payload")
                if request.HasField(name)
            },
        )
        done = self.ask(context, request, f"PUT /collections/{request.collection_name}", made)
        return services.CollectionOperationResponse(result=done)

    def Update(self, request: Any, context: Any) -> Any:
        changed = {"metadata": GrpcToRest.convert_payload(request.metadata)}
        done = self.ask(context, request, f"PATCH /collections/{request.collection_name}", changed)
        return services.CollectionOperationResponse(result=done)

    def Delete(self, request: Any, context: Any) -> Any:
        done = self.ask(context, request, f"DELETE /collections/{request.collection_name}")
        return services.CollectionOperationResponse(result=done)

    def UpdateAliases(self, request: Any, context: Any) -> Any:
        actions = [GrpcToRest.convert_alias_operations(each) for each in request.actions]
        changed = models.ChangeAliasesOperation(actions=actions)
        done = self.ask(context, request, "POST /collections/aliases", changed)
        return services.CollectionOperationResponse(result=done)

    def ListAliases(self, request: Any, context: Any) -> Any:
        found = _as(models.CollectionsAliasesResponse, self.ask(context, request, "GET /aliases"))
        return services.ListAliasesResponse(aliases=map(RestToGrpc.convert_alias_description, found.aliases))


class _Points(_Service, services.PointsServicer):
    def Upsert(self, request: Any, context: Any) -> Any:
        points = [GrpcToRest.convert_point_struct(point) for point in request.points]
        return self._write(context, request, "PUT {}/points", models.PointsList(points=points))

    def UpdateVectors(self, request: Any, context: Any) -> Any:
        points = [GrpcToRest.convert_point_vectors(point) for point in request.points]
        return self._write(context, request, "PUT {}/points/vectors", models.UpdateVectors(points=points))

    def Delete(self, request: Any, context: Any) -> Any:
        selected = GrpcToRest.convert_points_selector(request.points)
        return self._write(context, request, "POST {}/points/delete", selected)

    def UpdateBatch(self, request: Any, context: Any) -> Any:
        operations = [GrpcToRest.convert_points_update_operation(each) for each in request.operations]
        done = self.ask(
            context, request, _at("POST {}/points/batch", request), models.UpdateOperations(operations=operations)
        )
        return services.UpdateBatchResponse(result=map(_done, done))

    def CreateFieldIndex(self, request: Any, context: Any) -> Any:
        line = _at("PUT {}/index", request)
        kind = services.FieldType.Name(request.field_type).removeprefix("FieldType").lower()
        done = self.ask(context, request, line, {"field_name": request.field_name, "field_schema": kind})
        return services.PointsOperationResponse(result=_done(done))

    def Get(self, request: Any, context: Any) -> Any:
        asked = models.PointRequest(ids=[GrpcToRest.convert_point_id(each) for each in request.ids], **_wanted(request))
        found = self.ask(context, request, _at("POST {}/points", request), asked)
        return services.GetResponse(result=map(_record, found))

    def Scroll(self, request: Any, context: Any) -> Any:
        asked = models.ScrollRequest(
            offset=_given(request, "offset", GrpcToRest.convert_point_id),
            limit=request.limit if request.HasField("limit") else None,
            filter=_given(request, "filter", GrpcToRest.convert_filter),
            **_wanted(request),
        )
        found = self.ask(context, request, _at("POST {}/points/scroll", request), asked)
        following = found["next_page_offset"]
        return services.ScrollResponse(
            result=map(_record, found["points"]),
            next_page_offset=None if following is None else RestToGrpc.convert_extended_point_id(following),
        )

    def Count(self, request: Any, context: Any) -> Any:
        asked = models.CountRequest(filter=_given(request, "filter", GrpcToRest.convert_filter), exact=request.exact)
        found = self.ask(context, request, _at("POST {}/points/count", request), asked)
        return services.CountResponse(result=services.CountResult(**found))

    def Query(self, request: Any, context: Any) -> Any:
        asked = GrpcToRest.convert_query_points(request)
        found = self.ask(context, request, _at("POST {}/points/query", request), asked)
        return services.QueryResponse(result=map(_scored, found["points"]))

    def QueryBatch(self, request: Any, context: Any) -> Any:
        searches = [GrpcToRest.convert_query_points(each) for each in request.query_points]
        asked = models.QueryRequestBatch(searches=searches)
        found = self.ask(context, request, _at("POST {}/points/query/batch", request), asked)
        return services.QueryBatchResponse(
            result=[services.BatchResult(result=map(_scored, each["points"])) for each in found]
        )

    def _write(self, context: Any, request: Any, line: str, body: Any) -> Any:
        assert request.wait, "what is written has to be waited for"
        return services.PointsOperationResponse(result=_done(self.ask(context, request, _at(line, request), body)))


class _Snapshots(_Service, services.SnapshotsServicer):
    def List(self, request: Any, context: Any) -> Any:
        found = self.ask(context, request, _at("GET {}/snapshots", request))
        described = [_as(models.SnapshotDescription, each) for each in found]
        return services.ListSnapshotsResponse(
            snapshot_descriptions=map(RestToGrpc.convert_snapshot_description, described)
        )

    def Delete(self, request: Any, context: Any) -> Any:
        self.ask(context, request, _at("DELETE {}/snapshots/" + request.snapshot_name, request))
        return services.DeleteSnapshotResponse()


def _refuse(context: grpc.ServicerContext, status: int, message: str, headers: dict[str, str]) -> NoReturn:
    context.set_trailing_metadata([(name.lower(), value) for name, value in headers.items()])
    context.abort(CODES.get(status, grpc.StatusCode.UNKNOWN), message)
    raise AssertionError


def _at(line: str, request: Any) -> str:
    return line.format(f"/collections/{request.collection_name}")


def _given(request: Any, field: str, convert: Any) -> Any:
    return convert(getattr(request, field)) if request.HasField(field) else None


def _wanted(request: Any) -> dict[str, Any]:
    return {
        "with_payload": _given(request, "with_payload", GrpcToRest.convert_with_payload_interface),
        "with_vector": _given(request, "with_vectors", GrpcToRest.convert_with_vectors_selector),
    }


def _done(result: Any) -> Any:
    return RestToGrpc.convert_update_result(_as(models.UpdateResult, result))


def _record(found: Any) -> Any:
    return RestToGrpc.convert_retrieved_point(_as(models.Record, _with_payload(found)))


def _scored(found: Any) -> Any:
    return RestToGrpc.convert_scored_point(_as(models.ScoredPoint, _with_payload(found)))


def _with_payload(found: Any) -> Any:
    """By gRPC, a payload that was not asked for is an empty one."""
    return {**found, "payload": found.get("payload") or {}}


def _as(kind: Any, value: Any) -> Any:
    return TypeAdapter(kind).validate_python(value.model_dump() if isinstance(value, BaseModel) else value)


def _plain(body: Any) -> Any:
    return body.model_dump(mode="json", exclude_unset=True) if isinstance(body, BaseModel) else body
