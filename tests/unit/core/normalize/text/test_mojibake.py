"""Mojibake is fixed; more cases are in cases/text_fixes.jsonl."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.normalize.text.mojibake import LEGACY_TRIGGERS, UTF8_TRIGGERS, fix_legacy_mojibake, fix_utf8_mojibake
from stream.core.normalize.trigger_scan import TriggerScan

SENTENCES = [
    "افتتح رئيس البلدية حديقة عامة جديدة، ثم غادر",
    "Мэр города открыл новый сад и уехал",
    "Ο δήμαρχος εγκαινίασε τον νέο κήπο",
    "ראש העיר פתח הבוקר גן ציבורי חדש",
    "Le café d’été a été fermé à cause des travaux",
    "市长为新的公园揭幕，很多人来了",
    "महापौर ने नए बगीचे का उद्घाटन किया",
]


@pytest.mark.parametrize(
    ("sentence", "encoding"), [*((sentence, "latin-1") for sentence in SENTENCES), (SENTENCES[0], "cp1256")]
)
def test_utf8_decoded_with_a_single_byte_encoding_is_fixed(sentence: str, encoding: str) -> None:
    broken = sentence.encode().decode(encoding)
    assert fix_utf8_mojibake(broken) == (sentence, 1)
    assert TriggerScan(UTF8_TRIGGERS)(broken)


@pytest.mark.parametrize(
    ("sentence", "encoding"),
    [(SENTENCES[0], "cp1256"), (SENTENCES[1], "cp1251"), (SENTENCES[2], "cp1253"), (SENTENCES[3], "cp1255")],
)
def test_single_byte_encodings_decoded_as_latin_are_fixed(sentence: str, encoding: str) -> None:
    broken = sentence.encode(encoding).decode("cp1252", "surrogateescape").encode("utf-8", "replace").decode()
    assert fix_legacy_mojibake(broken) == (sentence, 1)
    assert TriggerScan(LEGACY_TRIGGERS)(broken)


@pytest.mark.parametrize(
    "line",
    [
        *SENTENCES,
        "حفظ، ضغط؛ وسط؟ ظ“ط”",
        "تک آپ کے گھر پہنچ گئے",
        "Þýðing á íslensku: Ísafjörður, þjóðþing, ævi",
        "Œuvre créée à l’été « Noël »…",
        "Đường phố Hà Nội ở Việt Nam",
        "«СССР», «Россия»… Р»",
        "Ç, Á, É",
    ],
)
def test_correct_text_stays(line: str) -> None:
    assert fix_utf8_mojibake(line) == (line, 0)
    assert fix_legacy_mojibake(line) == (line, 0)


@given(st.text(max_size=60) | st.text("طظ§„…ƒÃ©Ø±ÙÐ°ÇáÓÚ \n", max_size=60))
def test_any_text_is_accepted_and_every_change_counted(text: str) -> None:
    for fix in (fix_utf8_mojibake, fix_legacy_mojibake):
        fixed, count = fix(text)
        assert (count > 0) == (fixed != text)
