"""What the exceptions of the Qdrant client mean, and which of them pass by themselves."""

from __future__ import annotations

import grpc
import httpx
from pydantic import ValidationError
from qdrant_client.common.client_exceptions import QdrantException, ResourceExhaustedResponse
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse

from coderank.errors import CoderankError, ServerUnavailableError, StoreError

CLIENT_ERRORS = (ApiException, QdrantException, grpc.RpcError)
"""Every exception that the client raises for what a server said or did not say."""
_BUSY = frozenset({408, 429, 502, 503, 504})
_INTERNAL = 500
_REFUSED_KEY = frozenset({401, 403})
_MISSING = 404
_TOO_LARGE = 413
_STATUS_OF_CODE = {
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 408,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.ABORTED: 503,
    grpc.StatusCode.CANCELLED: 503,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: _MISSING,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.INTERNAL: _INTERNAL,
    grpc.StatusCode.UNKNOWN: _INTERNAL,
    grpc.StatusCode.DATA_LOSS: _INTERNAL,
}
"""gRPC's codes as the statuses that the same server answers by REST."""
_TOO_LARGE_BY_GRPC = ("larger than max", "message length too large")
"""What gRPC's own implementations say in C and in Rust. The first gives it the code of a server that is busy."""
CERTIFICATE = "Name the authority that signed it: store.ca_file in the configuration, or SSL_CERT_FILE=ca.pem"
_TLS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (
        ("has expired", "not yet valid"),
        "The certificate of {url} is not valid today",
        "Renew the server's certificate, or set this machine's clock right",
    ),
    (
        ("hostname mismatch", "ip address mismatch"),
        "The certificate of {url} is another server's",
        "Name the server as its certificate does (store.url or QDRANT_URL), or correct the certificate",
    ),
    (("certificate_verify_failed",), "The certificate of {url} is not trusted", CERTIFICATE),
    (
        ("wrong_version_number", "record_layer_failure"),
        "What answers at {url} does not speak TLS",
        "Begin the URL with http://, if the server is on this machine or in a private network",
    ),
    (
        ("certificate_required", "bad_certificate", "alert_unknown_ca", "certificate_unknown", "handshake_failure"),
        "The server at {url} asks for a certificate that it knows",
        "Name one with its key: store.client_cert_file and store.client_key_file",
    ),
)
"""What OpenSSL says, what it means, and what helps. Anything else of TLS, as a connection that breaks off, passes."""
_UNCONNECTED = "failed to connect to all addresses"
"""gRPC's own words for a port where nothing listens, or where the certificate is refused."""
MAX_QUOTED = 300
"""Characters of a server's words in a message of ours."""
START = "Start the server or correct its URL (QDRANT_URL), then run the command again: coderank doctor"
AGAIN = "Run the command again: what is already written stays and is not written twice"
KEY = "Set QDRANT_API_KEY (or the variable that api_key_env names) to a key that may do this"
ROOM = "Free space on the server's disk, then run the command again"


def status_of(error: BaseException) -> int:
    """Return the HTTP status that an exception stands for; 0 where no server answered."""
    if isinstance(error, UnexpectedResponse):
        return error.status_code or 0
    if isinstance(error, QdrantException):  # one of them says how long to wait, the other that the header is odd
        return 429
    if isinstance(error, grpc.RpcError):
        too_large = any(words in said(error).lower() for words in _TOO_LARGE_BY_GRPC)
        return _TOO_LARGE if too_large else _STATUS_OF_CODE.get(_code(error), _INTERNAL)
    return 0


def is_missing(error: BaseException) -> bool:
    """Tell whether what was asked for is not there."""
    return status_of(error) == _MISSING


def is_too_large(error: BaseException) -> bool:
    """Tell whether the request has more bytes than the server takes."""
    return status_of(error) == _TOO_LARGE


