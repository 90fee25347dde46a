"""How a syntax node is named: by a field, or by one of the readers below where a grammar has no such field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coderank.corpus.names import LONGEST_NAME, Name, descend, first_child, first_field, fold, named, plain, text_of
from coderank.corpus.syntax_rules import Role, Rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from coderank.corpus.grammars import Node


_FUNCTIONS = frozenset(
    {"function_expression", "arrow_function", "generator_function", "function_definition", "function"}
)
_CLASSES = frozenset({"class"})


def read(node: Node, rule: Rule) -> Name | None:
    """Name the definition that a node is, or None where the node turns out to define nothing."""
    if rule.name.startswith("@"):
        return READERS[rule.name](node, rule.role)
    if rule.name.startswith("<"):
        return named(descend(node, rule.name[1:].split("/")), rule.role)
    return named(node.child_by_field_name(rule.name), rule.role)


def _left_identifier(node: Node, role: Role) -> Name | None:
    left = node.child_by_field_name("left")
    return named(left, role) if left is not None and left.type == "identifier" else None


def _constant(node: Node, role: Role) -> Name | None:
    """Ruby: only a capitalised left side is a definition."""
    left = node.child_by_field_name("left")
    return named(left, role) if left is not None and left.type in ("constant", "scope_resolution") else None


def _role_of_value(value: Node | None, otherwise: Role) -> Role:
    if value is None:
        return otherwise
    if value.type in _FUNCTIONS:
        return Role.CALLABLE
    return Role.TYPE if value.type in _CLASSES else otherwise


def _script_binding(node: Node, role: Role) -> Name | None:
    """JavaScript ``const x = ...``; a destructuring pattern defines nothing worth a name."""
    name = node.child_by_field_name("name")
    if name is None or name.type != "identifier":
        return None
    value = node.child_by_field_name("value")
    return None if _is_import(value) else named(name, _role_of_value(value, role))


def _is_import(value: Node | None) -> bool:
    """Tell whether a JavaScript value is ``require(...)``, which names something defined elsewhere."""
    return value is not None and value.type == "call_expression" and (value.text or b"").startswith(b"require(")


def _script_assignment(node: Node, role: Role) -> Name | None:
    """JavaScript ``exports.x = ...``, ``Foo.prototype.bar = function``: the export object is no part of the name."""
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    while right is not None and right.type == "assignment_expression":
        right = right.child_by_field_name("right")
    found_role = _role_of_value(right, role)
    if left is None or left.type != "member_expression":
        return None
    name = named(left, found_role)
    if name is None:
        return None
    text = name.text.replace(".prototype", "").removeprefix("module.").removeprefix("exports")
    text = text.removeprefix(".").removeprefix("this.")
    return name._replace(text=text) if text else None


def _script_property(node: Node, role: Role) -> Name | None:
    """JavaScript object and class members: a definition when the value is a function."""
    found = _role_of_value(node.child_by_field_name("value"), role)
    if found is role:
        return None
    return named(first_field(node, "key", "name", "property"), found)


_TESTS = frozenset({"describe", "context", "it", "test", "suite"})


def _script_test(node: Node, role: Role) -> Name | None:
    """JavaScript ``it("does", () => {})`` and Ruby ``it "does" do``: a test is named by its sentence."""
    function = first_field(node, "function", "method")
    arguments = node.child_by_field_name("arguments")
    if function is None or function.type != "identifier" or arguments is None or text_of(function) not in _TESTS:
        return None
    first = arguments.named_children[0] if arguments.named_children else None
    if first is None or first.type not in ("string", "template_string"):
        return None
    title = fold(text_of(first)).strip("\"'`. ")
    return Name(title[:LONGEST_NAME], role, node.start_point.row) if title else None


def _go_method(node: Node, role: Role) -> Name | None:
    """Go: the receiver's type stands in front of the method."""
    name = named(node.child_by_field_name("name"), role)
    receiver = node.child_by_field_name("receiver")
    if name is None or receiver is None:
        return name
    owner = plain(text_of(receiver).strip("() ")).rpartition(" ")[2].lstrip("*")
    return name._replace(text=f"{owner}.{name.text}")


def _kotlin_function(node: Node, role: Role) -> Name | None:
    """Kotlin: an extension function is named after the type it extends."""
    name = named(node.child_by_field_name("name"), role)
    if name is None:
        return None
    receiver = None
    for child in node.named_children:
        if child.type == "identifier":
            break
        if child.type in ("user_type", "nullable_type"):
            receiver = child
    return name._replace(text=f"{plain(text_of(receiver)).rstrip('?')}.{name.text}") if receiver is not None else name


