"""Which syntax nodes define something, by grammar. Data only: `language_table` says which language uses which."""

from __future__ import annotations

from coderank.corpus.syntax_rules import Role, Rule

_TYPE = Rule(Role.TYPE)
_CALLABLE = Rule(Role.CALLABLE)
_VALUE = Rule(Role.VALUE)
_CONSTANT = Rule(Role.CONSTANT)
_BODY = Rule(Role.BODY)
_WRAPPER = Rule(Role.WRAPPER)

PYTHON = {
    "class_definition": _TYPE,
    "function_definition": _CALLABLE,
    "assignment": Rule(Role.VALUE, "@left_identifier"),
    "type_alias_statement": Rule(Role.VALUE, "left"),
    "decorated_definition": _WRAPPER,
    "expression_statement": _WRAPPER,
    "lambda": _BODY,
}
SCRIPT = {
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
JAVASCRIPT = SCRIPT | {"field_definition": Rule(Role.VALUE, "@script_property")}
TYPESCRIPT = SCRIPT | {
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
GO = {
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
RUST = {
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
    "const_item": _CONSTANT,
    "static_item": _CONSTANT,
    "closure_expression": _BODY,
}
JAVA = {
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
KOTLIN = {
    "class_declaration": _TYPE,
    "object_declaration": _TYPE,
    "function_declaration": Rule(Role.CALLABLE, "@kotlin_function"),
    "property_declaration": Rule(Role.VALUE, "@first_identifier"),
    "type_alias": Rule(Role.VALUE, "@first_identifier"),
    "lambda_literal": _BODY,
}
SCALA = {
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
C = {
    "function_definition": Rule(Role.CALLABLE, "@declarator"),
    "declaration": Rule(Role.VALUE, "@declarator"),
    "type_definition": Rule(Role.VALUE, "@declarator"),
    "struct_specifier": Rule(Role.TYPE, "@with_body"),
    "union_specifier": Rule(Role.TYPE, "@with_body"),
    "enum_specifier": Rule(Role.TYPE, "@with_body"),
    "preproc_function_def": _CALLABLE,
    "preproc_def": Rule(Role.VALUE, "@macro_constant"),
}
CPP = C | {
    "class_specifier": Rule(Role.TYPE, "@with_body"),
    "alias_declaration": _VALUE,
    "concept_definition": _VALUE,
    "template_declaration": _WRAPPER,
    "lambda_expression": _BODY,
}
CSHARP = {
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
PHP = {
    "class_declaration": _TYPE,
    "interface_declaration": _TYPE,
    "trait_declaration": _TYPE,
    "enum_declaration": _TYPE,
    "function_definition": _CALLABLE,
    "method_declaration": _CALLABLE,
    "const_element": Rule(Role.CONSTANT, "@first_name"),
    "const_declaration": _WRAPPER,
    "anonymous_function": _BODY,
}
RUBY = {
    "module": _TYPE,
    "class": _TYPE,
    "method": _CALLABLE,
    "singleton_method": _CALLABLE,
    "assignment": Rule(Role.CONSTANT, "@constant"),
    "call": Rule(Role.EXTENSION, "@script_test"),
}
SWIFT = {
    "class_declaration": Rule(Role.TYPE, "@swift_type"),
    "protocol_declaration": _TYPE,
    "function_declaration": _CALLABLE,
    "protocol_function_declaration": _CALLABLE,
    "init_declaration": _CALLABLE,
    "property_declaration": _VALUE,
    "typealias_declaration": _VALUE,
    "lambda_literal": _BODY,
}
ELIXIR = {"call": Rule(Role.CALLABLE, "@elixir")}
HASKELL = {
    "data_type": _TYPE,
    "newtype": _TYPE,
    "class": _TYPE,
    "type_synomym": _VALUE,
    "type_family": _TYPE,
    "instance": Rule(Role.EXTENSION, "@haskell_instance"),
    "function": Rule(Role.CALLABLE, "@haskell_function"),
    "bind": Rule(Role.CALLABLE, "@haskell_function"),
}
LUA = {
    "function_declaration": _CALLABLE,
    "assignment_statement": Rule(Role.VALUE, "@lua_assignment"),
    "field": Rule(Role.VALUE, "@lua_field"),
    "function_definition": _BODY,
    "variable_declaration": _WRAPPER,
}
BASH = {"function_definition": _CALLABLE, "variable_assignment": _VALUE}
ZIG = {
    "variable_declaration": Rule(Role.VALUE, "@zig_variable"),
    "function_declaration": _CALLABLE,
    "test_declaration": Rule(Role.EXTENSION, "@zig_test"),
}

# -- Languages outside the first twenty: the definitions that searches ask for. --

DART = {
    "class_definition": _TYPE,
    "mixin_declaration": Rule(Role.TYPE, "<identifier"),
    "enum_declaration": _TYPE,
    "extension_declaration": Rule(Role.EXTENSION),
    "method_signature": Rule(Role.CALLABLE, "@dart", tail="function_body"),
    "function_signature": Rule(Role.CALLABLE, "@dart", tail="function_body"),
    "declaration": Rule(Role.CALLABLE, "@dart"),
    "static_final_declaration": Rule(Role.VALUE, "<identifier"),
    "type_alias": Rule(Role.VALUE, "<type_identifier"),
    "static_final_declaration_list": _WRAPPER,
}
ERLANG = {
    "fun_decl": Rule(Role.CALLABLE, "<function_clause/atom"),
    "record_decl": _TYPE,
    "type_alias": Rule(Role.VALUE, "<type_name/atom"),
    "pp_define": Rule(Role.VALUE, "<macro_lhs/*"),
}
OCAML = {
    "module_binding": Rule(Role.TYPE, "<module_name"),
    "module_type_definition": Rule(Role.TYPE, "<module_type_name"),
    "class_binding": Rule(Role.TYPE, "<class_name"),
    "type_binding": _TYPE,
    "let_binding": Rule(Role.CALLABLE, "pattern"),
    "method_definition": Rule(Role.CALLABLE, "<method_name"),
    "value_specification": Rule(Role.CALLABLE, "<value_name"),
    "external": Rule(Role.CALLABLE, "<value_name"),
    "exception_definition": Rule(Role.VALUE, "<constructor_declaration/constructor_name"),
    "value_definition": _WRAPPER,
    "type_definition": _WRAPPER,
    "module_definition": _WRAPPER,
    "class_definition": _WRAPPER,
}
R = {"binary_operator": Rule(Role.VALUE, "@r_assignment"), "function_definition": _BODY}
PERL = {"function_definition": _CALLABLE, "package_statement": Rule(Role.VALUE, "<package_name")}
POWERSHELL = {
    "function_statement": Rule(Role.CALLABLE, "<function_name"),
    "class_statement": Rule(Role.TYPE, "<simple_name"),
    "enum_statement": Rule(Role.TYPE, "<simple_name"),
    "class_method_definition": Rule(Role.CALLABLE, "<simple_name"),
}
NIX = {"binding": Rule(Role.VALUE, "attrpath")}
JULIA = {
    "module_definition": _TYPE,
    "struct_definition": Rule(Role.TYPE, "@julia"),
    "abstract_definition": Rule(Role.TYPE, "@julia"),
    "function_definition": Rule(Role.CALLABLE, "@julia"),
    "macro_definition": Rule(Role.CALLABLE, "@julia"),
    "assignment": Rule(Role.VALUE, "@julia"),
    "const_statement": _WRAPPER,
}
OBJC = C | {
    "class_interface": Rule(Role.TYPE, "<identifier"),
    "class_implementation": Rule(Role.TYPE, "<identifier"),
    "protocol_declaration": Rule(Role.TYPE, "<identifier"),
    "method_declaration": Rule(Role.CALLABLE, "<identifier"),
    "method_definition": Rule(Role.CALLABLE, "<identifier"),
    "implementation_definition": _WRAPPER,
}
GROOVY = {"class_definition": _TYPE, "function_definition": Rule(Role.CALLABLE, "function")}
SOLIDITY = {
    "contract_declaration": _TYPE,
    "interface_declaration": _TYPE,
    "library_declaration": _TYPE,
    "struct_declaration": _TYPE,
    "enum_declaration": _TYPE,
    "function_definition": _CALLABLE,
    "modifier_definition": _CALLABLE,
    "event_definition": _CALLABLE,
    "error_declaration": _CALLABLE,
}
FORTRAN = {
    "module": Rule(Role.TYPE, "<module_statement/name"),
    "program": Rule(Role.TYPE, "<program_statement/name"),
    "derived_type_definition": Rule(Role.TYPE, "<derived_type_statement/type_name"),
    "subroutine": Rule(Role.CALLABLE, "<subroutine_statement/name"),
    "function": Rule(Role.CALLABLE, "<function_statement/name"),
}
VIM = {"function_definition": Rule(Role.CALLABLE, "<function_declaration/*")}
STARLARK = {name: PYTHON[name] for name in ("function_definition", "assignment", "expression_statement", "lambda")}
CLOJURE = {"list_lit": Rule(Role.VALUE, "@lisp")}
SCHEME = {"list": Rule(Role.VALUE, "@lisp")}
SQL = {
    "create_table": Rule(Role.TYPE, "<object_reference"),
    "create_view": Rule(Role.TYPE, "<object_reference"),
    "create_materialized_view": Rule(Role.TYPE, "<object_reference"),
    "create_type": Rule(Role.TYPE, "<object_reference"),
    "create_function": Rule(Role.CALLABLE, "<object_reference"),
    "create_trigger": Rule(Role.CALLABLE, "<object_reference"),
    "create_index": Rule(Role.VALUE, "column"),
    "statement": _WRAPPER,
}
HCL = {"block": Rule(Role.VALUE, "@hcl")}
PROTO = {
    "message": Rule(Role.TYPE, "<message_name"),
    "enum": Rule(Role.TYPE, "<enum_name"),
    "service": Rule(Role.TYPE, "<service_name"),
    "rpc": Rule(Role.CALLABLE, "<rpc_name"),
}
GRAPHQL = {
    "object_type_definition": Rule(Role.TYPE, "<name"),
    "input_object_type_definition": Rule(Role.TYPE, "<name"),
    "interface_type_definition": Rule(Role.TYPE, "<name"),
    "enum_type_definition": Rule(Role.TYPE, "<name"),
    "union_type_definition": Rule(Role.TYPE, "<name"),
    "scalar_type_definition": Rule(Role.TYPE, "<name"),
    "object_type_extension": Rule(Role.EXTENSION, "<name"),
    "operation_definition": Rule(Role.CALLABLE, "<name"),
    "fragment_definition": Rule(Role.CALLABLE, "<fragment_name/name"),
    "definition": _WRAPPER,
    "type_definition": _WRAPPER,
    "type_extension": _WRAPPER,
    "type_system_definition": _WRAPPER,
    "type_system_extension": _WRAPPER,
    "executable_definition": _WRAPPER,
}
CMAKE = {
    "function_def": Rule(Role.CALLABLE, "<function_command/argument_list/argument"),
    "macro_def": Rule(Role.CALLABLE, "<macro_command/argument_list/argument"),
}
MAKE = {
    "rule": Rule(Role.CALLABLE, "<targets"),
    "variable_assignment": _VALUE,
    "define_directive": _VALUE,
}
DOCKERFILE = {"from_instruction": Rule(Role.VALUE, "as")}
SCSS = {"mixin_statement": Rule(Role.CALLABLE, "<name"), "function_statement": Rule(Role.CALLABLE, "<name")}
