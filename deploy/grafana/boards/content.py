"""The content dashboard: which articles arrive, how they are classified, and what is rejected."""

from __future__ import annotations

from typing import Final

from boards.panels import BLUE, GREEN, PER_MINUTE, RED, YELLOW, Panel, Rows, lines, ranking, single_value

ABOUT: Final = "For editors and the owners of scrapers: relations, duplicates, languages, sources, dead letters."
_DUPLICATES: Final = "recrawl|copy|near_copy|excerpt|outdated"
_DECIDED: Final = "sum(rate(stream_events_decided_total{}[$__rate_interval]))"
_DUPLICATE_SHARE: Final = (
    f'sum(rate(stream_events_decided_total{{relation=~"{_DUPLICATES}"}}[$__rate_interval])) / {_DECIDED}'
)
_BY_SOURCE: Final = "sum by (source) (rate(stream_articles_by_source_total{}[1h]))"
_COPIES_BY_SOURCE: Final = 'sum by (source) (rate(stream_articles_by_source_total{is_duplicate="true"}[1h]))'
_CODES: Final = "sum by (step, code) (increase(stream_events_rejected_total{}[1h]))"


def rows() -> Rows:
    """The panels, by row."""
    return [
        ("", [*_summary(), *_relations()]),
        ("Sources and languages", _sources_and_languages()),
        ("Rejections and takedowns", _rejections()),
    ]


def _summary() -> list[Panel]:
    return [
        single_value(
            "New content",
            PER_MINUTE,
            "New, revised and expanded articles per minute: what consumers of articles.enriched receive.",
            (
                'sum(rate(stream_events_decided_total{relation=~"new|revision|expansion"}[$__rate_interval])) * 60',
                "new content",
            ),
            w=4,
            runbook="nothingconsumed",
        ),
        single_value(
            "Articles decided",
            PER_MINUTE,
            "Articles per minute that got a verdict, including duplicates.",
            (f"{_DECIDED} * 60", "decided"),
            w=4,
            runbook="nothingconsumed",
        ),
        single_value(
            "Duplicates",
            "percentunit",
            "Share of recrawls, copies, near copies and excerpts among the articles decided.",
            (_DUPLICATE_SHARE, "duplicates"),
            w=4,
            decimals=1,
        ),
        single_value(
            "Rejected, last hour",
            "short",
            "Dead letters in the last hour.",
            ("sum(increase(stream_events_rejected_total{}[1h]))", "rejected"),
            w=4,
            decimals=0,
            runbook="rejectshigh",
        ),
        single_value(
            "Withdrawn, last day",
            "short",
            "Takedowns that withdrew an article in the last day, counted once for each partition that had it.",
            ('sum(increase(stream_takedowns_total{result="withdrawn"}[1d]))', "withdrawn"),
            w=4,
            decimals=0,
            runbook="take-an-article-down",
        ),
        single_value(
            "Highest duplicate share",
            "percentunit",
            "The highest duplicate share of a source in the last hour, among sources with more than six articles.",
            (f"max({_COPIES_BY_SOURCE} / ({_BY_SOURCE} > 0.0017))", "highest"),
            w=4,
            decimals=0,
            steps=((0, GREEN), (0.9, YELLOW)),
        ),
    ]


def _relations() -> list[Panel]:
    return [
        lines(
            "Articles by relation",
            PER_MINUTE,
            "Articles per minute by their relation to earlier articles. The README explains the relations.",
            ("sum by (relation) (rate(stream_events_decided_total{}[$__rate_interval])) * 60", "{{relation}}"),
            w=12,
            stacked=True,
        ),
        lines(
            "Duplicate share",
            "percentunit",
            "Share of duplicates among the articles decided. If it jumps, a scraper has started over (recrawl) or many "
            "sites carry the same agency text (copy). If it drops to zero, the index may be empty.",
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


def _sources_and_languages() -> list[Panel]:
    return [
        ranking(
            "Top sources, last hour",
            "short",
            "The twelve sources with the most articles. Sources beyond the worker's limit count as `other`.",
            ("topk(12, sum by (source) (increase(stream_articles_by_source_total{}[1h])))", "{{source}}"),
        ),
        ranking(
            "Duplicate share by source",
            "percentunit",
            "The twelve sources with the highest share in the last hour, among sources with more than six articles.",
            (f"topk(12, {_COPIES_BY_SOURCE} / ({_BY_SOURCE} > 0.0017))", "{{source}}"),
            steps=((0, BLUE), (0.9, YELLOW)),
        ),
        ranking(
            "Top languages, last hour",
            "short",
            "The twelve languages with the most articles; `und` means undetermined.",
            ("topk(12, sum by (language) (increase(stream_articles_by_language_total{}[1h])))", "{{language}}"),
        ),
        lines(
            "Articles by source",
            PER_MINUTE,
            "The eight largest sources at each point in time. If a line ends, that scraper has stopped.",
            ("topk(8, sum by (source) (rate(stream_articles_by_source_total{}[$__rate_interval])) * 60)", "{{source}}"),
            w=12,
            runbook="nothingconsumed",
        ),
        lines(
            "Articles by language",
            PER_MINUTE,
            "The eight largest languages at each point in time.",
            (
                "topk(8, sum by (language) (rate(stream_articles_by_language_total{}[$__rate_interval])) * 60)",
                "{{language}}",
            ),
            w=12,
            stacked=True,
        ),
    ]


def _rejections() -> list[Panel]:
    return [
        ranking(
            "Rejection codes, last hour",
            "short",
            "The ten most frequent codes. src/stream/errors.py explains each code.",
            (f"topk(10, {_CODES})", "{{code}} ({{step}})"),
            steps=((0, BLUE), (100, YELLOW), (1000, RED)),
            runbook="rejectshigh",
        ),
        lines(
            "Rejected by code",
            PER_MINUTE,
            "Dead letters per minute, for the eight most frequent codes.",
            ("topk(8, sum by (code) (rate(stream_events_rejected_total{}[$__rate_interval])) * 60)", "{{code}}"),
            bars=True,
            runbook="rejectshigh",
        ),
        lines(
            "Takedowns",
            PER_MINUTE,
            "Takedowns per minute, counted once for each partition of the normalized topic. nothing_withdrawn: that "
            "partition does not have the article. Without any withdrawn: takedowns arrive before their articles, or "
            "after they left the window. canonical published: a copy took the place of a withdrawn article in the "
            "enriched topic; canonical lost: it could not, because its record was deleted from the normalized topic.",
            ("sum by (result) (rate(stream_takedowns_total{}[$__rate_interval])) * 60", "{{result}}"),
            ("sum by (result) (rate(stream_promotions_total{}[$__rate_interval])) * 60", "canonical {{result}}"),
            bars=True,
            runbook="take-an-article-down",
        ),
        lines(
            "Notices",
            PER_MINUTE,
            "Texts per minute that are no articles, by what they are about. If consent, paywall or bot_check jumps, a "
            "site no longer shows its articles to a scraper.",
            ("sum by (notice) (rate(stream_notices_total{}[$__rate_interval])) * 60", "{{notice}}"),
            bars=True,
        ),
    ]