def _first_identifier(node: Node, role: Role) -> Name | None:
    found = first_child(node, "identifier", "variable_declaration", "type_identifier")
    if found is not None and found.type == "variable_declaration":
        found = first_child(found, "identifier")
    return named(found, role)


def _first_name(node: Node, role: Role) -> Name | None:
    return named(first_child(node, "name"), role)


_DECLARATORS = frozenset(
    {
        "function_declarator",
        "pointer_declarator",
        "reference_declarator",
        "array_declarator",
        "init_declarator",
        "parenthesized_declarator",
        "attributed_declarator",
    }
)


def _declarator(node: Node, role: Role) -> Name | None:
    """C and C++: the name is at the bottom of nested declarators; ``ns::Class::method`` keeps its scopes."""
    found = node.child_by_field_name("declarator")
    while found is not None and found.type in _DECLARATORS:
        inner = found.child_by_field_name("declarator")
        found = inner or next(
            (c for c in found.named_children if "declarator" in c.type or "identifier" in c.type), None
        )
    return named(found, role)


def _with_body(node: Node, role: Role) -> Name | None:
    """C and C++: ``struct a`` alone is a mention, not a definition."""
    return named(node.child_by_field_name("name"), role) if node.child_by_field_name("body") is not None else None


def _macro_constant(node: Node, role: Role) -> Name | None:
    """C: a macro without a value is an include guard or a switch."""
    return named(node.child_by_field_name("name"), role) if node.child_by_field_name("value") is not None else None


def _swift_type(node: Node, role: Role) -> Name | None:
    kind = node.child_by_field_name("declaration_kind")
    is_extension = kind is not None and kind.type == "extension"
    return named(node.child_by_field_name("name"), Role.EXTENSION if is_extension else role)


_ELIXIR_ROLES = {
    "defmodule": Role.TYPE,
    "defprotocol": Role.TYPE,
    "defimpl": Role.EXTENSION,
    "def": Role.CALLABLE,
    "defp": Role.CALLABLE,
    "defmacro": Role.CALLABLE,
    "defmacrop": Role.CALLABLE,
    "defguard": Role.CALLABLE,
    "defguardp": Role.CALLABLE,
    "defdelegate": Role.CALLABLE,
    "test": Role.EXTENSION,
    "describe": Role.EXTENSION,
}


def _elixir(node: Node, _role: Role) -> Name | None:
    """Elixir: definitions are calls of ``def`` and its kin; the name is inside the first argument."""
    target = node.child_by_field_name("target")
    if target is None or target.type != "identifier":
        return None
    role = _ELIXIR_ROLES.get(text_of(target))
    arguments = first_child(node, "arguments")
    if role is None or arguments is None or not arguments.named_children:
        return None
    found: Node | None = arguments.named_children[0]
    while found is not None and found.type in ("binary_operator", "call"):
        found = found.child_by_field_name("left") or found.child_by_field_name("target")
    return named(found, role)


def _haskell_instance(node: Node, role: Role) -> Name | None:
    """Haskell: ``instance ToJSON Foo`` is named by class and type."""
    name = named(node.child_by_field_name("name"), role)
    patterns = node.child_by_field_name("patterns")
    if name is None or patterns is None or patterns.end_byte - patterns.start_byte > LONGEST_NAME:
        return name
    return name._replace(text=fold(f"{name.text} {text_of(patterns)}"))


def _haskell_function(node: Node, role: Role) -> Name | None:
    name = node.child_by_field_name("name")
    if name is None and (infix := first_child(node, "infix")) is not None:
        name = infix.child_by_field_name("operator")
    if name is None or name.end_byte - name.start_byte > LONGEST_NAME:
        return None
    return Name(text_of(name).strip("`()"), role, name.start_point.row)


def _lua_assignment(node: Node, role: Role) -> Name | None:
    variables, values = first_child(node, "variable_list"), first_child(node, "expression_list")
    if variables is None or not variables.named_children:
        return None
    value = values.named_children[0] if values is not None and values.named_children else None
    return named(variables.named_children[0], _role_of_value(value, role))


def _lua_field(node: Node, role: Role) -> Name | None:
    found = _role_of_value(node.child_by_field_name("value"), role)
    return named(node.child_by_field_name("name"), found) if found is not role else None


