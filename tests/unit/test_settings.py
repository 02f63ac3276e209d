"""Settings: their sources, and the messages about mistakes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from stream.errors import SettingsError
from stream.settings import CONFIG_VARIABLE, DAY_MS, Settings, load_settings


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("STREAM_"):
            monkeypatch.delenv(name)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path in STREAM_CONFIG."""
    path = tmp_path / "stream.toml"
    monkeypatch.setenv(CONFIG_VARIABLE, str(path))
    return path


def error_message(**options: object) -> str:
    """The message about invalid settings."""
    with pytest.raises(SettingsError) as raised:
        load_settings(**options)
    return str(raised.value)


def test_every_setting_has_a_default_and_a_description() -> None:
    settings = load_settings()
    assert settings.broker == "localhost:9092"
    assert settings.window_ms == 7 * DAY_MS
    assert settings.limits.message_bytes == settings.max_message_bytes
    assert not settings.is_memory
    assert all(field.description for field in Settings.model_fields.values())


def test_options_override_variables_override_the_file_overrides_defaults(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text('group = "file"\nraw_partitions = 2\nwindow_days = 3\n', encoding="utf-8")
    monkeypatch.setenv("STREAM_GROUP", "variable")
    monkeypatch.setenv("STREAM_RAW_PARTITIONS", "5")
    settings = load_settings(group="option", broker=None)
    assert (settings.group, settings.raw_partitions, settings.window_days) == ("option", 5, 3)
    assert settings.scope_partitions == 4


def test_an_option_of_none_overrides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAM_BROKER", "kafka:9092")
    assert load_settings(broker=None).broker == "kafka:9092"


def test_all_mistakes_are_reported_at_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text('window_days = "long"\nretention = 4\nlog_level = "LOUD"\n', encoding="utf-8")
    monkeypatch.setenv("STREAM_WEB_PORT", "70000")
    monkeypatch.setenv("STREAM_BROKER", "kafka")
    lines = error_message(batch_records=0).splitlines()
    assert lines[0] == "invalid settings:"
    reported = {line.partition(")")[0].strip() + ")" for line in lines[1:]}
    assert reported == {
        f"STREAM_{name.upper()} ({name})"
        for name in ("window_days", "retention", "log_level", "web_port", "broker", "batch_records")
    }
    assert any("'70000'" in line and "65535" in line for line in lines)
    assert any("write host:port" in line for line in lines)


def test_an_unknown_key_in_the_file_is_a_mistake(file: Path) -> None:
    file.write_text("windowdays = 3\n", encoding="utf-8")
    # Its value is not shown: it may be a secret under a mistyped name.
    expected = "STREAM_WINDOWDAYS (windowdays): there is no such setting; did you mean window_days?"
    assert error_message() == f"invalid settings:\n  {expected}"


def test_an_unknown_variable_is_a_mistake_and_names_the_nearest_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAM_WINDOWS_DAY", "3")
    monkeypatch.setenv("STREAM_WEB_PORT", "70000")
    unknown, invalid = error_message().splitlines()[1:]
    assert unknown == "  STREAM_WINDOWS_DAY: there is no such setting; did you mean STREAM_WINDOW_DAYS?"
    assert "STREAM_WEB_PORT" in invalid


def test_variables_are_read_in_any_case_and_so_are_mistakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("stream_group", "other")
    assert load_settings().group == "other"
    monkeypatch.setenv("stream_grup", "other")
    assert "stream_grup: there is no such setting; did you mean STREAM_GROUP?" in error_message()


def test_variables_of_kubernetes_are_no_mistake_unless_they_have_the_name_of_a_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STREAM_WORKER_SERVICE_HOST", "10.0.0.7")
    assert load_settings() == Settings()
    monkeypatch.setenv("STREAM_WEB_PORT", "tcp://10.0.0.7:6066")
    assert "for a Service named stream-web: set enableServiceLinks: false" in error_message()


def test_an_unknown_key_in_a_table_names_the_nearest_one(file: Path) -> None:
    file.write_text('[takedown_owners."/scrapers/7"]\ntenant = ["a"]\n', encoding="utf-8")
    expected = (
        "STREAM_TAKEDOWN_OWNERS (takedown_owners./scrapers/7.tenant): there is no such setting; did you mean tenants?"
    )
    assert error_message() == f"invalid settings:\n  {expected}"


def test_a_variable_that_is_no_json_is_named_and_its_value_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAM_TAKEDOWN_OWNERS", "{secret")
    message = error_message()
    assert "STREAM_TAKEDOWN_OWNERS (takedown_owners): not valid JSON (" in message
    assert "secret" not in message


def test_an_invalid_toml_file_is_named(file: Path) -> None:
    file.write_text("window_days: 3\n", encoding="utf-8")
    assert str(file) in error_message()


def test_a_file_that_is_not_utf8_is_named(file: Path) -> None:
    file.write_bytes(b'group = "caf\xe9"\n')
    assert str(file) in error_message()


def test_a_missing_file_is_named(file: Path) -> None:
    assert error_message() == f"{CONFIG_VARIABLE}={file}: no such file; correct the path, or unset the variable"


@pytest.mark.parametrize(
    ("text", "broker"),
    [
        ("kafka:9092", "kafka:9092"),
        ("kafka://kafka:9092", "kafka:9092"),
        ("one:9092,two:9093", "one:9092,two:9093"),
        ("kafka://one:9092, two:9093 ", "one:9092,two:9093"),
        ("[::1]:9092", "[::1]:9092"),
        ("memory://name", "memory://name"),
    ],
)
def test_valid_broker_addresses(text: str, broker: str) -> None:
    settings = load_settings(broker=text)
    assert settings.broker == broker
    assert settings.is_memory == broker.startswith("memory://")


@pytest.mark.parametrize("text", ["", "kafka", "kafka:", ":9092", "kafka:port", "one:9092,two", "http://kafka"])
def test_invalid_broker_addresses(text: str) -> None:
    assert "STREAM_BROKER (broker)" in error_message(broker=text)


@pytest.mark.parametrize(
    "wrong",
    [
        {"window_days": 0},
        {"window_days": 367},
        {"scope_partitions": 0},
        {"replication": 11},
        {"topic_prefix": "a b"},
        {"group": ""},
        {"max_message_bytes": 25 * 1024 * 1024},
        {"session_timeout_s": 0},
        {"stall_s": 0},
        {"start_timeout_s": -1},
        {"stop_timeout_s": 0},
        {"web_port": 0},
    ],
)
def test_values_out_of_range(wrong: dict[str, object]) -> None:
    (name,) = wrong
    assert f"({name}) = " in error_message(**wrong)


def test_settings_are_immutable() -> None:
    with pytest.raises(ValidationError):
        load_settings().window_days = 3


def test_the_prefix_applies_to_every_topic() -> None:
    topics = load_settings(topic_prefix="test-").topics
    assert topics.raw == "test-articles.raw"
    assert all(getattr(topics, name).startswith("test-articles.") for name in topics.__slots__)
