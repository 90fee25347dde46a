"""What opening CodeRankEmbed adds to a process.

``python -m benchmarks.resident EXPORTS CACHE TEXTS`` prints it as JSON. A process of its own, so that nothing
else is in it. TEXTS is a JSON list: a query, then documents. Linux only.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from coderank.loading.embedder import Loading, open_embedder
from coderank.models import catalogue

MODEL = "coderank-embed"
STATUS = Path("/proc/self/status")


def main(arguments: Sequence[str]) -> None:
    """Open the model, embed a query and the documents, and print resident MiB before and after, and the peak."""
    exports, cache, texts = map(Path, arguments)
    query, *documents = json.loads(texts.read_text("utf-8"))
    seen = {"before": resident("VmRSS")}
    embedder = open_embedder(catalogue.get(MODEL), Loading(exports=exports, cache=cache, download=False))
    embedder.embed_query(query)
    seen["query"] = resident("VmRSS")
    embedder.embed_documents(documents)
    seen |= {"after": resident("VmRSS"), "peak": resident("VmHWM")}
    print(json.dumps(seen))


def resident(row: str, status: Path = STATUS) -> float:
    """Read MiB from a row of the process's own status: VmRSS for now, VmHWM for the most there ever was."""
    line = next(line for line in status.read_text("utf-8").splitlines() if line.startswith(f"{row}:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main(sys.argv[1:])
