"""One look at a text that tells which steps may have something to do in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

#: Stands for every character in a `CharacterPair`.
ANY: Final = "\0-\U0010ffff"
#: Pairs that one scan can tell apart.
PAIRS_MAX: Final = 32

_TABLE_SIZE: Final = 0x20000  # what lies beyond is so rare that it may be part of any pair
_EDGE: Final = "\n"


@dataclass(frozen=True, slots=True)
class CharacterPair:
    """Two characters beside each other, each one of a set written as in the brackets of a regular expression.

    Both ends of a text count as a line feed.
    """

    first: str
    second: str = ANY


class TriggerScan:
    """Finds pairs, whatever their number, in the time of one look-up a character."""

    def __init__(self, pairs: Sequence[CharacterPair]) -> None:
        if len(pairs) > PAIRS_MAX:
            raise ValueError(f"{len(pairs)} pairs; a scan takes {PAIRS_MAX}")
        # The second half of an entry tells which pairs a character may begin, the first half which it may end.
        self._table = np.zeros((_TABLE_SIZE + 1, 2), dtype=np.uint32)
        self._table[_TABLE_SIZE] = 2**PAIRS_MAX - 1
        for place, pair in enumerate(pairs):
            for characters, half in ((pair.first, 1), (pair.second, 0)):
                for low, high in _ranges(characters):
                    self._table[low : high + 1, half] |= np.uint32(1 << place)
        self._entries = self._table.view(np.uint64).ravel()

    def __call__(self, text: str) -> int:
        """A bit for each pair that is somewhere in ``text``, the first pair's the lowest."""
        points = np.frombuffer(f"{_EDGE}{text}{_EDGE}".encode("utf-32-le", "surrogatepass"), dtype="<u4")
        halves = self._entries.take(points, mode="clip").view(np.uint32)
        return int(np.bitwise_or.reduce(halves[1:-2:2] & halves[2::2]))


def _ranges(characters: str) -> list[tuple[int, int]]:
    """The code points of a set, as inclusive ranges; a hyphen that stands for itself comes first."""
    found: list[tuple[int, int]] = []
    place = 0
    while place < len(characters):
        if characters[place + 1 : place + 2] == "-" and place + 2 < len(characters):
            found.append((ord(characters[place]), min(ord(characters[place + 2]), _TABLE_SIZE - 1)))
            place += 3
        else:
            found.append((ord(characters[place]), ord(characters[place])))
            place += 1
    return found
