"""The events on the wire, each defined once; the JSON Schemas and the AsyncAPI document are generated from here.

Times are RFC 3339 in UTC with milliseconds, and languages are BCP 47 tags. Fields are named as in IPTC ninjs and
schema.org if these have a name for them.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, get_args

from msgspec import UNSET, Meta, Struct, UnsetType, field

Direction = Literal["ltr", "rtl"]
Status = Literal["usable", "canceled"]
Relation = Literal["new", "revision", "expansion", "recrawl", "copy", "near_copy", "excerpt", "outdated"]

Kind = Literal["article", "notice"]
Notice = Literal["consent", "paywall", "bot_check", "not_found", "donation", "site", "repeated"]

#: The kinds of notices: what a page shows instead of an article.
NOTICES: tuple[Notice, ...] = get_args(Notice)

RELATIONS: tuple[Relation, ...] = get_args(Relation)
#: Relations whose events go to the duplicates topic.
DUPLICATE_RELATIONS: frozenset[Relation] = frozenset({"recrawl", "copy", "near_copy", "excerpt", "outdated"})
#: Relations of one article's versions to each other.
VERSION_RELATIONS: frozenset[Relation] = frozenset({"recrawl", "revision", "outdated"})

_HEX_32: Final = "^[0-9a-f]{32}$"

# ``extra_json_schema`` is for readers of the schema only: it is not checked when an event is decoded.
Time = Annotated[
    str,
    Meta(
        description="time in RFC 3339, in UTC, with milliseconds",
        examples=["2026-05-04T06:00:00.000Z"],
        extra_json_schema={"format": "date-time", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$"},
    ),
]
#: Milliseconds since 1970, limited to the years that `format_rfc3339` can write.
Milliseconds = Annotated[int, Meta(ge=-62_135_596_800_000, le=253_402_300_799_999)]
Hex32 = Annotated[str, Meta(extra_json_schema={"pattern": _HEX_32})]
Hash = Annotated[
    str,
    Meta(
        description="SHA-256 of the text in UTF-8: sha256: and 64 hexadecimal digits",
        extra_json_schema={"pattern": "^sha256:[0-9a-f]{64}$"},
    ),
]
PackedHashes = Annotated[bytes, Meta(extra_json_schema={"pattern": "^[A-Za-z0-9+/]*={0,2}$"})]
Count = Annotated[int, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
#: How changelog records name articles and takedowns.
IndexOffset = Annotated[
    int,
    Meta(ge=0, description="offset in the normalized topic, plus the base"),
]
PreviousOffset = Annotated[
    int, Meta(ge=-1, description="offset in the previous changelog record of this partition; -1 if there is none")
]
Base = Annotated[
    int, Meta(description="what is added to offsets of the normalized topic, so that they grow if it starts again")
]
LogName = Annotated[
    str | None, Meta(description="id of the normalized topic and leader epoch of the record: topic_id/leader_epoch")
]
When = Annotated[
    str | int | float,
    Meta(
        description="a date and time: RFC 3339 or RFC 2822 text, seconds or milliseconds since 1970, or a date as"
        " people write it (Gregorian, Islamic or Persian calendar); an ambiguous date is dropped and listed in fixes"
    ),
]


class Source(Struct, frozen=True, kw_only=True):
    """The publisher of the article."""

    name: Annotated[str | None, Meta(description="name of the publisher")] = None
    domain: Annotated[str | None, Meta(description="host name of the publisher's site")] = None


class RawEvent(Struct, frozen=True, kw_only=True):
    """What a scraper sends: ``url`` or ``id``, and ``text`` or ``html``. Unknown fields are moved to ``extra``."""

    url: Annotated[str | None, Meta(description="absolute http or https URL of the article")] = None
    id: Annotated[str | None, Meta(description="stable id of the article, unique within the tenant")] = None
    text: Annotated[str | None, Meta(description="plain text of the article, one paragraph per line")] = None
    html: Annotated[str | None, Meta(description="HTML of the page, or of a part of it; used if there is no text")] = (
        None
    )
    title: Annotated[str | None, Meta(description="headline")] = None
    summary: Annotated[str | None, Meta(description="abstract or standfirst")] = None
    language: Annotated[str | None, Meta(description="BCP 47 tag; checked against the text")] = None
    published_at: Annotated[When | None, Meta(description="when the article was first published")] = None
    modified_at: Annotated[When | None, Meta(description="when the article was last changed")] = None
    fetched_at: Annotated[
        When | None, Meta(description="when the article was scraped; the duplicate window is based on it")
    ] = None
    authors: Annotated[list[str] | None, Meta(description="names of the authors")] = None
    source: Annotated[Source | str | None, Meta(description="the publisher; a string is its name")] = None
    section: Annotated[str | None, Meta(description="section of the site, such as Sports")] = None
    tags: Annotated[list[str] | None, Meta(description="keywords")] = None
    tenant: Annotated[
        str | None, Meta(description="owner of the article, never compared with other tenants; default if missing")
    ] = None
    status: Annotated[
        str | None,
        Meta(description="usable (the default), or canceled to withdraw the article, which needs no text"),
    ] = None
    extra: Annotated[dict[str, Any] | None, Meta(description="anything else to pass on to consumers")] = None


class Language(Struct, frozen=True, kw_only=True):
    """The language of title and text."""

    tag: Annotated[str, Meta(description="BCP 47 tag; und if the language cannot be determined")]
    confidence: Annotated[
        float, Meta(ge=0, le=1, description="approximate share of such texts whose language is detected correctly")
    ]
    direction: Annotated[Direction, Meta(description="writing direction")]


class Content(Struct, frozen=True, kw_only=True):
    """Size and hash of the published text."""

    chars: Annotated[Count, Meta(description="number of characters (Unicode code points)")]
    words: Annotated[Count, Meta(description="number of words; of characters in scripts without spaces between words")]
    hash: Hash


class Fix(Struct, frozen=True, kw_only=True):
    """One normalization step that changed something."""

    step: Annotated[str, Meta(description="name of the normalization step")]
    count: Annotated[int, Meta(ge=1, description="how often it changed something")]


class Origin(Struct, frozen=True, kw_only=True):
    """Where the raw event came from."""

    topic: Annotated[str, Meta(description="topic of the raw record")]
    partition: Annotated[Count, Meta(description="partition of the raw record")]
    offset: Annotated[Count, Meta(description="offset of the raw record")]
    timestamp: Annotated[Time | None, Meta(description="time of the raw record; null if it came from a file")] = None
    item: Annotated[Count | None, Meta(description="position in the message, if it was an array")] = None
    topic_id: Annotated[str | None, Meta(description="id of the raw topic; another one after it was recreated")] = None
    leader_epoch: Annotated[int | None, Meta(description="leader epoch of the raw record")] = None


class Article(Struct, frozen=True, kw_only=True):
    """The fields that normalized and enriched events have in common."""

    event_id: Annotated[str, Meta(pattern=_HEX_32, description="the same for every delivery of one event")]
    id: Annotated[str, Meta(description="the scraper's id, or an id made from the canonical URL")]
    tenant: Annotated[str, Meta(description="owner of the article; articles of different tenants are never compared")]
    url: Annotated[str | None, Meta(description="as the scraper sent it, or as the page names it")] = None
    canonical_url: Annotated[
        str | None, Meta(description="the URL without tracking parameters, session ids and fragment")
    ] = None
    domain: Annotated[str | None, Meta(description="host of the canonical URL, without www.")] = None
    title: Annotated[str | None, Meta(description="headline")] = None
    text: Annotated[str, Meta(description="clean plain text, one paragraph per line")]
    summary: Annotated[str | None, Meta(description="abstract or standfirst")] = None
    teaser: Annotated[
        str | None, Meta(description="truncated copy of the first paragraph, which the text began with; moved here")
    ] = None
    language: Language
    authors: Annotated[list[str], Meta(description="names of the authors")] = []
    byline: Annotated[str | None, Meta(description="the authors as written in the text; moved here")] = None
    dateline: Annotated[
        str | None, Meta(description="location and agency at the beginning of the text; moved here")
    ] = None
    located: Annotated[str | None, Meta(description="the location in the dateline")] = None
    agencies: Annotated[
        list[str], Meta(description="news agencies named in the dateline or the signature, such as AFP")
    ] = []
    source: Source
    section: Annotated[str | None, Meta(description="section of the site, such as Sports")] = None
    tags: Annotated[list[str], Meta(description="keywords")] = []
    published_at: Annotated[Time | None, Meta(description="when the article was first published")] = None
    modified_at: Annotated[Time | None, Meta(description="when the article was last changed")] = None
    fetched_at: Annotated[Time | None, Meta(description="when the article was scraped")] = None
    content: Content
    fixes: Annotated[list[Fix], Meta(description="the normalization steps that changed something, sorted by step")] = []
    origin: Origin
    extra: Annotated[
        dict[str, Any],
        Meta(description="fields that are not in the contract; what jsonb or a double cannot hold is escaped"),
    ] = {}


class NormalizedEvent(Article, frozen=True, kw_only=True):
    """A clean article on its way to the duplicate decision; the record's key is its tenant and language."""

    url_key: Annotated[
        str | None, Meta(description="key of the page that the URL names: the same for all its spellings")
    ] = None
    event_time: Annotated[
        Milliseconds, Meta(description="milliseconds since 1970: fetched_at, or the time of the raw record")
    ]


