"""Orders: one worker claims each, at the passing that it names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.faults.crash_points import POINTS, Order, Trap, find_claimant, give_order, read_order


@pytest.mark.parametrize("passings", [1, 3])
def test_an_order_is_claimed_once_at_its_passing(tmp_path: Path, passings: int) -> None:
    orders = tmp_path / "orders"
    trap, other = Trap(orders), Trap(orders)
    assert not trap.claims(POINTS[0])
    give_order(orders, Order(POINTS[0], passings))
    assert [trap.claims(POINTS[0]) for _ in range(passings)] == [False] * (passings - 1) + [True]
    assert not any(other.claims(POINTS[0]) for _ in range(passings))
    assert read_order(orders) is None


def test_other_points_do_not_claim_an_order(tmp_path: Path) -> None:
    give_order(tmp_path / "orders", Order(POINTS[0], 1))
    trap = Trap(tmp_path / "orders")
    for point in POINTS[1:]:
        trap.reach(point)
    assert read_order(tmp_path / "orders") == Order(POINTS[0], 1)


@pytest.mark.parametrize("order", [Order(POINTS[0], 2), Order(POINTS[0], 1, is_sleep=True)])
def test_an_order_is_read_as_written_and_its_claimant_is_known(tmp_path: Path, order: Order) -> None:
    orders = tmp_path / "orders"
    give_order(orders, order)
    assert read_order(orders) == order
    assert find_claimant(orders) is None
    trap = Trap(orders)
    assert any([trap.claims(POINTS[0]), trap.claims(POINTS[0])])
    assert find_claimant(orders) == os.getpid()


def test_without_orders_nothing_is_claimed() -> None:
    assert not Trap(None).claims(POINTS[0])
