"""Which dead letters are requeued, and which are skipped for what reason; sending is tested with the command."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.contracts.records import InputRecord
from stream.core.contracts.topics import Topics
from stream.core.pipeline.dead_letter import ATTEMPTS_HEADER, build_dead_letter
from stream.core.pipeline.normalize import Normalizer
from stream.dead_letters.parsed_dead_letter import DeadLetter, DeadLetterFilter, read_dead_letter, requeued_record
from stream.dead_letters.requeue import RequeueRules, SkipReason, plan_requeue
from stream.errors import Rejected
from tests.support.articles import BRIDGE, article, dumps
from tests.unit.dead_letters.test_parsed_dead_letter import TIME, TOPICS, dead_letter_of, to_record

RULES = RequeueRules(TOPICS, attempts_max=3)
EVERYTHING = DeadLetterFilter()


def normalized_record() -> InputRecord:
    """A record of the normalized topic."""
    record = InputRecord(TOPICS.raw, 0, 0, TIME, None, dumps(article(1, BRIDGE)))
    [outcome] = Normalizer(TOPICS)(record, now="")
    return to_record(outcome.outputs[0], 4)


def rejected_again(dead_letter: DeadLetter, position: int, code: str = "invalid_json") -> DeadLetter:
    """The dead letter after ``dead_letter`` was requeued and rejected again, a second later."""
    record = to_record(requeued_record(dead_letter), 100 + position)
    out = build_dead_letter(TOPICS.rejected, record, "normalize", [(None, Rejected(code, "why"))])
    return read_dead_letter(to_record(out, position, time=dead_letter.time + 1000))


def of_normalized(value: bytes | None) -> DeadLetter:
    """A dead letter of the deduplicate step."""
    return dead_letter_of(value, topic=TOPICS.normalized, stage="deduplicate", code="invalid_normalized")


EMPTY: Any = (("trace", None),)
CASES = [
    ("as it came", dead_letter_of(), None),
    ("a tombstone", dead_letter_of(None), None),
    ("no key", dead_letter_of(key=None), None),
    ("twice before", dead_letter_of(headers=((ATTEMPTS_HEADER, b"2"),)), None),
    ("three times before", dead_letter_of(headers=((ATTEMPTS_HEADER, b"3"),)), SkipReason.ATTEMPTS),
    ("of another flow", dead_letter_of(topic="other.raw"), SkipReason.OTHER_TOPIC),
    ("of the enriched topic", dead_letter_of(topic=TOPICS.enriched), SkipReason.OTHER_TOPIC),
    ("of the normalized topic", of_normalized(normalized_record().value), SkipReason.NORMALIZED),
    ("nothing at all", dead_letter_of(None, key=None), SkipReason.UNSENDABLE),
    ("a header without value", dead_letter_of(headers=EMPTY), SkipReason.UNSENDABLE),
    ("foreign record", read_dead_letter(InputRecord(TOPICS.rejected, 0, 1, TIME, None, b"x")), SkipReason.FOREIGN),
]


@pytest.mark.parametrize(("dead_letter", "reason"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_dead_letter_is_selected_or_skipped_for_its_reason(
    dead_letter: DeadLetter, reason: SkipReason | None
) -> None:
    plan = plan_requeue([dead_letter], EVERYTHING, RULES)
    assert [item.record_id for item in plan.selected] == ([] if reason else [dead_letter.record_id])
    assert plan.skipped == ({reason: 1} if reason else {})


def test_only_readable_normalized_records_are_requeued_and_only_on_request() -> None:
    rules = RequeueRules(TOPICS, attempts_max=3, also_normalized=True)
    assert plan_requeue([of_normalized(normalized_record().value)], EVERYTHING, rules).skipped == {}
    assert plan_requeue([of_normalized(b'{"event_id": 7}')], EVERYTHING, rules).skipped == {SkipReason.UNREADABLE: 1}
    assert plan_requeue([dead_letter_of(topic=TOPICS.enriched)], EVERYTHING, rules).skipped == {
        SkipReason.OTHER_TOPIC: 1
    }
    other_topics = Topics.with_prefix("mine-")
    assert plan_requeue([dead_letter_of()], EVERYTHING, RequeueRules(other_topics, 3)).skipped == {
        SkipReason.OTHER_TOPIC: 1
    }


def test_only_the_newest_dead_letter_of_an_event_is_requeued() -> None:
    first = dead_letter_of(position=1)
    second = rejected_again(first, 2)
    third = rejected_again(second, 3)
    for dead_letters in ([first, second, third], [third, second, first], [second, third, first]):
        plan = plan_requeue(dead_letters, EVERYTHING, RULES)
        assert [item.record_id.offset for item in plan.selected] == [3]
        assert plan.skipped == {SkipReason.NEWER: 2}
    plan = plan_requeue([first, second, third], EVERYTHING, RequeueRules(TOPICS, attempts_max=2))
    assert plan.selected == []
    assert plan.skipped == {SkipReason.NEWER: 2, SkipReason.ATTEMPTS: 1}


def test_a_replaced_dead_letter_is_skipped_even_if_only_it_matches_the_filter() -> None:
    first = dead_letter_of(position=1)
    second = rejected_again(first, 2, code="too_deep")
    plan = plan_requeue([first, second], DeadLetterFilter(codes=frozenset(["invalid_json"])), RULES)
    assert plan.selected == []
    assert plan.skipped == {SkipReason.NEWER: 1}
    plan = plan_requeue([first, second], DeadLetterFilter(codes=frozenset(["too_deep"])), RULES)
    assert [item.record_id for item in plan.selected] == [second.record_id]
    assert plan.skipped == {}


def test_a_dead_letter_that_a_crash_wrote_twice_is_requeued_once() -> None:
    plan = plan_requeue([dead_letter_of(position=1), dead_letter_of(position=2, time=TIME + 1)], EVERYTHING, RULES)
    assert [item.record_id.offset for item in plan.selected] == [2]
    assert plan.skipped == {SkipReason.NEWER: 1}


def test_the_oldest_come_first_and_the_limit_is_kept() -> None:
    dead_letters = [dead_letter_of(offset=n, position=n, time=TIME - n) for n in range(5)]
    plan = plan_requeue(dead_letters, EVERYTHING, RULES)
    assert [item.record_id.offset for item in plan.selected] == [4, 3, 2, 1, 0]
    assert plan.codes == {"invalid_json": 5}
    few = plan.limited_to(2)
    assert [item.record_id.offset for item in few.selected] == [4, 3]
    assert few.skipped == {SkipReason.LIMIT: 3}
    assert plan.limited_to(None) == plan
    assert plan.limited_to(5) == plan


def test_dead_letters_that_were_requeued_before_are_skipped() -> None:
    plan = plan_requeue([dead_letter_of(offset=n, position=n) for n in range(3)], EVERYTHING, RULES)
    remaining = plan.without_requeued({"articles.rejected/0/1", "articles.rejected/9/9"})
    assert [item.record_id.offset for item in remaining.selected] == [0, 2]
    assert remaining.skipped == {SkipReason.BEFORE: 1}
    assert remaining.with_skipped(SkipReason.GONE, 0) == remaining


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 4), st.sampled_from(["invalid_json", "too_deep"])), max_size=12
    )
)
def test_every_match_is_either_selected_or_counted_as_skipped(events: list[tuple[int, int, str]]) -> None:
    dead_letters = [
        dead_letter_of(
            offset=event, position=i, code=code, headers=((ATTEMPTS_HEADER, b"%d" % attempts),), time=TIME + i
        )
        for i, (event, attempts, code) in enumerate(events)
    ]
    criteria = DeadLetterFilter(codes=frozenset(["too_deep"]))
    plan = plan_requeue(dead_letters, criteria, RULES)
    assert len(plan.selected) + sum(plan.skipped.values()) == sum(map(criteria.matches, dead_letters))
    assert len({item.origin for item in plan.selected}) == len(plan.selected)
    assert plan == plan_requeue(reversed(dead_letters), criteria, RULES)
