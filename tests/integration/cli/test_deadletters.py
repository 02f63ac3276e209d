"""``stream deadletters``: usage, and on a real broker from the rejection to the enriched event."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Callable, Iterator
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from kafka import KafkaProducer

from stream.core.contracts.records import Headers, InputRecord
from stream.core.pipeline.dead_letter import ATTEMPTS_HEADER, DEAD_LETTER_HEADER, EDITED_HEADER, build_dead_letter
from stream.dead_letters.parsed_dead_letter import DeadLetter, read_dead_letter
from stream.errors import Rejected
from tests.support.articles import BRIDGE, FLOOD, HARVEST, article, dumps
from tests.support.cli import lines, stream
from tests.support.flow import by_offset
from tests.support.processes import Station, wait_until

# By its name: the package has the command under the same one.
deadletters = import_module("stream.cli.deadletters")


class Terminal(BytesIO):
    """Standard input that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


LISTS = (("list",), ("requeue",))
ALL = (*LISTS, ("show", "0/1"), ("edit", "0/1"))


@pytest.mark.parametrize("command", ALL)
def test_a_memory_broker_is_refused(command: tuple[str, ...]) -> None:
    result = stream("deadletters", *command, "--broker", "memory://here")
    assert result.exit_code == 2
    assert "memory://" in result.stderr


@pytest.mark.parametrize("command", ALL)
def test_help_shows_an_example(command: tuple[str, ...]) -> None:
    result = stream("deadletters", command[0], "--help")
    assert result.exit_code == 0
    assert f"Example: stream deadletters {command[0]} " in " ".join(result.output.split())


@pytest.mark.parametrize("command", LISTS)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--code", "invalid"), "'invalid_json'"),
        (("--stage", "publish"), "'normalize', 'deduplicate'"),
        (("--since", "yesterday"), "2026-05-04T06:00:00Z"),
        (("--since", "1h", "--until", "2h"), "--since has to be before --until"),
        (("--limit", "0"), "--limit"),
    ],
)
def test_invalid_filters_are_refused_with_the_valid_choices(
    command: tuple[str, ...], options: tuple[str, ...], message: str
) -> None:
    result = stream("deadletters", *command, *options)
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize("command", ["show", "edit", "requeue"])
def test_an_id_of_another_topic_is_refused(command: str) -> None:
    result = stream("deadletters", command, "articles.raw/0/1")
    assert result.exit_code == 2
    assert "dead letters are in articles.rejected" in result.stderr
    assert "is not an id" in stream("deadletters", command, "seven").stderr


def test_invalid_settings_are_exit_code_78() -> None:
    assert stream("deadletters", "list", broker="nowhere").exit_code == 78


def test_the_first_signal_is_caught_and_the_second_ends_the_process() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with deadletters.catch_signals() as is_stopped:
        assert not is_stopped()
        signal.raise_signal(signal.SIGTERM)
        assert is_stopped()
        assert signal.getsignal(signal.SIGTERM) == before
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler


@pytest.fixture
def station(kafka_broker: str, tmp_path: Path) -> Iterator[Station]:
    """Yield a station with its topics."""
    made = Station(kafka_broker, tmp_path, COLUMNS="200")
    assert made.run("topics", "--replication", "1").returncode == 0
    yield made
    made.close()


@pytest.fixture
def send(kafka_broker: str) -> Iterator[Callable[..., None]]:
    """Yield a function that sends a record and waits until it is stored."""
    producer = KafkaProducer(bootstrap_servers=kafka_broker)

    def store(topic: str, value: bytes | None, key: bytes | None = None, headers: Headers = ()) -> None:
        producer.send(topic, value=value, key=key, headers=list(headers), partition=0).get(30)

    yield store
    producer.close()


def settings_of(station: Station) -> dict[str, str]:
    """The settings in the environment of a station."""
    variables = station.environment.items()
    return {name.removeprefix("STREAM_").lower(): value for name, value in variables if name.startswith("STREAM_")}


def run(station: Station, *arguments: str, stdin: BytesIO | None = None) -> Any:
    """Run ``stream deadletters`` in this process, with the station's settings."""
    return stream("deadletters", *arguments, stdin=stdin, **settings_of(station))


