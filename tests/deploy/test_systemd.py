"""deploy/systemd: systemd accepts the unit, and it is what it promises to be."""

from __future__ import annotations

import re
import subprocess
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest

from stream.cli import EXIT_CODES
from stream.errors import SettingsError
from stream.settings import ENV_PREFIX, Settings, load_settings
from tests.support.tools import ROOT, tool

FOLDER = ROOT / "deploy" / "systemd"
UNIT = FOLDER / "article-stream@.service"
TEXT = UNIT.read_text(encoding="utf-8")
PROGRAM = "/opt/article-stream/bin/stream"
EXPOSURE_MAX = 1.5
USAGE = 2


def values(key: str) -> list[str]:
    """Every value of ``key`` in the unit."""
    return re.findall(rf"(?m)^{key}=(.*)$", TEXT)


def value(key: str) -> str:
    """The only value of ``key``."""
    (only,) = values(key)
    return only


def variables(text: str) -> dict[str, str]:
    """The variables of an environment file, including those that are commented out."""
    return dict(re.findall(rf"(?m)^#?(?:Environment=)?({ENV_PREFIX}\w+)=(.*)$", text))


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """An instance of the unit with its drop-in, and with a program that exists."""
    unit = tmp_path / "article-stream@1.service"
    unit.write_text(TEXT.replace(PROGRAM, "/bin/true"), encoding="utf-8")
    drop_in = tmp_path / "article-stream@.service.d"
    drop_in.mkdir()
    (drop_in / "secrets.conf").write_bytes((FOLDER / "secrets.conf").read_bytes())
    return unit


def test_systemd_accepts_the_unit_without_a_warning(installed: Path) -> None:
    analyze = tool("systemd-analyze", "Debian's systemd package")
    done = subprocess.run([analyze, "verify", "--man=no", installed], capture_output=True, text=True, check=False)
    warnings = [line for line in done.stderr.splitlines() if "article-stream" in line or str(installed.parent) in line]
    assert (warnings, done.returncode) == ([], 0)


def test_the_exposure_level_is_the_one_in_the_readme(installed: Path) -> None:
    analyze = tool("systemd-analyze", "Debian's systemd package")
    command = [analyze, "security", "--offline=yes", "--no-pager", str(installed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (level,) = re.findall(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert float(level) <= EXPOSURE_MAX
    assert f"{level}" in (ROOT / "deploy" / "README.md").read_text(encoding="utf-8")


def test_only_keys_that_accumulate_occur_twice() -> None:
    keys = re.findall(r"(?m)^(\w+)=", TEXT)
    assert {key for key in keys if keys.count(key) > 1} == {"Environment", "EnvironmentFile", "SystemCallFilter"}
    parser = RawConfigParser(strict=False)
    parser.read_string(TEXT)
    assert parser.sections() == ["Unit", "Service", "Install"]


def test_it_restarts_except_when_somebody_has_to_fix_something() -> None:
    settings = next(code for kind, code in EXIT_CODES if kind is SettingsError)
    assert value("Restart") == "always"
    assert set(value("RestartPreventExitStatus").split()) == {str(USAGE), str(settings)}
    assert value("StartLimitIntervalSec") == "0"


def test_it_has_more_time_to_stop_than_it_needs() -> None:
    environment = dict(variable.split("=", 1) for variable in values("Environment"))
    assert float(value("TimeoutStopSec")) >= float(environment["STREAM_STOP_TIMEOUT_S"]) + 10
    assert value("KillSignal") == "SIGTERM"


def test_each_instance_has_its_own_folder_and_settings() -> None:
    assert value("ExecStart") == f"{PROGRAM} worker"
    assert value("StateDirectory") == "article-stream/%i"
    assert "STREAM_DATA_DIR=%S/article-stream/%i" in values("Environment")
    assert values("EnvironmentFile") == ["/etc/article-stream/worker.env", "/etc/article-stream/worker-%i.env"]
    assert variables((FOLDER / "worker-1.env.example").read_text(encoding="utf-8")).keys() == {"STREAM_WEB_PORT"}


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_variables_are_valid_settings(path: Path) -> None:
    environment = variables(path.read_text(encoding="utf-8"))
    assert environment
    fields: dict[str, Any] = {name.removeprefix(ENV_PREFIX).lower(): text for name, text in environment.items()}
    assert set(fields) <= Settings.model_fields.keys()
    load_settings(**fields)
