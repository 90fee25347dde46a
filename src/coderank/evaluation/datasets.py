"""Read judged questions from files: strictly, so that no figure rests on data that was half understood.

Two layouts are known. A *set* (BEIR) is documents with questions and judgements: ``corpus.jsonl``, ``queries.jsonl``
and ``qrels.tsv`` or ``qrels/test.tsv``. A *localisation* set is repositories with questions whose answers are files or
spans of files: ``repos.json`` and ``annotations/NAME.json``.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from coderank.errors import DatasetError
from coderank.evaluation.judging import Question, Target

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

REPOSITORIES = "repos.json"
CORPUS = "corpus.jsonl"
QUERIES = "queries.jsonl"
QRELS = ("qrels.tsv", "qrels/test.tsv")
_SHOWN = 3
"""Wrong names that a message lists."""
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a set."""

    id: str
    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Root:
    """What is indexed and asked as one: a repository, or all documents of a set."""

    name: str
    language: str
    questions: tuple[Question, ...]
    folder: str = ""
    """Of a repository: the part of it that is indexed, below where repositories are laid out."""
    documents: tuple[Document, ...] = ()
    """Of a set: its documents; a target of a question names one of them."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Roots with their questions."""

    name: str
    roots: tuple[Root, ...]
    digest: str
    """Of everything that was read: two runs are compared only where it is the same."""
    unjudged: int = 0
    """Queries left out because nothing is judged for them."""

    @property
    def questions(self) -> list[Question]:
        """Every question, in order."""
        return [question for root in self.roots for question in root.questions]


def load(folder: Path, only: Sequence[str] = (), language: str = "") -> Dataset:
    """Read the data set in a folder, or some of its repositories; ``language`` is that of documents that name none.

    Raises:
        DatasetError: it is neither layout, or something in it cannot be used; the message names the file and line.
    """
    if (folder / REPOSITORIES).is_file():
        return _localisation(folder, only)
    if (folder / CORPUS).is_file():
        if only:
            raise DatasetError(
                f"{folder} is one set of documents, without repositories to choose from", "Leave out --only"
            )
        return _documents(folder, language)
    raise DatasetError(
        f"{folder} holds neither {CORPUS} nor {REPOSITORIES}",
        "Name a folder in BEIR layout (corpus.jsonl, queries.jsonl, qrels.tsv) or one with repos.json and annotations/",
    )


class _Spec(msgspec.Struct):
    name: str
    language: str = ""
    benchmark_root: str | None = None


class _Span(msgspec.Struct):
    path: str
    start_line: int | None = None
    end_line: int | None = None


class _Annotation(msgspec.Struct):
    query: str
    category: str = ""
    relevant: list[str | _Span] = []
    secondary: list[str | _Span] = []


def _localisation(folder: Path, only: Sequence[str]) -> Dataset:
    digest = blake2b(digest_size=16)
    specs = _decoded(folder / REPOSITORIES, list[_Spec], digest)
    if unknown := sorted(set(only) - {spec.name for spec in specs}):
        raise DatasetError(
            f"{folder / REPOSITORIES} has no repository {unknown[0]!r}", f"It has: {_listed(s.name for s in specs)}"
        )
    roots = []
    for spec in specs:
        if only and spec.name not in only:
            continue
        file = folder / "annotations" / f"{spec.name}.json"
        asked = [
            _question(file, spec.name, n, item) for n, item in enumerate(_decoded(file, list[_Annotation], digest))
        ]
        roots.append(Root(spec.name, spec.language, tuple(asked), f"{spec.name}/{spec.benchmark_root or ''}"))
    return Dataset(folder.resolve().name, tuple(roots), digest.hexdigest())


def _question(file: Path, root: str, number: int, item: _Annotation) -> Question:
    targets = tuple(map(_target, [*item.relevant, *item.secondary]))
    if not item.query.strip() or not targets:
        raise DatasetError(
            f"Question {number + 1} of {file} has {'no answer' if item.query.strip() else 'no text'}", _MEND
        )
    return Question(root, item.query, item.category, targets, f"{root}/{number}")


def _target(given: str | _Span) -> Target:
    if isinstance(given, str):
        return Target(given)
    span = (given.start_line, given.end_line) if given.start_line and given.end_line else None
    return Target(given.path, span)


