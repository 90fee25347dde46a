from __future__ import annotations

import pytest
from tests.corpus import more_definitions

from coderank.corpus.chunk import chunk
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
        "LIMIT Session INNER send Port open Loud shout Color plain",
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
        "App LIMIT Session send open close Error Point",
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
}


ALL = SNIPPETS | more_definitions.SNIPPETS


def names(chunks: list[Chunk]) -> list[str]:
    return list(dict.fromkeys(name for each in chunks for name in each.defines))


@pytest.mark.parametrize("path", ALL)
def test_definitions_are_found(path: str) -> None:
    text, expected, _ = ALL[path]
    assert names(chunk(path, text)) == expected.split()


@pytest.mark.parametrize("path", ALL)
def test_symbols_are_chains(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, _, expected = ALL[path]
    monkeypatch.setattr("coderank.corpus.syntax.MAX_CHARS", 1)
    monkeypatch.setattr("coderank.corpus.merging.CRUMB_CHARS", 0)
    monkeypatch.setattr("coderank.corpus.merging.TARGET_CHARS", 0)
    assert expected in {each.symbol for each in chunk(path, text)}
