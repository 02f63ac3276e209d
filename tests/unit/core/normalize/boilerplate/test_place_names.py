"""Place names in datelines are found, by language."""

from __future__ import annotations

from stream.core.normalize.boilerplate.place_names import is_place_name, is_place_name_in


def test_other_spellings_that_fold_to_the_same_are_found() -> None:
    assert is_place_name("مكه المكرمه")
    assert is_place_name("ابها")
    assert is_place_name("NEW YORK")


def test_a_place_name_belongs_to_its_language() -> None:
    assert is_place_name_in("ur", "کراچی")
    assert not is_place_name_in("en", "کراچی")
    assert not is_place_name("حديقة")
