"""What came of each test, counted without mercy: only a test that passed at once has passed."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

from .cases import Case

# How much of a failure's report stands in the summary; all of it is in the JUnit report.
DETAIL_LINES = 20


@dataclass
class Outcome:
    """One test's end."""

    name: str
    result: str
    """`passed`, or what else."""
    seconds: float = 0.0
    detail: str = ""


@dataclass
class Report:
    """All outcomes of a run, and what went wrong outside the tests."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @property
    def passed(self) -> list[Outcome]:
        """The tests that passed."""
        return [outcome for outcome in self.outcomes.values() if outcome.result == "passed"]

    @property
    def failed(self) -> list[Outcome]:
        """All others."""
        return [outcome for outcome in self.outcomes.values() if outcome.result != "passed"]

    def read(self, path: Path, cases: list[Case]) -> None:
        """Adds a shard's records. A test without one did not run, which is a failure; one with two was run again, which is one, too."""
        records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
        for record in records:
            if "fault" in record:
                self.faults.append(record["fault"])
            elif record["name"] in self.outcomes:
                self.outcomes[record["name"]] = Outcome(record["name"], "run again", record["seconds"])
            else:
                self.outcomes[record["name"]] = Outcome(**record)
        for case in cases:
            self.outcomes.setdefault(case.name, Outcome(case.name, "not run"))

    def write_junit(self, path: Path) -> None:
        """Writes a JUnit report: each fault is a failed test of its own."""
        root = ElementTree.Element("testsuite", name="celery-suite")
        for outcome in self.outcomes.values():
            file, _, test = outcome.name.partition("::")
            case = ElementTree.SubElement(root, "testcase", classname=file, name=test, time=f"{outcome.seconds:.1f}")
            if outcome.result != "passed":
                ElementTree.SubElement(case, "failure", message=outcome.result).text = printable(outcome.detail)
        for number, fault in enumerate(self.faults, 1):
            case = ElementTree.SubElement(root, "testcase", classname="worker", name=f"fault {number}")
            ElementTree.SubElement(case, "failure", message=printable(fault))
        ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)

    def summary(self) -> str:
        """The last lines of a run: each failure with the end of what pytest said of it."""
        lines = []
        for outcome in self.failed:
            lines.append(f"FAILED {outcome.name}: {outcome.result} after {outcome.seconds:.1f} s")
            lines += [f"    {line}" for line in outcome.detail.splitlines()[-DETAIL_LINES:]]
        lines += [f"FAULT {fault}" for fault in self.faults]
        return "\n".join([*lines, f"{len(self.passed)} of {len(self.outcomes)} passed, {len(self.faults)} faults"])


def printable(text: str) -> str:
    """A text that XML can hold."""
    return "".join(character for character in text if character in "\t\n\r" or character >= " ")
