"""Write ``docs/sizing.md`` from the committed measurement: ``python docs/sizing.py``; a test keeps it current."""

from __future__ import annotations

from pathlib import Path

from coderank.evaluation.sizing import GRAPH_BYTES, SPARE, USABLE, Shape, committed
from coderank.evaluation.sizing_report import notes, tables

PAGE = Path(__file__).with_name("sizing.md")
SHAPES = (Shape(768), Shape(768, replicas=2), Shape(384))
"""CodeRankEmbed, the same with every point twice, and the bundled model."""
INTRODUCTION = f"""\
# How much a number of chunks takes

A chunk has some 26 lines (5,022 chunks of four repositories): a million chunks are 26 million lines. The figures come
from bytes per point that were measured in the embedded engine, which is Qdrant's own, so those of a server are alike.

```console
$ coderank collections size --chunks 1e6,1e8,1e9 --dimension 768 --replicas 2 --node-memory 64
$ coderank collections size --chunks 5e6 --measure agent_kit          # by the points of an index of yours
```

**Memory** is what searches read: the compressed vectors, the graph that a server links them by ({GRAPH_BYTES:.0f} B a
point, computed), terms, indexed fields and ids. With less, answers come from the disk. {1 - USABLE:.0%} of a node is
left to the system. **Disk** is {SPARE:g} times what is stored, since the optimizer writes segments anew beside the old
ones. Compressed, the whole vectors lie on disk (`on_disk`), and those of the candidates are read.

How many nodes it takes in the end is decided by load, too: measure one node with your queries. Which
compression keeps your recall, `coderank collections advise` measures ([server.md](server.md)).
"""


def page() -> str:
    """Render the page."""
    found = committed()
    lines = "\n".join(f"- {note}." for note in notes(found, SHAPES[0]))
    return f"{INTRODUCTION}\n## Tables\n\n{tables(found, SHAPES)}\n\n## Where this comes from\n\n{lines}\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
