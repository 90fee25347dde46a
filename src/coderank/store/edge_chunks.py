"""Chunks of the open shard that were read lately: one task leads to the same places again and again. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeAlias
    from uuid import UUID

    from coderank.types import Chunk

    Read: TypeAlias = Callable[[Sequence[UUID]], Mapping[int, "Found"]]
    """Reads chunks by id, and gives them by the numbers of their ids; those that do not exist are left out."""

KEEP_CHARACTERS = 12 << 20
"""Of the texts that are kept: about 10,000 chunks, 20 MB with what is around them. To read the hundred candidates of a
question takes a third of its retrieval; half of them were candidates of an earlier one where 400 are asked of 20
repositories, and nearly all where a task stays in one."""


class Found(NamedTuple):
    """A chunk, and its id as the rest of the program knows it."""

    id: str
    chunk: Chunk


class ReadChunks:
    """Remembers chunks. To be emptied when another shard is opened or something is written; not safe among threads.

    Between the two the shard cannot change: one process has it at a time.
    """

    def __init__(self, keep_characters: int = KEEP_CHARACTERS) -> None:
        """Take how much text may be kept."""
        self._room = self._left = keep_characters
        self._kept: dict[int, Found] = {}

    def of(self, ids: Sequence[UUID], read: Read) -> Mapping[int, Found]:
        """Give at least these chunks, by the numbers of their ids; those that do not exist are absent."""
        # By number: of a UUID each look-up would run Python code twice.
        new = [id_ for id_ in ids if id_.int not in self._kept]
        if new:
            added = read(new)
            self._kept |= added
            self._left -= sum(len(found.chunk.content) for found in added.values())
        return self._kept

    def trim(self) -> None:
        """Drop the chunks that were read first, where there are too many."""
        while self._left < 0:
            found = self._kept.pop(next(iter(self._kept)))
            self._left += len(found.chunk.content)

    def forget(self) -> None:
        """Read everything anew from now on."""
        self._kept.clear()
        self._left = self._room
