"""Building, and running swift-testing."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from pathlib import Path

from .context import ROOT, Context
from .results import Counts, failure, from_junit

SWIFT = ROOT / "deploy" / "swift"


def build(context: Context) -> bool:
    """Builds everything once, tests included."""
    return context.run([SWIFT, "build", "--build-tests"], timeout=3000) == 0


def report_name(part: str) -> str:
    """Where swift-testing, run without XCTest and one test after another, leaves its report."""
    return f"{part}.xml"


def skipped_suites(report: Path) -> list[str]:
    """The suites with skipped tests, as patterns for --filter."""
    names = {case.get("classname", "") for case in ElementTree.parse(report).getroot().iter("testcase") if case.find("skipped") is not None}
    return [f"^{re.escape(name)}[./]" for name in sorted(names - {""})]


def test(context: Context, environment: Mapping[str, str] | None = None, options: Sequence[str] = (), counted: frozenset[str] = frozenset()) -> Counts:
    """Runs the built tests and reads what came of each, without those that another run has counted."""
    report = context.work / report_name(context.name)
    # One after another: on a small machine hundreds of tests at once take each other's time, and those that watch a clock fail.
    words = [SWIFT, "test", "--skip-build", "--disable-xctest", "--no-parallel", "--xunit-output", str(context.report), *options]
    code = context.run(words, environment, timeout=900)
    if not report.exists():
        return failure(f"swift test ended with code {code} and left no report")
    counts = from_junit(report, counted)
    if code != 0 and counts.failed == 0:
        counts.add(failure(f"swift test ended with code {code}"))
    if counts.passed == 0 and counts.failed == 0:
        counts.add(failure("no Swift test ran"))
    return counts
