"""Tables that are news stay, one line for each row."""

from __future__ import annotations

import pytest

from stream.core.contracts.events import Origin, RawEvent
from stream.core.normalize import EventContext, normalize
from stream.core.normalize.html import read_page

ARRIVAL = EventContext("0" * 32, Origin(topic="articles.raw", partition=0, offset=0), None, 0)

SENTENCE = "The new garden of the town was opened this morning by the mayor, in front of all who had come to see it."


def read_with(table: str) -> list[str]:
    return read_page(f"<article><p>{SENTENCE}</p><p>{SENTENCE}</p>{table}<p>{SENTENCE}</p></article>").text.split("\n")


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        (
            "<table><tr><th>Pos</th><th>Driver</th></tr><tr><td>1</td><td>Ana <b>Ruiz</b></td></tr></table>",
            ["Pos\tDriver", "1\tAna Ruiz"],
        ),
        ("<table><tr><td>الاثنين</td><td>9 - 17</td></tr><tr><td>الجمعة</td><td>مغلق</td></tr></table>", None),
        ("<table><tbody><tr><td>面包</td><td>3.50元</td></tr><tr><td>牛奶</td><td>2元</td></tr></tbody></table>", None),
        (
            "<table><caption>Preise</caption><tr><td>Brot</td><td>3</td></tr><tr><td>Milch</td><td>2</td></tr></table>",
            None,
        ),
        ("<table><tr><td>Team</td><td>A</td></tr><tr><td><a href=/b>Haven</a> FC</td><td>2:1</td></tr></table>", None),
    ],
)
def test_rows_of_data_are_lines(table: str, rows: list[str] | None) -> None:
    lines = read_with(table)
    tabbed = [line for line in lines if "\t" in line]
    assert len(tabbed) == table.count("<tr>")
    if rows:
        assert tabbed == rows


@pytest.mark.parametrize(
    "table",
    [
        "<table><tr><td>1</td></tr></table>",
        "<table><tr><td><a href=/1>News</a></td><td><a href=/2>Sport</a></td></tr><tr><td></td><td></td></tr></table>",
        f"<table><tr><td><p>{SENTENCE * 3}</p></td><td>Menu</td></tr><tr><td>a</td><td>b</td></tr></table>",
        "<table><tr><td><form>Search</form></td><td>b</td></tr><tr><td>a</td><td>b</td></tr></table>",
    ],
)
def test_layout_is_removed(table: str) -> None:
    assert read_with(table) == [SENTENCE] * 3


def test_the_published_text_has_a_tab_between_cells() -> None:
    table = "<table><tr><td>Ana  Ruiz</td><td>1:31</td></tr><tr><td>B&amp;C</td><td>2:0</td></tr></table>"
    html = f"<article><p>{SENTENCE}</p>{table}<p>{SENTENCE}</p></article>"
    text = normalize(RawEvent(id="a", html=html), ARRIVAL).text
    assert text.split("\n")[1:] == ["Ana Ruiz\t1:31", "B&C\t2:0"]
