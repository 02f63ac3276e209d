"""Boilerplate is found at the edges of a text."""

from __future__ import annotations

import pytest

from stream.core.folding import fold_letters
from stream.core.normalize.boilerplate.edges import (
    Edge,
    edge_line_fix,
    find_glued_end,
    find_glued_start,
    trailing_block,
)

LONG = "افتتح رئيس البلدية حديقة عامة إلى جوار المدرسة القديمة."


@pytest.mark.parametrize(
    ("line", "step"),
    [
        ("----", "separators"),
        ("* * *", "separators"),
        ("a.b@c.example", "contact_lines"),
        ("تويتر: @nsaleh", "contact_lines"),
        ("تصوير: منى العلي", "photo_credits"),
        ("(Photo: Jane Smith)", "photo_credits"),
        ("Reuter", "signoff"),
        ("(أ ف ب)", "signoff"),
        ("*نقلاً عن النهر", "signoff"),
        ("خاص بـ«الشرق الأوسط»", "signoff"),
        ("سمات حديقة مدرسة", "tag_lines"),
        ("（完）", "publication_notes"),
        ("Share", "share_links"),
    ],
)
def test_a_last_line_of_boilerplate_is_found(line: str, step: str) -> None:
    assert edge_line_fix(line, fold_letters(line), Edge.END) == step


@pytest.mark.parametrize(
    "line", ["?!", "واس.", "سمات القائد: الصبر", "نقلاً عن النهر", "بـ«الشرق الأوسط»", "Smith, Reuters", LONG]
)
def test_the_last_line_of_an_article_stays(line: str) -> None:
    assert edge_line_fix(line, fold_letters(line), Edge.END) is None


@pytest.mark.parametrize("line", ["Reuter", "سمات حديقة", "Advertisement"])
def test_what_counts_at_the_end_does_not_count_at_the_start(line: str) -> None:
    assert edge_line_fix(line, fold_letters(line), Edge.START) is None


@pytest.mark.parametrize(
    ("lines", "block"),
    [
        ([LONG, "للتواصل أرسل sms إلى 88548", "زين تبدأ بالرمز 12 مسافة", "ثم الرسالة"], ("contact_lines", 3)),
        ([LONG, "(function(){", "x", "})();"], ("scripts", 3)),
        ([LONG, "x", "})();"], None),
        ([LONG, "ثم الرسالة"], None),
        ([LONG, "للتواصل أرسل sms إلى 88548", LONG, "ثم الرسالة"], None),
    ],
)
def test_a_block_at_the_end_is_found(lines: list[str], block: tuple[str, int] | None) -> None:
    assert trailing_block(lines) == block


@pytest.mark.parametrize(
    ("paragraph", "glued", "step"),
    [
        (LONG, " للتواصل مع الكاتب ارسل رسالة SMS تبدأ بالرمز (3)", "contact_lines"),
        (LONG, "...المزيد", "read_also"),
        (LONG, " (واس)", "signoff"),
        ("Il a dit qu'il était content.", " A regarder :", "read_also"),
        ("市长昨天上午在老学校旁边为一座新公园剪彩，他很高兴。", "责任编辑：张三", "byline"),
        ("市长昨天上午在老学校旁边为一座新公园剪彩，他很高兴。", "（罗林）", "byline"),
        (
            "市长昨天上午在老学校旁边为一座新公园剪彩，他很高兴。",
            "新浪声明：此消息系转载自合作单位，登载此文出于传递更多信息之目的，文章内容仅供参考。",
            "copyright",
        ),
    ],
)
def test_boilerplate_glued_to_the_last_paragraph_is_found(paragraph: str, glued: str, step: str) -> None:
    assert find_glued_end(paragraph + glued) == (step, len(paragraph))


@pytest.mark.parametrize(
    "line",
    [
        LONG,
        LONG[:-1] + " (واس)",
        LONG + " (وادي)",
        "نعم. (واس)",
        "(أ ف ب)",
        "市长昨天上午在老学校旁边为一座新公园剪彩。（图）",
    ],
)
def test_the_last_words_of_an_article_stay(line: str) -> None:
    assert find_glued_end(line) == (None, 0)


def test_boilerplate_glued_to_the_first_paragraph_is_found() -> None:
    assert find_glued_start(f"Next Previous {LONG}") == ("carousel", 14)
    assert find_glued_start("Next Previous") == (None, 0)
    assert find_glued_start("Next year") == (None, 0)
