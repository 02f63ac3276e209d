"""Throttles repeated log lines: one of a kind per interval, with a count of those that were suppressed."""

from __future__ import annotations

import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

#: Seconds between two lines of a kind.
INTERVAL_S: Final = 60.0
#: The field of a record that sets another interval. 0 means no throttling: each line is a change of state.
EVERY_S: Final = "every_s"
#: Kinds that are remembered. When one is forgotten, its suppressed line is written.
KINDS_MAX: Final = 1000
#: Fields whose values distinguish kinds of one event.
_KEY_FIELDS: Final = ("topic", "partition", "step", "code")
_TEMPLATE_CHARS_MAX: Final = 200
_DIGITS: Final = re.compile(r"\d+")


@dataclass(slots=True)
class _Kind:
    """The lines of one kind since the last one was written, at ``written_at``.

    ``newest`` is the last suppressed line; ``suppressed`` and ``records`` count those before it.
    """

    written_at: float
    interval_s: float
    suppressed: int = 0
    records: int = 0
    newest: logging.LogRecord | None = None


class LogThrottle:
    """Decides which lines are written. Log records need the attributes ``fields`` and ``template``.

    ``clock`` returns seconds of any monotonic clock. Not thread-safe: the caller holds the handler's lock.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, kinds_max: int = KINDS_MAX) -> None:
        self._clock = clock
        self._kinds_max = kinds_max
        self._kinds: OrderedDict[tuple[str, ...], _Kind] = OrderedDict()

    def __len__(self) -> int:
        """The number of kinds that are remembered."""
        return len(self._kinds)

    def admit(self, record: logging.LogRecord) -> list[logging.LogRecord]:
        """The lines to write now: those that are due, and ``record`` unless it is suppressed."""
        interval_s = record.__dict__.get(EVERY_S, INTERVAL_S)
        if not interval_s or not logging.WARNING <= record.levelno < logging.CRITICAL:
            return [*self.due(), record]
        now = self._clock()
        key = _kind_key(record)
        kind = self._kinds.get(key)
        if kind is None or now - kind.written_at >= interval_s:
            line = _add_suppressed(record, kind) if kind else record
            self._kinds.pop(key, None)
            self._kinds[key] = _Kind(now, interval_s)
            return [*self._forget_oldest(), *self.due(), line]
        if kind.newest is not None:
            kind.suppressed += 1
            kind.records += kind.newest.__dict__["fields"].get("records", 0)
        kind.newest = record
        return self.due()

    def due(self) -> list[logging.LogRecord]:
        """The newest suppressed line of each kind whose interval is over."""
        now = self._clock()
        over = [kind for kind in self._kinds.values() if kind.newest and now - kind.written_at >= kind.interval_s]
        return self._take(over, now)

    def drain(self) -> list[logging.LogRecord]:
        """The newest suppressed line of every kind."""
        return self._take([kind for kind in self._kinds.values() if kind.newest], self._clock())

    def _take(self, kinds: list[_Kind], now: float) -> list[logging.LogRecord]:
        lines = []
        for kind in kinds:
            if kind.newest:
                lines.append(_add_counts(kind.newest, kind.suppressed, kind.records))
            kind.written_at, kind.suppressed, kind.records, kind.newest = now, 0, 0, None
        return lines

    def _forget_oldest(self) -> list[logging.LogRecord]:
        lines = []
        while len(self._kinds) > self._kinds_max:
            _, kind = self._kinds.popitem(last=False)
            if kind.newest:
                lines.append(_add_counts(kind.newest, kind.suppressed, kind.records))
        return lines


def _kind_key(record: logging.LogRecord) -> tuple[str, ...]:
    fields = record.__dict__["fields"]
    template = _DIGITS.sub("#", record.__dict__["template"][:_TEMPLATE_CHARS_MAX])
    return (record.name, record.levelname, template, *(str(fields.get(name, "")) for name in _KEY_FIELDS))


def _add_suppressed(record: logging.LogRecord, kind: _Kind) -> logging.LogRecord:
    """Add the counts of all lines that were suppressed before ``record``."""
    if kind.newest is None:
        return record
    return _add_counts(record, kind.suppressed + 1, kind.records + kind.newest.__dict__["fields"].get("records", 0))


def _add_counts(record: logging.LogRecord, suppressed: int, records: int) -> logging.LogRecord:
    if suppressed:
        fields = record.__dict__["fields"]
        fields["repeated"] = suppressed
        if "records" in fields:
            fields["repeated_records"] = records
    return record