class Change(Struct, frozen=True, kw_only=True):
    """What differs between an article and the one that it is linked to."""

    tokens: Annotated[Share, Meta(description="share of the words of both texts that only one of the texts has")]
    numbers: Annotated[bool, Meta(description="whether one text has a number that the other does not have")]


class Duplicate(Struct, frozen=True, kw_only=True):
    """The verdict, and the reason for it."""

    relation: Annotated[Relation, Meta(description="how the article relates to an earlier one")]
    is_duplicate: Annotated[
        bool,
        Meta(description="true for recrawl, copy, near_copy, excerpt and outdated, which go to the duplicates topic"),
    ]
    duplicate_of: Annotated[
        str | None, Meta(description="id of the earlier article that it relates to; null for new")
    ] = None
    cluster_id: Annotated[
        Hex32, Meta(description="the same for all articles of one story; an item of a round-up has its own")
    ]
    jaccard: Annotated[
        Share | None, Meta(description="Jaccard similarity of the texts' sets of shingles; null for new")
    ] = None
    containment: Annotated[
        Share | None, Meta(description="share of the shorter text that is found in the longer one; null for new")
    ] = None
    title_similarity: Annotated[
        Share | None, Meta(description="Jaccard similarity of the titles' words; null if one of them has no title")
    ] = None
    change: Annotated[Change | None, Meta(description="what differs between the texts; null for new")] = None
    same_source: Annotated[
        bool | None, Meta(description="whether both have the same source; null if one of them has none")
    ] = None
    method: Annotated[
        str,
        Meta(
            description="the rule that decided, or the reason why there is no link; promoted: a copy took the place of "
            "a withdrawn article"
        ),
    ]
    version: Annotated[str, Meta(description="version of the rules and thresholds that decided")]


