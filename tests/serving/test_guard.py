"""Who may ask over HTTP: the address, the token, the host, the origin, the size."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from coderank.errors import ConfigurationError, UsageError
from coderank.serving.guard import Address, Guard, checked_token

TOKEN = "a-token-that-nobody-guesses"
HERE = Address("127.0.0.1", 8377)


async def echo(request: Request) -> JSONResponse:
    return JSONResponse({"length": len(await request.body())})


def client(address: Address = HERE, token: str = "", **more: Any) -> TestClient:
    app = Starlette(routes=[Route("/", echo, methods=["GET", "POST"])])
    return TestClient(Guard(app, address, token, **more), base_url=address.url)


@pytest.mark.parametrize("text", ["127.0.0.1:8377", "[::1]:8377", "localhost:0", "0.0.0.0:80"])
def test_addresses_are_read(text: str) -> None:
    address = Address.parsed(text)
    assert address.url.endswith(text) or address.port == 80
    assert address.is_loopback is (address.host != "0.0.0.0")


@pytest.mark.parametrize(
    "text", ["", "8377", "localhost", ":8377", "a:b", "http://a:1", "a:1/x", "u@a:1", "a:99999", "a:1?x"]
)
def test_anything_else_is_no_address(text: str) -> None:
    with pytest.raises(UsageError, match="HOST:PORT"):
        Address.parsed(text)


def test_an_address_that_others_reach_needs_a_token() -> None:
    for host in ("0.0.0.0", "::", "192.168.1.7", "example.org"):
        with pytest.raises(ConfigurationError, match="CODERANK_SERVE_TOKEN"):
            checked_token(Address(host, 1), "")
        assert checked_token(Address(host, 1), TOKEN) == TOKEN
    assert checked_token(HERE, "") == ""
    with pytest.raises(ConfigurationError, match="openssl rand"):
        checked_token(HERE, "short")


def test_the_token_is_asked_for() -> None:
    guarded = client(token=TOKEN)
    assert guarded.get("/", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert guarded.get("/", headers={"Authorization": f"bearer  {TOKEN}"}).status_code == 200
    for shown in (None, "", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ", "Bearer ü"):
        headers = [] if shown is None else [(b"Authorization", shown.encode("latin-1"))]
        refused = guarded.get("/", headers=headers)
        assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer"), shown
    twice = guarded.get("/", headers=[("Authorization", f"Bearer {TOKEN}"), ("Authorization", "Bearer x")])
    assert twice.status_code == 401


@pytest.mark.parametrize("host", ["127.0.0.1:8377", "localhost:8377", "LOCALHOST", "[::1]:8377"])
def test_names_of_this_machine_are_its_own(host: str) -> None:
    assert client().get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8377", "localhost.evil.example", "127.0.0.1.nip.io", "", "[::1", "a@localhost.x"],
)
def test_a_name_that_was_made_to_mean_this_machine_is_refused(host: str) -> None:
    assert client().get("/", headers={"Host": host}).status_code == 421


def test_pages_of_other_origins_are_refused() -> None:
    guarded = client()
    assert guarded.get("/", headers={"Origin": "http://127.0.0.1:8377"}).status_code == 200
    for origin in (
        "http://evil.example",
        "null",
        "http://127.0.0.1:9999",
        "file://",
        "http://127.0.0.1:8377.evil.example",
    ):
        assert guarded.get("/", headers={"Origin": origin}).status_code == 403, origin


def test_who_is_refused_is_told_what_to_do() -> None:
    guarded = client(token=TOKEN, max_body=100)
    shown = {"Authorization": f"Bearer {TOKEN}"}
    for answer, remedy in (
        (guarded.get("/"), "Authorization: Bearer TOKEN"),
        (guarded.get("/", headers=shown | {"Host": "evil.example"}), "http://127.0.0.1:8377"),
        (guarded.get("/", headers=shown | {"Origin": "null"}), "from a program"),
        (guarded.post("/", headers=shown, content=b"x" * 101), "less"),
    ):
        assert remedy in answer.json()["remedy"]
        assert TOKEN not in answer.text


def test_behind_every_address_only_the_token_decides() -> None:
    guarded = client(Address("0.0.0.0", 80), TOKEN)
    assert guarded.get("/", headers={"Host": "any.example", "Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert guarded.get("/", headers={"Host": "any.example"}).status_code == 401


def test_bodies_have_a_limit_with_and_without_their_length() -> None:
    guarded = client(max_body=100)
    assert guarded.post("/", content=b"x" * 100).json() == {"length": 100}
    assert guarded.post("/", content=b"x" * 101).status_code == 413
    assert guarded.post("/", content=iter([b"x" * 60, b"x" * 60])).status_code == 413
    assert guarded.post("/", content=iter([b"x" * 60, b"x" * 40])).json() == {"length": 100}
