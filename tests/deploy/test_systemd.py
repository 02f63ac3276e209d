"""deploy/systemd: the unit as systemd reads it, and what it promises."""

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
    (found,) = values(key)
    return found


def variables(text: str) -> dict[str, str]:
    """Variables of an environment file, also those that are commented out."""
    return dict(re.findall(rf"(?m)^#?(?:Environment=)?({ENV_PREFIX}\w+)=(.*)$", text))


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """An instance of the unit, its drop-in beside it, with a program that is there."""
    unit = tmp_path / "article-stream@1.service"
    unit.write_text(TEXT.replace(PROGRAM, "/bin/true"), encoding="utf-8")
    drop_in = tmp_path / "article-stream@.service.d"
    drop_in.mkdir()
    (drop_in / "secrets.conf").write_bytes((FOLDER / "secrets.conf").read_bytes())
    return unit


def test_systemd_reads_the_unit_without_a_word(installed: Path) -> None:
    analyze = tool("systemd-analyze", "Debian's systemd package")
    done = subprocess.run([analyze, "verify", "--man=no", installed], capture_output=True, text=True, check=False)
    told = [line for line in done.stderr.splitlines() if "article-stream" in line or str(installed.parent) in line]
    assert (told, done.returncode) == ([], 0)


def test_the_unit_is_exposed_as_little_as_the_readme_says(installed: Path) -> None:
    analyze = tool("systemd-analyze", "Debian's systemd package")
    command = [analyze, "security", "--offline=yes", "--no-pager", str(installed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (level,) = re.findall(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert float(level) <= EXPOSURE_MAX
    assert f"{level}" in (ROOT / "deploy" / "README.md").read_text(encoding="utf-8")


def test_the_unit_has_no_key_twice_but_those_that_add_up() -> None:
    keys = re.findall(r"(?m)^(\w+)=", TEXT)
    assert {key for key in keys if keys.count(key) > 1} == {"Environment", "EnvironmentFile", "SystemCallFilter"}
    parser = RawConfigParser(strict=False)
    parser.read_string(TEXT)
    assert parser.sections() == ["Unit", "Service", "Install"]


def test_it_starts_again_but_where_somebody_has_to_mend_something() -> None:
    settings = next(code for kind, code in EXIT_CODES if kind is SettingsError)
    assert value("Restart") == "always"
    assert set(value("RestartPreventExitStatus").split()) == {str(USAGE), str(settings)}
    assert value("StartLimitIntervalSec") == "0"


def test_it_is_given_more_time_to_stop_than_it_takes() -> None:
    given = dict(one.split("=", 1) for one in values("Environment"))
    assert float(value("TimeoutStopSec")) >= float(given["STREAM_STOP_TIMEOUT_S"]) + 10
    assert value("KillSignal") == "SIGTERM"


def test_each_instance_has_a_folder_and_settings_of_its_own() -> None:
    assert value("ExecStart") == f"{PROGRAM} worker"
    assert value("StateDirectory") == "article-stream/%i"
    assert "STREAM_DATA_DIR=%S/article-stream/%i" in values("Environment")
    assert values("EnvironmentFile") == ["/etc/article-stream/worker.env", "/etc/article-stream/worker-%i.env"]
    assert variables((FOLDER / "worker-1.env.example").read_text(encoding="utf-8")).keys() == {"STREAM_WEB_PORT"}


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_variables_are_settings_that_can_be_used(path: Path) -> None:
    given = variables(path.read_text(encoding="utf-8"))
    assert given
    fields: dict[str, Any] = {name.removeprefix(ENV_PREFIX).lower(): text for name, text in given.items()}
    assert set(fields) <= Settings.model_fields.keys()
    load_settings(**fields)
