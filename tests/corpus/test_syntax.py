from __future__ import annotations

import pytest

from coderank.corpus.chunk import chunk
from coderank.corpus.merging import MAX_CHARS
from coderank.types import Chunk

# One snippet per language; what is expected: symbols found when the file is cut as finely as it can be, and the names
# it defines, in order.
SNIPPETS: dict[str, tuple[str, str, str]] = {
    "a.py": (
        '''import os

LIMIT = 10


class Session(Base):
    """Keep state."""

    timeout = 3

    @property
    def url(self) -> str:
        def local():
            pass
        return local()

    class Meta:
        ordering = 1


@decorate(1)
async def send(
    request,
):
    value = 1
    return value


if os.name:

    def conditional():
        pass
''',
        "LIMIT Session url Meta send conditional",
        "Session",
    ),
    "a.js": (
        """const fs = require('fs');
const LIMIT = 10;
exports.parse = function (text) { return text; };
app.use = function use(fn) {
  return fn;
};
View.prototype.render = function render() {};
const run = async () => {
  const local = 1;
  return local;
};
class Router extends Base {
  #secret = 1;
  handle = () => 1;
  static of() {}
}
module.exports = {
  helper() {},
  other: function () {},
  plain: 1,
};
function* walk() {}
""",
        "LIMIT parse use render run Router handle of helper other walk",
        "Router",
    ),
    "a.jsx": (
        """export default function Button({ label }) {
  return <button>{label}</button>;
}
export const Card = () => <div />;
""",
        "Button Card",
        "Button",
    ),
    "a.ts": (
        """export interface Options { limit: number }
export type Name = string;
export enum Color { Red }
export abstract class Store<T> {
  private items = 1;
  constructor(readonly name: string) {}
  get size(): number { return 1; }
  abstract load(): void;
  handler = () => 1;
}
export const make = <T,>(x: T) => x;
namespace Inner { export function deep() {} }
declare function external(): void;
""",
        "Options Name Color Store constructor size load handler make Inner deep external",
        "Store",
    ),
    "a.tsx": (
        """type Props = { label: string };
export const Button = ({ label }: Props) => <b>{label}</b>;
export class View extends Component<Props> {
  render() { return <i />; }
}
""",
        "Props Button View render",
        "View",
    ),
    "a.go": (
        """package cobra

const Version = "1"

var (
	First = 1
	Second = 2
)

type Command struct {
	Use string
}

type Runner interface {
	Run()
}

// Execute runs.
func (c *Command) Execute() error {
	local := 1
	return nil
}

func (s Set[T]) Len() int { return 0 }

func New() *Command { return nil }
""",
        "Version First Second Command Runner Execute Len New",
        "Command.Execute",
    ),
    "a.rs": (
        """pub const MAX: usize = 1;
pub struct Session<T> { inner: T }
pub enum Kind { A }
pub trait Send { fn send(&self); }
impl<T> Send for Session<T> {
    /// Sends.
    #[inline]
    fn send(&self) { let local = 1; }
}
macro_rules! make { () => {} }
mod inner { pub fn deep() {} }
type Alias = u8;
""",
        "MAX Session Kind Send send make inner deep Alias",
        "Session.send",
    ),
    "a.java": (
        """package a;
/** Doc. */
public class Session<T> extends Base {
  private int x = 1;
  public Session() {}
  @Override
  public <R> void send(R r) { int local = 1; }
  static class Inner { void deep() {} }
}
interface Port { void open(); }
enum Color {
  RED;
  void paint() {}
}
record Point(int x) {}
@interface Marker { int value(); }
""",
        "Session send Inner deep Port open Color paint Point Marker value",
        "Session.send",
    ),
    "a.kt": (
        """package a
typealias Name = String
val top = 1
class Session(val x: Int) : Base() {
    val field = 1
    companion object {
        fun make() = 2
    }
    fun send(a: Int): Int {
        val local = 1
        return a
    }
}
interface Port {
    fun open()
}
object Single {
    fun only() = 1
}
fun String.shout(): String = this
fun plain() = 1
""",
        "Name top Session make send Port open Single only shout plain",
        "String.shout",
    ),
    "a.scala": (
        """package a
object Main {
  val top = 1
  def run(x: Int): Int = x
}
class Session(x: Int) extends Base {
  def send = 1
}
trait Port { def open: Int }
enum Color { case Red }
""",
        "Main run Session send Port open Color",
        "Main",
    ),
    "a.c": (
        """#ifndef A_H
#define A_H
#define LIMIT 10
#define SQUARE(x) ((x) * (x))
typedef struct node { int value; } node_t;
struct pair { int a; };
enum color { RED };
static int counter = 1;
int declared(int a);
static int *find(node_t *n) {
  int local = 1;
  return 0;
}
#ifdef X
void inner(void) {}
#endif
#endif
""",
        "LIMIT SQUARE node_t node pair color counter declared find inner",
        "find",
    ),
    "a.cpp": (
        """namespace a::b {
template <typename T>
class Session : public Base {
 public:
  void send() { int local = 1; }
  int field;
};
}
void Session::close(int x) const {}
int a::Session::open() { return 1; }
bool operator==(int a, int b) { return true; }
using Alias = int;
template <typename T> T twice(T x) { return x; }
enum class Color { Red };
""",
        "Session send close open operator== Alias twice Color",
        "Session.close",
    ),
    "a.cs": (
        """namespace A.B {
  [Serializable]
  public class Session : Base {
    private int x;
    public int Size { get; set; }
    public Session() {}
    public async Task Send(int a) { var local = 1; }
  }
  public interface IPort { void Open(); }
  public record Point(int X);
  enum Color { Red }
}
""",
        "Session Send IPort Open Point Color",
        "Session.Send",
    ),
    "a.php": (
        """<?php
namespace A\\B;
const LIMIT = 10;
/** Doc. */
final class Session extends Base {
    const INNER = 1;
    private $x;
    #[Pure]
    public function send(int $a): void { $local = 1; }
}
interface Port { public function open(); }
trait Loud { function shout() {} }
enum Color { case Red; }
function plain() {}
""",
        "LIMIT Session send Port open Loud shout Color plain",
        "Session.send",
    ),
    "a.rb": (
        """module App
  LIMIT = 10
  class Session < Base
    attr_reader :x
    # Sends.
    def send(x)
      local = 1
    end
    def self.open; end
    class << self
      def close
      end
    end
  end
end
class App::Error < StandardError; end
Point = Struct.new(:x)
describe "session" do
  it "sends" do
  end
end
""",
        "App Session send open close Error Point",
        "App.Session.send",
    ),
    "a.swift": (
        """import Foundation
let top = 1
public class Session: Base {
    var field = 1
    init(x: Int) {}
    @discardableResult
    func send(_ a: Int) -> Int { let local = 1; return local }
}
extension Session: Port { func open() {} }
protocol Port { func open() }
enum Color { case red; func paint() {} }
struct Point { let x = 1 }
typealias Name = String
""",
        "top Session init send open Port Color paint Point Name",
        "Session.send",
    ),
    "a.ex": (
        """defmodule App.Session do
  @moduledoc "Keeps state."
  @doc "Sends."
  @spec send(integer) :: integer
  def send(x, y) when x > 1 do
    local = x
    local + y
  end
  defp secret(x), do: x
  defmacro magic(x) do x end
  def bare do 1 end
end
defprotocol Port do
  def open(x)
end
defimpl Port, for: Integer do
  def close(x), do: x
end
""",
        "Session send secret magic bare Port open close",
        "App.Session.send",
    ),
    "a.hs": (
        """module A.B where
import Data.List
-- | A tree.
data Tree = Leaf | Node { value :: Int }
newtype Wrap = Wrap Int
type Name = String
class Port a where
  open :: a -> Int
instance Port Tree where
  open Leaf = 1
size :: Tree -> Int
size Leaf = 0
size _ = 1
limit = 3
a <+> b = a
""",
        "Tree Wrap Name Port open size limit <+>",
        "Port Tree.open",
    ),
    "a.lua": (
        """local M = {}
M.limit = 10
function M.send(a)
  local inner = 1
  return a
end
function M:close() end
local function helper() end
M.open = function(x) return x end
local run = function() end
return {
  export = function() end,
  plain = 1,
}
""",
        "M limit send close helper open run export",
        "M.send",
    ),
    "a.sh": (
        """#!/bin/sh
LIMIT=10
send() {
  inner=1
}
function close {
  echo
}
send
""",
        "LIMIT send close",
        "send",
    ),
    "a.zig": (
        """const std = @import("std");
pub const Session = struct {
    x: u8,
    pub fn send(self: Session) void {
        const inner = 1;
    }
    const Kind = enum { a };
};
pub fn open(a: u8) void {}
test "opens" {}
""",
        "std Session send Kind open",
        "Session.send",
    ),
}


