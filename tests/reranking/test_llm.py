"""The in-process model with a tiny Qwen2 of random weights, in the hub's file layout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from tests.reranking.judges import passage
from tests.reranking.rerank_samples import CHARACTERS
from tests.reranking.test_tokens import write_bytes_tokenizer

from coderank.errors import ModelUnavailableError
from coderank.reranking.chat import ChatError, Completion
from coderank.reranking.contract import Status
from coderank.reranking.listwise import STRATEGIES, Listwise
from coderank.reranking.llm import CPU_WINDOW_MS_PER_GB, LocalModel, Precision, TransformersChat
from coderank.reranking.prompt import build
from coderank.reranking.tokens import VocabularyTokenizer

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    path = tmp_path_factory.mktemp("tiny-qwen2")
    torch.manual_seed(7)
    shape = Qwen2Config(
        vocab_size=258,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=8192,
        bos_token_id=None,
        eos_token_id=257,
        pad_token_id=256,
    )
    Qwen2ForCausalLM(shape).save_pretrained(path, safe_serialization=True)
    # Sampling settings as the hub's file has them: they must not make the answer a matter of chance.
    sampling = {"do_sample": True, "temperature": 0.7, "top_p": 0.8, "top_k": 20, "repetition_penalty": 1.05}
    (path / "generation_config.json").write_text(json.dumps(sampling | {"eos_token_id": 257, "pad_token_id": 256}))
    write_bytes_tokenizer(path / "tokenizer.json")
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": "<|im_start|>",
        "eos_token": "<|im_end|>",
        "chat_template": TEMPLATE,
    }
    (path / "tokenizer_config.json").write_text(json.dumps(settings))
    return path


@pytest.fixture
def chat(folder: Path) -> TransformersChat:
    return TransformersChat(LocalModel("tiny", str(folder), precision="fp32", offline=True))


def conversations(*texts: str) -> list[Any]:
    return [build("q", [text], CHARACTERS, 100_000).messages() for text in texts]


def text_of(answer: object) -> str:
    assert isinstance(answer, Completion), answer
    return answer.text


def test_an_answer_is_the_likeliest_continuation(chat: TransformersChat, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    (answer,) = chat.complete(conversations("int main()"), 6)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    prompt = build("q", ["int main()"], CHARACTERS, 100_000).chatml()
    ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    read = len(ids)
    for _ in range(6):
        with torch.inference_mode():
            ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
        if ids[-1] == 257:
            break
    assert text_of(answer) == tokenizer.decode(ids[read:], skip_special_tokens=True)
    assert isinstance(answer, Completion)
    assert answer.prompt_tokens == read


def test_weights_that_are_spread_over_devices_answer_alike(
    chat: TransformersChat, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on machines with GPUs; here there is but one device to spread them over."""
    pytest.importorskip("accelerate")
    monkeypatch.setattr("coderank.reranking.llm._placement", lambda _: {"device_map": "auto"})
    spread = TransformersChat(LocalModel("tiny", str(folder), precision="fp32", offline=True))
    asked = conversations("int main()", "x = 1")
    assert [text_of(one) for one in spread.complete(asked, 6)] == [text_of(one) for one in chat.complete(asked, 6)]


def test_a_batch_answers_as_one_by_one(chat: TransformersChat) -> None:
    asked = conversations("a", "b" * 300, "c\n" * 20)
    together = [text_of(answer) for answer in chat.complete(asked, 8)]
    assert together == [text_of(chat.complete([each], 8)[0]) for each in asked]


def test_the_limit_of_an_answer_is_kept(chat: TransformersChat) -> None:
    (answer,) = chat.complete(conversations("x"), 5)
    assert isinstance(answer, Completion)
    assert 0 < answer.answer_tokens <= 5


@pytest.mark.parametrize("precision", ["fp32", "bf16", "auto"])
def test_precisions(folder: Path, precision: Precision) -> None:
    chat = TransformersChat(LocalModel("tiny", str(folder), precision=precision, offline=True))
    assert text_of(chat.complete(conversations("x"), 3)[0]) is not None


