"""What the duplicate decision is made from: the article to decide, earlier articles, and the link between two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from stream.core.contracts.events import Notice, Relation
from stream.core.dedup.fingerprint import NO_HASHES, Fingerprint
from stream.core.dedup.similarity import Similarity
from stream.core.folding import Mask
from stream.core.folding.hashing import Hashes
from stream.core.timestamps import HOUR_MS, parse_rfc3339


class Times(NamedTuple):
    """The times of an article.

    Attributes:
        published: When it was first published, RFC 3339; None if it is not known.
        event_time_ms: Event time, milliseconds since 1970.
        modified: When it was last changed, RFC 3339; None if it is not known.
    """

    published: str | None = None
    event_time_ms: int = 0
    modified: str | None = None

    def is_before(self, other: Times) -> bool:
        """Whether this version is older than ``other``, by the times of modification; False if one is not known."""
        return self.modified is not None and other.modified is not None and self.modified < other.modified

    def hours_from(self, other: Times) -> float:
        """Hours between two articles' publication; between their arrival unless both publication times are known."""
        published, other_published = (
            parse_rfc3339(times.published) if times.published else None for times in (self, other)
        )
        if published is None or other_published is None:
            return abs(self.event_time_ms - other.event_time_ms) / HOUR_MS
        return abs(published - other_published) / HOUR_MS


NO_TIMES: Final = Times()


@dataclass(frozen=True, slots=True)
class IncomingArticle:
    """The article to decide.

    ``display_hash``: hash of everything that readers see of it. ``notice``: what kind of notice it is by its form.
    ``notice_tokens``: the tokens of its text that are in sentences of a notice; None if there are none.
    """

    id: str
    scope: str
    url_key: str | None
    source: str | None
    display_hash: str
    fingerprint: Fingerprint
    times: Times = NO_TIMES
    notice: Notice | None = None
    notice_tokens: Mask | None = None


@dataclass(frozen=True, slots=True)
class IndexedArticle:
    """An earlier article from the index.

    ``cluster_depth``: links between it and the first article of its cluster. ``relation``: its own verdict.
    ``is_notice``: it is known to be a notice, perhaps only since a later article.
    """

    offset: int
    id: str
    source: str | None
    cluster_id: str
    revision: int
    cluster_depth: int
    display_hash: str
    fingerprint: Fingerprint
    times: Times = NO_TIMES
    relation: Relation = "new"
    is_notice: bool = False


@dataclass(frozen=True, slots=True)
class Candidates:
    """Earlier articles to compare with.

    ``same_address``: the one that `find_known_version` finds. ``same_text``: the first with the same folded text.
    ``same_text_pages``: the first and the newest with the same folded text, notices included. ``similar_articles``:
    those that share anchors. ``common_anchors``: the anchors of the incoming article that many clusters have.
    ``quoted_articles``: those that may be a story that many others quote, which makes anchors common.
    ``find_quoting_articles``: finds others that have the common anchors: they show what is boilerplate, and what is
    quoted. It is called only if that matters.
    """

    same_address: IndexedArticle | None = None
    same_text: IndexedArticle | None = None
    same_text_pages: Sequence[IndexedArticle] = ()
    similar_articles: Sequence[IndexedArticle] = ()
    common_anchors: Hashes = field(default_factory=lambda: NO_HASHES)
    quoted_articles: Sequence[IndexedArticle] = ()
    find_quoting_articles: Callable[[], Sequence[IndexedArticle]] = tuple


@dataclass(frozen=True, slots=True)
class Link:
    """A relation to an earlier article. ``similarity``: None if the rule did not need it."""

    relation: Relation
    earlier: IndexedArticle
    similarity: Similarity | None = None


#: What a rule returns: a link; the reason why there is no link; or None if the rule does not apply.
RuleResult = Link | str | None
