"""Looks for a text in what the process remembers."""

from __future__ import annotations

import functools
import gc
from types import FrameType, FunctionType, ModuleType
from typing import Any

# What leads from anything to everything; of a function only what it has closed over does not.
_WAYS_OUT = (FrameType, ModuleType, type)


def holders(phrase: str, *roots: object) -> list[str]:
    """Which caches of functions, and which of the given objects, still lead to a text with this phrase in it."""
    gc.collect()
    caches = [each for each in gc.get_objects() if _is(each, functools._lru_cache_wrapper)]
    without: set[int] = set()
    return [_name(root) for root in (*caches, *roots) if _leads_to(phrase, root, without)]


def _is(thing: object, kinds: Any) -> bool:
    """``isinstance`` without asking the thing itself: some libraries' objects answer with a warning."""
    return issubclass(type(thing), kinds)


def _name(root: Any) -> str:
    return str(getattr(root, "__qualname__", type(root).__name__))


def _leads_to(phrase: str, root: object, without: set[int]) -> bool:
    """Whether the phrase is found; if not, nothing on the way is looked at again: all of it goes into ``without``."""
    seen = {id(root)}
    waiting = [root]
    while waiting:
        here = waiting.pop()
        if _is(here, str) and phrase in here:
            return True
        if _is(here, functools._lru_cache_wrapper) and here is not root:
            continue
        inner = here.__closure__ or () if _is(here, FunctionType) else gc.get_referents(here)
        for each in inner:
            if id(each) not in seen and id(each) not in without and not _is(each, _WAYS_OUT):
                seen.add(id(each))
                waiting.append(each)
    without |= seen
    return False
