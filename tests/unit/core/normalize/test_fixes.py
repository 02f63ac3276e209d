"""Named steps over text, counted, until nothing is left to change."""

from __future__ import annotations

from stream.core.normalize.fixes import PASSES_MAX, FixCounts, FixPipeline, FixStep
from stream.core.normalize.trigger_scan import CharacterPair


def shout(text: str) -> tuple[str, int]:
    """Return capitals and how many were made."""
    return text.upper(), sum(map(str.islower, text))


def cut(text: str) -> tuple[str, int]:
    """Return the text without its first dot."""
    return text.replace(".", "", 1), min(1, text.count("."))


def test_steps_run_in_order_and_are_counted_by_name() -> None:
    fixes = FixCounts()
    steps = FixPipeline([FixStep("shout", shout), FixStep("cut", cut), FixStep("shout", shout)])
    assert steps.apply("a.b", fixes) == "AB"
    assert fixes == {"shout": 2, "cut": 1}


def test_a_step_that_changed_nothing_is_not_named() -> None:
    fixes = FixCounts()
    FixPipeline([FixStep("shout", shout)]).apply("AB", fixes)
    assert not fixes


def test_counts_add_up_over_fields() -> None:
    fixes = FixCounts(shout=2)
    FixPipeline([FixStep("shout", shout)]).apply("ab", fixes)
    assert fixes["shout"] == 4


def test_a_step_runs_only_where_one_of_its_pairs_is() -> None:
    steps = FixPipeline(
        [
            FixStep("cut", cut, (CharacterPair("!", "!"),)),
            FixStep("shout", shout, (CharacterPair("a", "b"), CharacterPair("c", "d"))),
        ]
    )
    assert [steps.apply(text, FixCounts()) for text in ("a.b", "!!.", "ab", "cd", "bc")] == [
        "a.b",
        "!!",
        "AB",
        "CD",
        "bc",
    ]


def test_passes_are_made_until_nothing_changes() -> None:
    fixes = FixCounts()
    # The first step has something to do only behind the second one.
    steps = FixPipeline([FixStep("shout", shout, (CharacterPair("a", "b"),)), FixStep("cut", cut)])
    assert steps.apply("a..b", fixes) == "AB"
    assert fixes == {"cut": 2, "shout": 2}


def test_a_step_that_had_nothing_to_do_runs_again_behind_a_change() -> None:
    # The first pass brings the dots together, the second takes one away, and only then is the text to be cut.
    glue = FixStep("glue", lambda text: (text.replace("-", ""), text.count("-")), (CharacterPair("-"),))
    thin = FixStep("thin", lambda text: (text.replace("..", "."), text.count("..")), (CharacterPair(".", "."),))
    trim = FixStep("trim", lambda text: (text.replace(" .\n", "\n"), text.count(" .\n")), (CharacterPair(" ", "."),))
    assert FixPipeline([glue, thin, trim]).apply("a .-.\n", FixCounts()) == "a\n"


def test_passes_have_an_end() -> None:
    fixes = FixCounts()
    FixPipeline([FixStep("turn", lambda text: (text[1:] + text[:1], 1))]).apply("ab", fixes)
    assert fixes["turn"] == PASSES_MAX
