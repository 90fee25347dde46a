"""The one table of languages. Data only: detection is in `languages`, cutting in `syntax`."""

from __future__ import annotations

from coderank.corpus.masking import C_MACROS, KOTLIN_NOVELTIES
from coderank.corpus.syntax_rules import Kind, Language, Role, Rule

_TYPE = Rule(Role.TYPE)
_CALLABLE = Rule(Role.CALLABLE)
_VALUE = Rule(Role.VALUE)
_BODY = Rule(Role.BODY)
_WRAPPER = Rule(Role.WRAPPER)

TEXT = Language("text", (".txt", ".text"), ("LICENSE", "NOTICE", "AUTHORS", "COPYING"), kind=Kind.PROSE)

_PYTHON = {
    "class_definition": _TYPE,
    "function_definition": _CALLABLE,
    "assignment": Rule(Role.VALUE, "@left_identifier"),
    "type_alias_statement": Rule(Role.VALUE, "left"),
    "decorated_definition": _WRAPPER,
    "expression_statement": _WRAPPER,
    "lambda": _BODY,
}
_SCRIPT = {
    "class_declaration": _TYPE,
    "class": _TYPE,
    "function_declaration": _CALLABLE,
    "generator_function_declaration": _CALLABLE,
    "method_definition": _CALLABLE,
    "function_expression": _CALLABLE,
    "arrow_function": _BODY,
    "variable_declarator": Rule(Role.VALUE, "@script_binding"),
    "assignment_expression": Rule(Role.VALUE, "@script_assignment"),
    "pair": Rule(Role.VALUE, "@script_property"),
    "call_expression": Rule(Role.EXTENSION, "@script_test"),
    "export_statement": _WRAPPER,
    "expression_statement": _WRAPPER,
    "lexical_declaration": _WRAPPER,
    "variable_declaration": _WRAPPER,
}
_JAVASCRIPT = _SCRIPT | {"field_definition": Rule(Role.VALUE, "@script_property")}
_TYPESCRIPT = _SCRIPT | {
    "abstract_class_declaration": _TYPE,
    "interface_declaration": _TYPE,
    "enum_declaration": _TYPE,
    "internal_module": _TYPE,
    "module": _TYPE,
    "type_alias_declaration": _VALUE,
    "function_signature": _CALLABLE,
    "abstract_method_signature": _CALLABLE,
    "public_field_definition": Rule(Role.VALUE, "@script_property"),
    "ambient_declaration": _WRAPPER,
}
_GO = {
    "function_declaration": _CALLABLE,
    "method_declaration": Rule(Role.CALLABLE, "@go_method"),
    "type_spec": _TYPE,
    "type_alias": _TYPE,
    "const_spec": _VALUE,
    "var_spec": _VALUE,
    "func_literal": _BODY,
    "type_declaration": _WRAPPER,
    "const_declaration": _WRAPPER,
    "var_declaration": _WRAPPER,
}
_RUST = {
    "mod_item": _TYPE,
    "struct_item": _TYPE,
    "enum_item": _TYPE,
    "union_item": _TYPE,
    "trait_item": _TYPE,
    "impl_item": Rule(Role.EXTENSION, "type"),
    "function_item": _CALLABLE,
    "function_signature_item": _CALLABLE,
    "macro_definition": _CALLABLE,
    "type_item": _VALUE,
    "const_item": _VALUE,
    "static_item": _VALUE,
    "closure_expression": _BODY,
}
_JAVA = {
    "class_declaration": _TYPE,
    "interface_declaration": _TYPE,
    "enum_declaration": _TYPE,
    "record_declaration": _TYPE,
    "annotation_type_declaration": _TYPE,
    "method_declaration": _CALLABLE,
    "constructor_declaration": _CALLABLE,
    "compact_constructor_declaration": _CALLABLE,
    "annotation_type_element_declaration": _CALLABLE,
    "lambda_expression": _BODY,
}
_KOTLIN = {
    "class_declaration": _TYPE,
    "object_declaration": _TYPE,
    "function_declaration": Rule(Role.CALLABLE, "@kotlin_function"),
    "property_declaration": Rule(Role.VALUE, "@first_identifier"),
    "type_alias": Rule(Role.VALUE, "@first_identifier"),
    "lambda_literal": _BODY,
}
_SCALA = {
    "object_definition": _TYPE,
    "class_definition": _TYPE,
    "trait_definition": _TYPE,
    "enum_definition": _TYPE,
    "package_object": _TYPE,
    "function_definition": _CALLABLE,
    "function_declaration": _CALLABLE,
    "val_definition": Rule(Role.VALUE, "pattern"),
    "var_definition": Rule(Role.VALUE, "pattern"),
    "given_definition": _VALUE,
    "type_definition": _VALUE,
    "lambda_expression": _BODY,
}
_C = {
    "function_definition": Rule(Role.CALLABLE, "@declarator"),
    "declaration": Rule(Role.VALUE, "@declarator"),
    "type_definition": Rule(Role.VALUE, "@declarator"),
    "struct_specifier": Rule(Role.TYPE, "@with_body"),
    "union_specifier": Rule(Role.TYPE, "@with_body"),
    "enum_specifier": Rule(Role.TYPE, "@with_body"),
    "preproc_function_def": _CALLABLE,
    "preproc_def": Rule(Role.VALUE, "@macro_constant"),
}
_CPP = _C | {
    "class_specifier": Rule(Role.TYPE, "@with_body"),
    "alias_declaration": _VALUE,
    "concept_definition": _VALUE,
    "template_declaration": _WRAPPER,
    "lambda_expression": _BODY,
}
_CSHARP = {
    "class_declaration": _TYPE,
    "record_declaration": _TYPE,
    "struct_declaration": _TYPE,
    "interface_declaration": _TYPE,
    "enum_declaration": _TYPE,
    "delegate_declaration": _CALLABLE,
    "method_declaration": _CALLABLE,
    "constructor_declaration": _CALLABLE,
    "local_function_statement": _CALLABLE,
    "property_declaration": _VALUE,
    "lambda_expression": _BODY,
}
_PHP = {
    "class_declaration": _TYPE,
    "interface_declaration": _TYPE,
    "trait_declaration": _TYPE,
    "enum_declaration": _TYPE,
    "function_definition": _CALLABLE,
    "method_declaration": _CALLABLE,
    "const_element": Rule(Role.VALUE, "@first_name"),
    "const_declaration": _WRAPPER,
    "anonymous_function": _BODY,
}
_RUBY = {
    "module": _TYPE,
    "class": _TYPE,
    "method": _CALLABLE,
    "singleton_method": _CALLABLE,
    "assignment": Rule(Role.VALUE, "@constant"),
    "call": Rule(Role.EXTENSION, "@script_test"),
}
_SWIFT = {
    "class_declaration": Rule(Role.TYPE, "@swift_type"),
    "protocol_declaration": _TYPE,
    "function_declaration": _CALLABLE,
    "protocol_function_declaration": _CALLABLE,
    "init_declaration": _CALLABLE,
    "property_declaration": _VALUE,
    "typealias_declaration": _VALUE,
    "lambda_literal": _BODY,
}
_ELIXIR = {"call": Rule(Role.CALLABLE, "@elixir")}
_HASKELL = {
    "data_type": _TYPE,
    "newtype": _TYPE,
    "class": _TYPE,
    "type_synomym": _VALUE,
    "type_family": _TYPE,
    "instance": Rule(Role.EXTENSION, "@haskell_instance"),
    "function": Rule(Role.CALLABLE, "@haskell_function"),
    "bind": Rule(Role.CALLABLE, "@haskell_function"),
}
_LUA = {
    "function_declaration": _CALLABLE,
    "assignment_statement": Rule(Role.VALUE, "@lua_assignment"),
    "field": Rule(Role.VALUE, "@lua_field"),
    "function_definition": _BODY,
    "variable_declaration": _WRAPPER,
}
_BASH = {"function_definition": _CALLABLE, "variable_assignment": _VALUE}
_ZIG = {
    "variable_declaration": Rule(Role.VALUE, "@zig_variable"),
    "function_declaration": _CALLABLE,
    "test_declaration": Rule(Role.EXTENSION, "@zig_test"),
}

