"""The outcome of one event, and the hook that wraps the parts of a step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, ParamSpec, Protocol, TypeVar

from stream.core.contracts.events import Article, Notice
from stream.core.contracts.records import Headers, OutputRecord
from stream.core.index.records import Promotion
from stream.core.normalize.language import primary_language

#: Results of a takedown: the partition had articles to delete, or none.
TAKEDOWN_RESULTS: Final = ("withdrawn", "nothing_withdrawn")

P = ParamSpec("P")
R = TypeVar("R")


class Wrap(Protocol):
    """Wraps a named part of a step, for example in a timer."""

    def __call__(self, name: str, step: Callable[P, R], /) -> Callable[P, R]:
        """Return ``step``, wrapped."""


def no_wrap(_name: str, step: Callable[P, R], /) -> Callable[P, R]:
    """Return ``step`` as it is."""
    return step


class ArticleInfo(NamedTuple):
    """The fields of a decided article that metrics use.

    Attributes:
        language: BCP 47 tag.
        domain: Domain of the publisher.
        fetched_at: When the article was fetched, RFC 3339.
        received_at: Timestamp of its record in the raw topic, RFC 3339.
        notice: The kind of notice that it is; None for an article.
    """

    language: str
    domain: str | None
    fetched_at: str | None
    received_at: str | None
    notice: Notice | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one event.

    Attributes:
        result: ``normalized``, a relation, ``rejected``, or one of `TAKEDOWN_RESULTS`.
        outputs: The records to produce.
        code: The rejection code of an event that was rejected.
        event_time_ms: When the event was fetched, in milliseconds since 1970.
        is_repeat: It was decided before, and is published again.
        article: The article, if it was decided for the first time.
        promotions: Articles that became canonical because of a takedown, and are published again.
        lost_promotions: Those of them that cannot be published, because the log no longer has their records.
    """

    result: str
    outputs: Sequence[OutputRecord]
    code: str | None = None
    event_time_ms: int | None = None
    is_repeat: bool = False
    article: ArticleInfo | None = None
    promotions: Sequence[Promotion] = ()
    lost_promotions: Sequence[Promotion] = ()


def add_trace_headers(outcome: Outcome, trace: Headers, *, except_topic: str | None = None) -> Outcome:
    """Return ``outcome`` with the headers ``trace`` added to all outputs, except those to ``except_topic``."""
    if not trace:
        return outcome
    outputs = [
        out
        if out.topic == except_topic
        else OutputRecord(out.topic, out.key, out.value, (*out.headers, *trace), out.partition)
        for out in outcome.outputs
    ]
    return replace(outcome, outputs=outputs)


def scope_of(article: Article) -> str:
    """Tenant and language. Articles that may be copies of each other have the same scope, and so the same partition."""
    return f"{article.tenant}/{primary_language(article.language.tag)}"