class EnrichedEvent(Article, frozen=True, kw_only=True):
    """An article with its verdict: what consumers read in the enriched topic and in the duplicates topic."""

    kind: Annotated[
        Kind, Meta(description="notice for a text that is no article, such as a consent wall; it is linked to nothing")
    ] = "article"
    notice: Annotated[
        Notice | None,
        Meta(
            description="what the notice is about; repeated: recognized by appearing at several URLs of one source"
            " under different titles; null for an article"
        ),
    ] = None
    revision: Annotated[int, Meta(ge=1, description="1 for the first version, one more for each revision")]
    duplicate: Duplicate


class ClusterMember(Struct, frozen=True, kw_only=True):
    """An article of a cluster, as it was when it joined."""

    id: Annotated[str, Meta(description="id of the article")]
    url: Annotated[str | None, Meta(description="URL of the article; null if it came without one")]
    source: Annotated[str | None, Meta(description="domain or name of the publisher; null if it is not known")]
    relation: Annotated[Relation, Meta(description="how the article related to an earlier one when it joined")]
    first_seen: Annotated[Time | None, Meta(description="its earliest event time in the cluster; null if it has none")]
    published_at: Annotated[Time | None, Meta(description="its earliest publication time; null if it has none")]


class ClusterEvent(Struct, frozen=True, kw_only=True):
    """The current state of a duplicate cluster; the topic keeps the newest record of each cluster."""

    cluster_id: Annotated[Hex32, Meta(description="id of the cluster; the record's key is tenant/cluster_id")]
    canonical_id: Annotated[
        str, Meta(description="id of the first article of the cluster, which is in the enriched topic")
    ]
    size: Annotated[int, Meta(ge=1, description="number of events in the cluster, including revisions and copies")]
    articles: Annotated[int, Meta(ge=1, description="number of articles in the cluster: of different ids")]
    members: Annotated[
        list[ClusterMember], Meta(description="the first 50 of the articles, in the order in which they joined")
    ]
    sources: Annotated[list[str], Meta(description="domains or names of the sources, sorted, at most 100")]
    languages: Annotated[list[str], Meta(description="primary language subtags, sorted")]
    first_seen: Annotated[Time | None, Meta(description="earliest event time in the cluster; null if there is none")]
    last_seen: Annotated[Time | None, Meta(description="latest event time in the cluster; null if there is none")]
    earliest_published_at: Annotated[
        Time | None, Meta(description="earliest publication time in the cluster; null if there is none")
    ] = None


