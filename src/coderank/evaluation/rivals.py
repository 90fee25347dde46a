"""Others on the same work in the same run, as anchors for times. They are installed in an environment of their own.

semble loads its model from a hub, so a random one of its kind and size stands in for it. Its cost is a table look-up
per token, which does not depend on the numbers in the table; what it finds does, so that only time and memory count.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from coderank.errors import MeasurementError
from coderank.evaluation.process import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coderank.evaluation.process import Finished

REMARK = "semble 0.7 with a stand-in of its model's size: its own comes from a hub"
"""Of the project's own results."""
_VERSION = "import sys; from importlib.metadata import version; print(version(sys.argv[1]))"
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


_ENCODE = """
import json, sys, time
from pathlib import Path
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Pooling, Transformer
from transformers import BertConfig, BertModel, BertTokenizerFast

vocabulary, texts, folder = sys.argv[1:]
torch.manual_seed(0)
shape = dict(hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536)
BertModel(BertConfig(vocab_size=30522, **shape)).save_pretrained(folder)
BertTokenizerFast(vocab_file=vocabulary).save_pretrained(folder)
model = SentenceTransformer(modules=[Transformer(folder, max_seq_length=256), Pooling(384)], device="cpu")
texts = json.loads(Path(texts).read_text("utf-8"))
model.encode(texts[:8])
start = time.perf_counter()
model.encode(texts, batch_size=32)
print(time.perf_counter() - start)
"""
"""all-MiniLM-L6-v2's architecture with random weights in fp32, as a user of sentence-transformers runs it on a CPU."""


def installed(python: Path, package: str) -> str:
    """Return the version of a package in an interpreter's environment, "" if it has none.

    Raises:
        MeasurementError: that is no interpreter.
    """
    try:
        done = subprocess.run([str(python), "-c", _VERSION, package], capture_output=True, text=True, check=False)  # noqa: S603
    except OSError as error:
        raise MeasurementError(
            f"Cannot run {python}: {error.strerror}", "Name an interpreter: --rival PYTHON"
        ) from error
    return done.stdout.strip() if done.returncode == 0 else ""


def encoding(python: Path, texts: Sequence[str]) -> float:
    """Return the seconds that sentence-transformers takes to embed texts, its model loaded and warm.

    Raises:
        MeasurementError: it failed; the message holds what it wrote.
    """
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "texts.json"
        file.write_text(json.dumps(texts), "utf-8")
        command = [str(python), "-c", _ENCODE, str(_vocabulary()), str(file), str(Path(scratch) / "model")]
        return float(run(command, {**os.environ, "HF_HUB_OFFLINE": "1"}).output.split()[-1])


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
