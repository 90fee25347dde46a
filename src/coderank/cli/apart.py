"""Runs a function in a process of its own, so that time and memory are its own as well."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Given = ParamSpec("Given")
Found = TypeVar("Found")


def apart(function: Callable[Given, Found], *arguments: Given.args, **options: Given.kwargs) -> Found:
    """Call a function of a module in a new process, and return or raise here what it does there."""
    context = multiprocessing.get_context("spawn")  # a copy of this process would begin with this one's memory
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *arguments, **options).result()
