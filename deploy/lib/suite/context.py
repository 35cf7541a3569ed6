"""What a part of the suite works with: folders, the log, and a way to run commands."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

# What runs now: ended when the suite is.
RUNNING: set[subprocess.Popen[bytes]] = set()


@dataclass
class Context:
    """One part's surroundings. Everything a part prints goes to its log."""

    work: Path
    """Where the suite keeps logs, reports and servers' data."""
    name: str
    selected: frozenset[str] = frozenset()
    """The names of all parts that run in this call."""
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        """What the part printed."""
        return self.work / f"{self.name}.log"

    @property
    def report(self) -> Path:
        """Where the part's tool leaves its JUnit report."""
        return self.work / f"{self.name}.xml"

    @property
    def python(self) -> Path:
        """The virtual environment's programs."""
        return venv_folder() / "bin"

    def run(self, command: Sequence[str | Path], environment: Mapping[str, str] | None = None, timeout: float = 1800) -> int:
        """Runs a command in the repository, its output appended to the log, and returns its exit code (124: timed out)."""
        words = [str(word) for word in command]
        with self.log.open("a") as log:
            log.write(f"$ {' '.join(words)}\n")
            log.flush()
            process = subprocess.Popen(
                words,
                cwd=ROOT,
                env={**os.environ, **self.environment, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            RUNNING.add(process)
            try:
                return process.wait(timeout)
            except subprocess.TimeoutExpired:
                log.write(f"ended after {timeout:.0f} s\n")
                return 124
            finally:
                end_session(process)
                RUNNING.discard(process)


def end_session(process: subprocess.Popen[bytes]) -> None:
    """Ends what a command left running in its session: compilers outlive a killed `swift build`, servers a killed pytest."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def end_everything() -> None:
    """Ends all that runs: nothing outlives the suite."""
    for process in list(RUNNING):
        end_session(process)


def venv_folder() -> Path:
    """The virtual environment of the tests."""
    return ROOT / ".run" / "venv"
