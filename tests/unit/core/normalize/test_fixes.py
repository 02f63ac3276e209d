"""Fix steps run in order until nothing is left to change, and are counted by name."""

from __future__ import annotations

from pathlib import Path

import orjson

from stream.core.normalize.boilerplate import phrases
from stream.core.normalize.fixes import FIXES, PASSES_MAX, FixCounts, FixPipeline, FixStep
from stream.core.normalize.html.page_boilerplate import PAGE_FIXES
from stream.core.normalize.text import TEXT_STEPS
from stream.core.normalize.trigger_scan import CharacterPair

CASES = Path(__file__).parents[3] / "cases"
DATED_EVENTS = ("published", "modified", "fetched")


def upper_case(text: str) -> tuple[str, int]:
    """Return the text in capitals, and the number of letters that changed."""
    return text.upper(), sum(map(str.islower, text))


def remove_first_dot(text: str) -> tuple[str, int]:
    """Return the text without its first dot, and the number of dots removed."""
    return text.replace(".", "", 1), min(1, text.count("."))


def test_steps_run_in_order_and_are_counted_by_name() -> None:
    fixes = FixCounts()
    steps = FixPipeline([FixStep("upper", upper_case), FixStep("dot", remove_first_dot), FixStep("upper", upper_case)])
    assert steps.apply("a.b", fixes) == "AB"
    assert fixes == {"upper": 2, "dot": 1}


def test_a_step_that_changed_nothing_is_not_counted() -> None:
    fixes = FixCounts()
    FixPipeline([FixStep("upper", upper_case)]).apply("AB", fixes)
    assert not fixes


def test_counts_add_up_over_fields() -> None:
    fixes = FixCounts(upper=2)
    FixPipeline([FixStep("upper", upper_case)]).apply("ab", fixes)
    assert fixes["upper"] == 4


def test_a_step_runs_only_on_texts_with_one_of_its_triggers() -> None:
    steps = FixPipeline(
        [
            FixStep("dot", remove_first_dot, (CharacterPair("!", "!"),)),
            FixStep("upper", upper_case, (CharacterPair("a", "b"), CharacterPair("c", "d"))),
        ]
    )
    assert [steps.apply(text, FixCounts()) for text in ("a.b", "!!.", "ab", "cd", "bc")] == [
        "a.b",
        "!!",
        "AB",
        "CD",
        "bc",
    ]


def test_passes_repeat_until_nothing_changes() -> None:
    fixes = FixCounts()
    # The first step finds its trigger only after the second step has run.
    steps = FixPipeline([FixStep("upper", upper_case, (CharacterPair("a", "b"),)), FixStep("dot", remove_first_dot)])
    assert steps.apply("a..b", fixes) == "AB"
    assert fixes == {"dot": 2, "upper": 2}


def test_a_step_that_had_nothing_to_do_runs_again_after_a_change() -> None:
    # The first pass brings the dots together, the second removes one, and only then is there something to trim.
    glue = FixStep("glue", lambda text: (text.replace("-", ""), text.count("-")), (CharacterPair("-"),))
    thin = FixStep("thin", lambda text: (text.replace("..", "."), text.count("..")), (CharacterPair(".", "."),))
    trim = FixStep("trim", lambda text: (text.replace(" .\n", "\n"), text.count(" .\n")), (CharacterPair(" ", "."),))
    assert FixPipeline([glue, thin, trim]).apply("a .-.\n", FixCounts()) == "a\n"


def test_the_number_of_passes_is_limited() -> None:
    fixes = FixCounts()
    FixPipeline([FixStep("rotate", lambda text: (text[1:] + text[:1], 1))]).apply("ab", fixes)
    assert fixes["rotate"] == PASSES_MAX


def test_every_fix_is_described_and_no_other() -> None:
    names = {step.name for step in TEXT_STEPS.steps} | phrases.LINES.keys() | phrases.BUTTONS.keys()
    names |= phrases.STARTS.keys() | {"html_to_text", *(f"{event}_at_dropped" for event in DATED_EVENTS)}
    names |= PAGE_FIXES
    for path in CASES.glob("*.jsonl"):
        counts = [orjson.loads(line).get("fixes") for line in path.read_bytes().splitlines()]
        names.update(*(count for count in counts if isinstance(count, dict)))
    assert FIXES.keys() == names
    assert all(sentence.endswith(".") for sentence in FIXES.values())
