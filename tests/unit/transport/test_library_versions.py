"""The versions of the libraries whose private parts this project uses, and where it uses them."""

from __future__ import annotations

import ast
from importlib import metadata
from pathlib import Path
from typing import Final

import pytest

from stream.transport import faust_internals
from stream.transport.kafka import aiokafka_patches

SOURCE: Final = Path(faust_internals.__file__).parents[1]
#: Modules that use private members of objects of other classes, relative to the package.
INTERNALS: Final = {"transport/kafka/aiokafka_patches.py", "kafka/aiokafka_closing.py"}


@pytest.mark.parametrize(
    ("library", "version", "module"),
    [
        ("faust-streaming", faust_internals.FAUST_VERSION, "transport/faust_internals.py"),
        ("aiokafka", aiokafka_patches.AIOKAFKA_VERSION, "transport/kafka/aiokafka_patches.py"),
    ],
)
def test_the_installed_version_is_the_one_that_the_internals_were_written_for(
    library: str, version: str, module: str
) -> None:
    installed = metadata.version(library)
    assert installed == version, (
        f"{library} {installed} is installed, but src/stream/{module} was written for {version}. Compare the code that "
        "it quotes with the new version, run tests/integration/transport with a real Kafka, then raise its constant."
    )


def private_accesses(file: Path) -> list[str]:
    """Where ``file`` uses a private member of an object other than ``self``, ``cls`` and ``super()``."""
    return [
        f"{file.relative_to(SOURCE)}:{node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
        and node.attr not in {"_asdict", "_fields", "_replace"}  # the public interface of named tuples
        and ast.unparse(node.value) not in {"self", "cls", "super()", "os"}
    ]


def test_private_members_are_used_in_the_internals_modules_only() -> None:
    files = [file for file in SOURCE.rglob("*.py") if str(file.relative_to(SOURCE)) not in INTERNALS]
    assert len(files) > 100
    assert [access for file in files for access in private_accesses(file)] == []
