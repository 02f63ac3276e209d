"""Files in the encodings in which people have kept texts and pages."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.cli.file_encoding import decode

ARABIC = "أعلنت وزارة الصحة يوم الاثنين أن عدد المراكز الجديدة بلغ عشرين مركزا في جميع أنحاء البلاد، ويبدأ قريبا."
RUSSIAN = "Совет порта в понедельник вечером решил восстановить восточный причал, который дважды повредили штормы."
CHINESE = "港口委员会周一晚间投票决定重建东码头，三个冬天里的两场风暴曾两次损坏该码头，主席会后表示。"
JAPANESE = "港湾委員会は月曜日の夜、東の桟橋を再建することを決めた。工事は四月に始まり、十四か月かかる見込みだ。"
POLISH = "Rada portu zdecydowała, że odbuduje molo, choć źle to wygląda, a gęś zjadła łąkę i źdźbło."
TEXTS = [
    ("windows-1256", ARABIC),
    ("iso-8859-6", ARABIC),
    ("koi8-r", RUSSIAN),
    ("windows-1251", RUSSIAN),
    ("gbk", CHINESE),
    ("gb2312", CHINESE),
    ("big5", "港口委員會週一晚間投票決定重建東碼頭，三個冬天裡的兩場風暴曾兩次損壞該碼頭，主席會後表示。"),
    ("shift_jis", JAPANESE),
    ("euc-jp", JAPANESE),
    (
        "euc-kr",
        "항만위원회는 월요일 저녁 동쪽 부두를 다시 짓기로 했다. 공사는 사월에 시작해 열네 달이 걸린다.",
    ),
    ("windows-1253", "Το συμβούλιο του λιμανιού αποφάσισε τη Δευτέρα να ξαναχτίσει την ανατολική προβλήτα."),
    ("windows-1255", "מועצת הנמל החליטה ביום שני בערב לבנות מחדש את הרציף המזרחי שנפגע פעמיים בסערות."),
    ("windows-874", "คณะกรรมการท่าเรือลงมติเมื่อคืนวันจันทร์ให้สร้างท่าเทียบเรือด้านตะวันออกขึ้นใหม่"),
    ("utf-8", ARABIC),
]


def encode(text: str, label: str) -> bytes:
    return text.encode({"windows-874": "cp874"}.get(label, label))


@pytest.mark.parametrize(("label", "text"), TEXTS)
@pytest.mark.parametrize(
    "page",
    [
        '<meta charset="{}"><p>{}</p>',
        "<META HTTP-EQUIV=Content-Type CONTENT='text/html; charset={}'><p>{}</p>",
        '<?xml version="1.0" encoding="{}"?><html><p>{}</p></html>',
    ],
)
def test_a_page_with_a_declared_charset(label: str, text: str, page: str) -> None:
    html = page.format(label, text)
    assert decode(encode(html, label)) == html


@pytest.mark.parametrize(("label", "text"), TEXTS)
def test_a_text_without_a_declaration(label: str, text: str) -> None:
    assert decode(encode(text, label)) == text


@pytest.mark.parametrize(
    ("label", "bytes_of", "text"),
    [("iso-8859-1", "cp1252", "“Zoë”"), ("gb2312", "gb18030", "朱镕基"), ("ks_c_5601-1987", "cp949", "똠방각하"),
     ("shift_jis", "cp932", "①髙"), ("x-sjis", "cp932", "①"), ("tis-620", "cp874", "“ไทย”"), ("utf-16", "utf-8", "Z")],
)  # fmt: skip
def test_labels_mean_what_browsers_take_them_for(label: str, bytes_of: str, text: str) -> None:
    html = f"<meta charset={label}>{text}"
    assert decode(html.encode(bytes_of)) == html


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [(codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")],
)
def test_a_byte_order_mark_counts_more_than_a_declaration(mark: bytes, encoding: str) -> None:
    html = f"<meta charset=koi8-r>{RUSSIAN}"
    assert decode(mark + html.encode(encoding)) == html


def test_a_charset_that_does_not_fit_is_not_followed() -> None:
    html = f"<meta charset=gbk><p>{POLISH}</p>"
    assert decode(html.encode("utf-8")) in (html, html.encode("utf-8").decode("gb18030", "replace"))
    assert decode(b"<meta charset=ascii2>" + ARABIC.encode("cp1256")) == f"<meta charset=ascii2>{ARABIC}"


def test_in_latin_letters_the_language_decides() -> None:
    html = f"<html lang=pl><p>{POLISH}</p>"
    assert decode(html.encode("cp1250")) == html


def test_bytes_of_no_encoding_are_none() -> None:
    assert decode(b"\xff\x80\x81") is None


@given(st.text(st.characters(codec="utf-8", exclude_characters="<>&\r"), min_size=1))
def test_any_text_in_utf_8_comes_back(text: str) -> None:
    for prefix in ("", "<meta charset=utf-8>"):
        assert decode(f"{prefix}{text}".encode()) in (prefix + text, (prefix + text).removeprefix("\ufeff"))


@given(st.sampled_from(TEXTS), st.integers(0, 30))
def test_any_part_of_a_text_comes_back_with_a_declaration(case: tuple[str, str], length: int) -> None:
    label, text = case
    html = f"<meta charset={label}>{text[:length]}"
    assert decode(encode(html, label)) == html
