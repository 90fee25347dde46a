"""What a file is for, by its path alone: a test, something aside from the product, or code of others. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

_TEST = re.compile(
    r"(?:^|/)(?:tests?|specs?|__tests__|testing|testdata|fixtures?|e2e|mocks?|__mocks__)(?:/|$)"
    r"|(?:^|/)(?:test_[^/]*|[^/]*[_.-](?:test|tests|spec|specs)\.[^/]*|conftest\.py|[^/]*(?:Test|Tests|Spec|TestCase)\.[^/]*)$"
)
_ASIDE = re.compile(
    r"(?:^|/)(?:examples?|samples?|demos?|benchmarks?|bench|docs?|vendor|third_party|node_modules|dist|generated|legacy|"
    r"compat|deprecated|playground)(?:/|$)",
    re.IGNORECASE,
)
_VENDORED = re.compile(
    r"(?:^|/)(?:vendor|vendored|_vendor|third_party|third-party|thirdparty|external|deps|node_modules)/", re.IGNORECASE
)


@lru_cache(maxsize=1 << 15)
def is_test(path: str) -> bool:
    """Tell whether a POSIX path looks like a test or its data."""
    return _TEST.search(path) is not None


@lru_cache(maxsize=1 << 15)
def is_aside(path: str) -> bool:
    """Tell whether a POSIX path looks like an example, a benchmark, documentation, or vendored or generated code."""
    return _ASIDE.search(path) is not None


def is_vendored(path: str) -> bool:
    """Tell whether a POSIX path lies in a folder for code of others."""
    return _VENDORED.search(path) is not None
