"""The events on the wire, one definition each; JSON Schemas and the AsyncAPI document come from here.

Times are RFC 3339 in UTC with milliseconds, languages BCP 47 tags, names those of IPTC ninjs and
schema.org where they have one.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, get_args

from msgspec import UNSET, Meta, Struct, UnsetType, field

Direction = Literal["ltr", "rtl"]
Status = Literal["usable", "canceled"]
Relation = Literal["new", "revision", "expansion", "recrawl", "copy", "near_copy", "excerpt"]

RELATIONS: tuple[Relation, ...] = get_args(Relation)
#: Relations whose events go to the duplicates topic.
DUPLICATE_RELATIONS: frozenset[Relation] = frozenset({"recrawl", "copy", "near_copy", "excerpt"})

_HEX_32: Final = "^[0-9a-f]{32}$"

# What stands in ``extra_json_schema`` is told to readers of the schema and not checked when an event is decoded.
Time = Annotated[
    str,
    Meta(
        description="RFC 3339, UTC, milliseconds",
        examples=["2026-05-04T06:00:00.000Z"],
        extra_json_schema={"format": "date-time", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$"},
    ),
]
#: Milliseconds since 1970, in the years that `format_rfc3339` can write.
Milliseconds = Annotated[int, Meta(ge=-62_135_596_800_000, le=253_402_300_799_999)]
Hex32 = Annotated[str, Meta(extra_json_schema={"pattern": _HEX_32})]
Hash = Annotated[
    str,
    Meta(
        description="sha256: and 64 hexadecimal digits, of the text in UTF-8",
        extra_json_schema={"pattern": "^sha256:[0-9a-f]{64}$"},
    ),
]
Hashes = Annotated[bytes, Meta(extra_json_schema={"pattern": "^[A-Za-z0-9+/]*={0,2}$"})]
Count = Annotated[int, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
When = Annotated[
    str | int | float,
    Meta(
        description="RFC 3339 or RFC 2822 text, epoch seconds or milliseconds, or a date as people write it"
        " (Gregorian, Islamic, Persian); one that has two readings is dropped and listed in fixes"
    ),
]


class Source(Struct, frozen=True, kw_only=True):
    """Who published the article."""

    name: str | None = None
    domain: str | None = None


class RawEvent(Struct, frozen=True, kw_only=True):
    """What a scraper sends: ``url`` or ``id``, and ``text`` or ``html``. Unknown fields move to ``extra``."""

    url: Annotated[str | None, Meta(description="absolute address, http or https")] = None
    id: Annotated[str | None, Meta(description="stable id of the article, unique within the tenant")] = None
    text: Annotated[str | None, Meta(description="plain text, one paragraph a line")] = None
    html: Annotated[str | None, Meta(description="the page, or a part of it; read when there is no text")] = None
    title: str | None = None
    summary: str | None = None
    language: Annotated[str | None, Meta(description="BCP 47 tag; checked against the text")] = None
    published_at: When | None = None
    modified_at: When | None = None
    fetched_at: Annotated[When | None, Meta(description="when it was scraped; the duplicate window runs on it")] = None
    authors: list[str] | None = None
    source: Annotated[Source | str | None, Meta(description="who published it; a string is its name")] = None
    section: str | None = None
    tags: list[str] | None = None
    tenant: Annotated[str | None, Meta(description="whose article it is; default where it is not given")] = None
    status: Annotated[
        str | None,
        Meta(description="usable if it is not given; canceled withdraws the article, and needs no text"),
    ] = None
    extra: Annotated[dict[str, Any] | None, Meta(description="anything else that consumers should get")] = None


class Language(Struct, frozen=True, kw_only=True):
    """The language of title and text."""

    tag: Annotated[str, Meta(description="BCP 47; und where the text does not tell")]
    confidence: Annotated[float, Meta(ge=0, le=1, description="share of such texts that are told right, roughly")]
    direction: Direction


class Content(Struct, frozen=True, kw_only=True):
    """Figures of the published text."""

    chars: Annotated[Count, Meta(description="characters (Unicode code points)")]
    words: Annotated[Count, Meta(description="words; letters where words are written without spaces between them")]
    hash: Hash


class Fix(Struct, frozen=True, kw_only=True):
    """One normalization step that changed something."""

    step: Annotated[str, Meta(description="name of the step")]
    count: Annotated[int, Meta(ge=1, description="how often it changed something")]


class Origin(Struct, frozen=True, kw_only=True):
    """Where the raw event stood."""

    topic: str
    partition: Count
    offset: Count
    timestamp: Annotated[Time | None, Meta(description="the record's time; null where it came from a file")] = None
    item: Annotated[Count | None, Meta(description="position, where one message held an array")] = None


class Article(Struct, frozen=True, kw_only=True):
    """What the normalized and the enriched event share."""

    event_id: Annotated[str, Meta(pattern=_HEX_32, description="the same for every delivery of one event")]
    id: Annotated[str, Meta(description="the scraper's id, else one made from the canonical URL")]
    tenant: Annotated[str, Meta(description="whose article it is; tenants never meet in one cluster")]
    url: Annotated[str | None, Meta(description="as the scraper sent it, else as the page names it")] = None
    canonical_url: Annotated[str | None, Meta(description="without tracking parameters, session and fragment")] = None
    domain: Annotated[str | None, Meta(description="host of the canonical URL, without www.")] = None
    title: str | None = None
    text: Annotated[str, Meta(description="clean plain text, one paragraph a line")]
    summary: str | None = None
    teaser: Annotated[str | None, Meta(description="a cut copy of the first paragraph that stood before it")] = None
    language: Language
    authors: list[str] = []
    byline: Annotated[str | None, Meta(description="who wrote it, as the text had it; moved out of the text")] = None
    dateline: Annotated[str | None, Meta(description="place and agency that the text opened with; moved here")] = None
    located: Annotated[str | None, Meta(description="the place in the dateline")] = None
    agencies: Annotated[list[str], Meta(description="news agencies that dateline or signature name, such as AFP")] = []
    source: Source
    section: str | None = None
    tags: list[str] = []
    published_at: Time | None = None
    modified_at: Time | None = None
    fetched_at: Time | None = None
    content: Content
    fixes: Annotated[list[Fix], Meta(description="sorted by step")] = []
    origin: Origin
    extra: Annotated[dict[str, Any], Meta(description="fields that the contract does not name, as they came")] = {}


class NormalizedEvent(Article, frozen=True, kw_only=True):
    """A clean article on its way to the duplicate decision; its key is tenant and language."""

    url_key: Annotated[str | None, Meta(description="what tells its address from another one")] = None
    event_time: Annotated[
        Milliseconds, Meta(description="milliseconds since 1970: fetched_at, else the raw record's time")
    ]


class Change(Struct, frozen=True, kw_only=True):
    """What differs between an article and the one that it relates to."""

    tokens: Annotated[Share, Meta(description="share of the words of both texts that only one of them has")]
    numbers: Annotated[bool, Meta(description="one of them has a number that the other has not")]


class Duplicate(Struct, frozen=True, kw_only=True):
    """The verdict, and why."""

    relation: Relation
    is_duplicate: bool
    duplicate_of: Annotated[str | None, Meta(description="id of the article it relates to; null for new")] = None
    cluster_id: Annotated[
        Hex32, Meta(description="the same for all articles of one story; an item of a round-up has its own")
    ]
    jaccard: Annotated[Share | None, Meta(description="resemblance of the shingle sets; null for new")] = None
    containment: Annotated[Share | None, Meta(description="share of the shorter text found in the longer")] = None
    title_similarity: Annotated[Share | None, Meta(description="null where one of them has no title")] = None
    change: Annotated[Change | None, Meta(description="what differs between both texts; null for new")] = None
    same_source: Annotated[bool | None, Meta(description="null where one of them has no source")] = None
    method: Annotated[str, Meta(description="the rule that decided")]
    version: Annotated[str, Meta(description="rules and parameters that decided")]


class EnrichedEvent(Article, frozen=True, kw_only=True):
    """What consumers read, in the enriched and in the duplicates topic."""

    revision: Annotated[int, Meta(ge=1, description="1 for the first version seen, one more for each revision")]
    duplicate: Duplicate


class ClusterEvent(Struct, frozen=True, kw_only=True):
    """One duplicate cluster as it stands; the topic keeps the newest record of each."""

    cluster_id: Hex32
    canonical_id: Annotated[str, Meta(description="the article that the cluster began with")]
    size: Annotated[int, Meta(ge=1, description="events in the cluster, revisions and copies included")]
    sources: Annotated[list[str], Meta(description="domains or names, sorted, at most 100")]
    languages: Annotated[list[str], Meta(description="primary language subtags, sorted")]
    first_seen: Annotated[Time | None, Meta(description="earliest event time in the cluster; null where none is known")]
    last_seen: Annotated[Time | None, Meta(description="latest event time in the cluster; null where none is known")]
    earliest_published_at: Time | None = None


class FingerprintEvent(Struct, frozen=True, kw_only=True):
    """One record of the index's changelog: all that later decisions need of one article."""

    event_id: Hex32
    offset: Annotated[Count, Meta(description="offset in the normalized topic at which the verdict was made")]
    previous: Annotated[int, Meta(ge=-1, description="offset of the record before it in this partition, -1 for none")]
    event_time: Annotated[Milliseconds, Meta(description="milliseconds since 1970, as in the normalized event")]
    scope: Annotated[str, Meta(description="tenant/language")]
    id: str
    url_key: str | None = None
    source: str | None = None
    published_at: Time | None = None
    display_hash: Annotated[Hex32, Meta(description="hash of all that readers are shown: text, title and credits")] = (
        field(name="shown_hash")
    )
    format: Annotated[str, Meta(description="how texts are folded and hashed; others cannot be compared with these")]
    text_hash: Annotated[Hex32, Meta(description="hash of the folded tokens")]
    tokens: Count
    is_spaced: Annotated[bool, Meta(description="tokens are words, not characters")]
    sequence: Annotated[Hashes, Meta(description="the first tokens in order, 16 bits each, little-endian")]
    anchors: Annotated[Hashes, Meta(description="sorted little-endian 64-bit winnowed shingle hashes")]
    title: Annotated[Hashes, Meta(description="sorted 16-bit hashes of title tokens, little-endian")]
    revision: Annotated[int, Meta(ge=1)]
    cluster_depth: Annotated[Count, Meta(description="how far it is from the first article of its cluster")] = field(
        name="links"
    )
    earlier_offset: Annotated[Count | None, Meta(description="offset of the article that it relates to")] = None
    duplicate: Duplicate
    origin: Origin


