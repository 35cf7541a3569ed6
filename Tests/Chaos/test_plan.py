"""The plan of faults follows from the seed."""

from __future__ import annotations

from chaos.plan import WEIGHTS, Cast, make_plan

CAST = Cast(workers=4, producers=2, beats=2)


def test_the_same_seed_gives_the_same_plan_and_another_seed_another() -> None:
    """Down to each detail."""
    assert make_plan(7, 600, 0.5, CAST) == make_plan(7, 600, 0.5, CAST)
    assert make_plan(7, 600, 0.5, CAST) != make_plan(8, 600, 0.5, CAST)


def test_a_longer_plan_begins_as_a_shorter_one() -> None:
    """So that what a long run found is found again by a short one that ends behind it."""
    short = make_plan(3, 60, 0.5, CAST)
    assert make_plan(3, 600, 0.5, CAST)[: len(short)] == short


def test_a_plan_holds_every_kind_of_fault_at_its_pace() -> None:
    """Victims are among those who are there."""
    plan = make_plan(1, 1000, 0.5, CAST)
    assert {fault.kind for fault in plan} == set(WEIGHTS)
    assert 1700 < len(plan) < 2300
    assert {fault.victim for fault in plan if fault.kind == "kill worker"} == {0, 1, 2, 3}
    assert {fault.victim for fault in plan if fault.kind == "kill beat"} == {0, 1}
    assert any(fault.seconds > 5 for fault in plan if fault.kind == "stop worker")


def test_a_plan_of_one_kind_holds_no_other() -> None:
    """For measuring one thing."""
    assert {fault.kind for fault in make_plan(1, 100, 0.5, CAST, ["kill worker"])} == {"kill worker"}
