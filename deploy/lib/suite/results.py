"""Counts of tests, and where they are read from."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Counts:
    """How many tests passed, failed and were skipped, and the names of those that failed."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list[str] = field(default_factory=list)

    def add(self, other: Counts) -> None:
        """Adds another part's counts to these."""
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures

    def __str__(self) -> str:
        text = f"{self.passed} passed, {self.failed} failed"
        return f"{text}, {self.skipped} skipped" if self.skipped else text


def failure(what: str) -> Counts:
    """Counts of one failure that is not a test's own: a part that did not run to its end."""
    return Counts(failed=1, failures=[what])


def from_junit(path: Path, counted: frozenset[str] = frozenset()) -> Counts:
    """Reads the counts of a JUnit XML report (pytest's and swift-testing's), without the tests that another report has counted."""
    counts = Counts()
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            counts.failed += 1
            counts.failures.append(name_of(case))
        elif case.find("skipped") is not None:
            counts.skipped += 1
        elif name_of(case) not in counted:
            counts.passed += 1
    return counts


def passed_in(path: Path) -> frozenset[str]:
    """The names of the tests that passed."""
    cases = ElementTree.parse(path).getroot().iter("testcase")
    return frozenset(name_of(case) for case in cases if not any(case.find(word) is not None for word in ("failure", "error", "skipped")))


def name_of(case: ElementTree.Element) -> str:
    """A test's name with its suite's."""
    return f"{case.get('classname', '')} {case.get('name', '')}".strip()
