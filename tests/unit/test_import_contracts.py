"""The import contracts in pyproject.toml find what they are for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: A module of each folder of the core.
CORE_MODULES = sorted(
    min(folder.glob("*.py")).relative_to(ROOT / "src")
    for folder in [ROOT / "src/stream/core", *(ROOT / "src/stream/core").rglob("*")]
    if folder.is_dir() and list(folder.glob("*.py"))
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the sources with the contracts."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint_imports(project: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of ``project``."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(project / "src"), "COLUMNS": "200"}
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


def test_a_forbidden_import_in_any_folder_of_the_core_is_found(project: Path) -> None:
    for module in CORE_MODULES:
        path = project / "src" / module
        path.write_text(path.read_text("utf-8") + "\nimport socket\n", "utf-8")
    result = lint_imports(project)
    assert result.returncode == 1
    names = [".".join(module.with_suffix("").parts).removesuffix(".__init__") for module in CORE_MODULES]
    assert len(names) >= 13
    assert [name for name in names if f"{name} -> socket" not in result.stdout] == []


def test_a_module_in_no_layer_and_an_import_upwards_are_found(project: Path) -> None:
    (project / "src/stream/utilities.py").write_text("", "utf-8")
    path = project / "src/stream/core/timestamps.py"
    path.write_text(path.read_text("utf-8") + "\nimport stream.settings\n", "utf-8")
    result = lint_imports(project)
    assert result.returncode == 1
    assert "stream.utilities" in result.stdout
    assert "stream.core.timestamps -> stream.settings" in result.stdout
