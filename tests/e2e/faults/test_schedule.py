"""Schedules depend on the seed alone, and together they cover everything."""

from __future__ import annotations

import pytest

from tests.e2e.faults.crash_points import BATCH_POINTS, POINTS, ZOMBIE_POINTS
from tests.e2e.faults.schedule import FAULTS_MAX, FAULTS_MIN, KINDS, LOG_KINDS, SESSION_S, schedule

SEEDS = range(1, 61)
KEEPS_THE_INDEX = {"kill", "sigterm", "broker_kill", "broker_pause", "broker_slow"}


@pytest.mark.parametrize("seed", [1, 7, 60, 10**9])
def test_a_seed_gives_the_same_schedule_again(seed: int) -> None:
    assert schedule(seed) == schedule(seed)
    assert str(schedule(seed)) == str(schedule(seed))


def test_seeds_give_different_schedules() -> None:
    assert len({str(schedule(seed).faults) for seed in SEEDS}) == len(SEEDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_schedule_has_enough_faults_in_order(seed: int) -> None:
    plan = schedule(seed)
    assert FAULTS_MIN <= len(plan.faults) <= FAULTS_MAX
    moments = [fault.at for fault in plan.faults]
    assert moments == sorted(moments)
    assert moments[0] > 0
    assert moments[-1] < 1


def test_sixty_seeds_cover_every_kind_and_every_point() -> None:
    faults = [fault for seed in SEEDS for fault in schedule(seed).faults]
    assert {fault.kind for fault in faults} == set(KINDS)
    assert {fault.point for fault in faults if fault.kind == "kill_at"} == set(POINTS)
    assert {fault.point for fault in faults if fault.kind == "zombie_at"} == set(ZOMBIE_POINTS)


def test_faults_last_as_long_as_their_kind_needs() -> None:
    for seed in SEEDS:
        for fault in schedule(seed).faults:
            if fault.kind in ("zombie_at", "worker_pause", "broker_pause_session", "broker_pause_long"):
                assert fault.seconds > SESSION_S
            assert bool(fault.point) == (fault.kind in ("kill_at", "zombie_at"))
            assert fault.passings == 1 or fault.point in BATCH_POINTS
            assert bool(fault.topic) == fault.kind.startswith("refuse")


@pytest.mark.parametrize("kind", ["changelog_truncate", "changelog_recreate", "changelog_cut"])
def test_after_a_changelog_has_lost_records_the_index_is_left_alone(kind: str) -> None:
    met = 0
    for seed in SEEDS:
        kinds = [fault.kind for fault in schedule(seed).faults]
        if kind in kinds:
            met += 1
            position = kinds.index(kind)
            assert set(kinds[position + 1 :]) <= KEEPS_THE_INDEX
            # Damage that was not found yet could not be repaired from the changelog any more.
            assert not {kind for kind in kinds if kind.startswith("index_")}
    assert met


def test_one_log_goes_back_in_a_run() -> None:
    for seed in SEEDS:
        assert len([fault for fault in schedule(seed).faults if fault.kind in LOG_KINDS]) <= 1


def test_logs_go_back_both_under_workers_and_while_none_runs() -> None:
    faults = [fault for seed in SEEDS for fault in schedule(seed).faults]
    for kind in LOG_KINDS:
        assert {fault.pick % 2 for fault in faults if fault.kind == kind} == {0, 1}


def test_kinds_that_are_named_are_used_in_their_order() -> None:
    assert [fault.kind for fault in schedule(3, only=["kill", "join"]).faults] == ["kill", "join"]