def work(station: Station, **settings: str) -> None:
    """Run a worker until it has processed everything."""
    environment = {**station.environment, **settings}
    before, station.environment = station.environment, environment
    with station.worker() as worker:
        wait_until(lambda: station.end(station.topics.raw) > 0 and station.lag() == 0, "no lag")
        assert worker.stop() == 0
    station.environment = before


def events(station: Station) -> dict[int, dict[str, Any]]:
    """What consumers read, by the offset in the raw topic."""
    records = station.records(station.topics.enriched, station.topics.duplicates)
    return by_offset(orjson.loads(record.value) for record in records)


HEADERS: Headers = (("trace", b"\xff\x00"), ("trace", b"2"))
LONG, BAD = dumps(article(1, BRIDGE)), b"\xff not an article"
#: One of them is good at once.
ARRAY = dumps([article(2, HARVEST[:120]), article(3, FLOOD)])


@pytest.mark.kafka
def test_from_the_rejection_to_the_enriched_event(station: Station, send: Callable[..., None]) -> None:
    topics = station.topics
    send(topics.raw, LONG, b"k1", HEADERS)
    send(topics.raw, BAD)
    send(topics.raw, ARRAY)
    send(topics.normalized, b'{"event_id": 7}')
    work(station, STREAM_MAX_TEXT_CHARS="200")
    assert sorted(events(station)) == [2]
    check_list(station)
    check_show(station)
    check_requeue(station)
    # Requeued twice by mistake: every event is recognized, and no duplicate of itself.
    assert run(station, "requeue", "--code", "text_too_large").exit_code == 0
    work(station)
    published = events(station)
    assert {event["url"]: event["duplicate"]["relation"] for event in published.values()} == {
        f"https://paper.example/story/{number}": "new" for number in (1, 2, 3)
    }
    check_normalized(station)


def check_list(station: Station) -> None:
    """Check filters, counts and the table."""
    normalize = lines(run(station, "list", "--json", "--stage", "normalize"))
    assert [line["origin"]["offset"] for line in normalize] == [0, 1, 2]
    matches = lines(run(station, "list", "--json", "--code", "text_too_large", "--source", "paper.example"))
    assert [(line["origin"]["offset"], line["attempts"]) for line in matches] == [(0, 0), (2, 0)]
    codes = {"text_too_large": 2, "invalid_utf8": 1, "invalid_normalized": 1}
    assert lines(run(station, "list", "--summary", "--json")) == [{"letters": 4, "codes": codes}]
    summary = run(station, "list", "--summary")
    assert ["text_too_large", "2"] in [line.split()[:2] for line in summary.stdout.splitlines()]
    table = run(station, "list", "--limit", "1", "--stage", "normalize")
    assert "text_too_large" in table.stdout
    assert "invalid_utf8" not in table.stdout
    assert "3 dead letters; showing the newest 1" in table.stderr
    assert lines(run(station, "list", "--json", "--limit", "1", "--stage", "normalize")) == normalize[-1:]
    assert lines(run(station, "list", "--json", "--until", "1h")) == []
    assert len(lines(run(station, "list", "--json", "--since", "1h"))) == 4


def check_show(station: Station) -> None:
    """Check look-ups by short and long id, and the raw output."""
    ids = {
        line["origin"]["offset"]: line["id"] for line in lines(run(station, "list", "--json", "--stage", "normalize"))
    }
    assert run(station, "show", ids[1], "--raw").stdout_bytes == BAD
    assert lines(run(station, "show", ids[0], "--json"))[0]["value"].encode() == LONG
    shown = run(station, "show", ids[0].partition("/")[2]).stdout
    assert f"{station.topics.raw}/0/0" in shown
    assert "base64 /wA=" in shown
    assert '"url": "https://paper.example/story/1"' in shown
    missing = run(station, "show", "0/999")
    assert missing.exit_code == 66
    assert "there is no such dead letter, or retention has deleted it" in missing.stderr