def names(chunks: list[Chunk]) -> list[str]:
    return list(dict.fromkeys(name for each in chunks for name in each.defines))


@pytest.mark.parametrize("path", SNIPPETS)
def test_definitions_are_found(path: str) -> None:
    text, expected, _ = SNIPPETS[path]
    assert names(chunk(path, text)) == expected.split()


@pytest.mark.parametrize("path", SNIPPETS)
def test_symbols_are_chains(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, _, expected = SNIPPETS[path]
    monkeypatch.setattr("coderank.corpus.syntax.MAX_CHARS", 1)
    monkeypatch.setattr("coderank.corpus.merging.CRUMB_CHARS", 0)
    monkeypatch.setattr("coderank.corpus.merging.TARGET_CHARS", 0)
    assert expected in {each.symbol for each in chunk(path, text)}


def python_class(methods: int, statements: int) -> str:
    body = "        self.total = self.total + compute(self.total)\n" * statements
    members = "".join(f"    def method_{number}(self):\n{body}\n" for number in range(methods))
    documentation = f'    """Doc of the class.\n\n    {"Words. " * 20}\n    """'
    return f'"""Module."""\n\n\nclass Big(Base):\n{documentation}\n\n    limit = 3\n\n{members}'


def test_small_class_is_one_chunk() -> None:
    (only,) = chunk("a.py", python_class(2, 3))
    assert (only.symbol, only.signature) == ("Big", "class Big(Base):")
    assert only.defines == ("Big", "method_0", "method_1")


def test_big_class_is_cut_at_its_members() -> None:
    chunks = chunk("a.py", python_class(4, 15))
    assert [each.symbol for each in chunks] == ["Big", *(f"Big.method_{number}" for number in range(4))]
    assert chunks[0].defines == ("Big",)
    assert chunks[0].content.endswith("limit = 3\n")
    assert all(each.content.lstrip().startswith("def method_") for each in chunks[1:])


def test_long_function_continues_under_its_name() -> None:
    chunks = chunk("a.py", python_class(1, 100))
    parts = [each for each in chunks if each.symbol == "Big.method_0"]
    assert len(parts) >= 3
    assert [each.defines for each in parts] == [("method_0",), *[()] * (len(parts) - 1)]
    assert {each.signature for each in parts} == {"def method_0(self):"}
    sizes = [len(each.content) for each in parts]
    assert min(sizes) * 2 > max(sizes)


def test_small_functions_are_merged_and_large_ones_are_not() -> None:
    small = "".join(f"def tiny_{number}():\n    return {number}\n\n" for number in range(60))
    large = "".join(f"def large_{number}():\n" + "    work(1, 2, 3)\n" * 60 + "\n" for number in range(3))
    chunks = chunk("a.py", small + large)
    assert sum("large" in each.symbol for each in chunks) == 3
    assert 2 <= sum("tiny" in each.symbol for each in chunks) <= 5
    assert names(chunks) == [f"tiny_{number}" for number in range(60)] + [f"large_{number}" for number in range(3)]


def test_decorators_and_comments_stay_with_their_definition() -> None:
    filler = "    work(1, 2, 3)\n" * 60
    text = (
        f"def first():\n{filler}\n# About the second.\n\n# More of it.\n@decorate\n@again(1)\ndef second():\n{filler}"
    )
    first, second = chunk("a.py", text)
    assert first.defines == ("first",)
    assert second.content.startswith("# About the second.")
    assert second.signature == "def second():"


def test_documentation_too_long_for_its_definition_carries_its_name() -> None:
    documentation = "/**\n" + " * Words on the type and on what it is for.\n" * 80 + " */\n"
    text = "package a;\n" + documentation + "public class Session {\n" + "  int field = 1;\n" * 20 + "}\n"
    chunks = chunk("A.java", text)
    assert len(chunks) >= 3
    assert {each.symbol for each in chunks} == {"Session"}
    assert [each for each in chunks if each.defines] == [chunks[-1]]


def test_signature_is_folded_to_the_body() -> None:
    text = "def send(\n    self,\n    request: Request,\n) -> Response:\n    return 1\n"
    (only,) = chunk("a.py", text)
    assert only.signature == "def send( self, request: Request, ) -> Response:"


def test_broken_code_keeps_what_parses() -> None:
    text = "def good():\n    return 1\n\ndef bad(:\n    return (\n\nclass Fine:\n    def method(self):\n        pass\n"
    assert "good" in names(chunk("a.py", text))


def test_trailing_comments_do_not_glue_lines() -> None:
    text = "TABLE = [\n" + "    entry(1, 2, 3),  # a note on this entry\n" * 120 + "]\n"
    assert all(len(each.content) < 2 * MAX_CHARS for each in chunk("a.py", text))


def test_haskell_equations_stay_together() -> None:
    def function(name: str) -> str:
        return f"{name} :: Int -> Int\n" + "".join(f"{name} {number} = {number} + 1 + 2 + 3\n" for number in range(30))

    chunks = chunk("A.hs", "module A where\n\n" + "\n".join(function(name) for name in ("first", "second", "third")))
    assert [each.symbol for each in chunks if each.symbol] == ["first", "second", "third"]


def test_text_that_takes_too_long_to_parse_is_cut_by_lines() -> None:
    text = "+ * / - , ; :\n" * 6000
    chunks = chunk("a.go", text)
    assert "\n".join(each.content for each in chunks) + "\n" == text
