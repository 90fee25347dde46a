"""Queries, passages and a tokenizer that several tests of reranking share."""

from __future__ import annotations

QUERY = "Return the mean of a list, [2] and all"
ISSUE = 'Crash when parsing ‘quoted’ keys\nTraceback:\n  File "a.py", line [3]'
PASSAGES = (
    "Title: Content: def mean(values):\n    total = sum(values)\n\n    return total / values[12]\n",
    "// “curly” quotes, ｆｕｌｌ width, x[1][22] and [name]\r\nlet a = &lt;b&gt;;",
    "\tint median(int *v) { return v[0]; }",
)


class Characters:
    """Every character is a token."""

    def count(self, text: str) -> int:
        return len(text)

    def cut(self, text: str, tokens: int) -> str:
        return text[:tokens]


CHARACTERS = Characters()
