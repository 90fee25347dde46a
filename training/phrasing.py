"""What of a comment a person might ask for: its first sentence, without markup and tags. Pure."""

from __future__ import annotations

import re

FEWEST_WORDS, MOST_WORDS = 4, 40
"""Of a summary: fewer name a thing, more tell a story."""
DETAIL = 320
"""Characters of a whole comment that are kept: about the tokens of a question that the bi-encoder reads."""
ASCII = 0.95
"""Share of a summary's characters, at least: the base model reads English."""
_SENTENCE = re.compile(r"(.+?)(?:[.!?:](?=\s|$)|$)", re.DOTALL)
_MARKUP = re.compile(r"</?\w+[^>]*>|\{@\w+\s+([^}]*)\}|:\w+:`~?([^`]*)`|`+([^`]*)`+")
_TAG = re.compile(
    r"^\s*(?:[@\\](?:param|returns?|throws|since|author|see|deprecated|example|type|template|brief|internal)\b|:\w+[^:]*:|"
    r"Args:|Arguments:|Parameters|Returns:|Raises:|Examples?:|-{3,}|={3,}|>>>)",
    re.MULTILINE,
)
"""Where a comment turns to parameters and the like, in the custom of any language."""
_NO_SUMMARY = re.compile(
    r"copyright|licen[cs]e|todo|fixme|xxx\b|https?:|eslint|noqa|nolint|istanbul|inheritdoc|auto-?generated|see also|"
    r"^\W*(?:constructor|getter|setter|destructor|default constructor|creates? a new instance)\b.{0,25}$|"
    r"[{};=]{2,}|\w\(\)?;|non-javadoc",
    re.IGNORECASE,
)
"""What speaks of other things than what the code does: rights, plans, tools; or is code that was commented out."""


def phrased(comment: str) -> tuple[str, str]:
    """Turn a comment into a summary and a detail; ("", "") where it is none that a person might ask for."""
    text = _MARKUP.sub(lambda match: next(filter(None, match.groups()), " "), comment)
    tag = _TAG.search(text)
    body = text[: tag.start()] if tag else text
    paragraph = next((part for part in re.split(r"\n\s*\n", body.strip()) if part.strip()), "")
    match = _SENTENCE.match(" ".join(paragraph.split()))
    summary = match[1].strip(" *=-_`#\"'") if match else ""
    words = re.findall(r"[^\W\d_]{2,}", summary)
    letters = sum(char.isascii() for char in summary)
    if not FEWEST_WORDS <= len(words) <= MOST_WORDS or _NO_SUMMARY.search(summary) or letters < ASCII * len(summary):
        return "", ""
    detail = " ".join(text.split())[:DETAIL]
    return summary, detail if len(detail) > len(summary) + 20 else ""
