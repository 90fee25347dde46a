"""Everything coderank raises on purpose.

CoderankError                 a message that says what failed, with the value, and a remedy
├── UsageError                the request itself is wrong (exit code 2)
│   ├── PathNotFoundError         no such file or directory
│   │   └── LineNotFoundError         the file has no such line
│   ├── InvalidQueryError         empty or over-long query, limit below one
│   ├── ConfigurationError        a setting or configuration file that cannot be used
│   └── DatasetError              judged questions that cannot be used
├── IndexUnusableError        the index on disk cannot be used
│   ├── IndexNotFoundError        this root was never indexed
│   ├── IndexIncompatibleError    another format version, model, dimension or chunker
│   ├── IndexCorruptError         unreadable or not an index
│   ├── IndexBusyError            another process did not hand the index over in time
│   └── IndexNotWritableError     no permission, read-only or full disk
├── SourceUnavailableError    a source of a collection cannot be fetched or read
├── ModelError                a model cannot be used
│   ├── ModelNotFoundError        not in the catalogue
│   └── ModelUnavailableError     weights are missing or damaged
├── ClientFileError           the configuration file of an agent's program cannot be edited
├── MeasurementError          a program that is measured failed
└── StoreError                the vector store refused an operation
    └── ServerUnavailableError    a Qdrant server does not answer, or is too busy to
"""

from __future__ import annotations

INDEX = "PATH"
"""Stands for an index in the command of a remedy until somebody who knows how to name it fills it in."""
REBUILD = f"Build it again: coderank index --rebuild {INDEX}"
RECUT = f"Build it anew beside this one: coderank migrate {INDEX}, or in its place: coderank index --rebuild {INDEX}"
"""Where a new version of coderank cuts texts otherwise."""
WRITABLE = "Free space or allow writing there (or set CODERANK_DATA_DIR to another folder), then run the command again"
"""Remedy of IndexNotWritableError."""


class CoderankError(Exception):
    """Base of every deliberate error. ``remedy`` is the next thing to do, a command where there is one."""

    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}. {self.remedy}" if self.remedy else self.message


class UsageError(CoderankError):
    """The request itself is wrong."""

    exit_code = 2


class PathNotFoundError(UsageError):
    """No such file or directory."""


class LineNotFoundError(PathNotFoundError):
    """The file is there, and has no such line."""


class InvalidQueryError(UsageError):
    """An empty or over-long query, or a limit below one."""


class ConfigurationError(UsageError):
    """A setting or a configuration file that cannot be used."""


class DatasetError(UsageError):
    """Judged questions, or results of them, that cannot be used."""


class IndexUnusableError(CoderankError):
    """The index on disk cannot be used."""

    def name_index(self, arguments: str) -> None:
        """Put the arguments that name the index on the command line into the remedy."""
        # `migrate` takes the names of collections as they are.
        self.remedy = self.remedy.replace(f"migrate {INDEX}", f"migrate {arguments.removeprefix('--collection ')}")
        self.remedy = self.remedy.replace(INDEX, arguments)


class IndexNotFoundError(IndexUnusableError):
    """This root was never indexed."""


class IndexIncompatibleError(IndexUnusableError):
    """The index was written with another format version, model, dimension or chunker."""


class IndexCorruptError(IndexUnusableError):
    """The index cannot be read, or the folder holds something else."""


class IndexBusyError(IndexUnusableError):
    """Another process did not hand the index over in time."""


class IndexNotWritableError(IndexUnusableError):
    """The index cannot be written: no permission, a read-only or a full disk."""


class SourceUnavailableError(CoderankError):
    """A source of a collection cannot be fetched or read: the index stays as it is."""


class ModelError(CoderankError):
    """A model cannot be used."""


class ModelNotFoundError(ModelError):
    """The catalogue has no model of that name."""

    exit_code = 2


class ModelUnavailableError(ModelError):
    """The weights of a model are missing or damaged."""


class ClientFileError(CoderankError):
    """The configuration file of an agent's program is broken, of another shape, or cannot be written."""


class MeasurementError(CoderankError):
    """A program that is measured failed or could not be started."""


class StoreError(CoderankError):
    """The vector store refused an operation."""


class ServerUnavailableError(StoreError):
    """A Qdrant server does not answer, or is too busy to."""
