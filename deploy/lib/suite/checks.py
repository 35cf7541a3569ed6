"""How each part runs. A check that is one command is one test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from . import swift
from .context import ROOT, Context
from .results import Counts, failure, from_junit

SWIFT_SOURCES = ["Package.swift", "Sources", "Jobs", "beat", "Tests"]


def command(context: Context, name: str, words: list[str | Path]) -> Counts:
    """One test: the command ends with 0."""
    return Counts(passed=1) if context.run(words) == 0 else failure(name)


def scripts(context: Context) -> Counts:
    """The shell scripts pass shellcheck, the Python files ruff's lint and format."""
    counts = command(context, "shellcheck", ["shellcheck", *shell_scripts()])
    counts.add(command(context, "ruff check", [context.python / "ruff", "check", "deploy", "Tests"]))
    counts.add(command(context, "ruff format", [context.python / "ruff", "format", "--check", "deploy", "Tests"]))
    return counts


def shell_scripts() -> list[Path]:
    """Every shell script of the repository: those of deploy/ and .ci/ that say so in their first line."""
    files = [path for folder in ("deploy", ".ci") for path in sorted((ROOT / folder).rglob("*")) if path.is_file()]
    return [path.relative_to(ROOT) for path in files if path.suffix == ".sh" or is_shell(path)]


def is_shell(path: Path) -> bool:
    """Whether the file's first line names a shell."""
    with path.open("rb") as file:
        first = file.readline()
    return first.startswith(b"#!") and first.rstrip().endswith(b"sh")


def swift_format(context: Context) -> Counts:
    """All Swift code has the project's format."""
    return command(context, "swift format lint", ["swift", "format", "lint", "--strict", "--parallel", "--recursive", *SWIFT_SOURCES])


def unit(context: Context) -> Counts:
    """All Swift tests, with no server: those that need one are skipped."""
    return swift.test(context)


def pytest(folder: str, timeout: float = 1200) -> Callable[[Context], Counts]:
    """The Python tests of one folder under Tests."""

    def run(context: Context) -> Counts:
        words = [context.python / "python", "-m", "pytest", f"Tests/{folder}", f"--junitxml={context.report}", "-o", f"cache_dir={context.work}/pytest"]
        code = context.run(words, timeout=timeout)
        if not context.report.exists():
            return failure(f"pytest ended with code {code} and left no report")
        counts = from_junit(context.report)
        # pytest's own codes: 0 all passed, 1 some failed; anything else is a suite that did not run to its end.
        if code not in (0, 1) or (code == 1 and counts.failed == 0):
            counts.add(failure(f"pytest ended with code {code}"))
        return counts

    return run
