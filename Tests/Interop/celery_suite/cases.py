"""Which tests a worker of another kind can serve, how long each takes, and how they are shared out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

LIST = Path(__file__).with_name("tests.tsv")
# What a test costs beside its own time: the suite asks the worker after each whether it is idle.
LEAST_SECONDS = 1.0


@dataclass(frozen=True)
class Case:
    """One test of the suite."""

    name: str
    """pytest's node id."""
    seconds: float
    """How long it took when it was last measured."""


def read(path: Path = LIST) -> list[Case]:
    """The tests in the order of the file."""
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return [Case(name, float(seconds)) for seconds, name in rows]


def write(cases: Iterable[Case], path: Path = LIST) -> None:
    """Writes the list anew, with measured durations."""
    lines = ["# Tests of Celery 5.7.0's t/integration that a worker of another kind can serve: seconds, node id."]
    lines += [f"{case.seconds:.1f}\t{case.name}" for case in cases]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def share(cases: list[Case], shards: int) -> list[list[Case]]:
    """Shares the tests out so that the shards take about the same time: the longest first, each to the emptiest shard.

    Within a shard they keep the order of the list, because some of the suite's tests count on what others left running.
    """
    loads = [0.0] * shards
    members: list[set[str]] = [set() for _ in range(shards)]
    for case in sorted(cases, key=lambda case: (-case.seconds, case.name)):
        lightest = loads.index(min(loads))
        loads[lightest] += max(case.seconds, LEAST_SECONDS)
        members[lightest].add(case.name)
    return [[case for case in cases if case.name in names] for names in members]