def _zig_variable(node: Node, role: Role) -> Name | None:
    """Zig: a type is a constant whose value is a struct, enum or union."""
    is_type = any(
        child.type in ("struct_declaration", "enum_declaration", "union_declaration", "opaque_declaration")
        for child in node.named_children
    )
    return named(first_child(node, "identifier"), Role.TYPE if is_type else role)


def _zig_test(node: Node, role: Role) -> Name | None:
    found = named(first_child(node, "string", "identifier"), role)
    return found._replace(text=f"test {found.text}") if found is not None else None


def _dart(node: Node, role: Role) -> Name | None:
    """Dart: methods wrap the signature that has the name; other declarations are fields."""
    signature = node if node.type == "function_signature" else node.named_children[0] if node.named_children else None
    if signature is None or not signature.type.endswith("signature"):
        return None
    return named(signature.child_by_field_name("name"), role)


def _hcl(node: Node, role: Role) -> Name | None:
    """HCL: ``resource "kind" "name" {`` is named by its words; nested blocks are settings."""
    words = [child for child in node.named_children if child.type in ("identifier", "string_lit")]
    if len(words) < 2:
        return None
    text = ".".join(text_of(word).strip('"') for word in words)
    return Name(text[:LONGEST_NAME], role, node.start_point.row)


_JULIA_HEADS = frozenset(
    {
        "binary_expression",
        "call_expression",
        "parametrized_type_expression",
        "signature",
        "type_head",
        "typed_expression",
        "where_expression",
    }
)


def _julia(node: Node, role: Role) -> Name | None:
    """Julia: the name is the first word of the head; ``f(x) = ...`` is a function."""
    found = node.named_children[0] if node.named_children else None
    if node.type == "assignment" and found is not None and found.type in ("call_expression", "where_expression"):
        role = Role.CALLABLE
    while found is not None and found.type in _JULIA_HEADS:
        found = found.named_children[0] if found.named_children else None
    return named(found, role) if found is not None and found.type in ("identifier", "field_expression") else None


_LISP_ROLES = {
    "def": Role.VALUE,
    "define": Role.CALLABLE,
    "define-macro": Role.CALLABLE,
    "define-record-type": Role.TYPE,
    "define-syntax": Role.CALLABLE,
    "definterface": Role.TYPE,
    "defmacro": Role.CALLABLE,
    "defmethod": Role.CALLABLE,
    "defmulti": Role.CALLABLE,
    "defn": Role.CALLABLE,
    "defn-": Role.CALLABLE,
    "defprotocol": Role.TYPE,
    "defrecord": Role.TYPE,
    "deftype": Role.TYPE,
    "struct": Role.TYPE,
}


def _lisp(node: Node, _role: Role) -> Name | None:
    """Clojure, Scheme and Racket: a list that begins with a defining word; the name comes next or heads a list."""
    words = node.named_children[:2]
    role = _LISP_ROLES.get(text_of(words[0])) if len(words) == 2 and words[0].type in ("symbol", "sym_lit") else None
    if role is None:
        return None
    name = words[1].named_children[0] if words[1].type == "list" and words[1].named_children else words[1]
    return Name(text_of(name), role, name.start_point.row) if name.end_byte - name.start_byte <= LONGEST_NAME else None


def _r_assignment(node: Node, role: Role) -> Name | None:
    operator, left = node.child_by_field_name("operator"), node.child_by_field_name("lhs")
    if operator is None or operator.type not in ("<-", "=", "<<-") or left is None or left.type != "identifier":
        return None
    return named(left, _role_of_value(node.child_by_field_name("rhs"), role))


READERS: dict[str, Callable[[Node, Role], Name | None]] = {
    "@constant": _constant,
    "@dart": _dart,
    "@declarator": _declarator,
    "@hcl": _hcl,
    "@julia": _julia,
    "@lisp": _lisp,
    "@r_assignment": _r_assignment,
    "@elixir": _elixir,
    "@first_identifier": _first_identifier,
    "@first_name": _first_name,
    "@go_method": _go_method,
    "@haskell_function": _haskell_function,
    "@haskell_instance": _haskell_instance,
    "@kotlin_function": _kotlin_function,
    "@left_identifier": _left_identifier,
    "@lua_assignment": _lua_assignment,
    "@lua_field": _lua_field,
    "@macro_constant": _macro_constant,
    "@script_assignment": _script_assignment,
    "@script_binding": _script_binding,
    "@script_test": _script_test,
    "@script_property": _script_property,
    "@swift_type": _swift_type,
    "@with_body": _with_body,
    "@zig_test": _zig_test,
    "@zig_variable": _zig_variable,
}
