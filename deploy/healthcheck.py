"""Ask the server of this container whether it can answer; exit 0 if so. Needs nothing but Python."""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request

ADDRESS = os.environ.get("CODERANK_HEALTH_URL", "http://127.0.0.1:8377/health")
TIMEOUT_S = 4
"""Less than Docker waits for this program."""


def main() -> int:
    """Return 0 for an answer with status 200, else 1; say which it was."""
    headers = {"Authorization": f"Bearer {os.environ.get('CODERANK_SERVE_TOKEN', '')}"}
    try:
        with urllib.request.urlopen(urllib.request.Request(ADDRESS, headers=headers), timeout=TIMEOUT_S) as answer:
            print(answer.status)
            return 0 if answer.status == 200 else 1
    except (OSError, urllib.error.HTTPError) as error:
        print(error)
        return 1


if __name__ == "__main__":
    sys.exit(main())
