"""Named steps over text, and the count of what each one changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

#: One conservative fix: the text, and how often it had to be applied. Idempotent.
Step = Callable[[str], tuple[str, int]]


class Fixes(Counter[str]):
    """How often each named step changed something, over all fields of one article."""


def apply(steps: Sequence[tuple[str, Step]], text: str, fixes: Fixes) -> str:
    """``text`` after every step in turn, with what they did added to ``fixes``."""
    for name, step in steps:
        text, count = step(text)
        if count:
            fixes[name] += count
    return text