class _Text(msgspec.Struct):
    id: str = msgspec.field(name="_id")
    text: str
    title: str = ""
    language: str = ""
    metadata: dict[str, Any] = {}

    def document(self, language: str) -> Document:
        named = self.language or str(self.metadata.get("language") or "") or language
        return Document(self.id, "\n".join(filter(None, (self.title, self.text))), named.lower())


_MEND = "Correct the file, then run the command again"


def _documents(folder: Path, language: str) -> Dataset:
    digest = blake2b(digest_size=16)
    corpus = _unique(folder / CORPUS, digest)
    queries = _unique(folder / QUERIES, digest, what="query")
    qrels = next((folder / name for name in QRELS if (folder / name).is_file()), None)
    if qrels is None:
        raise DatasetError(
            f"{folder} has no judgements: neither {QRELS[0]} nor {QRELS[1]}", "Add the file of one split"
        )
    judged = _judgements(qrels, corpus.keys(), queries.keys(), digest)
    name = folder.resolve().name
    questions = tuple(
        Question(name, queries[query].text, "", targets, query) for query, targets in judged.items() if targets
    )
    if not questions:
        raise DatasetError(f"{qrels} judges nothing as relevant", _MEND)
    documents = tuple(row.document(language) for row in corpus.values())
    languages = {document.language for document in documents}
    root = Root(name, languages.pop() if len(languages) == 1 else "", questions, documents=documents)
    return Dataset(name, (root,), digest.hexdigest(), len(queries) - len(questions))


def _unique(file: Path, digest: blake2b, what: str = "") -> dict[str, _Text]:
    """Read rows by id; one of ``what`` has to say something."""
    rows: dict[str, _Text] = {}
    for number, row in _rows(file, _Text, digest):
        if row.id in rows:
            raise DatasetError(f"{file}, line {number}: there was a row {row.id!r} before", _MEND)
        if what and not row.text.strip():
            raise DatasetError(f"{file}, line {number}: the {what} {row.id!r} has no text", _MEND)
        rows[row.id] = row
    if not rows:
        raise DatasetError(f"{file} is empty", _MEND)
    return rows


def _judgements(
    file: Path, documents: Iterable[str], queries: Iterable[str], digest: blake2b
) -> dict[str, tuple[Target, ...]]:
    """Read gains above 0 by query: a document that was judged to be of no use is no answer."""
    known, asked = set(documents), set(queries)
    judged: dict[str, list[Target]] = {}
    strange: dict[str, None] = {}
    for number, line in enumerate(_read(file, digest).decode("utf-8", "replace").splitlines(), start=1):
        fields = line.split("\t")
        if not line.strip() or (number == 1 and fields[-1] == "score"):
            continue
        query, document, gain = _judgement(file, number, fields)
        strange |= {name: None for name, where in ((query, asked), (document, known)) if name not in where}
        if gain > 0:
            judged.setdefault(query, []).append(Target(document, gain=gain))
    if strange:
        raise DatasetError(f"{file} judges {len(strange):,} ids that the set does not have: {_listed(strange)}", _MEND)
    return {query: tuple(targets) for query, targets in judged.items()}


def _judgement(file: Path, number: int, fields: Sequence[str]) -> tuple[str, str, float]:
    try:
        query, document, gain = fields
        return query, document, float(gain)
    except ValueError as error:
        expected = "expected query, document and score between tabs"
        raise DatasetError(f"{file}, line {number}: {expected}", _MEND) from error


def _rows(file: Path, kind: type[Row], digest: blake2b) -> Iterable[tuple[int, Row]]:
    decoder = msgspec.json.Decoder(kind)
    for number, line in enumerate(_read(file, digest).splitlines(), start=1):
        if line.strip():
            try:
                yield number, decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise DatasetError(f"{file}, line {number}: {error}", _MEND) from error


def _decoded(file: Path, kind: type[Row], digest: blake2b) -> Row:
    try:
        return msgspec.json.decode(_read(file, digest), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DatasetError(f"{file}: {error}", _MEND) from error


def _read(file: Path, digest: blake2b) -> bytes:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise DatasetError(f"Cannot read {file}: {error.strerror}", "Complete the data set") from error
    digest.update(data)
    return data


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    return ", ".join(found[:_SHOWN]) + (" …" if len(found) > _SHOWN else "")