LANGUAGES: tuple[Language, ...] = (
    Language("python", (".py", ".pyi", ".pyw"), ("SConstruct",), ("python", "pypy"), "python", _PYTHON),
    Language(
        "javascript",
        (".js", ".jsx", ".mjs", ".cjs"),
        (),
        ("node", "deno", "bun"),
        "javascript",
        _JAVASCRIPT,
        frozenset({"decorator"}),
    ),
    Language(
        "typescript",
        (".ts", ".mts", ".cts"),
        (),
        ("tsx",),
        "typescript",
        _TYPESCRIPT,
        frozenset({"decorator", "function_signature"}),
    ),
    Language("tsx", (".tsx",), (), (), "tsx", _TYPESCRIPT, frozenset({"decorator", "function_signature"})),
    Language("go", (".go",), (), (), "go", _GO),
    Language("rust", (".rs",), (), (), "rust", _RUST, frozenset({"attribute_item"})),
    Language("java", (".java",), (), (), "java", _JAVA),
    Language("kotlin", (".kt", ".kts"), (), ("kotlin",), "kotlin", _KOTLIN, masks=KOTLIN_NOVELTIES),
    Language("scala", (".scala", ".sc", ".sbt"), (), ("scala",), "scala", _SCALA),
    Language("c", (".c",), (), (), "c", _C, masks=C_MACROS),
    # Headers say nothing of C or C++ by name; the C++ grammar reads C headers, the C grammar reads no C++ class.
    Language(
        "cpp",
        (".cpp", ".cc", ".cxx", ".c++", ".h", ".hpp", ".hh", ".hxx", ".h++", ".ipp", ".inl", ".tpp", ".cu", ".cuh"),
        (),
        (),
        "cpp",
        _CPP,
        masks=C_MACROS,
    ),
    Language("csharp", (".cs", ".csx"), (), (), "csharp", _CSHARP),
    Language("php", (".php", ".phtml"), (), ("php",), "php", _PHP),
    Language(
        "ruby",
        (".rb", ".rake", ".gemspec", ".ru"),
        ("Rakefile", "Gemfile", "Guardfile", "Vagrantfile", "Podfile", "Fastfile"),
        ("ruby", "rake"),
        "ruby",
        _RUBY,
    ),
    Language("swift", (".swift",), (), ("swift",), "swift", _SWIFT),
    Language("elixir", (".ex", ".exs"), (), ("elixir",), "elixir", _ELIXIR, frozenset({"unary_operator"})),
    Language(
        "haskell", (".hs",), (), ("runhaskell", "stack"), "haskell", _HASKELL, frozenset({"haddock", "signature"})
    ),
    Language("lua", (".lua", ".luau"), (), ("lua", "luajit"), "lua", _LUA),
    Language(
        "bash",
        (".sh", ".bash", ".zsh", ".ksh"),
        (".bashrc", ".zshrc", ".profile"),
        ("sh", "bash", "zsh", "dash", "ksh"),
        "bash",
        _BASH,
    ),
    Language("zig", (".zig", ".zon"), (), (), "zig", _ZIG),
    Language("markdown", (".md", ".markdown", ".mdx", ".mdc"), (), kind=Kind.PROSE),
    Language("restructuredtext", (".rst",), (), kind=Kind.PROSE),
    TEXT,
    Language("json", (".json", ".jsonc", ".json5", ".webmanifest"), kind=Kind.DATA),
    Language("yaml", (".yml", ".yaml"), kind=Kind.DATA),
    Language("toml", (".toml",), kind=Kind.DATA),
    Language("ini", (".ini", ".cfg", ".conf", ".properties", ".env", ".editorconfig"), (), kind=Kind.DATA),
    Language("xml", (".xml", ".xsd", ".xsl", ".csproj", ".plist", ".svg"), (), kind=Kind.DATA),
    Language("csv", (".csv", ".tsv"), (), kind=Kind.DATA),
)
