"""Token ids: BERT uncased WordPiece from its vocabulary alone, or whatever tokenizer a model's folder holds."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import msgspec

from coderank.errors import ModelUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tokenizers import Tokenizer

CHARACTERS_PER_TOKEN = 32
"""Characters read for each token that is kept. Code has 3.1 characters in a token on average, and never more than 10.8
in 2,500 pieces of 22 repositories; what lies behind is not tokenised, so 500 kB cost what a page does."""

_UNKNOWN = "[UNK]"
_SPECIAL = ("[PAD]", _UNKNOWN, "[CLS]", "[SEP]", "[MASK]")


class _Ends(msgspec.Struct):
    add_bos_token: bool | None = None
    add_eos_token: bool | None = None


def load_tokenizer(max_tokens: int, *, special: bool = True) -> Tokenizer:
    """Build the tokenizer of CodeRankEmbed and all-MiniLM-L6-v2, with or without ``special`` tokens around a text.

    Encodings are cut to ``max_tokens``, special tokens included, and are not padded.
    """
    from tokenizers import Tokenizer  # noqa: PLC0415 - 40 ms, and a lexical search does not need it
    from tokenizers.models import WordPiece  # noqa: PLC0415
    from tokenizers.normalizers import BertNormalizer  # noqa: PLC0415
    from tokenizers.pre_tokenizers import BertPreTokenizer  # noqa: PLC0415
    from tokenizers.processors import TemplateProcessing  # noqa: PLC0415

    with as_file(files(__package__) / "vocab.txt") as path:
        # 12 ms; reading the vocabulary in Python or a saved tokenizer.json takes 18 ms.
        tokenizer = Tokenizer(WordPiece.from_file(str(path), unk_token=_UNKNOWN))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.add_special_tokens(list(_SPECIAL))
    if special:
        tokenizer.post_processor = TemplateProcessing(
            single="[CLS] $A [SEP]",
            pair="[CLS] $A [SEP] $B:1 [SEP]:1",
            special_tokens=[(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")],
        )
    tokenizer.enable_truncation(max_tokens)
    return tokenizer


def load_tokenizer_file(path: Path, max_tokens: int) -> Tokenizer:
    """Load a ``tokenizer.json``; encodings are cut to ``max_tokens`` and not padded, whatever the file says.

    Files in the wild keep a truncation at 512 tokens and padding from the day they were exported. Whether a text gets a
    token before or behind it is checked where a ``tokenizer_config.json`` beside the file says so, too.

    Raises:
        ModelUnavailableError: the file is missing or damaged, or the two disagree.
    """
    from tokenizers import Tokenizer  # noqa: PLC0415

    try:
        tokenizer = Tokenizer.from_buffer(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ModelUnavailableError(f"cannot load the tokenizer {path}: {error}", "Download the model again") from error
    tokenizer.no_padding()
    _check_ends(tokenizer, path.with_name("tokenizer_config.json"))
    tokenizer.enable_truncation(max_tokens)
    return tokenizer


def encode(tokenizer: Tokenizer, texts: Iterable[str], max_tokens: int) -> list[list[int]]:
    """Token ids of each text, cut to ``max_tokens``; the cost of a text is bounded whatever its size."""
    limit = max_tokens * CHARACTERS_PER_TOKEN
    return [encoding.ids for encoding in tokenizer.encode_batch_fast([_readable(text[:limit]) for text in texts])]


def _check_ends(tokenizer: Tokenizer, path: Path) -> None:
    """Refuse a tokenizer that ends texts otherwise than its configuration says; a model that pools the last token lives
    by that. Of the programs that read both files, some follow the one and some the other."""
    try:
        stated = msgspec.json.decode(path.read_bytes(), type=_Ends)
    except (OSError, msgspec.DecodeError):
        return
    tokenizer.no_truncation()
    special = tokenizer.encode("x").special_tokens_mask
    for name, wanted, added in (
        ("add_bos_token", stated.add_bos_token, bool(special[0])),
        ("add_eos_token", stated.add_eos_token, bool(special[-1])),
    ):
        if wanted is not None and wanted != added:
            raise ModelUnavailableError(
                f"{path} sets {name} to {str(wanted).lower()}, and tokenizer.json does otherwise: vectors depend on it",
                "Set it in a copy of the folder to what your collections were embedded with, and describe that folder "
                "in CODERANK_MODELS_FILE",
            )


def _readable(text: str) -> str:
    # A file name that is not UTF-8 reaches a text as lone surrogates, which the tokenizer refuses.
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
