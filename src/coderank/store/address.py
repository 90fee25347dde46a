"""Where a Qdrant server is and how it is spoken to."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from coderank.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

GRPC_PORT = 6334
"""Where a Qdrant server speaks gRPC unless it is told otherwise."""
TIMEOUT_S = 30.0
"""What one request may take: a batch of 256 points with 3,584 numbers each takes under a second on a sound server."""
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files in PEM that TLS goes by."""

    authority: Path | None = None
    """Who must have signed the server's certificate; None for the public authorities."""
    client: Path | None = None
    """What this machine shows, where the server asks for it (mutual TLS)."""
    client_key: Path | None = None
    """Its key, without a password; None where it is in the file of the certificate."""


@dataclass(frozen=True, slots=True)
class Address:
    """One server. Checked when it is made: ConfigurationError for what cannot be, or must not be sent."""

    url: str
    api_key: str = field(default="", repr=False)
    prefer_grpc: bool = False
    """Whether gRPC is used where the server offers it."""
    grpc_port: int = GRPC_PORT
    timeout_s: float = TIMEOUT_S
    certificates: Certificates = Certificates()

    @property
    def is_near(self) -> bool:
        """Whether it is spoken to in the clear on this machine or in a private network: past every proxy, then."""
        parts = urlsplit(self.url)
        return parts.scheme == "http" and _is_private(parts.hostname or "")

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigurationError(
                f"{self.url!r} is not the URL of a Qdrant server", "Give one like https://qdrant.example.com:6333"
            )
        if parts.username or parts.password:
            raise ConfigurationError(
                f"The URL of {parts.hostname} holds a password", "Give the server's key as QDRANT_API_KEY instead"
            )
        if self.api_key and parts.scheme == "http" and not _is_private(parts.hostname):
            raise ConfigurationError(
                f"The key for {self.url} would be sent over the network in the clear", "Use an https:// URL"
            )
        if self.certificates.client and parts.scheme == "http":
            raise ConfigurationError(
                f"{self.certificates.client} cannot be shown to {self.url}: certificates are part of TLS",
                "Use an https:// URL",
            )
        if self.timeout_s <= 0:
            raise ConfigurationError(f"A time-out of {self.timeout_s:g} s allows no answer", "Give seconds above 0")


def _is_private(host: str) -> bool:
    """Tell whether a name or number is of this machine or a private network (a name without a dot is of its own)."""
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        return host in _LOOPBACK or "." not in host or host.endswith((".localhost", ".local", ".internal"))
    return number.is_private or number.is_loopback
