"""What became of one event, and what wraps the steps from outside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, ParamSpec, Protocol, TypeVar

from stream.core.contracts.events import Article
from stream.core.contracts.records import Headers, OutputRecord
from stream.core.normalize.language import primary_language

#: What became of a takedown: a partition knew articles of it, or none.
TAKEDOWN_RESULTS: Final = ("withdrawn", "nothing_withdrawn")

P = ParamSpec("P")
R = TypeVar("R")


class Wrap(Protocol):
    """Puts something around a named step, such as a timer; gives back the step."""

    def __call__(self, name: str, step: Callable[P, R], /) -> Callable[P, R]:
        """``step``, wrapped."""


def unwrapped(_name: str, step: Callable[P, R], /) -> Callable[P, R]:
    """The step as it is."""
    return step


class About(NamedTuple):
    """What metrics tell of an article that was decided. Times are RFC 3339; ``received_at``: in the raw topic."""

    language: str
    domain: str | None
    fetched_at: str | None
    received_at: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one event.

    ``result`` is ``normalized``, a relation, ``rejected``, or one of `TAKEDOWN_RESULTS`; ``code`` the rejection code.
    ``time``: when the event was fetched, in milliseconds. ``is_repeat``: it was decided before, and is published again.
    ``about``: of an article that is decided for the first time.
    """

    result: str
    outputs: Sequence[OutputRecord]
    code: str | None = None
    time: int | None = None
    is_repeat: bool = False
    about: About | None = None


def traced(outcome: Outcome, trace: Headers, *, but: str | None = None) -> Outcome:
    """``outcome`` with the trace context on its outputs, those to the topic ``but`` apart."""
    if not trace:
        return outcome
    outputs = [
        out if out.topic == but else OutputRecord(out.topic, out.key, out.value, (*out.headers, *trace), out.partition)
        for out in outcome.outputs
    ]
    return replace(outcome, outputs=outputs)


def scope_of(article: Article) -> str:
    """Tenant and language: everything that can be a copy of each other has one scope, and so one partition."""
    return f"{article.tenant}/{primary_language(article.language.tag)}"