class FingerprintEvent(Struct, frozen=True, kw_only=True):
    """A record of the index's changelog: everything that later decisions need of one article."""

    event_id: Annotated[Hex32, Meta(description="id of the event that was decided")]
    offset: IndexOffset
    previous: PreviousOffset
    log: LogName = None
    base: Base = 0
    event_time: Annotated[Milliseconds, Meta(description="milliseconds since 1970, as in the normalized event")]
    scope: Annotated[str, Meta(description="tenant/language")]
    id: Annotated[str, Meta(description="id of the article")]
    url: Annotated[str | None, Meta(description="as in the normalized event")] = None
    url_key: Annotated[str | None, Meta(description="as in the normalized event")] = None
    source: Annotated[str | None, Meta(description="domain or name of the publisher")] = None
    published_at: Annotated[Time | None, Meta(description="as in the normalized event")] = None
    modified_at: Annotated[
        Time | None, Meta(description="the latest modified_at of this version and of the versions before it")
    ] = None
    display_hash: Annotated[Hex32, Meta(description="hash of everything that readers see: text, title and credits")] = (
        field(name="shown_hash")
    )
    published_hash: Annotated[
        Hex32 | None,
        Meta(description="hash of all fields of the article that are published; a repeated delivery has the same"),
    ] = None
    domain: Annotated[str | None, Meta(description="domain of the article's URL, or of its publisher")] = None
    format: Annotated[
        str, Meta(description="how texts are folded and hashed; only fingerprints of one format can be compared")
    ]
    text_hash: Annotated[Hex32, Meta(description="hash of the folded tokens and of number_marks")]
    tokens: Annotated[Count, Meta(description="number of tokens of the text")]
    is_spaced: Annotated[bool, Meta(description="whether tokens are words rather than characters")]
    sequence: Annotated[PackedHashes, Meta(description="the first tokens in order, 16 bits each, little-endian")]
    anchors: Annotated[PackedHashes, Meta(description="64-bit hashes of the winnowed shingles, sorted, little-endian")]
    title: Annotated[PackedHashes, Meta(description="16-bit hashes of the title's tokens, sorted, little-endian")]
    number_marks: Annotated[
        list[str], Meta(description="the numbers with a sign or a currency, such as -2 and $5, sorted")
    ] = []
    notice: Annotated[Notice | None, Meta(description="as in the enriched event")] = None
    recognized_offsets: Annotated[
        list[Count],
        Meta(description="offsets, in the normalized topic, of earlier articles that are now known to be this notice"),
    ] = []
    revision: Annotated[int, Meta(ge=1, description="as in the enriched event")]
    cluster_depth: Annotated[
        Count, Meta(description="number of links between the article and the first one of its cluster")
    ] = field(name="links")
    earlier_offset: Annotated[Count | None, Meta(description="the offset of the article that it relates to")] = None
    duplicate: Duplicate
    origin: Origin


class TakedownEvent(Struct, frozen=True, kw_only=True):
    """A takedown, in the normalized topic: the publisher withdrew an article."""

    event_id: Annotated[Hex32, Meta(description="the same for every delivery of one event")]
    tenant: Annotated[str, Meta(description="owner of the article")]
    id: Annotated[str, Meta(description="id of the article to withdraw")]
    url_key: Annotated[str | None, Meta(description="key of the page to withdraw")] = None
    event_time: Annotated[Milliseconds, Meta(description="milliseconds since 1970, as in the normalized event")]
    domains: Annotated[
        list[str] | None, Meta(description="domains whose articles its sender may withdraw; null for all")
    ] = None
    origin: Origin


