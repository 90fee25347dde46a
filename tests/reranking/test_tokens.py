from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers

from coderank.errors import ModelUnavailableError
from coderank.reranking.tokens import CHARACTERS_PER_TOKEN, EstimatedTokenizer, VocabularyTokenizer


def write_bytes_tokenizer(path: Path) -> Path:
    """A byte-level tokenizer as Qwen's, with no merges: every byte is a token."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: at for at, letter in enumerate(alphabet)}, []))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in ("<|im_start|>", "<|im_end|>")])
    tokenizer.enable_truncation(7)
    tokenizer.save(str(path))
    return path


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> VocabularyTokenizer:
    return VocabularyTokenizer(write_bytes_tokenizer(tmp_path_factory.mktemp("qwen") / "tokenizer.json"))


def test_template_tokens_are_one_each(tokenizer: VocabularyTokenizer) -> None:
    assert tokenizer.count("<|im_start|>user\nab<|im_end|>") == 1 + 5 + 2 + 1


def test_a_limit_left_in_the_file_is_lifted(tokenizer: VocabularyTokenizer) -> None:
    assert tokenizer.count("x" * 100) == 100


def test_newlines_and_indentation_stay(tokenizer: VocabularyTokenizer) -> None:
    code = "def f():\n\n\treturn  1\r\n"
    assert tokenizer.cut(code, 1000) == code
    assert tokenizer.cut(code, 12) == code[:12]


@given(text=st.text(max_size=40), tokens=st.integers(1, 20))
def test_a_cut_is_a_beginning_that_fits(tokenizer: VocabularyTokenizer, text: str, tokens: int) -> None:
    cut = tokenizer.cut(text, tokens)
    assert text.startswith(cut)
    # A character of several tokens may be cut within; it is then kept whole.
    assert tokenizer.count(cut[:-1]) <= tokens
    assert cut == text or tokenizer.count(text) > tokens


def test_a_text_without_end_costs_what_a_page_does(tokenizer: VocabularyTokenizer) -> None:
    assert tokenizer.cut("x" * 10_000_000, 10) == "x" * 10


def test_lone_surrogates_are_read(tokenizer: VocabularyTokenizer) -> None:
    assert tokenizer.count("\udc80") == 1
    assert tokenizer.cut("a\udc80b", 2) == "a?"


@pytest.mark.parametrize("content", [None, "{}", "no json"])
def test_what_is_no_tokenizer_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "tokenizer.json"
    if content is not None:
        path.write_text(content, "utf-8")
    with pytest.raises(ModelUnavailableError, match="cannot read the tokenizer"):
        VocabularyTokenizer(path)


def test_an_estimate_counts_characters() -> None:
    estimate = EstimatedTokenizer()
    assert [estimate.count("x" * length) for length in (0, 1, 3, 4)] == [0, 1, 1, 2]
    assert estimate.cut("x" * 100, 4) == "x" * 4 * CHARACTERS_PER_TOKEN
