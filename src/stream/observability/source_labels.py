"""Chooses which sources get a metric label of their own: a bounded number, whatever the events contain."""

from __future__ import annotations

import re
from collections import Counter, deque
from typing import Final

#: The label of all other sources.
OTHER: Final = "other"
#: Sources that can get a label in the life of a process.
LABELLED_SOURCES_MAX: Final = 100
#: The share of recent articles that earns a source its label.
SHARE_MIN: Final = 0.01
RECENT_ARTICLES: Final = 2000
#: Longer host names are cut to their last labels.
SOURCE_CHARS_MAX: Final = 100

# A host name after DNS and IDNA: letters and digits of any script, hyphens, dots; no control characters.
_HOST: Final = re.compile(r"(?!-)[^\W_](?:[\w-]*\w)?(?:\.[^\W_](?:[\w-]*\w)?)+")
_HOST_CHARS_MAX: Final = 253


class SourceLabels:
    """Gives a label to each source that made `SHARE_MIN` of the last `RECENT_ARTICLES` articles.

    A source keeps its label for good, since a counter that disappears and returns would look like a reset; so the
    first `LABELLED_SOURCES_MAX` sources get one. Counts are exact: the window is as small as the sketch that would
    replace it (space-saving, Metwally et al. 2005), and it forgets.
    """

    def __init__(self) -> None:
        self._recent: deque[str] = deque()
        self._counts: Counter[str] = Counter()
        self._labelled: set[str] = set()
        self._needed = SHARE_MIN * RECENT_ARTICLES

    @property
    def sizes(self) -> tuple[int, int]:
        """The number of articles and of sources in the window."""
        return len(self._recent), len(self._counts)

    def label(self, domain: str | None) -> str:
        """Count an article from ``domain`` and return its label, or `OTHER`."""
        if len(self._labelled) >= LABELLED_SOURCES_MAX:  # no label is left, so nothing needs counting
            return domain if domain in self._labelled else self._existing_label(domain)
        # A domain that was counted is a valid label: looking it up is cheaper than checking its characters again.
        source = domain if domain and domain in self._counts else host_label(domain)
        self._count(source)
        if source in self._labelled:
            return source
        if source == OTHER or self._counts[source] < self._needed:
            return OTHER
        self._labelled.add(source)
        return source

    def _existing_label(self, domain: str | None) -> str:
        source = host_label(domain)
        return source if source in self._labelled else OTHER

    def _count(self, source: str) -> None:
        self._recent.append(source)
        self._counts[source] += 1
        if len(self._recent) > RECENT_ARTICLES:
            oldest = self._recent.popleft()
            self._counts[oldest] -= 1
            if not self._counts[oldest]:
                del self._counts[oldest]


def host_label(domain: str | None) -> str:
    """``domain`` as a label value: lower case, at most `SOURCE_CHARS_MAX` characters; `OTHER` if it is not a host.

    >>> host_label("News.Example"), host_label("not a host")
    ('news.example', 'other')
    """
    if not domain or len(domain) > _HOST_CHARS_MAX:
        return OTHER
    name = domain.lower()
    if len(name) > SOURCE_CHARS_MAX:
        name = name[-SOURCE_CHARS_MAX - 1 :].partition(".")[2]
    return name if _HOST.fullmatch(name) else OTHER