class RemovalEvent(Struct, frozen=True, kw_only=True):
    """A record of the index's changelog: a takedown was applied to the articles with this id or URL."""

    event_id: Annotated[Hex32, Meta(description="id of the takedown event")]
    offset: IndexOffset
    previous: PreviousOffset
    log: LogName = None
    base: Base = 0
    tenant: Annotated[str, Meta(description="owner of the article")]
    id: Annotated[str, Meta(description="id of the withdrawn article")]
    url_key: Annotated[str | None, Meta(description="key of the withdrawn page")] = None
    event_time: Annotated[Milliseconds, Meta(description="milliseconds since 1970, as in the takedown")] = 0
    origin: Annotated[Origin | None, Meta(description="where the takedown came from")] = None


class ChangelogMark(Struct, frozen=True, kw_only=True):
    """One record of the changelog, by which a log that went back is recognized: the record is no longer there."""

    topic_id: Annotated[str, Meta(description="id of the changelog topic; another one after it was recreated")]
    offset: Annotated[Count, Meta(description="offset of the record")]
    event_id: Annotated[Hex32, Meta(description="id of its event")]


class DecidedUpTo(Struct, frozen=True, kw_only=True):
    """How far the events of one raw partition were decided."""

    topic: Annotated[str, Meta(description="raw topic")]
    partition: Annotated[Count, Meta(description="partition of the raw topic")]
    topic_id: Annotated[str, Meta(description="id of the raw topic; empty if it is not known")] = ""
    leader_epoch: Annotated[int, Meta(ge=-1, description="leader epoch of the raw record; -1 if it is not known")] = -1
    offset: Annotated[Count, Meta(description="offset of the last raw record that was decided")]
    item: Annotated[int, Meta(ge=-1, description="position in that message; -1 if it was not an array")] = -1


class RecoveryEvent(Struct, frozen=True, kw_only=True):
    """A record of the index's changelog: an operator has decided how to go on after a log went back."""

    event_id: Annotated[Hex32, Meta(description="id of the recovery")]
    offset: Annotated[int, Meta(ge=-1, description="the index has read up to this offset, whatever it holds")]
    log: LogName = None
    base: Base = 0
    lost_mark: Annotated[
        ChangelogMark | None, Meta(description="the last record of the changelog that is known to be lost")
    ] = None
    decided: Annotated[
        list[DecidedUpTo],
        Meta(description="events up to here that are not in the changelog were decided in the part that is lost"),
    ] = []


#: What the changelog holds.
ChangelogEvent = FingerprintEvent | RemovalEvent | RecoveryEvent


class DeadLetterHeaders(Struct, frozen=True, kw_only=True, rename=lambda name: f"__errors.{name}"):
    """Headers added to a rejected record; its own headers, its key and its value stay unchanged."""

    code: Annotated[str, Meta(description="why the record was rejected")]
    message: Annotated[str, Meta(description="what is wrong and how to fix it")]
    stage: Annotated[Literal["normalize", "deduplicate"], Meta(description="the step that rejected the record")]
    topic: Annotated[str, Meta(description="topic of the rejected record")]
    partition: Annotated[
        str, Meta(description="partition of the rejected record", extra_json_schema={"pattern": "^[0-9]+$"})
    ]
    offset: Annotated[str, Meta(description="offset of the rejected record", extra_json_schema={"pattern": "^[0-9]+$"})]
    timestamp: Annotated[
        str,
        Meta(
            description="time of the rejected record in milliseconds since 1970, or empty",
            extra_json_schema={"pattern": "^(-?[0-9]+)?$"},
        ),
    ]
    log: Annotated[
        str | UnsetType, Meta(description="topic id and leader epoch of the rejected record, if they are known")
    ] = UNSET
    field: Annotated[str | UnsetType, Meta(description="JSON path of the field that is wrong, such as $.tags[3]")] = (
        UNSET
    )
    items: Annotated[
        str | UnsetType, Meta(description="positions of the rejected articles, if the message is an array")
    ] = UNSET
