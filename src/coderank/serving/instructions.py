"""What an agent is told of the server as a whole, before it knows a tool. Imports nothing: it is said at once."""

from __future__ import annotations

NAME = "coderank"
INSTRUCTIONS = (
    "Searches this workspace's code and documents by meaning and by name. Ask search_code first when you do "
    "not know the exact words: where something is done, how it works, what implements an idea, where a name is "
    "defined. One question replaces many greps and file reads. Use grep for exact strings, and to list every "
    "occurrence. Ask in plain words or with a name; narrow with path or language. Every hit is compared with its file "
    "before you get it, and the last lines say how current and complete the index is. Hits have path and lines: read "
    "there for more, or ask find_related for similar code."
)
