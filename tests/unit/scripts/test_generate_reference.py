"""The generated reference pages are current and complete."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripts import generate_reference

from stream.core.contracts.events import EnrichedEvent, RawEvent
from stream.errors import REJECTION_CODES
from stream.settings import ENV_PREFIX, Settings


def test_the_pages_are_current() -> None:
    assert generate_reference.stale() == []


def test_stale_pages_are_named_and_then_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate_reference, "FOLDER", tmp_path)
    assert generate_reference.main(["--check"]) == 1
    assert "stale: docs/reference/settings.md" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())
    assert generate_reference.main([]) == 0
    assert generate_reference.main(["--check"]) == 0


def test_every_setting_code_and_field_has_a_row() -> None:
    pages = generate_reference.documents()
    for name in Settings.model_fields:
        assert f"| `{ENV_PREFIX}{name.upper()}` |" in pages["settings.md"]
    for code in REJECTION_CODES:
        assert f"| `{code}` |" in pages["rejection-codes.md"]
    for field in (*RawEvent.__struct_fields__, *EnrichedEvent.__struct_fields__):
        assert f"| `{field}` |" in pages["fields.md"]


def test_bounds_choices_and_secrets_are_shown() -> None:
    page = generate_reference.documents()["settings.md"]
    assert "| `STREAM_BATCH_RECORDS` | whole number, at least 1, at most 10,000 | `500` |" in page
    assert "| `STREAM_LOG_FORMAT` | `human`, `json` | `human` |" in page
    assert "| `STREAM_TLS_CHECK_HOSTNAME` | `true`, `false` | `true` |" in page
    assert "| `STREAM_SASL_PASSWORD` | secret | |" in page
