"""A user's own questions, with answers or without: the file that `compare` is given, and that it can write. Strict."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, TypeVar

import msgspec

from coderank.errors import DatasetError
from coderank.evaluation.datasets import Dataset, Root
from coderank.evaluation.judging import Question, Target

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Kind = TypeVar("Kind")
_HOW = 'Write a question a line, or a JSON object a line: {"query": "…", "relevant": ["src/login.py"]}'


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A span of a file that answers a question."""

    path: str
    start_line: int | None = None
    end_line: int | None = None


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One question of the file."""

    query: str
    relevant: tuple[str | Place, ...] = ()
    secondary: tuple[str | Place, ...] = ()
    """Answers as well; the localisation layout tells them apart."""
    category: str = ""
    hides: tuple[Place, ...] = ()
    """Lines that say the answer: `compare` takes them out of copies of both indexes before it asks."""


def read(file: Path) -> Dataset:
    """Read questions that can be asked of any index as it is.

    Raises:
        DatasetError: as `questions`, and where lines would have to be hidden, as they say the answer.
    """
    asked = questions(file)
    if any(one.hides for one in asked):
        raise DatasetError(
            f"{file} holds questions whose answers are said in the index: these lines have to be hidden",
            "Let two indexes be compared, which hides them: coderank compare A B --queries FILE",
        )
    return dataset(file.name, asked)


def questions(file: Path) -> list[Asked]:
    """Read questions: text a line (.txt), JSON objects a line (.jsonl), or a list of them (.json).

    Raises:
        DatasetError: there is no such file, or something in it cannot be used; the message names the line.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise DatasetError(f"Cannot read {file}: {error.strerror}", _HOW) from error
    asked = _parsed(file, data)
    if not asked:
        raise DatasetError(f"{file} holds no question", _HOW)
    return asked


def dataset(name: str, asked: Sequence[Asked]) -> Dataset:
    """Make questions a data set of one root."""
    read = tuple(
        Question(name, one.query, one.category, tuple(map(_target, (*one.relevant, *one.secondary))), str(number))
        for number, one in enumerate(asked, start=1)
    )
    written = b"\n".join(msgspec.json.encode(one) for one in asked)
    return Dataset(name, (Root(name, "", read),), blake2b(written, digest_size=16).hexdigest())


def write(file: Path, asked: Sequence[Asked]) -> None:
    """Write questions, one a line, as `read` reads them. Raises DatasetError where that cannot be done."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in asked))
    except OSError as error:
        raise DatasetError(f"Cannot write {file}: {error.strerror}", "Name another file") from error


def _parsed(file: Path, data: bytes) -> list[Asked]:
    if file.suffix == ".json":
        return [_checked(file, n, one) for n, one in enumerate(_decoded(file, "", data, list[Asked]), start=1)]
    rows = [(n, line.strip()) for n, line in enumerate(data.splitlines(), start=1) if line.strip()]
    if file.suffix == ".jsonl":
        return [_checked(file, n, _decoded(file, f", line {n}", line, Asked)) for n, line in rows]
    try:
        return [Asked(line.decode("utf-8")) for _, line in rows]
    except UnicodeDecodeError as error:
        raise DatasetError(f"{file} is not text in UTF-8: {error}", _HOW) from error


def _decoded(file: Path, where: str, data: bytes, kind: type[Kind]) -> Kind:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DatasetError(f"{file}{where}: {error}", _HOW) from error


def _checked(file: Path, number: int, one: Asked) -> Asked:
    if not one.query.strip():
        raise DatasetError(f"Question {number} of {file} has no text", _HOW)
    return one


def _target(given: str | Place) -> Target:
    if isinstance(given, str):
        return Target(given)
    span = (given.start_line, given.end_line) if given.start_line and given.end_line else None
    return Target(given.path, span)
