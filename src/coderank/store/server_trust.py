"""TLS with a server: whose signature its certificate needs, and what this machine shows of itself."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import httpx

from coderank.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from coderank.store.address import Certificates

AUTHORITY = "Name a file of certificates in PEM as store.ca_file, or in SSL_CERT_FILE"
CLIENT = "Name a certificate and its key, both in PEM and without a password: store.client_cert_file, client_key_file"


def context(certificates: Certificates) -> ssl.SSLContext:
    """Say for REST what is trusted and shown. Raises ConfigurationError for a file that is not what it should be."""
    trusted = certificates.authority
    try:
        made = ssl.create_default_context(cafile=trusted) if trusted else httpx.create_ssl_context()
    except OSError as error:  # ssl.SSLError is one
        raise _unusable(trusted, error, AUTHORITY) from error
    if certificates.client:
        try:
            made.load_cert_chain(certificates.client, certificates.client_key, password=_no_password)
        except (OSError, ValueError) as error:
            raise _unusable(certificates.client, error, CLIENT) from error
    return made


def channel(certificates: Certificates) -> dict[str, bytes]:
    """Say the same for gRPC, which has public authorities of its own. Raises ConfigurationError likewise."""
    wanted = {
        "root_certificates": (certificates.authority, AUTHORITY),
        "certificate_chain": (certificates.client, CLIENT),
        "private_key": (certificates.client_key or certificates.client, CLIENT),
    }
    return {name: _content(file, remedy) for name, (file, remedy) in wanted.items() if file}


def _content(file: Path, remedy: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise _unusable(file, error, remedy) from error


def _no_password() -> str:
    """Keep OpenSSL from asking at the terminal."""
    raise ValueError("its key has a password")


def _unusable(file: Path | None, error: Exception, remedy: str) -> ConfigurationError:
    why = getattr(error, "strerror", None) or error
    return ConfigurationError(f"{file or 'SSL_CERT_DIR'} is of no use for TLS: {why}", remedy)