def check_requeue(station: Station) -> None:
    """Check that a dry run sends nothing, a run sends the originals, and a second run nothing."""
    raw = station.topics.raw
    asked = ("requeue", "--code", "text_too_large", "--quiet")
    tried = run(station, *asked, "--dry-run")
    assert (tried.exit_code, "2 dead letters would be requeued" in tried.stdout) == (0, True)
    assert station.end(raw) == 3
    letters = [line["id"] for line in lines(run(station, "list", "--json", "--code", "text_too_large"))]
    done = run(station, *asked)
    assert (done.exit_code, "2 dead letters requeued" in done.stdout) == (0, True)
    first, second = station.records(raw)[3:]
    assert (first.key, first.value, tuple(first.headers[:2])) == (b"k1", LONG, HEADERS)
    assert second.value == ARRAY
    for record, letter in zip((first, second), letters, strict=True):
        assert dict(record.headers)[ATTEMPTS_HEADER] == b"1"
        assert dict(record.headers)[DEAD_LETTER_HEADER].decode() == letter
    again = run(station, *asked, "--not-requeued")
    assert (again.exit_code, "2 skipped: already requeued" in again.stdout) == (0, True)
    assert station.end(raw) == 5
    assert len(lines(run(station, "list", "--json", "--not-requeued"))) == 2


def check_normalized(station: Station) -> None:
    """Check that records of the normalized topic are not requeued by default."""
    before = station.end(station.topics.normalized)
    left = run(station, "requeue", "--stage", "deduplicate")
    assert left.exit_code == 1
    assert "1 skipped: from the normalized topic, where only the normalize step may write" in left.stdout
    unreadable = run(station, "requeue", "--also-normalized", "--stage", "deduplicate")
    assert unreadable.exit_code == 1
    assert "1 skipped: from the normalized topic, and this version cannot read them either" in unreadable.stdout
    assert station.end(station.topics.normalized) == before


@pytest.mark.kafka
def test_dead_letters_with_too_many_attempts_are_skipped(station: Station, send: Callable[..., None]) -> None:
    for offset, attempts in enumerate((b"2", b"3")):
        record = InputRecord(station.topics.raw, 0, offset, 0, None, b"{%d" % offset, ((ATTEMPTS_HEADER, attempts),))
        letter = build_dead_letter(
            station.topics.rejected, record, "normalize", [(None, Rejected("invalid_json", "why"))]
        )
        send(letter.topic, letter.value, letter.key, letter.headers)
    done = run(station, "requeue", "--yes")
    assert done.exit_code == 1
    assert "1 dead letter requeued" in done.stdout
    assert "1 skipped: already requeued --max-attempts times" in done.stdout
    [record] = station.records(station.topics.raw)
    assert [value for name, value in record.headers if name == ATTEMPTS_HEADER] == [b"3"]
    assert "2 dead letters would be requeued" in run(station, "requeue", "--max-attempts", "4", "--dry-run").stdout
    assert (
        "1 dead letter would be requeued" in run(station, "requeue", "0/1", "--max-attempts", "4", "--dry-run").stdout
    )


@pytest.mark.kafka
def test_an_empty_rejected_topic_is_no_error(station: Station) -> None:
    for command in (("list",), ("list", "--summary"), ("list", "--not-requeued"), ("requeue",)):
        result = run(station, *command)
        assert result.exit_code == 0
        assert "0 dead letters" in result.output
    assert lines(run(station, "list", "--json")) == []


@pytest.mark.kafka
def test_everything_is_requeued_only_with_yes_where_nobody_can_be_asked(
    station: Station, send: Callable[..., None]
) -> None:
    record = InputRecord(station.topics.raw, 0, 0, 0, None, b"{")
    letter = build_dead_letter(station.topics.rejected, record, "normalize", [(None, Rejected("invalid_json", "why"))])
    send(letter.topic, letter.value, letter.key, letter.headers)
    refused = run(station, "requeue")
    assert (refused.exit_code, station.end(station.topics.raw)) == (2, 0)
    assert "this would requeue everything (1 dead letter), and nobody can be asked; name some by" in refused.stderr
    for selection in (("--code", "invalid_json"), ("0/0",), ("--yes",)):
        assert run(station, "requeue", *selection).exit_code == 0
    assert station.end(station.topics.raw) == 3


