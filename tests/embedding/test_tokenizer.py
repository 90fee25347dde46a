from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coderank.embedding.tokenizer import CHARACTERS_PER_TOKEN, encode, load_tokenizer, load_tokenizer_file
from coderank.errors import ModelUnavailableError

MAX_TOKENS = 256
GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "minilm_tokens.json").read_text(encoding="utf-8"))
TOKENIZER = load_tokenizer(MAX_TOKENS)


def ids(text: str, max_tokens: int = MAX_TOKENS) -> list[int]:
    return encode(TOKENIZER, [text], max_tokens)[0]


@pytest.mark.parametrize("name", GOLDEN)
def test_ids_equal_those_of_the_reference(name: str) -> None:
    assert ids(GOLDEN[name]["text"]) == GOLDEN[name]["ids"]


def test_vocabulary_is_that_of_bert_uncased() -> None:
    assert TOKENIZER.get_vocab_size() == 30_522
    assert [TOKENIZER.token_to_id(name) for name in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")] == [
        0,
        100,
        101,
        102,
        103,
    ]


def test_long_text_is_cut_and_still_ends_with_the_separator() -> None:
    row = ids("word " * 1000)
    assert len(row) == MAX_TOKENS
    assert (row[0], row[-1]) == (101, 102)


def test_another_length_is_obeyed() -> None:
    assert len(encode(load_tokenizer(8), ["a b c d e f g h i j"], 8)[0]) == 8


def test_what_lies_behind_the_guard_is_never_read() -> None:
    page = "word " * (MAX_TOKENS * CHARACTERS_PER_TOKEN // 5)
    assert ids(page + "tail" * 1_000_000) == ids(page)


def test_deep_indentation_fits_before_the_guard() -> None:
    line = " " * 40 + "return self.items[index]\n"
    assert len(ids(line * 200)) == MAX_TOKENS


def test_order_of_texts_is_kept() -> None:
    texts = [f"text number {number}" for number in range(50)]
    assert encode(TOKENIZER, texts, MAX_TOKENS) == [ids(text) for text in texts]


def test_lone_surrogate_of_a_file_name_is_read_as_a_question_mark() -> None:
    assert ids("name\udce9.py") == ids("name?.py")


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.characters(), max_size=200))
def test_every_text_has_ids_within_the_vocabulary(text: str) -> None:
    row = ids(text)
    assert (row[0], row[-1]) == (101, 102)
    assert all(0 <= token < 30_522 for token in row)


@pytest.mark.parametrize(
    "stated", ["{}", '{"add_eos_token": true}', '{"add_bos_token": true, "add_eos_token": null}', "{"]
)
def test_a_configuration_that_agrees_or_is_silent_about_ends_is_no_matter(tmp_path: Path, stated: str) -> None:
    load_tokenizer(2).save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text(stated)
    assert encode(load_tokenizer_file(tmp_path / "tokenizer.json", 8), ["a b c"], 8)[0] == ids("a b c")


@pytest.mark.parametrize("name", ["add_eos_token", "add_bos_token"])
def test_a_tokenizer_that_ends_texts_otherwise_than_stated_is_refused(tmp_path: Path, name: str) -> None:
    """The last token is the vector of nomic-embed-code: whether it is one of the text or an end must be certain."""
    load_tokenizer(2).save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({name: False}))
    with pytest.raises(ModelUnavailableError, match=f"sets {name} to false, and tokenizer.json does otherwise"):
        load_tokenizer_file(tmp_path / "tokenizer.json", 8)