def passes(error: BaseException) -> bool:
    """Tell whether the same request may succeed a little later."""
    status = status_of(error)
    if status == _INTERNAL:
        return not _is_full(said(error))
    if isinstance(error, ResponseHandlingException):
        return isinstance(error.source, httpx.TransportError) and not (
            isinstance(error.source, httpx.UnsupportedProtocol | httpx.ProxyError) or _refused_by_tls(said(error))
        )
    return status in _BUSY


def wait_asked_for(error: BaseException) -> float:
    """Seconds that a busy server asked to be left alone for; 0 where it did not say."""
    return float(error.retry_after_s) if isinstance(error, ResourceExhaustedResponse) else 0.0


def said(error: BaseException) -> str:
    """Return what the server said, or what came in the way, in one line."""
    if isinstance(error, UnexpectedResponse):
        text = _message(error)
    elif isinstance(error, ResponseHandlingException):
        text = f"{type(error.source).__name__}: {error.source}"
    elif isinstance(error, grpc.Call):
        text = error.details() or _code(error).name
    else:
        text = str(error) or type(error).__name__
    line = " ".join(text.split())
    return line if len(line) <= MAX_QUOTED else f"{line[:MAX_QUOTED]} ..."


def meaning(error: BaseException, url: str) -> CoderankError:
    """Translate an exception of the client on the server at ``url``."""
    status, text = status_of(error), said(error)
    if isinstance(error, ResponseHandlingException):
        return _unanswered(error.source, url, text)
    if status in _REFUSED_KEY:
        return StoreError(f"The Qdrant server at {url} refused the key ({status}): {text}", KEY)
    if _is_full(text):
        return StoreError(f"The Qdrant server at {url} has no room: {text}", ROOM)
    if status in _BUSY:
        return _busy(error, url, f"({status}): {text}")
    if status == _TOO_LARGE:
        return StoreError(
            f"A point is larger than the Qdrant server at {url} takes: {text}",
            "Raise what is taken: service.max_request_size_mb of the server, or the limit of a proxy before it",
        )
    return StoreError(f"The Qdrant server at {url} refused it ({status}): {text}")


def _busy(error: BaseException, url: str, text: str) -> CoderankError:
    if isinstance(error, grpc.RpcError) and _UNCONNECTED in text:
        return ServerUnavailableError(f"No Qdrant server answers by gRPC at {url} {text}", START)
    late = isinstance(error, grpc.RpcError) and _code(error) is grpc.StatusCode.DEADLINE_EXCEEDED
    what = "did not answer in time" if late else "is too busy"
    return ServerUnavailableError(f"The Qdrant server at {url} {what} {text}", AGAIN)


def _unanswered(source: Exception, url: str, text: str) -> CoderankError:
    if isinstance(source, ValidationError):
        return StoreError(
            f"What answers at {url} is no Qdrant server that this version understands: {text}",
            "Check the URL, or update: pip install --upgrade 'coderank[server]'",
        )
    if refused := _refused_by_tls(text):
        complaint, remedy = refused
        return StoreError(f"{complaint.format(url=url)}: {text}", remedy)
    if isinstance(source, httpx.ReadTimeout | httpx.WriteTimeout | httpx.PoolTimeout):
        return ServerUnavailableError(f"The Qdrant server at {url} did not answer in time: {text}", AGAIN)
    return ServerUnavailableError(f"No Qdrant server answers at {url}: {text}", START)


def _refused_by_tls(text: str) -> tuple[str, str] | None:
    """Return complaint and remedy where the two sides will never agree on a connection."""
    return next(((what, remedy) for words, what, remedy in _TLS if any(word in text.lower() for word in words)), None)


def _is_full(text: str) -> bool:
    return any(words in text.lower() for words in ("no space left", "disk is full", "exceeds available disk"))


def _code(error: grpc.RpcError) -> grpc.StatusCode:
    return error.code() if isinstance(error, grpc.Call) else grpc.StatusCode.UNKNOWN


def _message(error: UnexpectedResponse) -> str:
    try:
        return str(error.structured()["status"]["error"])
    except (ValueError, KeyError, TypeError):  # a proxy before the server answers as it likes
        return f"{error.reason_phrase} {error.content[:200].decode('utf-8', 'replace')}".strip()
