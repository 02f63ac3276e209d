"""Named steps over text, and the count of what each one changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from stream.core.normalize.trigger_scan import CharacterPair, TriggerScan


class Fixes(Counter[str]):
    """How often each named step changed something, over all fields of one article."""


@dataclass(frozen=True, slots=True)
class FixStep:
    """One conservative fix.

    ``fix`` gives the text, and how often it had to be applied. It is called only where one of the pairs ``triggers``
    is in the text, or always if there are none.
    """

    name: str
    fix: Callable[[str], tuple[str, int]]
    triggers: tuple[CharacterPair, ...] = ()


class FixPipeline:
    """Steps in order, repeated until nothing is left to change, so that the whole is idempotent."""

    def __init__(self, steps: Sequence[FixStep]) -> None:
        self.steps = tuple(steps)
        pairs = list(dict.fromkeys(pair for step in steps for pair in step.triggers))
        self._scan = TriggerScan(pairs)
        self._masks = [sum(1 << pairs.index(pair) for pair in step.triggers) for step in steps]
        self._chosen: dict[int, list[int]] = {}

    def apply(self, text: str, fixes: Fixes) -> str:
        """``text`` after every step in turn, with what they did added to ``fixes``."""
        done: frozenset[int] = frozenset()
        for _ in range(PASSES_MAX):
            places = self._places(self._scan(text))
            last = -1
            for place in places:
                if last < 0 and place in done:
                    continue
                step = self.steps[place]
                text, count = step.fix(text)
                if count:
                    fixes[step.name] += count
                    last = place
            if last < 0:
                break
            # What ran behind the last change has seen the text as it is, and need not run before the next change.
            done = frozenset(place for place in places if place > last)
        return text

    def _places(self, seen: int) -> list[int]:
        """Which steps one of whose pairs was seen."""
        places = self._chosen.get(seen)
        if places is None:
            places = [place for place, mask in enumerate(self._masks) if not mask or seen & mask]
            if len(self._chosen) < CHOICES_MAX:
                self._chosen[seen] = places
        return places


#: Choices that are remembered; the news holds a few hundred combinations.
CHOICES_MAX: Final = 4_096
#: What one step changes can give another one work, such as an entity that a third one hid; all of it settles soon.
PASSES_MAX: Final = 6
