"""What the exceptions of the Qdrant client become; none is left out, none passes that does not pass by itself."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import grpc
import httpx
import pytest
from pydantic import BaseModel, ValidationError
from qdrant_client.common import client_exceptions
from qdrant_client.http import exceptions

from coderank.errors import ServerUnavailableError, StoreError
from coderank.store import server_failures
from coderank.store.server_failures import meaning, passes, said, status_of, wait_asked_for

if TYPE_CHECKING:
    from coderank.errors import CoderankError

URL = "http://qdrant.example:6333"


def answered(status: int, message: str = "made to fail") -> exceptions.UnexpectedResponse:
    content = b'{"status": {"error": "%s"}}' % message.encode()
    return exceptions.UnexpectedResponse(status, "reason", content, httpx.Headers())


def unanswered(source: Exception) -> exceptions.ResponseHandlingException:
    return exceptions.ResponseHandlingException(source)


class Refused(grpc.RpcError, grpc.Call):  # type: ignore[misc]
    """What gRPC raises, without a server."""

    def __init__(self, code: grpc.StatusCode) -> None:
        self._code = code

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return "said so"

    def initial_metadata(self) -> None: ...
    def trailing_metadata(self) -> None: ...
    def is_active(self) -> bool:
        return False

    def time_remaining(self) -> None: ...
    def cancel(self) -> bool:
        return False

    def add_callback(self, callback: object) -> bool:
        return False


def invalid() -> ValidationError:
    class Model(BaseModel):
        number: int

    with pytest.raises(ValidationError) as caught:
        Model.model_validate({"number": "x"})
    return caught.value


def certificate_error() -> httpx.ConnectError:
    return httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate")


def test_every_class_of_the_client_is_caught() -> None:
    raised = [
        each
        for module in (exceptions, client_exceptions)
        for _, each in inspect.getmembers(module, inspect.isclass)
        if issubclass(each, Exception)
    ]
    assert len(raised) >= 5
    assert [each for each in raised if not issubclass(each, server_failures.CLIENT_ERRORS)] == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 501, 502, 503, 504])
def test_every_status_becomes_an_error_that_quotes_the_server(status: int) -> None:
    found = meaning(answered(status, "why it failed"), URL)
    assert isinstance(found, StoreError)
    assert URL in found.message
    assert "why it failed" in found.message
    assert str(status) in found.message or status == 413
    assert isinstance(found, ServerUnavailableError) == (status in {408, 429, 502, 503, 504})


@pytest.mark.parametrize("code", list(grpc.StatusCode))
def test_every_code_of_grpc_has_a_status(code: grpc.StatusCode) -> None:
    error = Refused(code)
    assert status_of(error) >= 400
    assert "said so" in meaning(error, URL).message


TRANSPORT = [each for each in vars(httpx).values() if inspect.isclass(each) and issubclass(each, httpx.TransportError)]


@pytest.mark.parametrize("kind", TRANSPORT, ids=lambda kind: kind.__name__)
def test_every_failure_of_the_network_is_named_with_a_remedy(kind: type[httpx.TransportError]) -> None:
    found = meaning(unanswered(kind("gone")), URL)
    assert isinstance(found, ServerUnavailableError)
    assert "gone" in found.message
    assert "again" in found.remedy


def test_what_passes_and_what_does_not() -> None:
    passing: list[Exception] = [
        *(answered(status) for status in (408, 429, 500, 502, 503, 504)),
        *(unanswered(kind("x")) for kind in (httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError)),
        client_exceptions.ResourceExhaustedResponse("busy", 3),
        client_exceptions.QdrantException("Retry-After header value is not a valid integer"),
        *(Refused(getattr(grpc.StatusCode, name)) for name in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL")),
    ]
    lasting: list[Exception] = [
        *(answered(status) for status in (400, 401, 403, 404, 409, 413)),
        answered(500, "No space left on device: WAL buffer size exceeds available disk space"),
        unanswered(certificate_error()),
        unanswered(httpx.UnsupportedProtocol("x")),
        unanswered(invalid()),
        Refused(grpc.StatusCode.INVALID_ARGUMENT),
        exceptions.ApiException("x"),
    ]
    assert [passes(error) for error in passing] == [True] * len(passing)
    assert [passes(error) for error in lasting] == [False] * len(lasting)


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (answered(401), "QDRANT_API_KEY"),
        (answered(403), "QDRANT_API_KEY"),
        (answered(500, "No space left on device"), "Free space"),
        (answered(413), "max_request_size_mb"),
        (unanswered(certificate_error()), "SSL_CERT_FILE"),
        (unanswered(invalid()), "Check the URL"),
        (unanswered(httpx.ConnectError("Connection refused")), "Start the server"),
    ],
)
def test_remedies_fit(error: Exception, remedy: str) -> None:
    assert remedy in meaning(error, URL).remedy


def test_a_busy_server_says_how_long() -> None:
    assert wait_asked_for(client_exceptions.ResourceExhaustedResponse("busy", 7)) == 7.0
    assert wait_asked_for(answered(429)) == 0.0


def test_an_answer_that_is_no_json_is_quoted() -> None:
    proxy = exceptions.UnexpectedResponse(502, "Bad Gateway", b"<html>\n nginx", httpx.Headers())
    assert said(proxy) == "Bad Gateway <html> nginx"


def test_nothing_of_the_client_is_left_untranslated() -> None:
    odd: list[Exception] = [exceptions.ApiException("x"), grpc.RpcError("x"), client_exceptions.QdrantException("x")]
    found: list[CoderankError] = [meaning(error, URL) for error in odd]
    assert all(isinstance(each, StoreError) for each in found)
