"""``stream doctor`` without a broker, and its output."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import Result

from stream.demo.runner import free_port
from stream.doctor.check_broker import CLUSTER_CHECKS
from tests.support.cli import lines, stream

NOBODY = "127.0.0.1:9"


def doctor(*options: str | Path, folder: Path, **settings: str) -> Result:
    """Run ``stream doctor`` for a worker with its data in ``folder``."""
    variables = {"data_dir": str(folder / "data"), "web_port": str(free_port()), "broker": NOBODY} | settings
    return stream("doctor", *options, **variables)


def states(result: Result) -> dict[str, str]:
    """The state of each check; the last one if it has several findings."""
    return {finding["check"]: finding["state"] for finding in orjson.loads(result.stdout_bytes)["findings"]}


def test_without_a_broker_there_is_one_failure_and_its_checks_are_skipped(tmp_path: Path) -> None:
    result = doctor("--json", folder=tmp_path)
    assert result.exit_code == 1
    checks = states(result)
    assert [check for check, state in checks.items() if state == "fail"] == ["broker"]
    assert [check for check, state in checks.items() if state == "skipped"] == list(CLUSTER_CHECKS)
    assert checks["data folder"] == checks["web port"] == "ok"
    assert not (tmp_path / "data").exists()


def test_every_line_fits_80_columns_and_has_its_state_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    output = doctor(folder=tmp_path).stdout
    assert max(map(len, output.splitlines())) <= 80
    assert f"FAIL     broker        {NOBODY}: connection refused" in output
    assert "→ start Kafka, or correct the address in STREAM_BROKER" in output
    assert "skipped  topics" in output
    assert output.splitlines()[-1].endswith("1 FAIL, 13 skipped")


def test_json_output_is_one_object(tmp_path: Path) -> None:
    report: dict[str, Any] = orjson.loads(doctor("--json", folder=tmp_path).stdout_bytes)
    assert report["ok"] is False
    (broker,) = [finding for finding in report["findings"] if finding["check"] == "broker"]
    assert set(broker) == {"check", "state", "found", "advice", "figures"}
    assert broker["advice"].startswith("start Kafka")


def test_with_memory_no_broker_is_needed(tmp_path: Path) -> None:
    result = doctor("--json", folder=tmp_path, broker="memory://here")
    assert lines(result)[0]["ok"] is True
    checks = states(result)
    assert {checks[check] for check in ("broker", *CLUSTER_CHECKS, "data folder", "disk", "index")} == {"skipped"}


def test_invalid_settings_are_one_failure(tmp_path: Path) -> None:
    result = doctor("--json", folder=tmp_path, window_days="none", raw_partitions="0")
    assert result.exit_code == 1
    first = orjson.loads(result.stdout_bytes)["findings"][0]
    assert (first["check"], first["state"]) == ("settings", "fail")
    assert "STREAM_WINDOW_DAYS" in first["found"]
    assert "STREAM_RAW_PARTITIONS" in first["found"]


def test_invalid_tls_settings_are_a_failure_of_the_settings(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        result = doctor(
            "--json", folder=tmp_path, broker=address, security_protocol="SSL", tls_ca_file=str(tmp_path / "none.pem")
        )
    assert result.exit_code == 1
    assert states(result)["settings"] == "fail"
    assert "STREAM_TLS_CA_FILE" in result.stdout


def test_options_override_the_environment(tmp_path: Path) -> None:
    port, other_folder = str(free_port()), tmp_path / "other"
    result = doctor(
        "--broker", "localhost:9", "--data-dir", other_folder, "--web-port", port, "--json", folder=tmp_path
    )
    checks = {finding["check"]: finding for finding in orjson.loads(result.stdout_bytes)["findings"]}
    assert checks["broker"]["found"].startswith("localhost:9: ")
    assert checks["data folder"]["figures"]["path"].startswith(str(other_folder))
    assert checks["web port"]["figures"]["address"] == f"127.0.0.1:{port}"


def test_an_unknown_variable_is_a_failure_of_the_settings(tmp_path: Path) -> None:
    assert states(doctor("--json", folder=tmp_path, brokers="one:9092"))["settings"] == "fail"
