from __future__ import annotations

import json
import logging
import random
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from tests.reranking.endpoint_server import Behaviour, Reply, refused, said, serving, truthful
from tests.reranking.judges import Clock, passage
from tests.reranking.rerank_samples import CHARACTERS

from coderank.errors import ConfigurationError
from coderank.reranking.chat import ChatError, Completion
from coderank.reranking.contract import Ranking, Status
from coderank.reranking.endpoint import ATTEMPTS, MAX_ANSWER_BYTES, Endpoint, EndpointConfig
from coderank.reranking.listwise import STRATEGIES, Listwise
from coderank.reranking.memory import Entry, Memory

KEY = "sk-secret-123"
ASK = [[{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]]


class Sleeps:
    """A sleep that only notes how long it was to be."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


@pytest.fixture
def sleeps() -> Sleeps:
    return Sleeps()


@pytest.fixture
def opened() -> Iterator[list[Endpoint]]:
    endpoints: list[Endpoint] = []
    yield endpoints
    for endpoint in endpoints:
        endpoint.close()


@pytest.fixture
def connect(opened: list[Endpoint], sleeps: Sleeps) -> Any:
    def make(url: str, clock: Clock | None = None, entry: Entry | None = None, **settings: Any) -> Endpoint:
        config = EndpointConfig(url, "coderank-llm", **({"api_key": KEY} | settings))
        endpoint = Endpoint(config, clock or time.monotonic, sleeps, entry)
        opened.append(endpoint)
        return endpoint

    return make


def rerank(endpoint: Endpoint, grades: list[int], strategy: str = "sliding", budget_ms: float | None = None) -> Ranking:
    reranker = Listwise(endpoint, CHARACTERS, STRATEGIES[strategy])
    return reranker.rerank("which", [passage(grade) for grade in grades], budget_ms)


@pytest.mark.parametrize("strategy", list(STRATEGIES))
@pytest.mark.parametrize("seed", range(3))
def test_the_known_order_comes_out(connect: Any, strategy: str, seed: int) -> None:
    grades = random.Random(seed).sample(range(100), 100)
    with serving() as server:
        ranking = rerank(connect(server.url), grades, strategy)
    assert [grades[at] for at in ranking.order][:5] == [0, 1, 2, 3, 4]
    assert sorted(ranking.order) == list(range(100))
    assert ranking.status is Status.COMPLETE
    assert ranking.usage.calls == len(server.requests)
    assert ranking.usage.prompt_tokens == 7 * len(server.requests)


def test_the_request(connect: Any) -> None:
    with serving() as server:
        (answer,) = connect(server.url).complete(ASK, 42)
    assert answer == Completion("", 7, 3)
    assert server.paths == ["/v1/chat/completions"]
    assert server.requests == [{"model": "coderank-llm", "messages": ASK[0], "max_tokens": 42, "temperature": 0}]
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert server.headers[0]["content-type"] == "application/json"


def test_no_key_sends_no_header(connect: Any) -> None:
    with serving() as server:
        connect(server.url, api_key="").complete(ASK, 42)
    assert "authorization" not in server.headers[0]


@pytest.mark.parametrize("concurrency", [1, 3, 10])
def test_topdown_keeps_to_the_concurrency(connect: Any, concurrency: int) -> None:
    barrier = threading.Barrier(concurrency)

    def together(number: int, request: dict[str, Any]) -> Reply:
        if number < concurrency:
            barrier.wait(20)
        return truthful(number, request)

    with serving(together) as server:
        ranking = rerank(connect(server.url, concurrency=concurrency), list(range(99, -1, -1)), "topdown")
    assert ranking.status is Status.COMPLETE
    assert server.most_at_once == concurrency


def fails_first(times: int, reply: Reply) -> Behaviour:
    return lambda number, request: reply if number < times else truthful(number, request)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_hiccup_is_retried_with_growing_pauses(connect: Any, sleeps: Sleeps, status: int) -> None:
    with serving(fails_first(3, refused(status))) as server:
        ranking = rerank(connect(server.url), [2, 1, 0])
    assert ranking.order == (2, 1, 0)
    assert ranking.status is Status.COMPLETE
    assert sleeps.taken == [0.25, 0.5, 1.0]


def test_retry_after_is_honoured(connect: Any, sleeps: Sleeps) -> None:
    with serving(fails_first(1, refused(429, retry_after="3"))) as server:
        assert rerank(connect(server.url), [1, 0]).order == (1, 0)
    assert sleeps.taken == [3.0]


def test_retry_after_may_be_a_date(connect: Any, sleeps: Sleeps) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=8), usegmt=True)
    with serving(fails_first(1, refused(503, retry_after=soon))) as server:
        assert rerank(connect(server.url), [1, 0]).order == (1, 0)
    assert 5 < sleeps.taken[0] <= 8


def test_a_wait_beyond_the_time_out_is_not_begun(connect: Any, sleeps: Sleeps) -> None:
    with serving(lambda *_: refused(429, retry_after="3600")) as server:
        ranking = rerank(connect(server.url), [1, 0])
    assert ranking.status is Status.FAILED
    assert "HTTP 429" in ranking.why
    assert (len(server.requests), sleeps.taken) == (1, [])


def test_attempts_are_limited(connect: Any) -> None:
    with serving(lambda *_: refused(500)) as server:
        assert rerank(connect(server.url), [1, 0]).status is Status.FAILED
    assert len(server.requests) == ATTEMPTS


NO_ANSWERS = {
    "error body": Reply(b'{"error": {"message": "[2] > [1]", "code": 503}}'),
    "html": Reply(b"<html><h1>502 [2] > [1]</h1></html>", headers={"content-type": "text/html"}),
    "text": Reply(b"[2] > [1]"),
    "number": Reply(b"21"),
    "no choices": Reply(b'{"choices": []}'),
    "null": Reply(b'{"choices": [{"message": {"content": null}}]}'),
    "not text": Reply(b'{"choices": [{"message": {"content": [2, 1]}}]}'),
    "not unicode": Reply(b'{"choices": [{"message": {"content": "\xff"}}]}'),
    "empty": Reply(b""),
    "huge": Reply(b" " * (MAX_ANSWER_BYTES + 1)),
    "not gzip": Reply(b"[2] > [1]", headers={"content-encoding": "gzip"}),
    "redirect": Reply(b"[2] > [1]", 302, {"location": "/v2"}),
    "unauthorised": refused(401),
    "not found": refused(404, "[2] > [1]"),
    "bad request": refused(400),
}


@pytest.mark.parametrize("reply", list(NO_ANSWERS.values()), ids=list(NO_ANSWERS))
def test_what_is_no_answer_is_never_an_order(connect: Any, reply: Reply) -> None:
    with serving(lambda *_: reply) as server:
        ranking = rerank(connect(server.url), [1, 0])
    assert (ranking.status, ranking.order) == (Status.FAILED, ())
    assert "gave no answer" in ranking.why
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "text", ["I'm sorry, [2] > [1] is hard to say", "Error: quota of 2 exceeded", "Traceback: 1 2"]
)
def test_garbage_in_an_answer_is_never_an_order(connect: Any, text: str) -> None:
    with serving(lambda *_: said(text)) as server:
        endpoint = connect(server.url)
        ranking = rerank(endpoint, [1, 0])
    assert (ranking.status, ranking.order) == (Status.FAILED, ())
    assert ranking.usage.malformed == 1
    assert endpoint.unavailable() == ""


def dead_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def test_a_dead_endpoint_is_skipped_for_a_while(connect: Any, sleeps: Sleeps) -> None:
    clock = Clock()
    endpoint = connect(f"http://127.0.0.1:{dead_port()}/v1", clock)
    first = rerank(endpoint, [1, 0])
    assert first.status is Status.FAILED
    assert "ConnectError" in first.why
    assert len(sleeps.taken) == ATTEMPTS - 1
    assert "skipped for 60 s more" in endpoint.unavailable()
    assert "is not asked" in rerank(endpoint, [1, 0]).why
    assert len(sleeps.taken) == ATTEMPTS - 1
    clock.advance(61)
    assert endpoint.unavailable() == ""


def test_a_silent_endpoint_costs_one_time_out(connect: Any) -> None:
    with serving(lambda *_: Reply(b"", delay=60)) as server:
        endpoint = connect(server.url, timeout_s=0.2, concurrency=3)
        ranking = rerank(endpoint, list(range(99, -1, -1)), "topdown")
        asked = len(server.requests)
        assert rerank(endpoint, [1, 0]).status is Status.FAILED
        assert len(server.requests) == asked
    assert ranking.status is Status.FAILED
    # The first three hang together; of the seven behind them none goes out.
    assert asked == 3
    assert ranking.usage.failed == 10


def test_the_budget_is_a_time_out(connect: Any) -> None:
    with serving(lambda *_: Reply(b"", delay=60)) as server:
        ranking = rerank(connect(server.url), [1, 0], budget_ms=100)
    assert ranking.status is Status.FAILED
    assert "it took longer than 0." in ranking.why


def test_the_budget_is_for_a_whole_batch(connect: Any) -> None:
    clock = Clock()

    def slow(number: int, request: dict[str, Any]) -> Reply:
        clock.advance(0.4)
        return truthful(number, request)

    with serving(slow) as server:
        answers = connect(server.url, clock, concurrency=1).complete(ASK * 4, 9, 1.0)
    assert [isinstance(answer, Completion) for answer in answers] == [True, True, False, False]


def test_an_answer_that_trickles_meets_its_time_out(connect: Any) -> None:
    slow = Reply(said("[2] > [1]").body, trickle=0.02)
    with serving(lambda *_: slow) as server:
        ranking = rerank(connect(server.url, timeout_s=0.3), [1, 0])
    assert ranking.status is Status.FAILED
    assert "too long" in ranking.why


def test_a_dead_endpoint_is_not_asked_by_the_next_process_either(connect: Any, tmp_path: Path, sleeps: Sleeps) -> None:
    """Each command is a process of its own, and must not pay the time-out that another has paid."""
    now = Clock()
    memory = Memory(tmp_path / "rerankers.json", now)
    address = f"http://127.0.0.1:{dead_port()}/v1"
    assert rerank(connect(address, entry=memory.entry(address)), [1, 0]).status is Status.FAILED
    tried = len(sleeps.taken)
    another = connect(address, entry=memory.entry(address))
    assert "skipped for 60 s more, because ConnectError" in another.unavailable()
    assert "is not asked" in rerank(another, [1, 0]).why
    assert len(sleeps.taken) == tried
    now.advance(61)
    assert connect(address, entry=memory.entry(address)).unavailable() == ""


def test_a_refusal_is_no_matter_of_other_processes(connect: Any, tmp_path: Path) -> None:
    """It comes at once, and the next process may have another key."""
    memory = Memory(tmp_path / "rerankers.json")
    with serving(lambda *_: refused(401)) as server:
        assert rerank(connect(server.url, entry=memory.entry("x")), [1, 0]).status is Status.FAILED
        assert connect(server.url, entry=memory.entry("x")).unavailable() == ""


def test_this_machine_is_not_asked_by_way_of_a_proxy(connect: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{dead_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with serving() as server:
        assert rerank(connect(server.url), [1, 0]).order == (1, 0)


def test_an_endpoint_that_is_back_is_used_again(connect: Any) -> None:
    clock = Clock()
    with serving(fails_first(1, Reply(b"gone"))) as server:
        endpoint = connect(server.url, clock)
        assert rerank(endpoint, [1, 0]).status is Status.FAILED
        assert rerank(endpoint, [1, 0]).status is Status.FAILED
        clock.advance(61)
        assert rerank(endpoint, [1, 0]).order == (1, 0)
        assert rerank(endpoint, [1, 0]).order == (1, 0)
    assert len(server.requests) == 3


def test_a_request_that_is_too_long_does_not_close_the_endpoint(connect: Any) -> None:
    with serving(lambda *_: refused(400, "context length exceeded")) as server:
        endpoint = connect(server.url)
        assert "context length" in rerank(endpoint, [1, 0]).why
    assert endpoint.unavailable() == ""


def test_the_key_is_shown_nowhere(connect: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    config = EndpointConfig("http://user:pass@127.0.0.1:1/v1", "m", api_key=KEY)
    echo = json.dumps({"error": f"invalid key {KEY}"})
    with serving(lambda *_: refused(401, echo)) as server:
        endpoint = connect(server.url)
        ranking = rerank(endpoint, [1, 0])
    assert "invalid key ***" in ranking.why
    assert KEY not in "".join((ranking.why, endpoint.unavailable(), repr(config), caplog.text))
    assert "pass" not in Endpoint(config).unavailable()


def test_errors_name_the_endpoint_and_a_remedy(connect: Any) -> None:
    with serving(lambda *_: refused(401)) as server:
        (error,) = connect(server.url).complete(ASK, 9)
    assert isinstance(error, ChatError)
    assert error.message.startswith(server.url.removesuffix("/v1"))
    assert error.remedy


@pytest.mark.parametrize(
    "url", ["", "localhost:8000", "ftp://host/v1", "http:///v1", "file:///etc/passwd", "http://x:port/v1"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"no HTTP address.*http://localhost:8000/v1"):
        Endpoint(EndpointConfig(url, "m"))


@pytest.mark.parametrize("key", ["naïve", "two\nlines"])
def test_a_key_that_no_header_carries_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Endpoint(EndpointConfig("http://x/v1", "m", api_key=key))
    assert key not in str(caught.value)


@pytest.mark.parametrize("name", ["timeout_s", "context_tokens", "concurrency"])
def test_numbers_have_to_be_positive(name: str) -> None:
    settings: dict[str, Any] = {name: 0}
    with pytest.raises(ConfigurationError, match=f"{name} .* 0, not above 0"):
        Endpoint(EndpointConfig("http://x/v1", "m", **settings))


def test_what_it_tells_of_itself(connect: Any) -> None:
    endpoint = connect("http://x/v1", context_tokens=4096, concurrency=2)
    assert (endpoint.name, endpoint.context_tokens, endpoint.concurrency) == ("coderank-llm", 4096, 2)
