"""Building, and running swift-testing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .context import Context
from .results import Counts, failure, from_junit


def build(context: Context) -> bool:
    """Builds everything once, tests included."""
    return context.run(["swift", "build", "--build-tests"], timeout=3000) == 0


def test(context: Context, environment: Mapping[str, str] | None = None, options: Sequence[str] = ()) -> Counts:
    """Runs the built tests and reads what came of each."""
    report = context.report.with_name(f"{context.report.stem}-swift-testing.xml")
    words = ["swift", "test", "--skip-build", "--disable-xctest", "--xunit-output", str(context.report), *options]
    code = context.run(words, environment, timeout=1200)
    if not report.exists():
        return failure(f"swift test ended with code {code} and left no report")
    counts = from_junit(report)
    if code != 0 and counts.failed == 0:
        counts.add(failure(f"swift test ended with code {code}"))
    if counts.passed == 0 and counts.failed == 0:
        counts.add(failure("no Swift test ran"))
    return counts
