"""Variables that are no settings, and the names that were probably meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.setting_mistakes import describe_unknown, explain_service_value, find_unknown_variables
from stream.settings import Settings

VALID = {"STREAM_CONFIG", *(f"STREAM_{name.upper()}" for name in Settings.model_fields)}
URL = "tcp://10.0.0.7:6066"

#: Name, value, and the name that was meant.
MISTYPED = [
    ("STREAM_BROKR", "kafka:9092", "STREAM_BROKER"),
    ("STREAM_KAFKA_BROKER", "kafka:9092", "STREAM_BROKER"),
    ("STREAM_WINDOW_DAY", "3", "STREAM_WINDOW_DAYS"),
    ("STREAM_CONFG", "a.toml", "STREAM_CONFIG"),
    ("stream_sasl_pasword", "secret", "STREAM_SASL_PASSWORD"),
    ("STREAM_WEBPORT", "6066", "STREAM_WEB_PORT"),
    ("STREAM_HTTP_PORT", "6066", "STREAM_WEB_PORT"),
]


@pytest.mark.parametrize(("name", "value", "meant"), MISTYPED)
def test_a_mistyped_name_is_reported_with_the_nearest_setting(name: str, value: str, meant: str) -> None:
    (mistake,) = find_unknown_variables({name: value}, VALID)
    assert mistake == f"{name}: there is no such setting; did you mean {meant}?"


def test_a_name_that_is_similar_to_none_suggests_none() -> None:
    (mistake,) = find_unknown_variables({"STREAM_X": "1"}, VALID)
    assert "did you mean" not in mistake
    assert "docs/reference/settings.md" in mistake


FOREIGN = [
    ("HOME", "/root"),
    ("STREAMING", "1"),
    ("STREAM_BROKER", "a:1"),
    ("stream_broker", "a:1"),
    ("STREAM_SERVICE_HOST", "10.0.0.7"),
    ("STREAM_SERVICE_PORT", "6066"),
    ("STREAM_PORT", URL),
    ("STREAM_PORT_6066_TCP", URL),
    ("STREAM_PORT_6066_TCP_ADDR", "10.0.0.7"),
    ("STREAM_WORKER_SERVICE_HOST", "10.0.0.7"),
    ("STREAM_WORKER_SERVICE_PORT", "6066"),
    ("STREAM_WORKER_SERVICE_PORT_METRICS", "6066"),
    ("STREAM_WORKER_PORT", URL),
    ("STREAM_WORKER_PORT_6066_TCP", URL),
    ("STREAM_WORKER_PORT_6066_TCP_PROTO", "tcp"),
    ("STREAM_REQUIRE_KAFKA", "1"),
    ("STREAM_TEST_BROKER", "a:1"),
    ("STREAM_HYPOTHESIS_PROFILE", "ci"),
]


@pytest.mark.parametrize(("name", "value"), FOREIGN)
def test_settings_and_variables_of_others_are_no_mistakes(name: str, value: str) -> None:
    assert list(find_unknown_variables({name: value}, VALID)) == []


@given(st.sampled_from(sorted(VALID)), st.data())
def test_every_setting_with_one_letter_less_names_a_setting(name: str, data: st.DataObject) -> None:
    position = data.draw(st.integers(len("STREAM_"), len(name) - 1))
    mistyped = name[:position] + name[position + 1 :]
    if mistyped not in VALID:
        assert any(valid in describe_unknown(mistyped, mistyped, VALID) for valid in VALID)


def test_a_service_with_the_name_of_a_setting_is_explained() -> None:
    assert explain_service_value("STREAM_WEB_PORT", URL).endswith("set enableServiceLinks: false in the pod")
    assert explain_service_value("STREAM_WEB_PORT", "70000") == ""
    assert explain_service_value("STREAM_WEB_PORT", 70_000) == ""
    assert explain_service_value("STREAM_BROKER", URL) == ""
