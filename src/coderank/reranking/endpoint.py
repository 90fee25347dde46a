"""A language model behind an OpenAI-compatible endpoint: vLLM, llama.cpp, Ollama, LM Studio or a hosted one."""

from __future__ import annotations

import ssl
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

import msgspec

from coderank.errors import ConfigurationError
from coderank.reranking.breaker import Breaker
from coderank.reranking.chat import ChatError, Completion

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import httpx
    from tenacity import RetryCallState

    from coderank.reranking.chat import Messages
    from coderank.reranking.memory import Entry

TIMEOUT_S = 30.0
"""One answer, with all its retries: a 7 B model reads 10,000 tokens in 1 to 10 s on a GPU."""
ATTEMPTS = 4
"""Of one call: a server that refuses so often, with pauses that double, is not having a hiccup."""
FIRST_PAUSE_S = 0.25
"""Before the second attempt; doubles with each one. ``Retry-After`` goes before it."""
CONCURRENCY = 10
"""Calls at once: the first round of ``topdown`` over 100 passages is one batch."""
MAX_ANSWER_BYTES = 1 << 20
"""Of a response. An answer has some hundred bytes; what sends more is not a chat endpoint."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
_OWN_FAULT = frozenset({400, 413, 422})
"""The request was refused for what it says: the endpoint itself is well."""
_EXCERPT = 200


@dataclass(frozen=True, slots=True)
class EndpointConfig:
    """Where a model answers."""

    base_url: str
    """Up to and with the version: ``http://localhost:8000/v1``."""
    model: str
    api_key: str = field(default="", repr=False)
    """Sent as a bearer token; shown nowhere."""
    timeout_s: float = TIMEOUT_S
    context_tokens: int = 32_768
    """Of the model as it is served: Ollama cuts a longer prompt without a word, by default at 4,096 on a GPU of less
    than 24 GiB; llama.cpp refuses it."""
    concurrency: int = CONCURRENCY


class _Message(msgspec.Struct):
    content: str


class _Choice(msgspec.Struct):
    message: _Message


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Response(msgspec.Struct):
    choices: list[_Choice]
    usage: _Usage | None = None


class _Refused(Exception):  # noqa: N818 - it never leaves this file
    """One attempt failed."""

    def __init__(
        self, why: str, *, again: bool, answered: bool = False, well: bool = False, after: float | None = None
    ) -> None:
        super().__init__(why)
        self.answered = answered
        """Whether a whole answer came, be it a refusal."""
        self.again = again
        """Whether another attempt may help."""
        self.well = well
        """Whether the endpoint answered as it should, to a request it cannot serve."""
        self.after = after
        """Seconds that the endpoint asks to wait."""


