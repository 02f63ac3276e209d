"""Raised digits and readings beside the text."""

from __future__ import annotations

import pytest

from stream.core.normalize.html import read_page

SENTENCE = "The new garden of the town was opened this morning by the mayor, in front of all who had come to see it."


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("In 2021<sup>1</sup> it closed.", "In 2021¹ it closed."),
        ("About 10<sup>6</sup> tonnes.", "About 10⁶ tonnes."),
        ("A ticket costs $9<sup>99</sup>.", "A ticket costs $9⁹⁹."),
        ("In 2021<sup><a href='#n1'>1</a></sup> it closed.", "In 2021 it closed."),
        ("In 2021<sup>[1]</sup> it closed.", "In 2021 it closed."),
        ("Le 1<sup>er</sup> mai.", "Le 1er mai."),
        ("<ruby>東<rt>とう</rt>京<rt>きょう</rt></ruby>で地震", "東京で地震"),
        ("<ruby>漢<rp>(</rp><rt>ㄏㄢˋ</rt><rp>)</rp></ruby>字", "漢字"),
    ],
)
def test_what_is_published_of_them(html: str, text: str) -> None:
    assert read_page(f"<article><p>{SENTENCE}</p><p>{html}</p><p>{SENTENCE}</p></article>").text.split("\n")[1] == text
