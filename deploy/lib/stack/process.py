"""One supervised process."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .probes import Probe

LOG_LIMIT = 10 * 1024 * 1024
BACK_OFF = [1, 2, 4, 8, 15, 30]
# How often a part that is ready is asked again; one that is not, at every look.
PROBE_SECONDS = 2.0
# A process that lived this long has recovered: its next end starts the back-off from the beginning.
STEADY_SECONDS = 60.0
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass
class Part:
    """What a part is: how it starts, how it says that it is ready, how it is asked to stop."""

    name: str
    command: list[str]
    probe: Probe
    url: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: str = "/"
    """The working folder: never one with somebody's .env."""
    after: tuple[str, ...] = ()
    """Parts that must be ready before this one starts for the first time."""
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 20.0
    before_first_start: Callable[[], None] | None = None
    """Runs once before the first start."""
    setup: list[str] | None = None
    """A command that must succeed before the first start, with the part's environment and log."""
    when_ready: Callable[[], None] | None = None
    """Runs once, when the part is ready for the first time."""


class Process:
    """A part's process: started, watched, restarted, stopped."""

    def __init__(self, part: Part, logs: Path) -> None:
        self.part = part
        self.log = logs / f"{part.name}.log"
        self.child: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.ready = False
        self.was_ready = False
        self.ends = 0
        self.restarts = 0
        self.next_start = 0.0
        self.next_probe = 0.0

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self.child.pid if self.child and self.child.poll() is None else None

    def start(self) -> None:
        """Starts the process, its output appended to its log."""
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(
                self.part.command,
                env={**self.part.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=prepare_child,
                cwd=self.part.folder,
            )
        self.started = time.monotonic()
        self.next_probe = 0.0

    def look(self) -> str | None:
        """Asks the process how it is; answers what to tell when it ended."""
        if self.child is None:
            return None
        code = self.child.poll()
        if code is None:
            if time.monotonic() >= self.next_probe:
                self.ready = self.part.probe()
                self.was_ready = self.was_ready or self.ready
                self.next_probe = time.monotonic() + (PROBE_SECONDS if self.ready else 0)
            return None
        self.child = None
        self.ready = False
        self.ends = 1 if time.monotonic() - self.started > STEADY_SECONDS else self.ends + 1
        wait = BACK_OFF[min(self.ends, len(BACK_OFF)) - 1]
        self.next_start = time.monotonic() + wait
        return f"{self.part.name} {ending(code)}; starting it again in {wait} s"

    def ask_to_stop(self) -> None:
        """Sends the part's stop signal."""
        if self.pid:
            self.child.send_signal(self.part.stop_signal)

    def wait_for_end(self) -> bool:
        """Waits for the process to end in its time, then ends it; answers whether it ended by itself."""
        if self.child is None:
            return True
        try:
            self.child.wait(self.part.stop_seconds)
            return True
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            return False
        finally:
            self.child = None
            self.ready = False

    def last_lines(self, count: int = 15) -> list[str]:
        """The end of the log."""
        if not self.log.exists():
            return []
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - 16_384))
            return file.read().decode(errors="replace").splitlines()[-count:]


def prepare_child() -> None:
    """In the child, before it becomes the part.

    It leaves the terminal's process group, so that Ctrl-C reaches the supervisor alone and parts stop in order; and it is told to end
    when the supervisor dies without a word.
    """
    os.setsid()
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def ending(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
