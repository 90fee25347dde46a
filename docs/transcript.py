"""Write the conversation in ``docs/mcp.md`` by having it: ``python docs/transcript.py``; a test keeps it current.

A real server, the official client of the protocol, and a small project that is made for it. Times differ every time.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from mcp import Client, StdioServerParameters
from mcp_types import TextContent

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).with_name("mcp.md")
BEGIN, END = "<!-- transcript -->", "<!-- /transcript -->"
PATIENCE_S = 60.0
PROJECT = {
    "shop/login.py": '''"""Who may come in."""

MAX_FAILURES = 5


def check_login(user, password):
    """Compare the password with the stored hash; after too many failures the account is locked for an hour."""
    if user.failures >= MAX_FAILURES:
        raise AccountLockedError(user.name, minutes=60)
    if not verify(password, user.hash):
        user.failures += 1
        return False
    user.failures = 0
    return True
''',
    "shop/cart.py": '''"""What a customer is about to buy."""


class Cart:
    """Articles and their amounts."""

    def total(self, discounts):
        """Add up prices, each less its discount, and round to whole cents."""
        return round(sum(item.price * item.amount * (1 - discounts.get(item.sku, 0)) for item in self.items), 2)
''',
    "shop/invoice.py": '''"""What a customer has bought."""


def invoice_total(lines, tax):
    """Add up the lines of an invoice, and put the tax on top, in whole cents."""
    return round(sum(line.price * line.amount for line in lines) * (1 + tax), 2)
''',
    "README.md": "# Shop\n\nAccounts are locked after failed logins; see `shop/login.py`.\n",
}
ADDED = '''

def unlock(user):
    """Let a locked account in again before its hour is over."""
    user.failures = 0
'''


def transcript() -> str:
    """Have the conversation, and render it as Markdown."""
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch)
        for name, text in PROJECT.items():
            file = base / "shop" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        return anyio.run(_talk, base)


def page(document: str, content: str) -> str:
    """Put the conversation between the markers of the page."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{content}\n{END}{after}"


def timeless(text: str) -> str:
    """Take out what differs from run to run, or says nothing to a reader: times, and what is in a cursor."""
    return re.sub(r"\bWz[\w-]{30,}", "CURSOR", re.sub(r"\b\d+ ms\b", "N ms", text))


async def _talk(base: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CODERANK_")}
    environment |= {"CODERANK_DATA_DIR": str(base / "data"), "CODERANK_CACHE_DIR": str(base / "cache")}
    environment |= {"XDG_CONFIG_HOME": str(base / "config")}
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "coderank", "serve"], env=environment, cwd=base / "shop"
    )
    async with Client(server, mode="legacy", read_timeout_seconds=PATIENCE_S) as client:
        parts = ["The server introduces itself:", _quoted(client.instructions or "")]
        await _filled(client)
        parts += [part async for part in _questions(client, base / "shop")]
    return "\n\n".join(parts)


async def _questions(client: Client, project: Path) -> Any:
    asked = {"query": "what happens after too many failed logins", "limit": 2}
    for part in await _call(client, "search_code", asked):
        yield part
    yield "The agent writes a function into `shop/login.py`, and asks for it at once:"
    with (project / "shop" / "login.py").open("a", encoding="utf-8") as file:
        file.write(ADDED)
    for part in await _call(client, "search_code", {"query": "let a locked account in again", "limit": 1}):
        yield part
    yield "More code like a place that it found:"
    related = {"path": "shop/cart.py", "line": 7, "limit": 1, "detail": "full"}
    for part in await _call(client, "find_related", related):
        yield part
    yield "A page of places, and the next one:"
    paged = {"query": "add up prices", "limit": 2, "detail": "signatures"}
    for part in await _call(client, "search_code", paged):
        yield part
    first = await client.call_tool("search_code", paged)
    assert first.structured_content is not None
    cursor = first.structured_content["cursor"]
    for part in await _call(client, "search_code", paged | {"cursor": cursor}):
        yield part
    yield "A mistake is answered with what to do:"
    for part in await _call(client, "search_code", {"query": "discounts", "langauge": "python"}):
        yield part
    yield "And how it all stands:"
    for part in await _call(client, "index_status", {}):
        yield part


async def _call(client: Client, tool: str, arguments: dict[str, Any]) -> list[str]:
    answer = await client.call_tool(tool, arguments)
    (content,) = answer.content
    assert isinstance(content, TextContent)
    kind = " (an error)" if answer.is_error else ""
    return [f"→ `{tool}` `{json.dumps(arguments)}`{kind}", f"```text\n{content.text}\n```"]


async def _filled(client: Client) -> None:
    """Ask something and wait for the vectors, so that the rest is the same every time."""
    await client.call_tool("search_code", {"query": "login"})
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        status = (await client.call_tool("index_status", {})).structured_content
        assert status is not None
        if status["collections"][0].get("dense_coverage") == 1:
            return
        await anyio.sleep(0.05)
    raise TimeoutError("the vectors never came")


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in _wrapped(text))


def _wrapped(text: str) -> Iterator[str]:
    line = ""
    for word in text.split():
        if len(line) + len(word) > 110:
            yield line
            line = ""
        line = f"{line} {word}".strip()
    yield line


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8"), transcript()), "utf-8")
