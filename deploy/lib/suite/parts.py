"""The parts of the suite, in the order in which they are listed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import checks
from .context import Context
from .results import Counts


@dataclass(frozen=True)
class Part:
    """One part: its name, what it shows, how it runs, and what has to be there before."""

    name: str
    about: str
    run: Callable[[Context], Counts]
    lane: str
    """Parts of one lane run one after another; lanes run beside each other."""
    needs_build: bool = False
    needs_python: bool = True


PARTS = [
    Part("scripts", "shellcheck and ruff on the project's scripts", checks.scripts, lane="light"),
    Part("format", "swift format lint --strict", checks.swift_format, lane="light", needs_python=False),
    Part("docs", "the documentation builds without a warning", checks.docs, lane="light"),
    Part("containers", "the syntax of deploy/Dockerfile and deploy/compose.yaml", checks.containers, lane="light"),
    Part("layout", "who may import and link what; settings; file lengths", checks.pytest("Layout"), lane="light", needs_build=True),
    Part("fuzz", "each decoder for a few seconds under libFuzzer", checks.fuzz, lane="light", needs_python=False),
    Part("unit", "swift test without servers", checks.unit, lane="swift", needs_build=True, needs_python=False),
    Part("integration", "swift test with Redis and PostgreSQL", checks.integration, lane="swift", needs_build=True, needs_python=False),
    Part("migrations", "api migrate against a real PostgreSQL", checks.pytest("Migrations"), lane="stack", needs_build=True),
    Part("nginx", "nginx in front of the real API", checks.pytest("Nginx"), lane="stack", needs_build=True),
    Part("interop", "Celery from PyPI calls our jobs, and we call its tasks", checks.pytest("Interop"), lane="swift", needs_build=True),
    Part("beat", "ten beats, killed and paused, fire each slot once", checks.pytest("Beat"), lane="swift", needs_build=True),
    Part("chaos", "processes, connections and Redis killed, stopped and cut: nothing is lost", checks.pytest("Chaos"), lane="swift", needs_build=True),
    Part("faults", "Redis, connections and workers break one at a time", checks.pytest("Faults"), lane="swift", needs_build=True),
    Part("celery-suite", "Celery's own integration suite, served by our worker", checks.celery_suite, lane="swift", needs_build=True),
    Part("benchmarks", "the benchmark runs, with few jobs and no times asserted", checks.pytest("Benchmarks"), lane="swift", needs_build=True),
    Part("telemetry", "metrics of all processes, traces with Python, alerts and boards", checks.pytest("Telemetry"), lane="stack", needs_build=True),
    Part("e2e", "from a link to a notification, with kills, faults and restarts", checks.pytest("EndToEnd"), lane="stack", needs_build=True),
    Part("openapi", "the API against its own description", checks.pytest("OpenAPI"), lane="swift", needs_build=True),
    Part("browser", "chat page and admin in Chromium", checks.pytest("Browser"), lane="stack", needs_build=True),
    Part("up", "deploy/up, deploy/status and deploy/down themselves", checks.pytest("Up"), lane="stack", needs_build=True),
]


class UnknownPart(Exception):
    """A part that does not exist was named."""


def select(names: list[str]) -> list[Part]:
    """The named parts in their own order, or all of them when none is named."""
    known = {part.name for part in PARTS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UnknownPart(f"no such part: {', '.join(unknown)}; parts are {', '.join(part.name for part in PARTS)}")
    return [part for part in PARTS if not names or part.name in names]
