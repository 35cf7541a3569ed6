"""How each part runs. A check that is one command is one test."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from stack.client import RunningStack
from stack.redis_users import PROCESSES

from . import swift
from .context import ROOT, Context
from .results import Counts, failure, from_junit, passed_in

FUZZ_SECONDS = 8
# What compose wants to be told.
SECRETS = (
    "POSTGRES_PASSWORD",
    "REDIS_PASSWORD",
    *(f"REDIS_{name.upper()}_PASSWORD" for name in PROCESSES),
    "PRICEWATCH_SERVICE_TOKEN",
    "TELEGRAM_BOT_TOKEN",
)
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
    """All Swift tests, with no server: those that need one are skipped, and run in the part `integration`."""
    counts = swift.test(context)
    if "integration" in context.selected:
        counts.skipped = 0
    return counts


def integration(context: Context) -> Counts:
    """The Swift tests against a real Redis and a real PostgreSQL: what `unit` skipped, or everything when `unit` does not run."""
    with RunningStack(only=["redis", "postgres"], logs=context.work / "integration-servers") as stack:
        environment = {
            "APIUM_TEST_REDIS_URL": stack.settings["APIUM_BROKER_URL"],
            "APIUM_TEST_POSTGRES_URL": stack.settings["PRICEWATCH_DATABASE_URL"],
        }
        unit_report = context.work / swift.report_name("unit")
        if not unit_report.exists():
            return swift.test(context, environment)
        suites = swift.skipped_suites(unit_report)
        return swift.test(context, environment, ["--filter", "|".join(suites)], passed_in(unit_report)) if suites else Counts()


def fuzz(context: Context) -> Counts:
    """Each decoder of bytes from elsewhere runs on changed captures for a while: one test a decoder. What breaks one is kept in the work folder."""
    package = ROOT / "Tests" / "Fuzz"
    if context.run([swift.SWIFT, "build", "--package-path", package, "--product", "fuzz"]) != 0:
        return failure("the fuzz targets do not build")
    program = package / ".build" / "debug" / "fuzz"
    listed = subprocess.run([program, "--list"], check=True, capture_output=True, text=True).stdout.split()
    counts = Counts()
    # Swift's backtrace would take the signal at which the fuzzer writes the input down.
    context.environment["SWIFT_BACKTRACE"] = "enable=no"
    for decoder in listed:
        found = context.work / "fuzz" / decoder
        found.mkdir(parents=True, exist_ok=True)
        limits = [f"-max_total_time={FUZZ_SECONDS}", "-timeout=10", "-rss_limit_mb=1024", "-max_len=4096", f"-artifact_prefix={found}/broken-"]
        counts.add(command(context, f"fuzz {decoder}", [program, decoder, *limits, found, package / "Corpus" / decoder]))
    return counts


def docs(context: Context) -> Counts:
    """The documentation builds without a warning."""
    words = [context.python / "mkdocs", "build", "--strict", "--quiet", "--site-dir", context.work / "site"]
    return command(context, "mkdocs build --strict", words)


def containers(context: Context) -> Counts:
    """The Dockerfile and the compose file are well-formed; images are built elsewhere."""
    environment = {name: "x" * 32 for name in SECRETS}
    context.environment.update(environment)
    counts = command(context, "compose.yaml", [context.python / "docker-compose", "-f", "deploy/compose.yaml", "config", "--quiet"])
    hadolint = [context.python / "hadolint", "--failure-threshold", "warning", "--ignore", "DL3008", "deploy/Dockerfile"]
    counts.add(command(context, "deploy/Dockerfile", hadolint))
    return counts


def celery_suite(context: Context) -> Counts:
    """Celery's own integration suite: each of its tests is one, and each worker that died on the way is a failure."""
    words = [context.python / "python", "-m", "celery_suite", "--work", context.work / "celery-suite", "--junit", context.report]
    environment = {"PYTHONPATH": str(ROOT / "Tests" / "Interop"), "APIUM_BUILD_DIR": str(ROOT / ".build" / "debug")}
    code = context.run(words, environment, timeout=1800)
    if not context.report.exists():
        return failure(f"Celery's suite ended with code {code} and left no report")
    return from_junit(context.report)


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
