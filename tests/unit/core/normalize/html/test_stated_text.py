"""The article's text in the metadata beside the one that the page shows."""

from __future__ import annotations

import pytest

from stream.core.normalize.html.stated_text import choose_text

LINES = [
    "The harbour council voted on Monday evening to rebuild the eastern pier, which storms had damaged twice.",
    "Work is to begin in April and should take fourteen months, according to the engineers of the town.",
    "Fishing crews said they would have to land their catch elsewhere, and asked the council for help.",
    "The work will cost twelve million, of which the county pays a third and the state another one.",
]
OTHER = "Our newspaper has been printed in this town since 1888, and many read it each morning."
ARTICLE = "\n".join(LINES)
STATED = " ".join(LINES)


@pytest.mark.parametrize(
    ("text", "stated", "expected"),
    [
        pytest.param(
            "",
            "港口委员会周一晚间投票决定重建东码头。",
            "港口委员会周一晚间投票决定重建东码头。",
            id="nothing is shown",
        ),
        pytest.param(LINES[0], STATED, STATED, id="behind a paywall"),
        pytest.param(ARTICLE, STATED, ARTICLE, id="the page has the paragraphs"),
        pytest.param(f"{OTHER}\n{ARTICLE}\n{OTHER}", STATED, ARTICLE, id="the page shows more than the article"),
        pytest.param(f"{ARTICLE}\n{OTHER}", f"{STATED[:280]}…", f"{ARTICLE}\n{OTHER}", id="an excerpt is stated"),
        pytest.param(f"{ARTICLE}\n{OTHER}", STATED[:90], f"{ARTICLE}\n{OTHER}", id="the beginning is stated"),
        pytest.param(ARTICLE, "\n".join([OTHER] * 4), ARTICLE, id="another text is stated"),
        pytest.param(ARTICLE, "", ARTICLE, id="nothing is stated"),
    ],
)
def test_the_better_text_is_chosen(text: str, stated: str, expected: str) -> None:
    assert choose_text(text, stated) == expected