class Endpoint:
    """A chat over HTTP. Safe to use from several threads; opens its connections on first use."""

    assumed_step_ms = 0.0

    def __init__(
        self,
        config: EndpointConfig,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        entry: Entry | None = None,
    ) -> None:
        """Describe the endpoint; ``entry`` keeps for other processes that it did not answer.

        Raises:
            ConfigurationError: the address is none of HTTP, or a number is not positive.
        """
        self._where = _validated(config)
        self._config = config
        self._clock = clock
        self._sleep = sleep
        self._breaker = Breaker(clock, entry)
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None

    @property
    def name(self) -> str:
        """The model's name."""
        return self._config.model

    @property
    def context_tokens(self) -> int:
        """Tokens that a prompt and its answer may have together."""
        return self._config.context_tokens

    @property
    def concurrency(self) -> int:
        """Calls that are made at once."""
        return self._config.concurrency

    def unavailable(self) -> str:
        """Say why the endpoint would not be asked now; empty when it would."""
        reason = self._breaker.blocked()
        return f"{self._where} is {reason}" if reason else ""

    def load(self) -> None:
        """Get ready to call, which the first time takes 0.1 s; the weights are elsewhere."""
        self._opened()

    def complete(
        self, batch: Sequence[Messages], max_tokens: int, timeout_s: float | None = None
    ) -> list[Completion | ChatError]:
        """Answer each conversation, ``concurrency`` at once. After the first failure the rest is not even asked."""
        # The limit of the caller is for the whole batch, that of the configuration for each call.
        end = float("inf") if timeout_s is None else self._clock() + timeout_s

        def answer(messages: Messages) -> Completion | ChatError:
            return self._answer(messages, max_tokens, min(end, self._clock() + self._config.timeout_s))

        if len(batch) == 1:
            return [answer(batch[0])]
        with ThreadPoolExecutor(max(1, min(len(batch), self.concurrency))) as workers:
            return list(workers.map(answer, batch))

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._client is not None:
                self._client.close()
            self._client = None

    def _answer(self, messages: Messages, max_tokens: int, deadline: float) -> Completion | ChatError:
        blocked = self._breaker.enter()
        if blocked:
            return ChatError(f"{self._where} is not asked: {blocked}")
        body = {"model": self._config.model, "messages": messages, "max_tokens": max_tokens, "temperature": 0}
        try:
            response = self._with_retries(msgspec.json.encode(body), deadline)
        except _Refused as refusal:
            why = self._redacted(str(refusal))
            if refusal.well:
                self._breaker.succeeded()
            else:
                # A server that refuses does so at once, and perhaps not any more once a key or a name is corrected.
                self._breaker.failed(why, kept=not refusal.answered)
            return ChatError(f"{self._where} gave no answer: {why}", "Run: coderank doctor")
        self._breaker.succeeded()
        usage = response.usage or _Usage()
        return Completion(response.choices[0].message.content, usage.prompt_tokens, usage.completion_tokens)

    def _with_retries(self, body: bytes, deadline: float) -> _Response:
        import tenacity  # noqa: PLC0415 - 30 ms, and most searches are not reranked

        def pause(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = error.after if isinstance(error, _Refused) else None
            return FIRST_PAUSE_S * 2 ** (state.attempt_number - 1) if asked is None else asked

        def given_up(state: RetryCallState) -> bool:
            return state.attempt_number >= ATTEMPTS or self._clock() + pause(state) >= deadline

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: isinstance(error, _Refused) and error.again),
            wait=pause,
            stop=given_up,
            sleep=self._sleep,
            reraise=True,
        )
        return retrying(self._attempt, body, deadline)

    def _attempt(self, body: bytes, deadline: float) -> _Response:
        """Make one request. Raises _Refused for everything but a well-formed answer."""
        import httpx  # noqa: PLC0415 - 60 ms, and most searches are not reranked

        left = deadline - self._clock()
        if left <= 0:
            raise _Refused("it took too long", again=False)
        try:
            with self._opened().stream("POST", "chat/completions", content=body, timeout=left) as response:
                return _read(response, self._body(response, deadline))
        except httpx.TimeoutException as error:
            raise _Refused(f"it took longer than {left:.3g} s", again=False) from error
        except httpx.RequestError as error:
            again = isinstance(error, httpx.TransportError)
            raise _Refused(f"{type(error).__name__}: {error}", again=again) from error

    def _body(self, response: httpx.Response, deadline: float) -> bytes:
        received = bytearray()
        for piece in response.iter_bytes():
            received += piece
            if len(received) > MAX_ANSWER_BYTES:
                raise _Refused(f"it sent more than {MAX_ANSWER_BYTES} bytes", again=False)
            if self._clock() > deadline:
                # A time-out of httpx starts anew with each byte, so a server that trickles would never meet one.
                raise _Refused("it took too long to send its answer", again=False)
        return bytes(received)

    def _opened(self) -> httpx.Client:
        import httpx  # noqa: PLC0415

        with self._lock:
            if self._client is None:
                key = self._config.api_key
                self._client = httpx.Client(
                    base_url=self._config.base_url,
                    headers={"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {}),
                    limits=httpx.Limits(max_connections=self.concurrency),
                    verify=_trust(self._config.base_url),
                    # What is on this machine is not told to a proxy.
                    trust_env=urlsplit(self._config.base_url).hostname not in LOOPBACK,
                )
                # A cascade that nobody holds any more must not keep its connections.
                weakref.finalize(self, self._client.close)
            return self._client

    def _redacted(self, text: str) -> str:
        return text.replace(self._config.api_key, "***") if self._config.api_key else text


def _validated(config: EndpointConfig) -> str:
    """Check the configuration, and name the endpoint without what may be secret in its address."""
    address = urlsplit(config.base_url)
    if address.scheme not in {"http", "https"} or not address.hostname or not _has_port(address):
        raise ConfigurationError(
            f"the reranker endpoint {address.hostname or config.base_url!r} is no HTTP address",
            "Give one like http://localhost:8000/v1",
        )
    if not (config.api_key.isascii() and config.api_key.isprintable()):
        raise ConfigurationError(
            "the key of the reranker endpoint has characters that no header can carry", "Copy it again"
        )
    for name in ("timeout_s", "context_tokens", "concurrency"):
        if getattr(config, name) <= 0:
            raise ConfigurationError(f"{name} of the reranker endpoint is {getattr(config, name)}, not above 0")
    port = f":{address.port}" if address.port else ""
    return f"{address.scheme}://{address.hostname}{port}"


def _has_port(address: SplitResult) -> bool:
    """Tell whether the port of an address, if any, is a number that a port can have."""
    try:
        return address.port is None or address.port > 0
    except ValueError:
        return False


def _trust(base_url: str) -> bool | ssl.SSLContext:
    """Trust the usual authorities; plain HTTP asks none, and reading their list takes 40 ms."""
    return True if base_url.startswith("https") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _read(response: httpx.Response, body: bytes) -> _Response:
    """Take the answer out of a response. Raises _Refused when it holds none."""
    status = response.status_code
    excerpt = " ".join(body[:_EXCERPT].decode("utf-8", "replace").split())
    if status != 200:
        raise _Refused(
            f"HTTP {status} {excerpt}".strip(),
            again=status in _RETRIED,
            answered=True,
            well=status in _OWN_FAULT,
            after=_retry_after(response.headers.get("retry-after", "")),
        )
    try:
        answer = msgspec.json.decode(body, type=_Response)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        why = f"its response is no chat completion ({error}): {excerpt}"
        raise _Refused(why, again=False, answered=True) from error
    if not answer.choices:
        raise _Refused("its response has no choices", again=False, answered=True)
    return answer


def _retry_after(value: str) -> float | None:
    """Read a ``Retry-After`` header, given in seconds or as a date."""
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - time.time())
