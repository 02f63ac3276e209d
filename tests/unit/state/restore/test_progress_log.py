"""The log lines about a long restore."""

from __future__ import annotations

import logging

import pytest

from stream.state.restore.progress_log import RestoreProgressLog


def test_a_long_restore_is_logged_every_ten_seconds(caplog: pytest.LogCaptureFixture) -> None:
    progress_log = RestoreProgressLog(3, 1000, 3000)
    with caplog.at_level(logging.INFO, "stream.state.restore"):
        for now, offset in ((5.0, 1000), (9.0, 1400), (15.0, 2000), (16.0, 2100), (25.0, 2500)):
            progress_log.update(offset, now)
    assert caplog.messages == ["restore progress"] * 2
    names = ("partition", "offset", "end_offset", "percent", "records_per_second", "seconds_left")
    assert [tuple(record.__dict__[name] for name in names) for record in caplog.records] == [
        (3, 2000, 3000, 50, 100, 10),
        (3, 2500, 3000, 75, 75, 7),
    ]
