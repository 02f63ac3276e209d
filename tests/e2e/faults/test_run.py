"""The command line and its table."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.e2e.faults.checker import CheckResult
from tests.e2e.faults.run import parse, parse_seeds, summary_line, summary_table
from tests.e2e.faults.run_once import Result

GOOD = Result(1, done=Counter(kill=3), missed=Counter(join=1), check=CheckResult(events=20, repeated=4))
BAD = Result(2, check=CheckResult(missing=["one", "two"]))


@pytest.mark.parametrize(("text", "expected"), [("7", [7]), ("1-3", [1, 2, 3]), ("3,8,20-22", [3, 8, 20, 21, 22])])
def test_seeds_are_numbers_and_ranges(text: str, expected: list[int]) -> None:
    assert parse_seeds(text) == expected
    assert parse(["--seeds", text]).seeds == expected


@pytest.mark.parametrize("arguments", [["--seeds", "a-b"], ["--only", "kill,flood"]])
def test_wrong_usage_is_reported(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse(arguments)
    assert arguments[1].split(",")[-1] in capsys.readouterr().err


@pytest.mark.parametrize("sort", ["missing", "different", "stale", "early", "broken"])
def test_one_difference_of_any_kind_fails_a_run(sort: str) -> None:
    assert GOOD.is_good
    check = CheckResult()
    getattr(check, sort).append("it")
    assert not Result(3, check=check).is_good


def test_a_problem_fails_a_run() -> None:
    assert not Result(3, problems=["the lag did not return to zero"]).is_good


def test_a_fault_that_no_worker_noticed_fails_a_run_and_is_counted() -> None:
    result = Result(3, blind=["normalized_cut: no worker has stopped"])
    assert not result.is_good
    assert "1 blind" in summary_line(result)
    assert "silently blind           1" in summary_table([result])


def test_the_table_adds_up() -> None:
    text = summary_table([GOOD, BAD])
    assert "2, 1 failed [2]" in text
    assert "join                      0  (1 not injected)" in text
    for name, metric_total in {"missing": 2, "repeated": 4, "faults": 3}.items():
        assert [row.split()[1] for row in text.splitlines() if row.split()[0] == name] == [str(metric_total)]
    assert "FAIL" in summary_line(BAD)
