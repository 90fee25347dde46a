"""Hiding from the parser what a grammar cannot read: one such word can cost it the definitions of a whole file.

Measured on real repositories: Exposed (Kotlin) falls from 19 files with errors to 2, libuv (C) from 27 to 16, and the
error nodes of fmt (C++) from 665 to 335.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mask:
    """Source to hide: the first group of the pattern, overwritten with ``fill``; line ends stay."""

    pattern: re.Pattern[bytes]
    fill: bytes = b" "

    def apply(self, source: bytes) -> bytes:
        """Return source of the same length and lines, with what the pattern matches overwritten."""
        return self.pattern.sub(self._hide, source)

    def _hide(self, match: re.Match[bytes]) -> bytes:
        start, end = match.start(1) - match.start(), match.end(1) - match.start()
        return match[0][:start] + re.sub(rb"[^\n]", self.fill, match[1]) + match[0][end:]


def _hidden(pattern: bytes, fill: bytes = b" ") -> Mask:
    return Mask(re.compile(pattern, re.MULTILINE), fill)


_MACRO = rb"[A-Z][A-Z0-9]*_[A-Z0-9_]*"

C_MACROS = (
    # A macro alone on its line: FMT_BEGIN_NAMESPACE.
    _hidden(rb"^[ \t]*(" + _MACRO + rb")[ \t]*$"),
    # Macros in front of a declaration: FMT_CONSTEXPR auto f().
    _hidden(
        rb"^[ \t]*(?:template ?<[^\n]*>[ \t]*)?(?:(?:static|inline|extern|friend)[ \t]+)*"
        rb"(" + _MACRO + rb"(?:[ \t]+" + _MACRO + rb")*)"
        rb"(?=[ \t]+(?:(?:inline|static|void|int|auto|const|char|bool|unsigned|explicit|constexpr|double|float|struct"
        rb"|enum|long|short|friend|virtual|using|template|class)\b|[a-z]\w*(?:::\w+)*[ \t*&]+\w+\())"
    ),
    # A calling convention between the type and the name.
    _hidden(rb"[\w*&][ \t]+(WINAPI|CALLBACK|NTAPI|APIENTRY|WSAAPI|STDCALL|__cdecl|__stdcall)(?=[ \t]+\w+\()"),
    # An export macro between the keyword and the name of a class.
    _hidden(rb"\b(?:class|struct)[ \t]+(" + _MACRO + rb"(?:\([^()\n]*\))?)(?=[ \t]+\w+)"),
)

KOTLIN_NOVELTIES = (
    # Guards: "is String if value.isEmpty() ->".
    _hidden(rb"^[ \t]*(?:!?is|!?in|[\w.]+)\b[^\n{]{0,80}?(\sif\s[^{}]{1,400}?)(?=\s*->)"),
    # The soft keyword "where" as a name.
    _hidden(rb"\b(where)(?=\s*(?:\?\.|\.|\)|,|!!|\?:|[!=]=))", b"x"),
    # An annotation in front of an accessor or a statement.
    _hidden(rb"^[ \t]*(@[\w.:]+(?:\([^()\n]*\))?)(?=\s*\n\s*(?:get\(|set\(|return\b|if\b|when\b))"),
    # Definitely non-null types: "T & Any".
    _hidden(rb"(\s&\s+Any)\b"),
)

HASKELL_DIRECTIVES = (
    # The grammar takes "#else" to "#endif" for one comment; without directives both branches are code.
    _hidden(rb"^(#[ \t]*(?:if|ifdef|ifndef|else|elif|endif|define|include|undef)\b[^\n]*)"),
)

OUTSIDE_SCRIPT = (Mask(re.compile(rb"((?:\A|</script>).*?(?:<script[^>]*>|\Z))", re.DOTALL | re.IGNORECASE)),)
