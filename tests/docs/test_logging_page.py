"""The page about log lines lists every event that the code logs, with its level and its fields."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
LEVELS: Final = {name: name for name in ("debug", "info", "warning", "error", "critical")} | {"exception": "error"}
#: Fields that the result of a function has.
FIELDS_OF_FUNCTION: Final = {"batch_fields": {"topic", "partition", "offset", "end_offset", "records"}}


def events_in_code() -> dict[str, tuple[str, set[str]]]:
    """The level and the fields of every event that the code logs."""
    events: dict[str, tuple[str, set[str]]] = {}
    for file in sorted((ROOT / "src" / "stream").rglob("*.py")):
        module = ast.parse(file.read_text("utf-8"))
        variables = {
            node.targets[0].id: node.value
            for node in ast.walk(module)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        for call in (node for node in ast.walk(module) if isinstance(node, ast.Call)):
            level = level_of(call)
            if level:
                event = call.args[0]
                if isinstance(event, ast.Name):  # in `abort_process`, whose callers are looked at
                    continue
                assert isinstance(event, ast.Constant), f"{file.name}:{call.lineno}: an event is a constant text"
                assert isinstance(event.value, str)
                assert len(call.args) == 1, f"{file.name}:{call.lineno}: fields go into extra"
                events[event.value] = (level, fields_of(call, variables))
            elif event_text := abort_event(call):
                events[event_text] = ("critical", {"exit_code"})
    return events


def level_of(call: ast.Call) -> str | None:
    function = call.func
    if not isinstance(function, ast.Attribute) or not isinstance(function.value, ast.Name):
        return None
    return LEVELS.get(function.attr) if function.value.id in ("log", "logger") else None


def abort_event(call: ast.Call) -> str | None:
    """The event that `abort_process` is called with, also by a timer."""
    values = [
        *call.args,
        *(value for argument in call.args if isinstance(argument, ast.Tuple) for value in argument.elts),
    ]
    names = {node.id for node in (call.func, *call.args) if isinstance(node, ast.Name)}
    texts = [node.value for node in values if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return texts[0] if "abort_process" in names else None


def fields_of(call: ast.Call, variables: dict[str, ast.expr]) -> set[str]:
    extra = next((keyword.value for keyword in call.keywords if keyword.arg == "extra"), None)
    return keys_of(extra, variables) - {"every_s"} if extra else set()


def keys_of(node: ast.expr, variables: dict[str, ast.expr]) -> set[str]:
    if isinstance(node, ast.Name):
        return keys_of(variables[node.id], variables)
    if isinstance(node, ast.Call):
        assert isinstance(node.func, ast.Name)
        return FIELDS_OF_FUNCTION[node.func.id]
    assert isinstance(node, ast.Dict)
    keys: set[str] = set()
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            keys |= keys_of(value, variables)
        else:
            assert isinstance(key, ast.Constant)
            assert isinstance(key.value, str)
            keys.add(key.value)
    return keys


def events_in_page() -> dict[str, tuple[str, set[str]]]:
    page = (ROOT / "docs" / "reference" / "logging.md").read_text("utf-8")
    rows = re.findall(r"^\| `(.+?)` \| (\w+) \| (.*?) ?\|.*\|$", page, re.MULTILINE)
    assert len({event for event, *_ in rows}) == len(rows)
    return {event: (level, set(fields.split(", ")) - {""}) for event, level, fields in rows}


def test_every_line_is_in_the_page_and_every_row_is_in_the_code() -> None:
    assert events_in_page() == events_in_code()


def test_fields_are_in_snake_case() -> None:
    names = {name for _, fields in events_in_code().values() for name in fields}
    assert [name for name in names if not re.fullmatch(r"[a-z][a-z_]*", name)] == []