#: An editor that writes the value in VALUE, or the one in NEXT the second time.
EDITOR = """#!/bin/sh
printf '%s\\n' "$VALUE" > "$1"
[ -e "$1.again" ] && printf '%s\\n' "$NEXT" > "$1"
touch "$1.again"
"""
INVALID, CORRECTED = '{"id": "x", "tags": 7}', dumps(article(4, BRIDGE)).decode()


@pytest.fixture
def rejected(station: Station, send: Callable[..., None]) -> DeadLetter:
    """Return the dead letter of a message that is no JSON, and has a key and headers."""
    record = InputRecord(station.topics.raw, 0, 0, 0, b"k1", b'{"id": "\xff', HEADERS)
    out = build_dead_letter(station.topics.rejected, record, "normalize", [(None, Rejected("invalid_utf8", "why"))])
    send(station.topics.raw, record.value, record.key, HEADERS)
    send(out.topic, out.value, out.key, out.headers)
    return read_dead_letter(station.records(out.topic)[0])


def check_corrected(station: Station, value: bytes) -> None:
    """Check that the raw topic has the original, and the same with another value that refers to the dead letter."""
    _, record = station.records(station.topics.raw)
    assert (record.key, record.value, record.partition) == (b"k1", value, 0)
    assert tuple(record.headers[: len(HEADERS)]) == HEADERS
    added = dict(record.headers[len(HEADERS) :])
    assert added[DEAD_LETTER_HEADER].decode() == f"{station.topics.rejected}/0/0"
    assert (added[ATTEMPTS_HEADER], added[EDITED_HEADER]) == (b"1", b"1")


@pytest.mark.kafka
@pytest.mark.usefixtures("rejected")
def test_a_file_with_a_corrected_value_is_requeued_if_it_is_valid(station: Station, tmp_path: Path) -> None:
    raw, file = station.topics.raw, tmp_path / "value"
    file.write_bytes(run(station, "show", "0/0", "--raw").stdout_bytes)
    command = ("requeue", "0/0", "--value-file", str(file))
    refused = run(station, *command)
    assert (refused.exit_code, station.end(raw)) == (1, 1)
    assert "not valid: invalid_utf8: " in refused.stdout
    file.write_text(CORRECTED, encoding="utf-8")
    tried = run(station, *command, "--dry-run")
    assert (tried.exit_code, station.end(raw)) == (0, 1)
    assert tried.stdout.splitlines()[1:] == ["valid: 1 article", "1 dead letter would be requeued"]
    assert run(station, *command, stdin=Terminal(b"n\n")).exit_code == 1
    assert station.end(raw) == 1
    done = run(station, *command)
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, f"1 dead letter requeued as {raw}/0/1")
    check_corrected(station, CORRECTED.encode())
    assert run(station, "list", "--json", "--not-requeued").stdout == ""
    work(station)
    assert [event["url"] for event in events(station).values()] == [article(4, BRIDGE)["url"]]


@pytest.mark.kafka
def test_any_bytes_survive_a_file(station: Station, tmp_path: Path, rejected: DeadLetter) -> None:
    file = tmp_path / "value"
    value = b"\xef\xbb\xbf\r\n" + CORRECTED.encode() + b" \r\n\n"
    file.write_bytes(value)
    assert run(station, "requeue", rejected.record_id.short, "--value-file", str(file)).exit_code == 0
    check_corrected(station, value)


