"""Content: what arrives, what became of it, and what is turned away."""

from __future__ import annotations

from typing import Final

from boards.panels import BLUE, GREEN, RED, YELLOW, Panel, Rows, figure, lines, ranking

ABOUT: Final = "For editors and owners of scrapers: relations, duplicates, languages, sources, dead letters."
_DUPLICATES: Final = "recrawl|copy|near_copy|excerpt"
_DECIDED: Final = "sum(rate(stream_events_decided_total{}[$__rate_interval]))"
_DUPLICATE_SHARE: Final = (
    f'sum(rate(stream_events_decided_total{{relation=~"{_DUPLICATES}"}}[$__rate_interval])) / {_DECIDED}'
)
_BY_SOURCE: Final = "sum by (source) (rate(stream_articles_by_source_total{}[1h]))"
_COPIES_BY_SOURCE: Final = 'sum by (source) (rate(stream_articles_by_source_total{is_duplicate="true"}[1h]))'
_CODES: Final = "sum by (step, code) (increase(stream_events_rejected_total{}[1h]))"


def rows() -> Rows:
    """The panels, by row."""
    return [("", [*_first(), *_mix()]), ("Sources and languages", _origins()), ("Turned away", _turned_away())]


def _first() -> list[Panel]:
    return [
        figure(
            "New content",
            "cpm",
            "Articles a minute that are new, revised or expanded: what consumers of articles.enriched get.",
            (
                'sum(rate(stream_events_decided_total{relation=~"new|revision|expansion"}[$__rate_interval])) * 60',
                "new content",
            ),
            w=4,
            runbook="nothingconsumed",
        ),
        figure(
            "Articles",
            "cpm",
            "Articles decided a minute, copies too.",
            (f"{_DECIDED} * 60", "decided"),
            w=4,
            runbook="nothingconsumed",
        ),
        figure(
            "Duplicates",
            "percentunit",
            "Recrawls, copies, near copies and excerpts among what was decided.",
            (_DUPLICATE_SHARE, "duplicates"),
            w=4,
            decimals=1,
        ),
        figure(
            "Rejected in an hour",
            "short",
            "Dead letters of the last hour.",
            ("sum(increase(stream_events_rejected_total{}[1h]))", "rejected"),
            w=4,
            decimals=0,
            runbook="rejectshigh",
        ),
        figure(
            "Withdrawn in a day",
            "short",
            "Takedowns of the last day that withdrew an article, once for each partition in which it stood.",
            ('sum(increase(stream_takedowns_total{result="withdrawn"}[1d]))', "withdrawn"),
            w=4,
            decimals=0,
            runbook="take-an-article-down",
        ),
        figure(
            "Sources that duplicate most",
            "percentunit",
            "The highest share of duplicates of one source over an hour, among those with more than six articles.",
            (f"max({_COPIES_BY_SOURCE} / ({_BY_SOURCE} > 0.0017))", "highest"),
            w=4,
            decimals=0,
            steps=((0, GREEN), (0.9, YELLOW)),
        ),
    ]


def _mix() -> list[Panel]:
    return [
        lines(
            "Relations",
            "cpm",
            "What became of the articles, a minute each. The README explains the relations.",
            ("sum by (relation) (rate(stream_events_decided_total{}[$__rate_interval])) * 60", "{{relation}}"),
            w=12,
            stacked=True,
        ),
        lines(
            "Duplicate share",
            "percentunit",
            "Duplicates among what was decided. A jump: a scraper started over (recrawl), or agency copy spreads "
            "(copy). A fall to nothing: the index may be empty.",
            (_DUPLICATE_SHARE, "duplicates"),
            (
                (
                    "sum by (relation) (rate(stream_events_decided_total"
                    f'{{relation=~"{_DUPLICATES}"}}[$__rate_interval]))'
                    f" / scalar({_DECIDED})"
                ),
                "{{relation}}",
            ),
            w=12,
            high=1,
            runbook="rebuild-an-index",
        ),
    ]


def _origins() -> list[Panel]:
    return [
        ranking(
            "Sources, an hour",
            "short",
            "The twelve sources with most articles. What is beyond the worker's list of sources counts as `other`.",
            ("topk(12, sum by (source) (increase(stream_articles_by_source_total{}[1h])))", "{{source}}"),
        ),
        ranking(
            "Share of duplicates by source",
            "percentunit",
            "Of the twelve sources that duplicate most, over an hour, among those with more than six articles.",
            (f"topk(12, {_COPIES_BY_SOURCE} / ({_BY_SOURCE} > 0.0017))", "{{source}}"),
            steps=((0, BLUE), (0.9, YELLOW)),
        ),
        ranking(
            "Languages, an hour",
            "short",
            "The twelve languages with most articles; `und` is one that nothing told.",
            ("topk(12, sum by (language) (increase(stream_articles_by_language_total{}[1h])))", "{{language}}"),
        ),
        lines(
            "Articles by source",
            "cpm",
            "The eight largest sources at any moment. One that ends: its scraper stopped.",
            ("topk(8, sum by (source) (rate(stream_articles_by_source_total{}[$__rate_interval])) * 60)", "{{source}}"),
            w=12,
            runbook="nothingconsumed",
        ),
        lines(
            "Articles by language",
            "cpm",
            "The eight largest languages at any moment.",
            (
                "topk(8, sum by (language) (rate(stream_articles_by_language_total{}[$__rate_interval])) * 60)",
                "{{language}}",
            ),
            w=12,
            stacked=True,
        ),
    ]


def _turned_away() -> list[Panel]:
    return [
        ranking(
            "Reject codes, an hour",
            "short",
            "The ten commonest codes. What each one means stands in src/stream/errors.py.",
            (f"topk(10, {_CODES})", "{{code}} ({{step}})"),
            steps=((0, BLUE), (100, YELLOW), (1000, RED)),
            runbook="rejectshigh",
        ),
        lines(
            "Rejected by code",
            "cpm",
            "Dead letters a minute, the eight commonest codes.",
            ("topk(8, sum by (code) (rate(stream_events_rejected_total{}[$__rate_interval])) * 60)", "{{code}}"),
            bars=True,
            runbook="rejectshigh",
        ),
        lines(
            "Takedowns",
            "cpm",
            "Takedowns a minute, once for each partition of the normalized topic. nothing_withdrawn: not known in that "
            "partition; many without any withdrawn ones: takedowns come before their articles, or too late.",
            ("sum by (result) (rate(stream_takedowns_total{}[$__rate_interval])) * 60", "{{result}}"),
            bars=True,
            runbook="take-an-article-down",
        ),
    ]
