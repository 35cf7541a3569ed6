"""A Redis of its own, and workers on it."""

from __future__ import annotations

import gc
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from stack.client import RunningStack
from stack.run_folder import ROOT

PROGRAMS = ROOT / ".build" / "debug"


@pytest.fixture(scope="session")
def broker() -> Iterator[str]:
    """The address of a private Redis."""
    with RunningStack(only=["redis"]) as stack:
        yield stack.settings["APIUM_BROKER_URL"]
        gc.collect()


class Process:
    """A process and its log."""

    def __init__(self, words: list[str | Path], log: Path, environment: dict[str, str] | None = None) -> None:
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                words, env={**os.environ, **(environment or {})}, stdout=output, stderr=subprocess.STDOUT, cwd=Path(__file__).parent
            )

    @property
    def text(self) -> str:
        """What it has written so far."""
        return self.log.read_text(errors="replace")

    def stop(self, seconds: float = 40) -> int:
        """Asks it to stop, and returns its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
