"""Which sources have a series of their own: a bounded number, whatever events name as their source."""

from __future__ import annotations

import re
from collections import Counter, deque
from typing import Final

#: What has no label of its own.
OTHER: Final = "other"
#: So many sources at most have one, for as long as the process lives.
SOURCES_MAX: Final = 100
#: The share that a source must have made, and of how many articles.
SHARE_MIN: Final = 0.01
RECENT_ARTICLES: Final = 2000
#: A longer host counts as its last labels that are no longer than this.
SOURCE_CHARS_MAX: Final = 100

# A host name as DNS and IDNA have it: letters and digits of any script, hyphens, dots; no control characters.
_HOST: Final = re.compile(r"(?!-)[^\W_](?:[\w-]*\w)?(?:\.[^\W_](?:[\w-]*\w)?)+")
_HOST_CHARS_MAX: Final = 253


class SourceLabels:
    """Chooses the sources that are told by name.

    A source that made `SHARE_MIN` of the last `RECENT_ARTICLES` articles keeps its name for good, since a counter that
    vanished and came back would read as a fall; so the first `SOURCES_MAX` have one. Counts are exact: a window is as
    small as the sketch that would save it (space-saving, Metwally et al. 2005), and forgets.
    """

    def __init__(self) -> None:
        self._recent: deque[str] = deque()
        self._counts: Counter[str] = Counter()
        self._named: set[str] = set()
        self._needed = SHARE_MIN * RECENT_ARTICLES

    def label(self, domain: str | None) -> str:
        """The label of an article from ``domain``, which is counted; `OTHER` where it has none of its own."""
        if len(self._named) >= SOURCES_MAX:  # full: nothing is left to be chosen
            return domain if domain in self._named else self._known(domain)
        # What was counted is a label: to know it again costs less than to look at each character.
        source = domain if domain and domain in self._counts else host(domain)
        self._count(source)
        if source in self._named:
            return source
        if source == OTHER or self._counts[source] < self._needed:
            return OTHER
        self._named.add(source)
        return source

    def _known(self, domain: str | None) -> str:
        source = host(domain)
        return source if source in self._named else OTHER

    def _count(self, source: str) -> None:
        self._recent.append(source)
        self._counts[source] += 1
        if len(self._recent) > RECENT_ARTICLES:
            gone = self._recent.popleft()
            self._counts[gone] -= 1
            if not self._counts[gone]:
                del self._counts[gone]


def host(domain: str | None) -> str:
    """``domain`` as a label's value: lower case, at most `SOURCE_CHARS_MAX` long; `OTHER` where it is no host."""
    if not domain or len(domain) > _HOST_CHARS_MAX:
        return OTHER
    name = domain.lower()
    if len(name) > SOURCE_CHARS_MAX:
        name = name[-SOURCE_CHARS_MAX - 1 :].partition(".")[2]
    return name if _HOST.fullmatch(name) else OTHER
