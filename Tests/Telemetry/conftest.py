"""A Redis of its own, and workers on it."""

from __future__ import annotations

import gc
import os
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import exposition
import pytest
from stack.client import RunningStack, wait_for
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


class Endpoint:
    """A process with an endpoint, on a port that the system chooses: nobody else can have taken it in between."""

    def __init__(self, words: list[str | Path], log: Path) -> None:
        self.process = Process([*words, "--metrics", "127.0.0.1:0"], log, {"LOG_LEVEL": "info"})
        self.port = 0
        wait_for("the endpoint", self.is_there)

    def is_there(self) -> bool:
        """Whether it answers; where, its log says."""
        assert self.process.process.poll() is None, self.process.text
        found = re.search(r"health server listens .*port=(\d+)", self.process.text)
        self.port = int(found[1]) if found else 0
        return bool(found) and self.status("/live") == 200

    def get(self, path: str) -> tuple[int, str, str]:
        """Status, content type and body; 0 while nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status, answer.headers["content-type"], answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers["content-type"], error.read().decode()
        except OSError:
            return 0, "", ""

    def status(self, path: str) -> int:
        """The status alone."""
        return self.get(path)[0]

    @property
    def metrics(self) -> dict[str, exposition.Family]:
        """What it shows."""
        return exposition.read(self.get("/metrics")[2])

    def value(self, name: str, **labels: str) -> float | None:
        """The sample with these labels."""
        return next((value for family in self.metrics.values() for known, pairs, value in family.samples if known == name and pairs == labels), None)
