"""What becomes of each article: relation, topic, key and headers."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson
import pytest

from stream.core.contracts.cloudevents import Identity, event_id
from stream.core.contracts.events import RELATIONS
from stream.core.contracts.records import OutputRecord
from tests.support.articles import (
    BRIDGE,
    BRIDGE_EDITED,
    BRIDGE_REVISED,
    BRIDGE_TEASER,
    FLOOD,
    FLOOD_EDITED,
    FLOOD_RESET,
    HARVEST,
    article,
    dumps,
    takedown,
)
from tests.support.flow import Site, by_offset, headers

FEED: list[tuple[str, str | None, dict[str, Any]]] = [
    ("new", None, article(1, FLOOD)),
    ("recrawl", "flood", article(1, FLOOD, url="https://paper.example/story/1?utm_source=feed", id="flood-again")),
    ("copy", "flood", article(3, FLOOD_RESET)),
    ("near_copy", "flood", article(4, FLOOD_EDITED)),
    ("excerpt", "flood", article(5, "\n".join(FLOOD.split("\n")[:2]))),
    ("new", None, article(6, BRIDGE_TEASER)),
    ("expansion", "teaser", article(7, BRIDGE)),
    ("near_copy", "full", article(8, BRIDGE_EDITED)),
    ("revision", "full", article(7, BRIDGE_REVISED)),
    ("new", None, article(9, HARVEST, modified_at="2026-05-04T00:08:00Z")),
    ("outdated", "harvest", article(9, HARVEST.split("\n")[0], modified_at="2026-05-04T00:07:00Z")),
]
#: Where in the feed the articles stand that others are linked to.
NAMED = {"flood": 0, "teaser": 5, "full": 6, "harvest": 9}


@pytest.fixture
async def fed(site: Site) -> Site:
    """Return a site whose flow has processed the feed."""
    await site.process(*(article for _, _, article in FEED))
    return site


async def test_each_relation_with_what_it_is_linked_to(fed: Site) -> None:
    assert set(RELATIONS) <= {relation for relation, _, _ in FEED}
    events = by_offset(await fed.events())
    ids = [events[offset]["id"] for offset in range(len(FEED))]
    found = [
        (events[offset]["duplicate"]["relation"], events[offset]["duplicate"]["duplicate_of"])
        for offset in range(len(FEED))
    ]
    assert found == [(relation, ids[NAMED[of]] if of else None) for relation, of, _ in FEED]
    assert events[8]["revision"] == 2
    assert events[0]["language"] == {**events[0]["language"], "tag": "ar", "direction": "rtl"}
    assert events[9]["language"] == {**events[9]["language"], "tag": "en", "direction": "ltr"}


async def test_topics_keys_and_headers_of_published_events(fed: Site) -> None:
    kinds = {fed.topics.enriched: "article.enriched.v1", fed.topics.duplicates: "article.duplicate.v1"}
    relations: Counter[str] = Counter()
    for record in await fed.records(*kinds):
        event = orjson.loads(record.value or b"")
        relations[event["duplicate"]["relation"]] += 1
        assert event["duplicate"]["is_duplicate"] == (record.topic == fed.topics.duplicates)
        assert record.key == f"{event['tenant']}/{event['id']}".encode()
        attributes = headers(record)
        assert attributes.pop("ce_time").endswith("Z")
        assert attributes == {
            "ce_specversion": "1.0",
            "ce_id": event["event_id"],
            "ce_source": f"/{record.topic}",
            "ce_tenant": event["tenant"],
            "ce_type": f"org.article-stream.{kinds[record.topic]}",
            "content-type": "application/json",
        }
        assert event["origin"]["topic"] == fed.topics.raw
    assert relations == Counter(relation for relation, _, _ in FEED)


async def test_one_changelog_record_for_each_decision(fed: Site) -> None:
    places = []
    for record in await fed.records(fed.topics.fingerprints):
        event = orjson.loads(record.value or b"")
        assert record.key == event["scope"].encode()
        assert headers(record)["ce_id"] == event["event_id"]
        assert headers(record)["ce_type"] == "org.article-stream.article.fingerprint.v1"
        places.append((record.partition, event["offset"], event["scope"]))
    normalized = [
        (record.partition, record.offset, (record.key or b"").decode())
        for record in await fed.records(fed.topics.normalized)
    ]
    # The changelog's partition is the one in which the decision was made.
    assert sorted(places) == sorted(normalized)
    assert {scope for _, _, scope in places} == {"default/ar", "default/en"}


async def test_the_newest_record_of_each_cluster_counts_all_of_it(fed: Site) -> None:
    events = by_offset(await fed.events())
    newest = {}
    for record in await fed.records(fed.topics.clusters):
        cluster = orjson.loads(record.value or b"")
        assert record.key == f"default/{cluster['cluster_id']}".encode()
        assert headers(record)["ce_id"] == f"{cluster['cluster_id']}.{cluster['size']}"
        newest[cluster["cluster_id"]] = cluster
    sizes = Counter(event["duplicate"]["cluster_id"] for event in events.values())
    # A cluster of one is not published.
    assert {cluster_id: cluster["size"] for cluster_id, cluster in newest.items()} == {
        cluster_id: size for cluster_id, size in sizes.items() if size > 1
    }
    assert {cluster["canonical_id"] for cluster in newest.values()} == {
        events[offset]["id"] for offset in (NAMED["flood"], NAMED["teaser"], NAMED["harvest"])
    }


async def test_a_withdrawn_article_is_gone_wherever_it_was_known(site: Site) -> None:
    await site.process(article(1, FLOOD), article(2, BRIDGE), article(3, BRIDGE), article(4, FLOOD))
    ids = {offset: event["id"] for offset, event in by_offset(await site.events()).items()}
    await site.process(takedown(2), takedown(1), takedown(4), takedown(9), article(5, BRIDGE), article(6, FLOOD))

    takedowns = [record for record in await site.records(site.topics.normalized) if record.key == b"default/*"]
    # The language of what is withdrawn is not known, so each partition gets the takedown.
    assert Counter(record.partition for record in takedowns) == {0: 4, 1: 4}
    for topic in (site.topics.enriched, site.topics.duplicates):
        assert await site.tombstones(topic) == {ids[0], ids[1], ids[3]}
        assert {headers(record)["ce_type"] for record in await site.records(topic) if record.value is None} == {
            "org.article-stream.article.withdrawn.v1"
        }

    events = by_offset(await site.events())
    verdicts = [events[offset]["duplicate"] for offset in (8, 9)]
    assert [(verdict["relation"], verdict["duplicate_of"]) for verdict in verdicts] == [("copy", ids[2]), ("new", None)]
    bridge, flood = (events[offset]["duplicate"]["cluster_id"] for offset in (1, 0))
    clusters = await site.clusters()
    newest = clusters[bridge]
    assert newest is not None
    assert (newest["canonical_id"], newest["size"]) == (ids[2], 2)
    assert clusters[flood] is None
    assert await site.records(site.topics.rejected) == []


async def test_a_story_stays_in_the_enriched_topic_when_its_first_article_is_withdrawn(site: Site) -> None:
    await site.process(article(1, BRIDGE), article(2, BRIDGE), article(3, BRIDGE))
    ids = {offset: event["id"] for offset, event in by_offset(await site.events()).items()}
    await site.process(takedown(1))
    newest = {record.key: record.value for record in await site.records(site.topics.enriched)}
    assert newest.pop(f"default/{ids[0]}".encode()) is None
    (promoted,) = (orjson.loads(value or b"") for value in newest.values())
    assert (promoted["id"], promoted["text"]) == (ids[1], BRIDGE)
    verdict = promoted["duplicate"]
    assert [verdict[name] for name in ("relation", "is_duplicate", "duplicate_of", "method")] == [
        *("new", False),
        *(None, "promoted"),
    ]
    (cluster,) = (await site.clusters()).values()
    assert cluster is not None
    assert (cluster["canonical_id"], [member["id"] for member in cluster["members"]]) == (ids[1], [ids[1], ids[2]])


async def test_an_array_is_as_many_events(site: Site) -> None:
    await site.process([article(1, FLOOD), {"url": "https://paper.example/empty"}, article(2, FLOOD)])
    events = sorted(await site.events(), key=lambda event: event["origin"]["item"])
    assert [(event["origin"]["item"], event["duplicate"]["relation"]) for event in events] == [(0, "new"), (2, "copy")]
    assert len({event["event_id"] for event in events}) == 2
    (letter,) = await site.records(site.topics.rejected)
    assert headers(letter)["__errors.code"] == "missing_content"
    assert headers(letter)["__errors.items"] == "1"


async def test_an_event_that_its_sender_repeats_is_published_again_unchanged(site: Site) -> None:
    attributes = (("ce_source", b"/scraper/7"), ("ce_id", b"a-1"))
    same = OutputRecord(site.topics.raw, b"key", dumps(article(1, BRIDGE)), attributes)
    other = OutputRecord(site.topics.raw, b"key", dumps(article(1, HARVEST)), attributes)
    await site.process(same, same, other)
    first, second = await site.events()
    assert first == second
    assert first["event_id"] == event_id(Identity("/scraper/7", "a-1"), None, scope="default/en")
    assert first["duplicate"]["relation"] == "new"
    (letter,) = await site.records(site.topics.rejected)
    assert headers(letter)["__errors.code"] == "event_id_reused"
    assert headers(letter)["__errors.stage"] == "deduplicate"


async def test_tenants_and_languages_do_not_meet(site: Site) -> None:
    await site.process(
        article(1, BRIDGE, tenant="north"), article(2, BRIDGE, tenant="south"), article(3, BRIDGE, tenant="north")
    )
    assert await site.relations() == {0: "new", 1: "new", 2: "copy"}
    keys = {record.key for record in await site.records(site.topics.normalized)}
    assert keys == {b"north/en", b"south/en"}
