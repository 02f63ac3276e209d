"""Both steps without a broker."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.core.contracts import codec
from stream.core.contracts.events import EnrichedEvent
from stream.core.contracts.records import OutputRecord
from stream.core.contracts.topics import Topics
from stream.core.index.postings import POSTINGS_MAX
from stream.core.pipeline.offline import BATCH_MESSAGES_MAX, OfflineFlow
from stream.core.pipeline.outcome import Outcome
from stream.core.timestamps import parse_rfc3339
from stream.core.validation import Limits
from stream.state.rocksdb_store import RocksStore
from tests.support.cases import cases

NOW: Final = "2026-05-04T06:00:00.000Z"
DAY_MS: Final = 24 * 3600 * 1000
WINDOW_MS: Final = 7 * DAY_MS
STORY: Final = " ".join(f"{chr(97 + i % 26)}{chr(97 + i // 26)}story" for i in range(60))


def article(text: str, *, name: str, **fields: Any) -> bytes:
    return orjson.dumps({"id": name, "text": text, "language": "en", **fields})


def run(messages: Sequence[bytes | None], **options: Any) -> list[list[Outcome]]:
    return list(OfflineFlow(window_ms=WINDOW_MS, **options).run(messages, now=NOW))


def _is_tombstone(output: OutputRecord) -> bool:
    return output.value is None and output.topic == Topics().enriched


def results(outcomes: list[list[Outcome]]) -> list[list[str]]:
    return [[outcome.result for outcome in message] for message in outcomes]


def test_outcomes_are_in_the_order_of_messages_and_of_their_articles() -> None:
    array = b"[" + b",".join([article(STORY, name="b"), b"5", article("other words", name="c")]) + b"]"
    outcomes = run([article(STORY, name="a"), None, array, b"no JSON", article(STORY, name="a")])
    assert results(outcomes) == [["new"], ["rejected"], ["copy", "new", "rejected"], ["rejected"], ["recrawl"]]
    events = [codec.decode(outcome.outputs[0].value or b"", EnrichedEvent) for outcome in outcomes[2][:2]]
    assert [(event.id, event.origin.offset, event.origin.item) for event in events] == [("b", 2, 0), ("c", 2, 2)]


def test_posts_that_share_a_url_are_articles_of_their_own_however_often_they_are_sent() -> None:
    url = "https://a.example/live"
    posts = [article(f"{name}x " * 40 + name, name=name, url=url) for name in ("one", "two", "six")]
    changed = article("twox " * 40 + "news", name="two", url=url)
    assert results(run([*posts, *posts, changed, posts[0]])) == [
        *[["new"]] * 3,
        *[["recrawl"]] * 3,
        ["revision"],
        ["recrawl"],
    ]


@pytest.mark.parametrize(
    "url", ["https://a.example", "http://www.a.example/index.html?utm_source=x", "https://a.example/ar/"]
)
def test_a_home_page_identifies_no_article(url: str) -> None:
    with_ids = [article(f"{name}x " * 40, name=name, url=url) for name in ("one", "two")]
    assert results(run(with_ids)) == [["new"], ["new"]]
    ((outcome,),) = run([orjson.dumps({"url": url, "text": STORY})])
    assert outcome.code == "missing_identity"


#: Texts that only their repetition shows to be no articles.
PANELS: Final = {
    "Latin": "Harbour Courier, the voice of the coast for many years: weather, tides, ferries and the latest results.",
    "Arabic": "صحيفة الميناء صوت الساحل منذ أيام المراكب: الطقس والمد والعبارات ونتائج المباريات وأخبار الأسواق.",
    "Japanese": "港町新聞は海辺の声を伝え続けて百年。天気、潮位、フェリーの運航状況、試合の結果、魚市場の値段。",
}
#: Language -> a wall, and the beginnings of two articles.
WALLS: Final = {
    "en": (
        (
            "You have reached your limit of free articles for this month. Subscribe now for full access to our site, "
            "or log in if you already have an account. Your subscription supports our journalism; you can cancel it."
        ),
        (
            "The choir of the miners sang in the old station hall on Saturday before two hundred guests, and the mayor "
            "thanked the singers, who had rehearsed in a barn all winter because the school was closed for repairs."
        ),
        (
            "Engineers found cracks in the eastern pier during an inspection on Tuesday, and ferries will use the "
            "western berth until May, which adds a quarter of an hour to the crossing, the harbour master said."
        ),
    ),
    "ar": (
        (
            "هذا المقال متاح للمشتركين فقط. اشترك الآن للوصول الكامل إلى موقعنا، أو سجل الدخول إذا كان لديك حساب. "
            "اشتراكك يدعم صحافتنا المستقلة، ويمكنك إلغاؤه في أي وقت."
        ),
        (
            "أحيت فرقة عمال المناجم حفلا في قاعة المحطة القديمة مساء السبت بحضور مئتي ضيف، وشكر رئيس البلدية المغنين "
            "الذين تدربوا طوال الشتاء في حظيرة لأن المدرسة كانت مغلقة بسبب أعمال الترميم."
        ),
        (
            "عثر المهندسون على تشققات في الرصيف الشرقي خلال تفتيش يوم الثلاثاء، وستستخدم العبارات المرسى الغربي حتى "
            "شهر مايو، وهو ما يطيل الرحلة ربع ساعة بحسب مدير الميناء."
        ),
    ),
}
TITLES: Final = ("Choir sings in old hall", "Cracks found in eastern pier", "Mayor opens school garden")


def page(text: str, number: int, **fields: Any) -> bytes:
    """A page of one site, with a title that has no word in common with others."""
    return orjson.dumps({"url": f"https://a.example/{number}", "title": TITLES[number], "text": text, **fields})


def kinds(outcomes: list[list[Outcome]]) -> list[tuple[str, str | None]]:
    events = [codec.decode(outcome.outputs[0].value or b"", EnrichedEvent) for (outcome,) in outcomes]
    return [(event.duplicate.relation, event.notice) for event in events]


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ({}, ("new", "repeated")),
        ({"title": "Choir sings in the old hall"}, ("copy", None)),
        ({"title": None}, ("copy", None)),
        ({"url": "https://b.example/2"}, ("copy", None)),
    ],
    ids=["another title", "a similar title", "no title", "another site"],
)
@pytest.mark.parametrize("script", PANELS)
def test_a_text_below_two_titles_of_one_site_is_a_notice(
    script: str, second: dict[str, Any], expected: tuple[str, str | None]
) -> None:
    panel = PANELS[script]
    assert kinds(run([page(panel, 0), page(panel, 1, **second)])) == [("new", None), expected]


@pytest.mark.parametrize("script", PANELS)
def test_a_longer_text_below_three_titles_of_one_site_is_a_notice(script: str) -> None:
    panel = " ".join([PANELS[script]] * 5)
    pages = [page(panel, number) for number in range(3)]
    assert kinds(run(pages)) == [("new", None), ("copy", None), ("new", "repeated")]
    similar = page(panel, 2, title="Choir sings in the old hall")
    assert kinds(run([*pages[:2], similar])) == [("new", None), ("copy", None), ("copy", None)]


@pytest.mark.parametrize("script", PANELS)
def test_an_article_that_is_later_recognized_as_a_notice_is_linked_to_nothing_from_then_on(script: str) -> None:
    panel = PANELS[script]
    reprint = page(panel, 0, url="https://b.example/0")
    edited = page(f"{panel} 2026", 0, url="https://c.example/0")
    assert kinds(run([page(panel, 0), reprint, edited])) == [("new", None), ("copy", None), ("near_copy", None)]
    messages = [page(panel, 0), page(panel, 1), page(panel, 2), page(panel, 0), reprint, edited]
    assert kinds(run(messages))[1:4] == [("new", "repeated")] * 3
    # The reprint is the first article with this text, now that the others are no articles.
    assert kinds(run(messages))[4:] == [("new", None), ("near_copy", None)]


@pytest.mark.parametrize("case", cases("notices"))
def test_a_notice_is_published_as_one_and_linked_to_nothing(case: dict[str, Any]) -> None:
    fields = {"language": case["language"], "title": None}
    messages = [page(case["text"], 0, **fields), page(case["text"], 1, **fields, url="https://b.example/1")]
    assert kinds(run([*messages, messages[0]])) == [("new", case["notice"])] * 3


@pytest.mark.parametrize("language", WALLS)
def test_the_same_wall_below_the_beginnings_of_two_articles_does_not_link_them(language: str) -> None:
    wall, *beginnings = WALLS[language]
    texts = [f"{beginnings[0]}\n{wall}", f"{beginnings[1]}\n{wall}"]
    assert results(run([article(text, name=text[:9], language=language) for text in texts])) == [["new"], ["new"]]


@pytest.mark.parametrize("language", WALLS)
def test_a_wall_below_one_of_two_copies_does_not_separate_them(language: str) -> None:
    wall, *beginnings = WALLS[language]
    text = "\n".join(beginnings)
    messages = [article(text, name="a", language=language), article(f"{text}\n{wall}", name="b", language=language)]
    for pair in (messages, messages[::-1]):
        assert results(run(pair))[1] != ["new"]


def test_an_article_is_linked_past_a_notice_at_its_url() -> None:
    wall = "Please enable JavaScript and cookies in your browser to continue to this site."
    messages = [article(STORY, name="a"), article(wall, name="a"), article(STORY, name="a")]
    assert kinds(run(messages)) == [("new", None), ("new", "bot_check"), ("recrawl", None)]
    changed = article(f"{STORY} and more", name="a")
    assert kinds(run([*messages[:2], changed])) == [("new", None), ("new", "bot_check"), ("revision", None)]


def test_a_takedown_withdraws_a_notice() -> None:
    wall = article("This page is for subscribers. Please log in to your account to read on.", name="a")
    outcomes = run([wall, orjson.dumps({"id": "a", "status": "canceled"})])
    assert results(outcomes) == [["new"], ["withdrawn"]]


def test_an_older_version_that_arrives_late_does_not_become_the_newest() -> None:
    times = ["2026-05-04T08:00:00Z", "2026-05-04T06:00:00Z", None, "2026-05-04T09:00:00Z"]
    versions = [
        article(f"{STORY} {number}", name="a", **({"modified_at": time} if time else {}))
        for number, time in enumerate(times)
    ]
    outcomes = run([*versions[:2], versions[0], versions[1], *versions[2:], versions[3]])
    assert results(outcomes) == [
        ["new"],
        ["outdated"],
        ["recrawl"],
        ["outdated"],
        ["revision"],
        ["revision"],
        ["recrawl"],
    ]
    late = codec.decode(outcomes[1][0].outputs[0].value or b"", EnrichedEvent)
    assert (outcomes[1][0].outputs[0].topic, late.duplicate.is_duplicate) == (Topics().duplicates, True)
    assert (late.duplicate.duplicate_of, late.revision, late.duplicate.method) == ("a", 1, "same-address")


@pytest.mark.parametrize("later", [{"modified_at": "2026-05-04T05:00:00Z"}, {}], ids=["older time", "no time"])
def test_a_version_again_does_not_make_an_older_one_acceptable(later: dict[str, str]) -> None:
    first = article(STORY, name="a", modified_at="2026-05-04T08:00:00Z")
    between = article(f"{STORY} before", name="a", modified_at="2026-05-04T06:00:00Z")
    assert results(run([first, article(STORY, name="a", **later), between])) == [["new"], ["recrawl"], ["outdated"]]


def test_outdated_versions_do_not_push_out_the_newest_one() -> None:
    newest = article(STORY, name="a", modified_at="2026-05-04T08:00:00Z")
    outdated = [
        article(f"{STORY} {number}", name="a", modified_at="2026-05-04T06:00:00Z") for number in range(POSTINGS_MAX + 1)
    ]
    assert results(run([newest, *outdated, newest]))[-1] == ["recrawl"]


@pytest.mark.parametrize(
    ("takedown", "withdrawn"),
    [({"id": "a"}, ["a"]), ({"id": "a", "url": "U"}, ["a"]), ({"url": "U"}, ["a", "b", "c"])],
    ids=["id", "id and URL", "URL"],
)
def test_a_takedown_by_id_leaves_other_articles_at_the_url(takedown: dict[str, str], withdrawn: list[str]) -> None:
    url = "https://a.example/live"
    late = article(f"{STORY} late", name="c", url=url, modified_at="2026-05-04T06:00:00Z")
    posts = [
        article(STORY, name="a", url=url, modified_at="2026-05-04T08:00:00Z"),
        article("other words " * 20, name="b", url=url),
        late,
    ]
    event = {**takedown, "status": "canceled"} | ({"url": url} if "url" in takedown else {})
    outcomes = run([*posts, orjson.dumps(event)])
    assert results(outcomes[:3]) == [["new"], ["new"], ["outdated"]]
    tombstones = {output.key for output in outcomes[3][0].outputs if _is_tombstone(output)}
    assert tombstones == {f"default/{name}".encode() for name in withdrawn}


def test_a_takedown_withdraws_outdated_versions_too() -> None:
    newest = article(STORY, name="a", modified_at="2026-05-04T08:00:00Z")
    outdated = article(f"{STORY} before", name="a", modified_at="2026-05-04T06:00:00Z")
    takedown = orjson.dumps({"id": "a", "status": "canceled"})
    again = article(f"{STORY} before", name="b")
    assert results(run([newest, outdated, takedown, again])) == [["new"], ["outdated"], ["withdrawn"], ["new"]]


def test_an_outdated_version_is_withdrawn_by_its_own_url() -> None:
    newest = article(STORY, name="a", url="https://a.example/new", modified_at="2026-05-04T08:00:00Z")
    outdated = article(f"{STORY} before", name="a", url="https://a.example/old", modified_at="2026-05-04T06:00:00Z")
    takedown = orjson.dumps({"url": "https://a.example/old", "status": "canceled"})
    outcomes = run([newest, outdated, takedown])
    assert results(outcomes) == [["new"], ["outdated"], ["withdrawn"]]


def test_a_takedown_has_one_outcome_like_any_other_message() -> None:
    takedown, nobody = (orjson.dumps({"id": name, "status": "canceled"}) for name in ("a", "x"))
    array = b"[" + b",".join([article("other words", name="d"), takedown, article(STORY, name="e")]) + b"]"
    outcomes = run(
        [article(STORY, name="a"), nobody, article(STORY, name="b"), array, article(STORY, name="c"), takedown]
    )
    expected = [["new"], ["nothing_withdrawn"], ["copy"], ["new", "withdrawn", "copy"], ["copy"], ["nothing_withdrawn"]]
    assert results(outcomes) == expected
    event = codec.decode(outcomes[4][0].outputs[0].value or b"", EnrichedEvent)
    assert event.duplicate.duplicate_of == "b"
    assert [(output.topic, output.key) for output in outcomes[3][1].outputs if output.value is None] == [
        ("articles.enriched", b"default/a"),
        ("articles.duplicates", b"default/a"),
    ]


def test_no_messages_have_no_outcomes() -> None:
    assert run([]) == []


def test_a_second_run_continues_the_first() -> None:
    flow = OfflineFlow(window_ms=WINDOW_MS)
    first = list(flow.run([article(STORY, name="a")], now=NOW))
    second = list(flow.run([article(STORY, name="b")], now=NOW))
    assert results(first + second) == [["new"], ["copy"]]
    event = codec.decode(second[0][0].outputs[0].value or b"", EnrichedEvent)
    assert (event.origin.offset, event.origin.timestamp) == (1, None)


def test_it_reads_at_most_one_batch_ahead() -> None:
    numbers_read = []

    def messages() -> Any:
        for number in range(3 * BATCH_MESSAGES_MAX):
            numbers_read.append(number)
            yield article(STORY, name=str(number))

    outcomes = OfflineFlow(window_ms=WINDOW_MS).run(messages(), now=NOW)
    next(outcomes)
    assert len(numbers_read) == BATCH_MESSAGES_MAX


def test_an_article_without_a_time_gets_the_latest_time_before_it() -> None:
    outcomes = run(
        [
            article(STORY, name="a", fetched_at="2026-01-01T00:00:00Z"),
            article("other", name="b", fetched_at="2026-02-01T00:00:00Z"),
            article("more", name="c", fetched_at="2026-01-02T00:00:00Z"),
            article(STORY, name="d"),
        ]
    )
    assert results(outcomes) == [["new"], ["new"], ["new"], ["new"]]
    assert [message[0].event_time_ms for message in outcomes][1] == outcomes[3][0].event_time_ms


def test_topics_limits_and_window_can_be_set() -> None:
    outcomes = run([article(STORY, name="a")], topics=Topics.with_prefix("x."), limits=Limits(message_bytes=10))
    assert (outcomes[0][0].code, outcomes[0][0].outputs[0].topic) == ("message_too_large", "x.articles.rejected")


def test_the_store_can_be_one_on_disk(tmp_path: Path) -> None:
    store = RocksStore(tmp_path / "index")
    messages: list[bytes | None] = [article(STORY, name="a"), article(STORY, name="b")]
    assert run(messages, store=store) == run(messages)
    store.close()


@pytest.mark.parametrize("size", [1, 2, 3])
def test_outcomes_do_not_depend_on_the_size_of_batches(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    messages: list[bytes | None] = [
        article(text, name=name)
        for text, name in [(STORY, "a"), (STORY[:200], "b"), (STORY, "b"), (STORY, "a"), (STORY[:300], "c")]
    ]
    messages += [orjson.dumps({"id": "a", "status": "canceled"}), article(STORY, name="d")]
    expected = run(messages)
    monkeypatch.setattr("stream.core.pipeline.offline.BATCH_MESSAGES_MAX", size)
    assert run(messages) == expected


@given(
    st.lists(st.none() | st.binary(max_size=9) | st.sampled_from([article(STORY, name=n) for n in "ab"]), max_size=8)
)
@settings(max_examples=50, deadline=None)
def test_every_message_has_an_outcome(messages: list[bytes | None]) -> None:
    outcomes = run(messages)
    assert len(outcomes) == len(messages)
    assert all(message and all(outcome.outputs for outcome in message) for message in outcomes)


def test_a_time_far_after_the_run_does_not_hide_what_came_before() -> None:
    messages: list[bytes | None] = [
        article(STORY, name="a", fetched_at="2026-05-01T00:00:00Z"),
        article("other", name="b", fetched_at="2099-01-01T00:00:00Z"),
        article(STORY, name="c", fetched_at="2026-05-02T00:00:00Z"),
        article(STORY, name="d"),
    ]
    assert results(run(messages))[2] == ["new"]
    outcomes = run(messages, latest_ms=parse_rfc3339(NOW))
    assert results(outcomes) == [["new"], ["new"], ["copy"], ["copy"]]
    event = codec.decode(outcomes[1][0].outputs[0].value or b"", EnrichedEvent)
    assert event.fetched_at is None
    assert [(fix.step, fix.count) for fix in event.fixes] == [("fetched_at_dropped", 1)]


def test_an_article_of_an_earlier_transaction_is_published_again_when_it_becomes_canonical() -> None:
    fillers = [article("filler", name=f"f{number}") for number in range(BATCH_MESSAGES_MAX)]
    takedown = orjson.dumps({"id": "a", "status": "canceled"})
    outcomes = run([article(STORY, name="a"), article(STORY, name="b"), *fillers, takedown])
    (outcome,) = outcomes[-1]
    (value,) = (output.value for output in outcome.outputs if output.topic == Topics().enriched and output.value)
    event = codec.decode(value, EnrichedEvent)
    assert (event.id, event.duplicate.method, event.text) == ("b", "promoted", STORY)
    assert outcome.lost_promotions == []
