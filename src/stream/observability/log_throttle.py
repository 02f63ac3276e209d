"""Log lines that come again and again: one of a kind in a while, with a count of what was left out."""

from __future__ import annotations

import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

#: Seconds between two lines of a kind.
LIMIT_S: Final = 60.0
#: A field of a record that asks for another number of seconds; 0: each of its lines is a change of state.
EVERY_S: Final = "every_s"
#: Kinds that are remembered. What is left out of one that is forgotten is told then.
KINDS_MAX: Final = 1000
#: Fields that make two lines of one event different kinds.
_KEYS: Final = ("topic", "partition", "step", "code")
_TEMPLATE_CHARS_MAX: Final = 200
_DIGITS: Final = re.compile(r"\d+")


@dataclass(slots=True)
class _Kind:
    """``began``: when its last line was written; ``last``: the newest of those that were ``left_out`` since."""

    began: float
    every_s: float
    left_out: int = 0
    records: int = 0
    last: logging.LogRecord | None = None


class LogThrottle:
    """Decides which lines are written. A record has its ``fields``, and the ``template`` of its message.

    ``clock`` gives seconds of any steady clock. Not for several threads: a handler's lock is held meanwhile.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, kinds_max: int = KINDS_MAX) -> None:
        self._clock = clock
        self._kinds_max = kinds_max
        self._kinds: OrderedDict[tuple[str, ...], _Kind] = OrderedDict()

    def admit(self, record: logging.LogRecord) -> list[logging.LogRecord]:
        """The lines to write: those that are due, and ``record`` unless it is left out."""
        every_s = record.__dict__.get(EVERY_S, LIMIT_S)
        if not every_s or not logging.WARNING <= record.levelno < logging.CRITICAL:
            return [*self.due(), record]
        now = self._clock()
        key = _key(record)
        kind = self._kinds.get(key)
        if kind is None or now - kind.began >= every_s:
            written = _with_count(record, kind) if kind else record
            self._kinds.pop(key, None)
            self._kinds[key] = _Kind(now, every_s)
            return [*self._forgotten(), *self.due(), written]
        if kind.last is not None:
            kind.left_out += 1
            kind.records += kind.last.__dict__["fields"].get("records", 0)
        kind.last = record
        return self.due()

    def due(self) -> list[logging.LogRecord]:
        """The newest of what was left out, of kinds whose time is over."""
        now = self._clock()
        over = [kind for kind in self._kinds.values() if kind.last and now - kind.began >= kind.every_s]
        return self._told(over, now)

    def drain(self) -> list[logging.LogRecord]:
        """The newest of what was left out, of all kinds."""
        return self._told([kind for kind in self._kinds.values() if kind.last], self._clock())

    def _told(self, kinds: list[_Kind], now: float) -> list[logging.LogRecord]:
        found = []
        for kind in kinds:
            if kind.last:
                found.append(_counted(kind.last, kind.left_out, kind.records))
            kind.began, kind.left_out, kind.records, kind.last = now, 0, 0, None
        return found

    def _forgotten(self) -> list[logging.LogRecord]:
        found = []
        while len(self._kinds) > self._kinds_max:
            _, kind = self._kinds.popitem(last=False)
            if kind.last:
                found.append(_counted(kind.last, kind.left_out, kind.records))
        return found


def _key(record: logging.LogRecord) -> tuple[str, ...]:
    fields = record.__dict__["fields"]
    template = _DIGITS.sub("#", record.__dict__["template"][:_TEMPLATE_CHARS_MAX])
    return (record.name, record.levelname, template, *(str(fields.get(name, "")) for name in _KEYS))


def _with_count(record: logging.LogRecord, kind: _Kind) -> logging.LogRecord:
    """``record`` with all that was left out before it."""
    if kind.last is None:
        return record
    return _counted(record, kind.left_out + 1, kind.records + kind.last.__dict__["fields"].get("records", 0))


def _counted(record: logging.LogRecord, left_out: int, records: int) -> logging.LogRecord:
    if left_out:
        fields = record.__dict__["fields"]
        fields["repeated"] = left_out
        if "records" in fields:
            fields["repeated_records"] = records
    return record
