"""Snippets of more languages; `test_definitions` says what is expected of them."""

from __future__ import annotations

SNIPPETS: dict[str, tuple[str, str, str]] = {
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
    "a.dart": (
        """class Session extends Base {
  int field = 1;
  void send(int a) {
    var local = 1;
  }
  int get size => 1;
}
void plain() {
}
const limit = 1;
""",
        "Session send size plain limit",
        "Session.send",
    ),
    "a.erl": (
        """-module(a).
-record(state, {x}).
-define(LIMIT, 1).
-spec send(integer()) -> ok.
send(1) -> ok;
send(X) -> X.
close() -> 1.
""",
        "state LIMIT send close",
        "send",
    ),
    "a.ml": (
        """type tree = Leaf | Node
let send x = x
module Inner = struct
  let deep = 1
end
exception Closed
""",
        "tree send Inner deep Closed",
        "Inner.deep",
    ),
    "a.R": ("send <- function(x) {\n  local <- 1\n  x\n}\nlimit <- 10\n", "send limit", "send"),
    "a.pl": ("package Foo::Bar;\nsub send {\n  my $x = 1;\n}\n1;\n", "Bar send", "send"),
    "a.ps1": (
        "function Get-Foo {\n  param($a)\n}\nclass Store {\n  [void] Save() { }\n}\n",
        "Get-Foo Store Save",
        "Get-Foo",
    ),
    "a.nix": ("{ pkgs }:\n{\n  shell = {\n    name = 1;\n  };\n}\n", "shell", "shell"),
    "a.jl": (
        """module Net
struct Session{T} <: Base
  x::Int
end
function send(x::Int)
  1
end
size(x) = x + 1
end
""",
        "Net Session send size",
        "Net.send",
    ),
    "a.m": (
        """@interface Session : NSObject
- (void)send:(int)a;
@end
@implementation Session
- (void)send:(int)a with:(int)b {
}
@end
""",
        "Session send",
        "Session.send",
    ),
    "a.groovy": (
        "class Session {\n  def send(x) {\n    1\n  }\n}\ndef plain() { 1 }\n",
        "Session send plain",
        "Session.send",
    ),
    "a.sol": (
        "contract Token is Base {\n  uint x;\n  function send(uint a) public {\n  }\n  event Sent(uint a);\n}\n",
        "Token send Sent",
        "Token.send",
    ),
    "a.f90": (
        "module net\ncontains\nsubroutine send(x)\nend subroutine send\nend module net\n",
        "net send",
        "net.send",
    ),
    "a.vim": ("function! s:Send(a) abort\n  let x = 1\nendfunction\n", "Send", "s.Send"),
    "a.bzl": ("def send(x):\n  pass\nLIMIT = 1\n", "send LIMIT", "send"),
    "a.clj": ("(ns a.b)\n(defn send [x]\n  x)\n(def limit 1)\n(println 1)\n", "send limit", "send"),
    "a.scm": ("(define (send x)\n  x)\n(define limit 1)\n", "send limit", "send"),
    "a.rkt": ("(struct point (x))\n(define (send x)\n  x)\n", "point send", "send"),
    "a.sql": (
        "CREATE TABLE users (id int);\nCREATE VIEW adults AS SELECT 1;\nSELECT * FROM users;\n",
        "users adults",
        "users",
    ),
    "a.tf": ('resource "aws_s3" "logs" {\n  x = 1\n}\nvariable "region" {\n}\n', "logs region", "resource.aws_s3.logs"),
    "a.proto": (
        'syntax = "proto3";\n'
        "message User {\n  int32 id = 1;\n}\nservice Users {\n  rpc Get (User) returns (User);\n}\n",
        "User Users Get",
        "Users.Get",
    ),
    "a.graphql": ("type User {\n  id: Int\n}\nenum Color { RED }\nscalar Date\n", "User Color Date", "User"),
    "a.cmake": ("function(send a)\n  set(x 1)\nendfunction()\nsend(1)\n", "send", "send"),
    "a.mk": ("CC = gcc\nall: main.o\n\techo\n", "CC all", "all"),
    "a.dockerfile": ("FROM base AS builder\nRUN make \\\n  && true\n", "builder", "builder"),
    "a.scss": ("@mixin shadow($a) {\n  b: c;\n}\n.a {\n  .b { c: d; }\n}\n", "shadow", "shadow"),
    "a.vue": (
        '<template>\n  <b>function no() {}</b>\n</template>\n<script lang="ts">\nfunction send() {\n}\n</script>\n',
        "send",
        "send",
    ),
}
