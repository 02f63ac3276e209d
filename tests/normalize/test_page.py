"""The article inside a page; whatever the page holds, nothing is raised."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.normalize.page import Page, read_page

PARAGRAPHS = [
    "افتتح رئيس البلدية صباح اليوم حديقة عامة جديدة في حي الزهور بحضور عدد كبير من السكان والزوار.",
    "وقال إن العمل فيها استغرق عاماً كاملاً وإن الدخول إليها سيكون مجاناً طوال أيام الأسبوع.",
    "ومن المقرر أن تفتتح البلدية حديقتين أخريين قبل نهاية العام في الأحياء الشرقية من المدينة.",
]
BODY = "".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS * 3)
PAGE = f"""<html lang="ar"><head><meta charset="windows-1256"><title>حديقة جديدة | صحيفة</title>
<meta property="og:title" content="حديقة جديدة"><meta property="og:site_name" content="صحيفة المدينة">
<meta property="article:published_time" content="2026-05-04T09:00:00+03:00"><meta name="author" content="ليلى سالم">
<link rel="canonical" href=" https://news.example/1 "></head>
<body><nav><a href="/">الرئيسية</a></nav><script>var secret = 1;</script><article><h1>حديقة جديدة</h1>{BODY}</article>
<footer>جميع الحقوق محفوظة</footer></body></html>"""


def test_a_page_tells_text_title_address_date_authors_and_site() -> None:
    page = read_page(PAGE)
    assert all(paragraph in page.text for paragraph in PARAGRAPHS)
    assert "secret" not in page.text
    assert page.title == "حديقة جديدة"
    assert page.url == "https://news.example/1"
    assert page.published_at == "2026-05-04T09:00:00+03:00"
    assert page.authors == ["ليلى سالم"]
    assert page.site == "صحيفة المدينة"


def test_paragraphs_are_lines() -> None:
    assert PARAGRAPHS[0] in read_page(PAGE).text.split("\n")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>خبر أول</p><p>خبر ثان</p>", "خبر أول\nخبر ثان"),
        ("one<br>two", "one\ntwo"),
        ("plain text", "plain text"),
        ("<p>a &amp; b</p><!-- hidden --><style>p {}</style>", "a & b"),
        ("<ul><li>one</li><li>two</li></ul>", "one\ntwo"),
        ("<p>half <b>open", "half open"),
        ("<!-- before --><html><body><p>between</p></body></html><!-- behind -->", "between"),
        ("<p>nul\0byte</p>", "nulbyte"),
        ("<p>half \ud800 a pair</p>", "half ? a pair"),
        ('<?xml version="1.0" encoding="windows-1256"?><html><body><p>خبر</p></body></html>', "خبر"),
        ('<!DOCTYPE html><html><head><meta charset="utf-16"></head><body>خبر</body></html>', "خبر"),
        ('<html xmlns="http://www.w3.org/1999/xhtml"><body><p>خبر</p></body></html>', "خبر"),
    ],
)
def test_fragments_and_declarations(html: str, text: str) -> None:
    assert read_page(html).text == text


@pytest.mark.parametrize(
    "html", ["", " \n", "<", "<!-- -->", "<html></html>", "<script>x</script>", "\0", "<?xml?>", "<!DOCTYPE html>"]
)
def test_a_page_without_text_is_empty(html: str) -> None:
    assert read_page(html).text in ("", "<")


def test_pages_2_000_levels_deep_are_read_and_deeper_ones_are_not_raised() -> None:
    assert "news of the day" in read_page("<div>" * 2_000 + "news of the day " * 20).text
    assert read_page("<div>" * 5_000 + "news").text in ("", "news")
    assert read_page("<b>" * 5_000 + "news").text in ("", "news")


def test_an_overlong_canonical_link_is_none() -> None:
    assert read_page(PAGE.replace("news.example/1", "news.example/" + "1" * 5_000)).url is None


def test_an_extractor_that_fails_leaves_the_visible_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RecursionError

    monkeypatch.setattr("trafilatura.bare_extraction", fail)
    page = read_page(PAGE)
    assert PARAGRAPHS[2] in page.text
    assert (page.title, page.url) == (None, "https://news.example/1")


def test_no_date_is_guessed_from_the_text() -> None:
    assert read_page(f"<html><body><p>Copyright 2019, 4 May 2020</p>{BODY}</body></html>").published_at is None


def test_a_date_in_the_future_is_no_matter_of_the_clock() -> None:
    page = PAGE.replace("article:published_time", "og:published_time").replace("2026-05-04", "2150-05-04")
    assert read_page(page).published_at == "2150-05-04"


def test_extraction_warns_of_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        read_page("<html><body>x</body></html>")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@settings(max_examples=60, deadline=None)
@given(
    st.text(st.characters(), max_size=80)
    | st.lists(
        st.sampled_from(
            [
                "<p>",
                "</p>",
                "<html>",
                "<head>",
                "<title>",
                "</div>",
                "<!--",
                "-->",
                "<![CDATA[",
                "]]>",
                "<?x",
                "<a href='",
                "'>",
                "text ",
                "<table><tr>",
                "<script>",
                "&#0;",
                "&#xD800;",
                "&bogus",
                "\0",
                "<svg>",
                "<base href='//['>",
                "<meta charset='x'>",
            ]
        ),
        max_size=20,
    ).map("".join)
)
def test_garbage_is_a_page(html: str) -> None:
    assert isinstance(read_page(html), Page)


def test_the_extractor_is_not_imported_before_the_first_page() -> None:
    code = "import sys, stream.normalize; sys.exit('trafilatura' in sys.modules or 'lxml' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
