"""Others on the same work in the same run, as anchors for times. They are installed in an environment of their own.

semble loads its model from a hub, so a random one of its kind and size stands in for it. Its cost is a table look-up
per token, which does not depend on the numbers in the table; what it finds does, so that only time and memory count.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from coderank.evaluation.process import run

if TYPE_CHECKING:
    from coderank.evaluation.process import Finished

REMARK = "semble 0.7 with a stand-in of its model's size: its own comes from a hub"
_TOKENS = 62_500
"""16 M parameters at 256 dimensions."""
_DIMENSIONS = 256
_MAKE_MODEL = f"""
import sys
import numpy as np
from model2vec import StaticModel
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

words = ["[PAD]", "[UNK]"] + open(sys.argv[1], encoding="utf-8").read().split("\\n")
words = list(dict.fromkeys(word for word in words if word))
words += [f"[filler{{number}}]" for number in range({_TOKENS} - len(words))]
tokenizer = Tokenizer(WordPiece(dict(zip(words, range(len(words)))), unk_token="[UNK]"))
tokenizer.normalizer, tokenizer.pre_tokenizer = BertNormalizer(), BertPreTokenizer()
vectors = np.random.default_rng(0).standard_normal((len(words), {_DIMENSIONS}), dtype=np.float32)
StaticModel(vectors, tokenizer).save_pretrained(sys.argv[2])
"""


def first_answers(python: Path, repository: Path, question: str, runs: int) -> list[Finished]:
    """Let semble answer a question about a copy of a repository that it has never seen, ``runs`` times."""
    with tempfile.TemporaryDirectory() as scratch:
        model = Path(scratch) / "model"
        subprocess.run([str(python), "-c", _MAKE_MODEL, str(_vocabulary()), str(model)], check=True)  # noqa: S603
        return [_first_answer(python, repository, question, model, Path(scratch) / f"{n}") for n in range(runs)]


def _first_answer(python: Path, repository: Path, question: str, model: Path, scratch: Path) -> Finished:
    copy = scratch / repository.name
    shutil.copytree(repository, copy)
    own = {"HOME": str(scratch), "XDG_CACHE_HOME": str(scratch / "cache"), "SEMBLE_MODEL_NAME": str(model)}
    command = [str(python.with_name("semble")), "search", question, str(copy), "-k", "10"]
    return run(command, {**os.environ, **own, "HF_HUB_OFFLINE": "1"})


def _vocabulary() -> Path:
    """Return a list of word pieces: that of the bundled model, which semble's own tokenizer resembles."""
    import coderank.embedding  # noqa: PLC0415 - only its folder is wanted

    return Path(coderank.embedding.__path__[0]) / "vocab.txt"
