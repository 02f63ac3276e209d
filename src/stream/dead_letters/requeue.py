"""Putting dead letters back: which ones, which are left and why, and the sending."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from kafka.errors import KafkaError

from stream.core.contracts.topics import Topics
from stream.dead_letters.dead_letter import DeadLetter, RecordId, Wanted, is_readable_normalized, put_back
from stream.dead_letters.topic_reader import Advance, RejectedTopicReader, nothing
from stream.errors import BrokerError

#: The producer buffers without a limit of its own.
UNSENT_BYTES_MAX: Final = 32 * 1024 * 1024
#: What a record takes beside its value.
_RECORD_BYTES: Final = 1024
#: A little longer than the producer tries.
_DELIVERY_S: Final = 130.0


class Left(Enum):
    """Why a letter that is meant is left where it is; the value is what the user is told."""

    NEWER = "a newer letter stands for the same event"
    ATTEMPTS = "were put back --max-attempts times; mend what rejects them, then raise it"
    BEFORE = "were put back before"
    LIMIT = "are over the --limit"
    NORMALIZED = "come from the normalized topic, where only the normalize step may write; see --help"
    UNREADABLE = "come from the normalized topic and cannot be read by this version either"
    OTHER_TOPIC = "come from a topic that is none of this flow's; check STREAM_TOPIC_PREFIX"
    FOREIGN = "do not say where they come from; this project did not write them"
    UNSENDABLE = "have neither key nor value, or a header without a value: the client cannot send that"
    GONE = "were deleted by retention meanwhile"


@dataclass(frozen=True, slots=True)
class Rules:
    """What may be put back."""

    topics: Topics
    attempts_max: int
    also_normalized: bool = False

    def obstacle(self, letter: DeadLetter) -> Left | None:
        """Why ``letter`` is left, if it is."""
        if letter.origin is None:
            return Left.FOREIGN
        if letter.origin.topic == self.topics.normalized:
            if not self.also_normalized:
                return Left.NORMALIZED
            if not is_readable_normalized(letter):
                return Left.UNREADABLE
        elif letter.origin.topic != self.topics.raw:
            return Left.OTHER_TOPIC
        return self._obstacle_in_itself(letter)

    def _obstacle_in_itself(self, letter: DeadLetter) -> Left | None:
        has_empty = any(value is None for _, value in letter.headers)
        if has_empty or (letter.key is None and letter.value is None):
            return Left.UNSENDABLE
        return Left.ATTEMPTS if letter.attempts >= self.attempts_max else None


@dataclass(frozen=True, slots=True)
class Chosen:
    """A letter to be put back, without what it holds."""

    place: RecordId
    origin: RecordId
    code: str
    time: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be put back, in the order of time, and how many letters are left for which reason."""

    chosen: Sequence[Chosen]
    left: Mapping[Left, int]

    @property
    def needs_attention(self) -> bool:
        """Some letters are left for another reason than that there is no need, or no wish, to put them back."""
        return bool(self.left.keys() - {Left.NEWER, Left.BEFORE, Left.LIMIT})

    @property
    def codes(self) -> Counter[str]:
        """How many letters of each code are to be put back."""
        return Counter(one.code for one in self.chosen)

    def without(self, ids: set[str]) -> Plan:
        """The same without letters that were put back before."""
        kept = [one for one in self.chosen if str(one.place) not in ids]
        return Plan(kept, self.left).with_left(Left.BEFORE, len(self.chosen) - len(kept))

    def first(self, limit: int | None) -> Plan:
        """The same, of the oldest so many."""
        kept = self.chosen[:limit]
        return Plan(kept, self.left).with_left(Left.LIMIT, len(self.chosen) - len(kept))

    def with_left(self, reason: Left, count: int) -> Plan:
        """The same with so many more letters left."""
        return Plan(self.chosen, +(Counter(self.left) + Counter({reason: count})))


@dataclass(slots=True)
class _Newest:
    """Of the letters of one event, the one that counts."""

    rank: tuple[int, int, RecordId]
    is_wanted: bool
    obstacle: Left | None
    chosen: Chosen | None


def plan(letters: Iterable[DeadLetter], wanted: Wanted, rules: Rules) -> Plan:
    """Choose among ``letters``, which have to be all since the oldest that is meant.

    One letter an event: where it was put back and rejected again, or a crash made its letter twice, the newest one.
    """
    events: dict[bytes, _Newest] = {}
    left: Counter[Left] = Counter()
    for letter in letters:
        found = _weighed(letter, wanted, rules)
        known = events.get(letter.event)
        if known is None:
            events[letter.event] = found
            continue
        older, newer = sorted((known, found), key=lambda one: one.rank)
        left[Left.NEWER] += older.is_wanted
        events[letter.event] = newer
    left.update(one.obstacle for one in events.values() if one.is_wanted and one.obstacle)
    chosen = [one.chosen for one in events.values() if one.is_wanted and one.chosen]
    return Plan(sorted(chosen, key=lambda one: (one.time, one.origin)), +left)


def _weighed(letter: DeadLetter, wanted: Wanted, rules: Rules) -> _Newest:
    is_wanted = letter in wanted
    obstacle = rules.obstacle(letter) if is_wanted else None
    chosen = None
    if is_wanted and obstacle is None and letter.origin:
        chosen = Chosen(letter.place, letter.origin, letter.code, letter.time)
    return _Newest((letter.attempts, letter.time, letter.place), is_wanted, obstacle, chosen)


@dataclass(slots=True)
class Sent:
    """What became of a plan: how many letters of each code are stored, and what ended it early, if anything did."""

    stored: Counter[str] = field(default_factory=Counter)
    failure: Exception | None = None


def put_back_all(box: RejectedTopicReader, chosen: Sequence[Chosen], advance: Advance = nothing) -> Sent:
    """Put the letters back in the order of their time; ends early where ``box`` is stopped, or at a failure.

    Raises:
        BrokerError: before anything is sent.
    """
    partitions = {topic: box.partitions(topic) for topic in {one.origin.topic for one in chosen}}
    sent = Sent()
    with box.producer() as producer:
        try:
            _send_all(producer, _meant(box, chosen, advance), partitions, sent)
        except (KafkaError, BrokerError) as error:
            sent.failure = sent.failure or error
    return sent


def _meant(box: RejectedTopicReader, chosen: Sequence[Chosen], advance: Advance) -> Iterator[DeadLetter]:
    places = {one.place for one in chosen}
    for letter in box.letters(box.around(places)):
        if letter.place in places:
            yield letter
            advance(1)


def _send_all(producer: Any, letters: Iterator[DeadLetter], partitions: Mapping[str, int], sent: Sent) -> None:
    pending: list[tuple[str, Any]] = []
    unsent = 0
    try:
        for letter in letters:
            out = put_back(letter)
            there = out.partition if out.partition is not None and out.partition < partitions[out.topic] else None
            future = producer.send(out.topic, value=out.value, key=out.key, headers=list(out.headers), partition=there)
            pending.append((letter.code, future))
            unsent += len(out.value or b"") + _RECORD_BYTES
            if unsent > UNSENT_BYTES_MAX:
                _settle(pending, sent)
                unsent = 0
            if sent.failure:
                return
    finally:
        _settle(pending, sent)


def _settle(pending: list[tuple[str, Any]], sent: Sent) -> None:
    """Wait for what is on its way. Not by the producer's flush, which fails where a batch has to be divided."""
    for code, future in pending:
        try:
            future.get(_DELIVERY_S)
            sent.stored[code] += 1
        except KafkaError as error:
            sent.failure = sent.failure or error
    pending.clear()
