"""Bytes to text, whatever their encoding. Pure."""

from __future__ import annotations

import codecs

# UTF-32 first: its little-endian mark starts with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_ANY_MARK = tuple(mark for mark, _ in _MARKS)

MAX_CONTROL_SHARE = 0.02
"""Text has almost none of these characters; compressed or compiled bytes have about one in ten."""

# Everything below the space but tab, the line ends, form feed (old sources separate pages by it) and escape (recorded
# terminal output).
_CONTROLS = bytes(code for code in (*range(0x20), 0x7F) if code not in b"\t\n\r\f\v\x1b")

DETECTION_BYTES = 1 << 16
"""How much of a file decides on its encoding: detection takes about a second per megabyte."""

_LEGACY_ENCODINGS = [
    *("cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256", "cp437", "mac_roman"),
    *("cp932", "euc_jp", "gb18030", "big5", "euc_kr"),
]
"""What source files were written in before UTF-8. Among all that exist, detection picks absurd ones for short texts."""

_FALLBACK = "cp1252"
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def is_binary(data: bytes) -> bool:
    """Tell whether the bytes are no text: NUL bytes, or many control characters. A Unicode mark proves text."""
    if _marked(data):
        return False
    if b"\0" in data:
        return True
    return len(data) - len(data.translate(None, _CONTROLS)) > MAX_CONTROL_SHARE * len(data)


def decode(data: bytes) -> str:
    """Decode text, with newlines as ``\\n``. Never fails: what no encoding explains becomes U+FFFD."""
    text = _text(data)
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _text(data: bytes) -> str:
    marked = _marked(data)
    if marked:
        return data.decode(marked, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _damaged_utf8(data) or data.decode(_detect(data), "replace")


def _marked(data: bytes) -> str | None:
    if not data.startswith(_ANY_MARK):
        return None
    return next(encoding for mark, encoding in _MARKS if data.startswith(mark))


def _damaged_utf8(data: bytes) -> str | None:
    """Return the text if most of what is not ASCII is valid UTF-8: a few bad bytes must not garble the rest."""
    text = data.decode("utf-8", "replace")
    bad = text.count(_REPLACEMENT)
    good = sum(not character.isascii() for character in text) - bad
    return text if good > bad else None


def _detect(data: bytes) -> str:
    from charset_normalizer import from_bytes  # noqa: PLC0415 - 30 ms, for the few files that are not UTF-8

    sample = data[:DETECTION_BYTES]
    if len(data) > len(sample) and b"\n" in sample:
        sample = sample[: sample.rindex(b"\n")]  # a character cut in two would speak against its own encoding
    found = from_bytes(sample, cp_isolation=_LEGACY_ENCODINGS)
    best = found.best()
    if best is None:
        return _FALLBACK
    # Short Western texts fit several code pages equally well, and then the commonest is the best guess.
    rivals = {match.encoding for match in found if (match.chaos, match.coherence) == (best.chaos, best.coherence)}
    return _FALLBACK if _FALLBACK in rivals else best.encoding
