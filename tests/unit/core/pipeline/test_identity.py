"""Identities through both steps: what repeats, what may not, and what nobody can forge."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from stream.core.contracts.records import Headers, InputRecord, LogId, OutputRecord
from stream.core.index.store import MemoryStore
from stream.core.pipeline.normalize import Normalizer
from stream.core.pipeline.outcome import Outcome
from stream.core.pipeline.ownership import TakedownOwner, TakedownOwners
from tests.support.pipeline import (
    ARTICLE,
    NOW,
    PARTITION,
    SENT_MS,
    TEXT,
    TOPICS,
    Flow,
    enriched_event_of,
    normalize_record,
    raw,
)

HEADERS: Headers = (("ce_source", b"/s"), ("ce_id", b"17"))
LOG = LogId("AAAAAAAAAAAAAAAAAAAAAA", 3)
#: An article in the language of `ARTICLE`.
LATER = {**ARTICLE, "url": "https://c.example/9"}
DAY_MS = 24 * 3600 * 1000
GERMAN = (
    "Der Hafenrat von Port Amberley hat ein Gezeitenkraftwerk unter der alten steinernen Mole genehmigt. Die "
    "Ingenieure versprachen, dass die Fischerboote ohne Schaden vorbeifahren, und die Anwohner waren zufrieden."
)


def reason(outcome: Outcome) -> str:
    """Why an event was rejected."""
    return dict(outcome.outputs[0].headers)["__errors.message"].decode()


def story(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"n{number}",
        "text": " ".join(f"w{number}x{word}" for word in "abcdefghijklmnopqrstuvwxyz"),
        **fields,
    }


def run_logged(flow: Flow, *records: InputRecord, log: LogId) -> list[Outcome]:
    """Run raw records of ``log`` through both steps."""
    outcomes = [outcome for record in records for outcome in Normalizer(TOPICS)(record, now=NOW, log=log)]
    return flow.run_normalized([output for outcome in outcomes for output in outcome.outputs])


class TestRepeatedDelivery:
    """A repeated delivery has the bytes of the first one, or is rejected."""

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"text": "Quite another text."}, "text, title or credits"),
            ({"id": "other"}, "different id"),
            ({"id": "a", "tags": ["sea"]}, "URL, dates, tags"),
            ({"id": "a", "section": "World"}, "URL, dates, tags"),
            ({"id": "a", "published_at": "2026-05-03T01:00:00Z"}, "URL, dates, tags"),
            ({"id": "a", "fetched_at": "2026-05-03T01:00:00Z"}, "URL, dates, tags"),
            ({"id": "a", "url": "https://www.amberley.example/news/2"}, "URL, dates, tags"),
            ({"id": "a", "views": 7}, "URL, dates, tags"),
            ({"id": "a", "authors": ["Ada Quill"]}, "URL, dates, tags"),
        ],
    )
    def test_any_difference_is_rejected(self, fields: dict[str, Any], message: str) -> None:
        flow = Flow()
        flow.run_one({**ARTICLE, "id": "a"}, headers=HEADERS)
        outcome = flow.run_one({**ARTICLE, "id": "a", **fields}, offset=1, headers=HEADERS)
        assert outcome.code == "event_id_reused"
        assert message in reason(outcome)

    def test_a_restored_index_rejects_it_too(self) -> None:
        flow = Flow()
        restored = flow.restore_from([flow.run_one({**ARTICLE, "id": "a"}, headers=HEADERS)])
        again = restored.run_one({**ARTICLE, "id": "a", "tags": ["sea"]}, offset=1, headers=HEADERS)
        assert again.code == "event_id_reused"

    def test_another_language_or_tenant_is_another_event(self) -> None:
        flow = Flow()
        events = [ARTICLE, {**ARTICLE, "text": GERMAN, "title": None}, {**ARTICLE, "tenant": "acme"}]
        outcomes = [flow.run_one(event, offset=n, headers=HEADERS) for n, event in enumerate(events)]
        assert [outcome.code for outcome in outcomes] == [None] * 3
        assert len({enriched_event_of(outcome).event_id for outcome in outcomes}) == 3


class TestForgery:
    """Producers cannot claim the identity of others."""

    def test_no_victim_is_rejected(self) -> None:
        flow = Flow()
        victims = range(100, 299)
        forged = [
            raw(
                story(0, id=f"forged-{offset}"),
                offset=offset - 100,
                headers=(("ce_source", f"{TOPICS.raw}/{PARTITION}".encode()), ("ce_id", str(offset).encode())),
            )
            for offset in victims
        ]
        flow.run(*forged)
        outcomes = flow.run(*(raw(story(offset), offset=offset) for offset in victims))
        assert [outcome.result for outcome in outcomes] == ["new"] * 199

    @pytest.mark.parametrize("second", [LOG._replace(topic_id="BBBBBBBBBBBBBBBBBBBBBB"), LOG._replace(leader_epoch=4)])
    def test_a_recreated_topic_and_a_truncated_log_have_new_ids(self, second: LogId) -> None:
        flow = Flow()
        run_logged(flow, *(raw(story(n), offset=n) for n in range(60)), log=LOG)
        outcomes = run_logged(flow, *(raw(story(n + 60), offset=n) for n in range(60)), log=second)
        assert [outcome.result for outcome in outcomes] == ["new"] * 60

    def test_the_same_log_read_again_has_the_same_ids(self) -> None:
        flow = Flow()
        first, again = (run_logged(flow, raw(ARTICLE), log=LOG)[0] for _ in range(2))
        assert (again.is_repeat, again.outputs[0].value) == (True, first.outputs[0].value)


class TestRawOffsetsThatAreReset:
    """What was decided keeps its verdict, even after it has left the window."""

    def test_a_forgotten_event_is_not_decided_again(self) -> None:
        flow, old = Flow(), raw(ARTICLE)
        outcomes = [*flow.run(old), *flow.run(raw(LATER, offset=1, timestamp=SENT_MS + 9 * DAY_MS))]
        for each in (flow, flow.restore_from(outcomes)):
            (again,) = each.run_normalized(normalize_record(old)[0].outputs, first=10)
            assert (outcomes[0].result, again.code) == ("new", "outside_window")
            assert f"{TOPICS.raw}/{PARTITION}/0 was read again" in reason(again)

    def test_a_late_article_in_a_new_record_is_decided(self) -> None:
        flow = Flow()
        flow.run(raw(LATER, offset=1, timestamp=SENT_MS + 9 * DAY_MS))
        assert flow.run(raw(ARTICLE, offset=2))[0].result == "copy"

    def test_a_late_article_in_the_new_tail_of_a_truncated_log_is_decided(self) -> None:
        flow = Flow()
        run_logged(flow, raw(LATER, offset=7, timestamp=SENT_MS + 9 * DAY_MS), log=LOG)
        late = raw(ARTICLE, offset=5)
        assert run_logged(flow, late, log=LOG._replace(leader_epoch=4))[0].result == "copy"

    def test_a_forgotten_takedown_withdraws_nothing(self) -> None:
        flow, canceled = Flow(), raw({"id": "a", "status": "canceled"})
        flow.run(canceled)
        flow.run(raw({"id": "b", "status": "canceled"}, offset=1, timestamp=SENT_MS + 9 * DAY_MS))
        flow.run(raw({**ARTICLE, "id": "a"}, offset=2, timestamp=SENT_MS + 9 * DAY_MS))
        assert flow.run(canceled)[0].code == "outside_window"


class TestTakedowns:
    """A takedown is decided once."""

    @pytest.mark.parametrize("comes_first", [True, False])
    def test_one_that_is_sent_again_after_the_article_came_back_does_nothing(self, comes_first: bool) -> None:
        flow, canceled = Flow(), {"id": "a", "status": "canceled"}
        outcomes = [] if comes_first else [flow.run_one({**ARTICLE, "id": "a"})]
        outcomes += [flow.run_one(canceled, offset=1, headers=HEADERS)]
        outcomes += [flow.run_one({**ARTICLE, "id": "a"}, offset=2)]
        for each in (flow, flow.restore_from(outcomes)):
            again = each.run_one(canceled, offset=3, headers=HEADERS)
            assert (again.is_repeat, list(again.outputs)) == (True, [])
            copy = each.run_one({**ARTICLE, "url": "https://b.example/2"}, offset=4)
            assert enriched_event_of(copy).duplicate.duplicate_of == "a"

    def test_another_target_with_a_used_id_is_rejected(self) -> None:
        flow = Flow()
        flow.run_one({**ARTICLE, "id": "a"})
        flow.run_one({"id": "b", "status": "canceled"}, offset=1, headers=HEADERS)
        outcome = flow.run_one({"id": "a", "status": "canceled"}, offset=2, headers=HEADERS)
        assert outcome.code == "event_id_reused"

    def test_the_id_of_an_article_or_of_another_tenant_is_not_in_use(self) -> None:
        flow = Flow()
        flow.run_one({**ARTICLE, "id": "a", "tenant": "acme"}, headers=HEADERS)
        for offset, (tenant, result) in enumerate((("default", "nothing_withdrawn"), ("acme", "withdrawn")), 1):
            outcome = flow.run_one({"id": "a", "status": "canceled", "tenant": tenant}, offset=offset, headers=HEADERS)
            assert outcome.result == result

    def test_everything_that_it_publishes_names_its_tenant(self) -> None:
        flow = Flow()
        for offset, name in enumerate("ab"):
            flow.run_one({**ARTICLE, "url": None, "id": name, "tenant": "acme"}, offset=offset)
        outcome = flow.run_one({"id": "a", "status": "canceled", "tenant": "acme"}, offset=2)
        keys = [(output.topic, (output.key or b"").decode()) for output in outcome.outputs]
        cluster_id = next(key for topic, key in keys if topic == TOPICS.clusters).removeprefix("acme/")
        assert len(cluster_id) == 32
        assert keys == [
            (TOPICS.enriched, "acme/a"),
            (TOPICS.duplicates, "acme/a"),
            (TOPICS.clusters, f"acme/{cluster_id}"),
            (TOPICS.fingerprints, "acme/*"),
            (TOPICS.enriched, "acme/b"),
        ]
        assert {header(output, "ce_tenant") for output in outcome.outputs} == {"acme"}
        assert {header(output, "ce_articleid") for output in outcome.outputs if output.value is None} == {"a"}

    def test_stored_takedowns_leave_the_window(self) -> None:
        flow = Flow()
        sizes = []
        for day in range(40):
            records = [
                raw(
                    {"id": f"x{number}", "status": "canceled"},
                    offset=day * 10 + number,
                    timestamp=SENT_MS + day * DAY_MS,
                )
                for number in range(10)
            ]
            outputs = [output for r in records for o in Normalizer(TOPICS)(r, now=NOW) for output in o.outputs]
            flow.run_normalized(outputs, first=day * 60_000)
            sizes.append(stored_keys(flow))
        assert max(sizes[20:]) == max(sizes[30:])


def stored_keys(flow: Flow) -> int:
    """How many keys the index has."""
    assert isinstance(flow.index.store, MemoryStore)
    return len(flow.index.store.values)


def header(output: OutputRecord, name: str) -> str:
    return dict(output.headers)[name].decode()


def test_a_text_is_published_once_for_each_tenant() -> None:
    flow = Flow()
    outcomes = [flow.run_one({**ARTICLE, "id": "1", "tenant": tenant}, offset=n) for n, tenant in enumerate(("a", "b"))]
    keys = [[output.key for output in outcome.outputs if output.topic == TOPICS.enriched] for outcome in outcomes]
    assert keys == [[b"a/1"], [b"b/1"]]
    assert orjson.loads(outcomes[0].outputs[0].value or b"")["text"] == TEXT


OWNERS = TakedownOwners(
    {"/desk": TakedownOwner(tenants=("acme",), domains=("amberley.example",)), "/legal": TakedownOwner()}
)


@pytest.mark.parametrize(
    ("sender", "tenant", "takedown", "result"),
    [
        ("/legal", "acme", {"id": "a"}, None),
        ("/legal", "acme", {"id": "b"}, None),
        ("/desk", "acme", {"id": "a"}, None),
        ("/desk", "acme", {"url": ARTICLE["url"]}, None),
        ("/desk", "acme", {"id": "b"}, "not_owner"),
        ("/desk", "acme", {"url": "https://b.example/2"}, "not_owner"),
        ("/desk", "default", {"id": "a"}, "not_owner"),
        ("/stranger", "acme", {"id": "a"}, "not_owner"),
        ("", "acme", {"id": "a"}, "not_owner"),
    ],
)
@pytest.mark.parametrize("header", ["ce_source", "x-principal"])
def test_only_owners_may_withdraw(
    header: str, sender: str, tenant: str, takedown: dict[str, Any], result: str | None
) -> None:
    flow = Flow()
    for offset, (name, url) in enumerate({"a": ARTICLE["url"], "b": "https://b.example/2"}.items()):
        flow.run_one({**ARTICLE, "id": name, "url": url, "tenant": "acme"}, offset=offset)
    owners = TakedownOwners(OWNERS.owners, header)
    record = raw({**takedown, "status": "canceled", "tenant": tenant}, offset=2, headers=((header, sender.encode()),))
    (outcome,) = Normalizer(TOPICS, takedown_owners=owners)(record, now=NOW)
    if outcome.code is None:
        (outcome,) = flow.run_normalized(outcome.outputs)
    assert (outcome.code, outcome.result) == (result, "rejected" if result else "withdrawn")


def test_a_refused_takedown_names_the_domain_of_the_article() -> None:
    flow = Flow()
    for offset, url in enumerate(("https://b.example/2", None)):
        flow.run_one({**ARTICLE, "id": f"n{offset}", "url": url, "tenant": "acme"}, offset=offset)
    reasons = []
    for offset in (0, 1):
        record = raw(
            {"id": f"n{offset}", "status": "canceled", "tenant": "acme"},
            offset=2 + offset,
            headers=(("ce_source", b"/desk"),),
        )
        (outcome,) = Normalizer(TOPICS, takedown_owners=OWNERS)(record, now=NOW)
        reasons += [reason(rejected) for rejected in flow.run_normalized(outcome.outputs)]
    assert ["the domain b.example" in reasons[0], "the domain (none)" in reasons[1]] == [True, True], reasons


def test_the_source_of_a_structured_event_is_its_sender() -> None:
    envelope = {"specversion": "1.0", "source": "/legal", "id": "1", "data": {"id": "a", "status": "canceled"}}
    record = raw(envelope, headers=(("content-type", b"application/cloudevents+json"), ("ce_source", b"/desk")))
    (outcome,) = Normalizer(TOPICS, takedown_owners=OWNERS)(record, now=NOW)
    assert outcome.code is None
