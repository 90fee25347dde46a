"""What a file is for, by its path alone: a test, something aside from the product, or code of others. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

_TEST = re.compile(
    r"(?:^|/)(?:tests?|specs?|__tests__|testing|testdata|fixtures?|e2e|mocks?|__mocks__)(?:/|$)"
    r"|(?:^|/)(?:test_[^/]*|[^/]*[_.-](?:test|tests|spec|specs)\.[^/]*|conftest\.py|[^/]*(?:Test|Tests|Spec|TestCase)\.[^/]*)$"
)
_TEST_WORDS = ("test", "spec", "fixture", "e2e", "mock")
_ASIDE = re.compile(
    r"(?:^|/)(?:examples?|samples?|demos?|benchmarks?|bench|docs?|vendor|third_party|node_modules|dist|generated|legacy|"
    r"compat|deprecated|playground)(?:/|$)",
    re.IGNORECASE,
)
_ASIDE_WORDS = (
    *("example", "sample", "demo", "bench", "doc", "vendor", "third_party", "node_modules", "dist", "generated"),
    *("legacy", "compat", "deprecated", "playground"),
)
_VENDORED = re.compile(
    r"(?:^|/)(?:vendor|vendored|_vendor|third_party|third-party|thirdparty|external|deps|node_modules)/", re.IGNORECASE
)


@lru_cache(maxsize=1 << 15)
def is_test(path: str) -> bool:
    """Tell whether a POSIX path looks like a test or its data."""
    lowered = path.lower()
    # Most paths have none of these words, and the pattern takes 6 us to find that out.
    return any(word in lowered for word in _TEST_WORDS) and _TEST.search(path) is not None


@lru_cache(maxsize=1 << 15)
def is_aside(path: str) -> bool:
    """Tell whether a POSIX path looks like an example, a benchmark, documentation, or vendored or generated code."""
    lowered = path.lower()
    # As for tests. Ignoring case, the pattern also takes letters outside ASCII for some inside.
    maybe = not path.isascii() or any(word in lowered for word in _ASIDE_WORDS)
    return maybe and _ASIDE.search(path) is not None


def is_vendored(path: str) -> bool:
    """Tell whether a POSIX path lies in a folder for code of others."""
    return _VENDORED.search(path) is not None
