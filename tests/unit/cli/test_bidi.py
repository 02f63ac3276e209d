"""Text of both directions on a terminal."""

from __future__ import annotations

import io

import orjson
import pytest
from rich.console import Console
from rich.text import Text

from stream.cli.bidi import (
    LRI,
    PDI,
    PLAIN_COLUMNS,
    RLI,
    console,
    escape_invisible,
    escape_json,
    is_rtl_text,
    isolate,
    phrase,
    wrap_lines,
)
from tests.support.cli import stream


@pytest.mark.parametrize(
    ("text", "expected"),
    [("bridge", False), ("الجسر", True), ("12 (الجسر) bridge", True), ("«גשר»", True), ("12", False), ("", False)],
)
def test_the_first_letter_with_a_direction_decides(text: str, expected: bool) -> None:
    assert is_rtl_text(text) == expected


@pytest.mark.parametrize(
    ("text", "is_rtl", "is_beside", "expected"),
    [
        ("plain text 12", False, False, None),
        ("نص عربي", True, False, None),
        ("نص عربي", True, True, RLI),
        ("نص [-عربي-]", True, True, RLI),
        ("نص CNN عربي", True, False, RLI),
        ("نص ١٢ عربي", True, False, RLI),
        ("CNN", True, False, RLI),
        ("the word نص", False, False, LRI),
        ("plain text", False, True, None),
    ],
)
def test_lines_that_mix_directions_are_isolated(text: str, is_rtl: bool, is_beside: bool, expected: str | None) -> None:
    line = isolate(Text(text), is_rtl=is_rtl, is_beside=is_beside).plain
    assert line == (text if expected is None else f"{expected}{text}{PDI}")


def test_each_line_is_isolated_on_its_own_and_as_wide_as_asked() -> None:
    text = Text("قال المتحدث باسم CNN إن ١٢ شخصا " * 6 + "\nنص")
    lines = wrap_lines(text, Console(width=200), width=30, is_rtl=True, is_beside=True)
    assert len(lines) > 6
    assert all(line.plain.startswith(RLI) and line.plain.endswith(PDI) and line.cell_len <= 30 for line in lines)
    letters = "".join(line.plain.strip(RLI + PDI).replace(" ", "") for line in lines)
    assert letters == text.plain.replace(" ", "").replace("\n", "")


def test_a_phrase_is_one_line() -> None:
    assert phrase("two\n words").plain == "two words"
    assert phrase("نص").plain == f"{RLI}نص{PDI}"


def test_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert console().width == PLAIN_COLUMNS
    monkeypatch.setenv("COLUMNS", "77")
    assert console().width == 77


#: An override, an escape sequence, its 8-bit form, a mark, a tag character: what an id or a title may hold.
HOSTILE = "id\u202e\x1b[2J\x9b31m\u200f\U000e0041"
SHOWN = r"id\u202e\u001b[2J\u009b31m\u200f\udb40\udc41"


def test_a_phrase_and_a_line_show_no_control_character_of_their_text() -> None:
    assert escape_invisible(HOSTILE) == SHOWN
    assert phrase(HOSTILE).plain == SHOWN
    styled = Text.assemble("see ", (HOSTILE, "bold"))
    (line,) = wrap_lines(styled, console(), width=None, is_rtl=False)
    assert line.plain == f"see {SHOWN}"
    assert [(line.plain[span.start : span.end], span.style) for span in line.spans if span.style] != []


def test_joiners_and_line_breaks_of_text_stay() -> None:
    text = "می\u200cخواهم\n\tक्\u200dष"
    assert escape_invisible(text) == text


class Terminal(io.BytesIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_json_is_escaped_on_a_terminal_only_and_is_the_same_value() -> None:
    line = orjson.dumps({"id": HOSTILE}) + b"\n"
    escaped = escape_json(line, Terminal())
    assert orjson.loads(escaped) == {"id": HOSTILE}
    assert escaped.endswith(b"\n")
    assert escape_invisible(escaped.decode()) == escaped.decode()
    assert escape_json(line, io.BytesIO()) == line


def test_an_error_shows_no_control_character_of_a_file_name() -> None:
    result = stream("process", f"{HOSTILE}.jsonl")
    assert f"{SHOWN}.jsonl: no such file" in result.stderr