class TakedownEvent(Struct, frozen=True, kw_only=True):
    """An article that its publisher withdrew, on its way to the partition that knows it; in the normalized topic."""

    event_id: Hex32
    tenant: str
    id: str
    url_key: str | None = None
    event_time: Milliseconds
    origin: Origin


class RemovalEvent(Struct, frozen=True, kw_only=True):
    """One record of the index's changelog: the articles with this id or address are withdrawn."""

    event_id: Hex32
    offset: Annotated[Count, Meta(description="offset in the normalized topic")]
    previous: Annotated[int, Meta(ge=-1, description="offset of the record before it in this partition, -1 for none")]
    tenant: str
    id: str
    url_key: str | None = None


class DeadLetterHeaders(Struct, frozen=True, kw_only=True, rename=lambda name: f"__errors.{name}"):
    """Headers added to a rejected record, beside its own; key and value stay as they came."""

    code: str
    message: Annotated[str, Meta(description="what is wrong and how to mend it")]
    stage: Annotated[Literal["normalize", "deduplicate"], Meta(description="the step that rejected it")]
    topic: Annotated[str, Meta(description="where the record stood")]
    partition: Annotated[str, Meta(extra_json_schema={"pattern": "^[0-9]+$"})]
    offset: Annotated[str, Meta(extra_json_schema={"pattern": "^[0-9]+$"})]
    timestamp: Annotated[
        str, Meta(description="milliseconds since 1970, or empty", extra_json_schema={"pattern": "^(-?[0-9]+)?$"})
    ]
    field: Annotated[str | UnsetType, Meta(description="JSON path of what is wrong, such as $.tags[3]")] = UNSET
    items: Annotated[str | UnsetType, Meta(description="positions, where one message held an array")] = UNSET