@pytest.mark.kafka
@pytest.mark.usefixtures("rejected")
def test_an_edited_value_is_validated_and_can_be_edited_again(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = tmp_path / "editor"
    editor.write_text(EDITOR, encoding="utf-8")
    editor.chmod(0o755)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    for name, value in {"VISUAL": str(editor), "VALUE": INVALID, "NEXT": CORRECTED}.items():
        monkeypatch.setenv(name, value)
    given_up = run(station, "edit", "0/0", stdin=Terminal(b"n\n"))
    assert (given_up.exit_code, station.end(station.topics.raw)) == (1, 1)
    assert "not valid: wrong_type: " in given_up.stdout
    (kept,) = tmp_path.glob("dead-letter-0-0-*.json")
    assert kept.read_text(encoding="utf-8") == INVALID + "\n"
    assert f"--value-file {kept}" in given_up.stderr
    done = run(station, "edit", "0/0", "--yes", stdin=Terminal(b"y\n"))
    assert (done.exit_code, "1 dead letter requeued as " in done.stdout) == (0, True)
    # The line break that the editor adds to the last line is none of the value.
    check_corrected(station, CORRECTED.encode())
    assert list(tmp_path.glob("dead-letter-0-0-*.json")) == [kept]


@pytest.mark.kafka
@pytest.mark.usefixtures("rejected")
def test_a_value_that_is_not_changed_is_not_requeued(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "true")
    unchanged = run(station, "edit", "0/0", stdin=Terminal(b""))
    assert (unchanged.exit_code, unchanged.stderr) == (1, "the value was not changed; nothing was requeued\n")
    monkeypatch.setenv("VISUAL", "no-such-editor")
    failed = run(station, "edit", "0/0", stdin=Terminal(b""))
    assert (failed.exit_code, "set EDITOR to a command" in failed.stderr) == (2, True)
    assert station.end(station.topics.raw) == 1


def test_editing_without_a_terminal_is_refused_and_the_way_through_a_file_is_shown() -> None:
    result = stream("deadletters", "edit", "0/1")
    assert result.exit_code == 2
    assert "stream deadletters requeue 0/1 --value-file FILE" in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    "arguments",
    [(), ("0/1", "0/2"), ("0/1", "--code", "invalid_json"), ("0/1", "--limit", "1"), ("0/1", "--since", "1h")],
)
def test_a_file_replaces_the_value_of_one_dead_letter_only(arguments: tuple[str, ...]) -> None:
    result = stream("deadletters", "requeue", *arguments, "--value-file", "value.json")
    assert result.exit_code == 2
    assert "give one ID and no filters" in result.stderr


def test_a_file_that_cannot_be_read_is_exit_code_66(tmp_path: Path) -> None:
    result = stream("deadletters", "requeue", "0/1", "--value-file", tmp_path / "missing")
    assert result.exit_code == 66
    assert "no such file or directory" in result.stderr


REFUSED: list[tuple[str, Headers, str, str]] = [
    ("undecodable_batch", (), "articles.raw", "it stands for a batch that was not unpacked"),
    ("invalid_json", ((ATTEMPTS_HEADER, b"3"),), "articles.raw", "already requeued --max-attempts times"),
    (
        "invalid_normalized",
        (),
        "articles.normalized",
        "from the normalized topic, where only the normalize step may write",
    ),
]


@pytest.mark.kafka
def test_what_cannot_be_corrected_is_said(station: Station, send: Callable[..., None], tmp_path: Path) -> None:
    file = tmp_path / "value"
    file.write_text(CORRECTED, encoding="utf-8")
    prefix = station.environment["STREAM_TOPIC_PREFIX"]
    for offset, (code, headers, topic, reason) in enumerate(REFUSED):
        record = InputRecord(prefix + topic, 0, offset, 0, b"k", None, headers)
        out = build_dead_letter(station.topics.rejected, record, "normalize", [(None, Rejected(code, "why"))])
        send(out.topic, out.value, out.key, out.headers)
        result = run(station, "requeue", f"0/{offset}", "--value-file", str(file))
        assert result.exit_code == 1
        assert f"cannot be edited and requeued: {reason}" in result.stderr


@pytest.mark.kafka
def test_requeue_asks_for_confirmation_on_a_terminal(station: Station, send: Callable[..., None]) -> None:
    record = InputRecord(station.topics.raw, 0, 0, 0, None, b"{")
    letter = build_dead_letter(station.topics.rejected, record, "normalize", [(None, Rejected("invalid_json", "why"))])
    send(letter.topic, letter.value, letter.key, letter.headers)
    for answer, code, count in ((b"n\n", 1, 0), (b"y\n", 0, 1)):
        result = run(station, "requeue", stdin=Terminal(answer))
        assert "Requeue 1 dead letter?" in result.stderr
        assert (result.exit_code, station.end(station.topics.raw)) == (code, count)
    assert run(station, "requeue", "--yes").exit_code == 0
    assert station.end(station.topics.raw) == 2
