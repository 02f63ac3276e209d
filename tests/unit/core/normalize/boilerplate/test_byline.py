"""Bylines are read from single lines; tests/cases/bylines.jsonl has them inside whole texts."""

from __future__ import annotations

import pytest

from stream.core.normalize.boilerplate.byline import is_name, read_byline, read_signature, split_names


@pytest.mark.parametrize(
    ("line", "authors"),
    [
        ("By Jane Smith | Hill Gazette", ["Jane Smith"]),
        ("By Jane Smith, John Doe and Ann Lee", ["Jane Smith"]),
        ("By Jane O'Neill-Smith", ["Jane O'Neill-Smith"]),
        ("Written by: Jane Smith", ["Jane Smith"]),
        ("Oleh Budi Santoso", ["Budi Santoso"]),
        ("بقلم: د. نادر صالح", ["د. نادر صالح"]),
        ("رصد وتصوير: منى العلي", ["منى العلي"]),
        ("כתב: נדב שלו", ["נדב שלו"]),
        ("作者：张三", ["张三"]),
        ("文/张三", ["张三"]),
        ("本报记者 张三 北京报道", ["张三"]),
        ("山田 太郎記者", ["山田 太郎"]),
    ],
)
def test_a_byline_is_read(line: str, authors: list[str]) -> None:
    byline = read_byline(line)
    assert byline is not None
    assert byline.text == line
    assert byline.authors[:1] == authors


@pytest.mark.parametrize(
    "line",
    [
        "By Sea and Air",
        "By Monday Night",
        "By Jane",
        "By Jane Smith.",
        "Parents Want Answers",
        "كتب جديدة في المكتبة",
        "تقرير: من أين جاء المال",
        "حوار",
        "记者节快乐",
        "作者说",
        "Von Hier Aus",
        "@handle",
        "Automatically Yours: @x",
    ],
)
def test_headings_are_not_bylines(line: str) -> None:
    assert read_byline(line) is None


@pytest.mark.parametrize(
    ("line", "authors"),
    [
        ("Reporting by Jane Smith; Editing by Ann Lee", ["Jane Smith"]),
        ("(Additional reporting by Jane Smith and John Doe)", []),
        ("（罗林）", ["罗林"]),
        ("责任编辑：张三", []),
    ],
)
def test_a_signature_is_read(line: str, authors: list[str]) -> None:
    signature = read_signature(line)
    assert signature is not None
    assert signature.authors == authors


@pytest.mark.parametrize("line", ["（资料图）", "(2018)", "Reporting is a craft.", "Edited volumes by the dozen"])
def test_captions_and_prose_are_not_signatures(line: str) -> None:
    assert read_signature(line) is None


@pytest.mark.parametrize(
    ("names", "authors"),
    [
        ("JANE SMITH and JOHN DOE", ["Jane Smith", "John Doe"]),
        ("نادر صالح ومنى العلي", ["نادر صالح", "منى العلي"]),
        ("نادر وليد", ["نادر وليد"]),
        ("记者 张三 通讯员 李四", ["张三", "李四"]),
        ("張三、李四", ["張三", "李四"]),
    ],
)
def test_names_are_separated(names: str, authors: list[str]) -> None:
    assert split_names(names) == authors


@pytest.mark.parametrize(
    ("text", "expected"),
    [("مسلّم صالح", True), ("नवीन शर्मा", True), ("الطريق إلى جدة", False), ("نادر", False), ("Room 101", False)],
)
def test_names_are_recognized_by_their_shape(text: str, *, expected: bool) -> None:
    assert is_name(text) is expected
