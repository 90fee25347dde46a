from __future__ import annotations

import pytest

from coderank.corpus.chunk import chunk
from coderank.corpus.masking import C_MACROS, HASKELL_DIRECTIVES, KOTLIN_NOVELTIES


@pytest.mark.parametrize(
    ("path", "text", "symbols"),
    [
        (
            "a.kt",
            "class Session {\n    fun send(x: Any) = when (x) {\n"
            '        is String if x.isEmpty() -> "a"\n        else -> "$x"\n    }\n    fun close() = 1\n}\n',
            ("Session", "send", "close"),
        ),
        ("a.kt", "class A {\n    fun send(where: Op?) {\n        where?.let { run(it) }\n    }\n}\n", ("A", "send")),
        ("a.kt", "class A<T> {\n    fun send(value: T & Any): Int = 1\n}\n", ("A", "send")),
        (
            "a.kt",
            "class A {\n    val size\n        @OptIn(X::class)\n        get() = 1\n    fun b() = 2\n}\n",
            ("A", "size", "b"),
        ),
        ("a.cpp", "FMT_BEGIN_NAMESPACE\nclass Session {\n  void send() {}\n};\n", ("Session", "send")),
        ("a.cpp", "FMT_CONSTEXPR20 inline auto send(int x) -> int { return x; }\n", ("send",)),
        ("a.cpp", "class API_EXPORT Session : public Base {\n  void send() {}\n};\n", ("Session", "send")),
        ("A.hs", "module A where\n#ifdef X\nf = 1\n#else\ng = 2\n#endif\nh = 3\n", ("f", "g", "h")),
        ("a.c", "static DWORD WINAPI run(void* data) {\n  return 0;\n}\n", ("run",)),
    ],
)
def test_definitions_survive_what_the_grammar_cannot_read(path: str, text: str, symbols: tuple[str, ...]) -> None:
    (only,) = chunk(path, text)
    assert only.defines == symbols
    assert only.content == text.removesuffix("\n")


@pytest.mark.parametrize("mask", [*C_MACROS, *HASKELL_DIRECTIVES, *KOTLIN_NOVELTIES])
def test_length_and_lines_stay(mask: object) -> None:
    from coderank.corpus.masking import Mask

    assert isinstance(mask, Mask)
    source = (
        b"FMT_X\n  UV_EXTERN int f(void);\nint WINAPI g();\nstruct A_B C {};\n  is A if\n x -> 1\nwhere?.let\n"
        b"#if A\n@A\n get() T & Any\n"
    )
    hidden = mask.apply(source)
    assert hidden != source
    assert len(hidden) == len(source)
    assert [len(line) for line in hidden.split(b"\n")] == [len(line) for line in source.split(b"\n")]
