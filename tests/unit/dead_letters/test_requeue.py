"""Which letters are put back, and which are left for what reason; the sending is tested with the command."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.contracts.records import InputRecord
from stream.core.contracts.topics import Topics
from stream.core.pipeline.dead_letter import ATTEMPTS, dead_letter
from stream.core.pipeline.normalize import Normalizer
from stream.dead_letters.dead_letter import DeadLetter, Wanted, put_back, read
from stream.dead_letters.requeue import Left, Rules, plan
from stream.errors import Rejected
from tests.support.articles import BRIDGE, article, dumps
from tests.unit.dead_letters.test_dead_letter import TIME, TOPICS, letter_of, stored

RULES = Rules(TOPICS, attempts_max=3)
EVERYTHING = Wanted()


def normalized() -> InputRecord:
    """A record of the normalized topic."""
    record = InputRecord(TOPICS.raw, 0, 0, TIME, None, dumps(article(1, BRIDGE)))
    [outcome] = Normalizer(TOPICS)(record, now="")
    return stored(outcome.outputs[0], 4)


def rejected_again(letter: DeadLetter, place: int, code: str = "invalid_json") -> DeadLetter:
    """The letter that comes of it when ``letter`` is put back and rejected, a second later."""
    record = stored(put_back(letter), 100 + place)
    out = dead_letter(TOPICS.rejected, record, "normalize", [(None, Rejected(code, "why"))])
    return read(stored(out, place, time=letter.time + 1000))


def of_normalized(value: bytes | None) -> DeadLetter:
    """A letter of the deduplicate step."""
    return letter_of(value, topic=TOPICS.normalized, stage="deduplicate", code="invalid_normalized")


EMPTY: Any = (("trace", None),)
CASES = [
    ("as it came", letter_of(), None),
    ("a tombstone", letter_of(None), None),
    ("no key", letter_of(key=None), None),
    ("twice before", letter_of(headers=((ATTEMPTS, b"2"),)), None),
    ("three times before", letter_of(headers=((ATTEMPTS, b"3"),)), Left.ATTEMPTS),
    ("of another flow", letter_of(topic="other.raw"), Left.OTHER_TOPIC),
    ("of the enriched topic", letter_of(topic=TOPICS.enriched), Left.OTHER_TOPIC),
    ("of the normalized topic", of_normalized(normalized().value), Left.NORMALIZED),
    ("nothing at all", letter_of(None, key=None), Left.UNSENDABLE),
    ("a header without value", letter_of(headers=EMPTY), Left.UNSENDABLE),
    ("no letter", read(InputRecord(TOPICS.rejected, 0, 1, TIME, None, b"x")), Left.FOREIGN),
]


@pytest.mark.parametrize(("letter", "left"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_is_put_back_and_what_is_left(letter: DeadLetter, left: Left | None) -> None:
    found = plan([letter], EVERYTHING, RULES)
    assert [one.place for one in found.chosen] == ([] if left else [letter.place])
    assert found.left == ({left: 1} if left else {})


def test_into_the_normalized_topic_goes_what_normalize_wrote_and_only_when_asked() -> None:
    rules = Rules(TOPICS, attempts_max=3, also_normalized=True)
    assert plan([of_normalized(normalized().value)], EVERYTHING, rules).left == {}
    assert plan([of_normalized(b'{"event_id": 7}')], EVERYTHING, rules).left == {Left.UNREADABLE: 1}
    assert plan([letter_of(topic=TOPICS.enriched)], EVERYTHING, rules).left == {Left.OTHER_TOPIC: 1}
    other = Topics.with_prefix("mine-")
    assert plan([letter_of()], EVERYTHING, Rules(other, 3)).left == {Left.OTHER_TOPIC: 1}


def test_of_an_event_that_was_rejected_again_only_the_newest_letter_is_put_back() -> None:
    first = letter_of(place=1)
    second = rejected_again(first, 2)
    third = rejected_again(second, 3)
    for letters in ([first, second, third], [third, second, first], [second, third, first]):
        found = plan(letters, EVERYTHING, RULES)
        assert [one.place.offset for one in found.chosen] == [3]
        assert found.left == {Left.NEWER: 2}
    found = plan([first, second, third], EVERYTHING, Rules(TOPICS, attempts_max=2))
    assert found.chosen == []
    assert found.left == {Left.NEWER: 2, Left.ATTEMPTS: 1}


def test_a_letter_that_a_newer_one_replaced_is_not_put_back_for_what_it_was_rejected_for_then() -> None:
    first = letter_of(place=1)
    second = rejected_again(first, 2, code="too_deep")
    found = plan([first, second], Wanted(codes=frozenset(["invalid_json"])), RULES)
    assert found.chosen == []
    assert found.left == {Left.NEWER: 1}
    found = plan([first, second], Wanted(codes=frozenset(["too_deep"])), RULES)
    assert [one.place for one in found.chosen] == [second.place]
    assert found.left == {}


def test_the_letter_that_a_crash_wrote_twice_is_put_back_once() -> None:
    found = plan([letter_of(place=1), letter_of(place=2, time=TIME + 1)], EVERYTHING, RULES)
    assert [one.place.offset for one in found.chosen] == [2]
    assert found.left == {Left.NEWER: 1}


def test_the_oldest_first_and_no_more_than_asked_for() -> None:
    letters = [letter_of(offset=n, place=n, time=TIME - n) for n in range(5)]
    found = plan(letters, EVERYTHING, RULES)
    assert [one.place.offset for one in found.chosen] == [4, 3, 2, 1, 0]
    assert found.codes == {"invalid_json": 5}
    few = found.first(2)
    assert [one.place.offset for one in few.chosen] == [4, 3]
    assert few.left == {Left.LIMIT: 3}
    assert found.first(None) == found
    assert found.first(5) == found


def test_what_was_put_back_before_is_left_out() -> None:
    found = plan([letter_of(offset=n, place=n) for n in range(3)], EVERYTHING, RULES)
    rest = found.without({"articles.rejected/0/1", "articles.rejected/9/9"})
    assert [one.place.offset for one in rest.chosen] == [0, 2]
    assert rest.left == {Left.BEFORE: 1}
    assert rest.with_left(Left.GONE, 0) == rest


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 4), st.sampled_from(["invalid_json", "too_deep"])), max_size=12
    )
)
def test_every_letter_that_is_meant_is_put_back_or_counted_as_left(drawn: list[tuple[int, int, str]]) -> None:
    letters = [
        letter_of(offset=event, place=place, code=code, headers=((ATTEMPTS, b"%d" % attempts),), time=TIME + place)
        for place, (event, attempts, code) in enumerate(drawn)
    ]
    wanted = Wanted(codes=frozenset(["too_deep"]))
    found = plan(letters, wanted, RULES)
    assert len(found.chosen) + sum(found.left.values()) == sum(letter in wanted for letter in letters)
    assert len({one.origin for one in found.chosen}) == len(found.chosen)
    assert found == plan(reversed(letters), wanted, RULES)
