"""Named steps over text, counted."""

from __future__ import annotations

from stream.normalize.steps import Fixes, apply


def shout(text: str) -> tuple[str, int]:
    """Return capitals and how many were made."""
    return text.upper(), sum(map(str.islower, text))


def test_steps_run_in_order_and_are_counted_by_name() -> None:
    fixes = Fixes()
    assert apply([("shout", shout), ("cut", lambda text: (text[1:], 1)), ("shout", shout)], "ab", fixes) == "B"
    assert fixes == {"shout": 2, "cut": 1}


def test_a_step_that_changed_nothing_is_not_named() -> None:
    fixes = Fixes()
    apply([("shout", shout)], "AB", fixes)
    assert not fixes


def test_counts_add_up_over_fields() -> None:
    fixes = Fixes(shout=2)
    apply([("shout", shout)], "ab", fixes)
    assert fixes["shout"] == 4