def test_random_weights_make_no_ranking(chat: TransformersChat, folder: Path) -> None:
    tokenizer = VocabularyTokenizer(folder / "tokenizer.json")
    ranking = Listwise(chat, tokenizer, STRATEGIES["sliding"]).rerank("q", [passage(1), passage(0)])
    assert (ranking.status, ranking.order) == (Status.FAILED, ())
    assert ranking.usage.malformed == 1


def test_without_a_gpu_a_window_is_expected_to_take_as_long_as_the_weights_are_large(
    chat: TransformersChat, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coderank.reranking.llm.NVIDIA_DRIVER", folder / "none")
    size = (folder / "model.safetensors").stat().st_size
    assert chat.assumed_step_ms == pytest.approx(CPU_WINDOW_MS_PER_GB * size / 1e9)
    monkeypatch.setattr("coderank.reranking.llm.NVIDIA_DRIVER", folder)
    assert chat.assumed_step_ms == 0


def test_missing_weights_are_named_with_the_remedy(tmp_path: Path) -> None:
    chat = TransformersChat(LocalModel("coderank-llm", str(tmp_path / "none"), offline=True))
    assert chat.unavailable() == ""
    with pytest.raises(
        ModelUnavailableError, match=r"cannot load coderank-llm from .*none.*coderank models pull coderank-llm"
    ):
        chat.load()


def changed(folder: Path, copy: Path, **settings: object) -> Path:
    import shutil

    shutil.copytree(folder, copy)
    path = copy / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))
    return copy


def test_a_tokenizer_without_a_chat_template_is_refused_when_loaded(folder: Path, tmp_path: Path) -> None:
    copy = changed(folder, tmp_path / "copy", chat_template=None)
    with pytest.raises(ModelUnavailableError, match=r"cannot load tiny .*chat_template"):
        TransformersChat(LocalModel("tiny", str(copy), offline=True)).load()


def test_a_template_that_fails_on_a_prompt_is_no_answer(folder: Path, tmp_path: Path) -> None:
    copy = changed(
        folder,
        tmp_path / "copy",
        chat_template=TEMPLATE + "{% if messages[1].content|length > 9 %}{{ raise_exception('too long') }}{% endif %}",
    )
    model = TransformersChat(LocalModel("tiny", str(copy), precision="fp32", offline=True))
    (answer,) = model.complete(conversations("x"), 3)
    assert isinstance(answer, ChatError)
    assert "too long" in answer.message


def test_a_tokenizer_without_a_token_to_pad_with_pads_with_the_end(
    chat: TransformersChat, folder: Path, tmp_path: Path
) -> None:
    copy = changed(folder, tmp_path / "copy", pad_token=None)
    model = TransformersChat(LocalModel("tiny", str(copy), precision="fp32", offline=True))
    asked = conversations("a", "b" * 300)
    assert [text_of(one) for one in model.complete(asked, 4)] == [text_of(one) for one in chat.complete(asked, 4)]


def test_pickled_weights_are_refused(folder: Path, tmp_path: Path) -> None:
    import shutil

    import torch

    copy = tmp_path / "pickled"
    shutil.copytree(folder, copy)
    (copy / "model.safetensors").unlink()
    torch.save({}, copy / "pytorch_model.bin")
    with pytest.raises(ModelUnavailableError, match="safetensors"):
        TransformersChat(LocalModel("tiny", str(copy), offline=True)).load()


def test_code_that_comes_with_weights_is_not_run(folder: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "remote"
    shutil.copytree(folder, copy)
    config = json.loads((copy / "config.json").read_text())
    config |= {"model_type": "strange", "auto_map": {"AutoConfig": "evil.C", "AutoModelForCausalLM": "evil.M"}}
    (copy / "config.json").write_text(json.dumps(config))
    (copy / "evil.py").write_text("raise SystemExit('ran')")
    with pytest.raises(ModelUnavailableError, match="cannot load tiny"):
        TransformersChat(LocalModel("tiny", str(copy), offline=True)).load()
