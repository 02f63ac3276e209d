"""One scan over a text that finds which fixes may have something to do in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

#: Every character, for one half of a `CharacterPair`.
ANY: Final = "\0-\U0010ffff"
#: The number of pairs that one scan can distinguish.
PAIRS_MAX: Final = 32

_TABLE_SIZE: Final = 0x20000  # Code points from here on are so rare that they may be part of any pair.
_TEXT_EDGE: Final = "\n"


@dataclass(frozen=True, slots=True)
class CharacterPair:
    """Two adjacent characters, each of a set that is written like a character class of a regular expression.

    The start and the end of a text count as a line feed. ``CharacterPair("a-z", "0-9")`` matches ``a1``.
    """

    first: str
    second: str = ANY


class TriggerScan:
    """Finds which of up to `PAIRS_MAX` pairs a text contains.

    The cost is one table look-up per character, however many pairs there are.

    >>> scan = TriggerScan([CharacterPair("!", "!"), CharacterPair("a", "0-9")])
    >>> f"{scan('a1 and b'):02b}"
    '10'

    Raises:
        ValueError: there are more than `PAIRS_MAX` pairs.
    """

    def __init__(self, pairs: Sequence[CharacterPair]) -> None:
        if len(pairs) > PAIRS_MAX:
            raise ValueError(f"{len(pairs)} pairs; a scan takes at most {PAIRS_MAX}")
        # Column 1: bits of the pairs that a character can start. Column 0: bits of the pairs that it can end.
        self._table = np.zeros((_TABLE_SIZE + 1, 2), dtype=np.uint32)
        self._table[_TABLE_SIZE] = 2**PAIRS_MAX - 1
        for bit, pair in enumerate(pairs):
            for characters, column in ((pair.first, 1), (pair.second, 0)):
                for low, high in _code_point_ranges(characters):
                    self._table[low : high + 1, column] |= np.uint32(1 << bit)
        self._entries = self._table.view(np.uint64).ravel()

    def __call__(self, text: str) -> int:
        """Return a bit mask of the pairs that ``text`` may contain; the first pair has the lowest bit."""
        code_points = np.frombuffer(f"{_TEXT_EDGE}{text}{_TEXT_EDGE}".encode("utf-32-le", "surrogatepass"), dtype="<u4")
        columns = self._entries.take(code_points, mode="clip").view(np.uint32)
        return int(np.bitwise_or.reduce(columns[1:-2:2] & columns[2::2]))


def _code_point_ranges(characters: str) -> list[tuple[int, int]]:
    """Return the inclusive code point ranges of a set; a literal hyphen has to come first in it."""
    ranges: list[tuple[int, int]] = []
    i = 0
    while i < len(characters):
        if characters[i + 1 : i + 2] == "-" and i + 2 < len(characters):
            ranges.append((ord(characters[i]), min(ord(characters[i + 2]), _TABLE_SIZE - 1)))
            i += 3
        else:
            ranges.append((ord(characters[i]), ord(characters[i])))
            i += 1
    return ranges
