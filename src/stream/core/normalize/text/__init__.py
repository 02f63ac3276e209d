"""Conservative fixes of published text, in order."""

from __future__ import annotations

import re
from typing import Final

from stream.core.normalize.fixes import FixCounts, FixPipeline, FixStep
from stream.core.normalize.text import characters, html_remnants, mojibake, quotes, repeated_marks, spacing
from stream.core.normalize.trigger_scan import CharacterPair

_CONTROLS: Final = (CharacterPair(characters.LINE_BREAKS + characters.CONTROLS),)
_INVISIBLES: Final = (CharacterPair(characters.INVISIBLES + characters.JOINERS),)
_ADJACENT_MARKS: Final = CharacterPair(characters.COMBINING, characters.COMBINING)
_UNCOMPOSED: Final = (CharacterPair(characters.UNCOMPOSED), _ADJACENT_MARKS)
_PRESENTATION_FORMS: Final = (CharacterPair(characters.PRESENTATION_FORMS),)
#: Encodings come first, because other steps remove bytes that they need. Entities and tags come next, because they
#: can hide characters that later steps remove. Punctuation comes last, when nothing invisible separates it any more.
TEXT_STEPS: Final = FixPipeline(
    [
        FixStep("mojibake", mojibake.fix_utf8_mojibake, mojibake.UTF8_TRIGGERS),
        FixStep("mojibake", mojibake.fix_legacy_mojibake, mojibake.LEGACY_TRIGGERS),
        FixStep("entities", html_remnants.decode_entities, (CharacterPair("&", "#A-Za-z"),)),
        FixStep("html_tags", html_remnants.remove_tags, (CharacterPair("<", "/a-zA-Z!"),)),
        FixStep("line_breaks", characters.unify_line_breaks, _CONTROLS),
        FixStep("control_characters", characters.remove_controls, _CONTROLS),
        FixStep("bidi_marks", characters.remove_bidi_marks, (CharacterPair(characters.BIDI_MARKS),)),
        FixStep("invisible_characters", characters.remove_invisible, _INVISIBLES),
        FixStep("spaces", characters.unify_spaces, (CharacterPair(characters.SPECIAL_SPACES),)),
        FixStep("stacked_marks", characters.limit_combining_marks, (_ADJACENT_MARKS,)),
        FixStep("nfc", characters.compose_nfc, _UNCOMPOSED),
        FixStep("presentation_forms", characters.resolve_presentation_forms, _PRESENTATION_FORMS),
        FixStep("spaces", characters.collapse_spaces, (CharacterPair(" \n", " \n"),)),
        FixStep("hyphenation", repeated_marks.join_broken_words, repeated_marks.HYPHEN_TRIGGERS),
        FixStep("addresses", repeated_marks.restore_addresses, repeated_marks.DISGUISE_TRIGGERS),
        FixStep("repeated_marks", repeated_marks.shorten_emphasis, repeated_marks.EMPHASIS_TRIGGERS),
        FixStep("repeated_marks", repeated_marks.shorten_pauses, repeated_marks.PAUSE_TRIGGERS),
        FixStep("repeated_marks", repeated_marks.shorten_dots, repeated_marks.DOT_TRIGGERS),
        FixStep("quotes", quotes.merge_doubled_marks, quotes.DOUBLED_MARK_TRIGGERS),
        FixStep("quotes", quotes.fix_mismatched_quotes, quotes.QUOTE_TRIGGERS),
        FixStep("spacing", spacing.remove_spaces_inside_brackets, spacing.INSIDE_BRACKET_TRIGGERS),
        FixStep("spacing", spacing.remove_space_before_mark, spacing.BEFORE_MARK_TRIGGERS),
        FixStep("spacing", spacing.add_space_after_script_mark, spacing.SCRIPT_MARK_TRIGGERS),
        FixStep("spacing", spacing.add_space_after_arabic_word, spacing.ARABIC_WORD_TRIGGERS),
        FixStep("spacing", spacing.add_space_after_cased_word, spacing.CASED_WORD_TRIGGERS),
    ]
)


def clean_text(text: str, fixes: FixCounts) -> str:
    r"""Return ``text`` with all fixes applied, one paragraph per line, and add what they did to ``fixes``.

    Idempotent: cleaning the result again changes nothing.

    >>> fixes = FixCounts()
    >>> clean_text("Caf\u00c3\u00a9 &amp; bar!!!\r\n\r\n  Open", fixes)
    'Café & bar!\nOpen'
    >>> dict(fixes)
    {'spaces': 3, 'mojibake': 1, 'entities': 1, 'line_breaks': 2, 'repeated_marks': 1}
    """
    # Most texts need these two fixes and no other, so doing them first saves a second pass.
    if _NO_BREAK_SPACE in text and not mojibake.has_broken_no_break_space(text):
        fixes["spaces"] += text.count(_NO_BREAK_SPACE)
        text = text.replace(_NO_BREAK_SPACE, " ")
    text, count = characters.collapse_spaces(text)
    if count:
        fixes["spaces"] += count
    return TEXT_STEPS.apply(text, fixes)


def clean_line(text: str, fixes: FixCounts) -> str:
    r"""Return ``text`` cleaned as by `clean_text` and on a single line, as titles and names need it.

    >>> clean_line("Harbour\tclosed\nuntil Monday", FixCounts())
    'Harbour closed until Monday'
    """
    if _PLAIN_LINE.fullmatch(text):
        return text
    cleaned = clean_text(text, fixes)
    return clean_text(cleaned.replace("\n", " "), fixes) if "\n" in cleaned else cleaned


_NO_BREAK_SPACE: Final = "\xa0"
# Words of unaccented Latin, Arabic, Cyrillic or Chinese letters, separated by single spaces, each optionally followed
# by one mark: no step has anything to do here.
_PLAIN_LINE: Final = re.compile(
    r"(?:[A-Za-z0-9\u0621-\u063a\u0641-\u064a\u0410-\u044f\u4e00-\u9fff]++[.:!،؟]?+(?: (?! )(?=.)|\Z))*+"
)
