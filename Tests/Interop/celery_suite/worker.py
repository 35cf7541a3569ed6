"""The worker under test: a process that is only seen through the broker."""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from celery import Celery
from celery.utils.nodenames import anon_nodename

START_SECONDS = 60.0
STOP_SECONDS = 15.0


class WorkerGone(Exception):
    """The worker did not come up."""


class ExternalWorker:
    """Starts the worker, and starts it again when it has died: that is told as a fault."""

    def __init__(self, app: Celery, command: str, log: Path, fault: Callable[[str], None]) -> None:
        self.app = app
        self.command = command
        self.log = log
        self.fault = fault
        # The name that the suite computes for itself.
        self.name = anon_nodename()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid if self.process else 0

    def start(self) -> None:
        """Starts it, and returns when it answers."""
        broker, backend = self.app.conf.broker_url, self.app.conf.result_backend
        words = shlex.split(self.command.format(hostname=self.name, broker=broker, backend=backend))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while not self.answers(1):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise WorkerGone(f"the worker did not answer a ping (exit code {self.process.returncode}): {shlex.join(words)}")
        self.app.control.enable_events(destination=[self.name], reply=True, timeout=2)

    def answers(self, seconds: float) -> bool:
        """Whether it answers a ping in time."""
        return {self.name: {"ok": "pong"}} in self.app.control.ping(destination=[self.name], timeout=seconds)

    def stop(self) -> None:
        """Asks it to stop, and ends it when it does not."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.fault(f"the worker did not stop within {STOP_SECONDS:.0f} s")
                self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        """A new process of the same name."""
        self.stop()
        self.start()

    def revive(self, after: str, suspect: bool) -> None:
        """Brings it back when it has died or hangs."""
        if self.process is not None and self.process.poll() is not None:
            self.fault(f"{after}: the worker ended with code {self.process.returncode}")
        elif suspect and not self.answers(5):
            self.fault(f"{after}: the worker does not answer")
        else:
            return
        self.restart()
