"""The processes of the lab, each of which may be killed, stopped and started again."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

HERE = Path(__file__).resolve().parents[1]
ROOT = HERE.parents[1]


ENDING = 60
"""Seconds that a process has after SIGTERM: its own grace period, and as long as it may be stopped or cut off meanwhile."""


class NotBuilt(Exception):
    """A program is missing."""


def program(name: str) -> str:
    """A built program: of $APIUM_BUILD_DIR, else of the release build, else of the debug build."""
    given = os.environ.get("APIUM_BUILD_DIR")
    folders = [Path(given)] if given else [ROOT / ".build" / "release", ROOT / ".build" / "debug"]
    for folder in folders:
        if (folder / name).exists():
            return str(folder / name)
    raise NotBuilt(f"{name} is not built: run deploy/build-tools, or deploy/swift build --product {name}")


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody has now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def nanoseconds() -> int:
    """The machine's monotonic clock, which the workers write down, too."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


@dataclass
class Member:
    """A process in one role; what dies is started again under a new number."""

    name: str
    command: Callable[[int], list[str]]
    """Makes the command of the start with a number."""
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    starts: int = 0
    process: subprocess.Popen[bytes] | None = None
    due: float | None = 0.0
    """When it is to be started; `None`: it runs, or shall not."""
    ended: list[str] = field(default_factory=list)
    """How it ended though nobody asked it to."""
    log: BinaryIO | None = None
    asked: float | None = None
    """When it was asked to end."""

    @property
    def label(self) -> str:
        """The name of the process that runs, or ran last."""
        return f"{self.name}-{self.starts}"

    @property
    def is_running(self) -> bool:
        """Whether there is a process."""
        return self.process is not None and self.process.poll() is None

    def tend(self, now: float) -> None:
        """Notes an end that nobody asked for; starts what is due."""
        if self.process is not None and (code := self.process.poll()) is not None:
            # One that has just been started may not listen to the signal yet: then it dies of it.
            if self.asked is None or code not in (0, -signal.SIGTERM):
                self.ended.append(f"{self.label} ended with {code}")
            self.process, self.due = None, now + 0.2
        elif self.asked is not None and now > self.asked + ENDING:
            self.ended.append(f"{self.label} did not end within {ENDING} s of SIGTERM")
            self.kill(now)
        if self.process is None and self.due is not None and self.due <= now:
            self.start()

    def start(self) -> None:
        """Starts it, in a session of its own."""
        self.due = self.asked = None
        self.starts += 1
        if self.log is None:
            self.log = (self.folder / f"{self.name}.log").open("ab")
        self.log.write(f"--- start {self.starts}, {nanoseconds() / 1e9:.3f}\n".encode())
        self.log.flush()
        self.process = subprocess.Popen(
            self.command(self.starts),
            env={**os.environ, **self.environment},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )

    def ask(self, now: float) -> bool:
        """SIGTERM; `tend` starts it again when it has ended."""
        if not self.is_running or self.asked is not None:
            return False
        self.process.terminate()
        self.asked = now
        return True

    def kill(self, again: float | None) -> bool:
        """SIGKILL to it and its children; it is started again at that time. False: there was nothing to kill."""
        if not self.is_running:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process, self.due = None, again
        return True

    def terminate(self, seconds: float, again: float | None = None) -> int | None:
        """Asks it to end and waits; its exit code."""
        if not self.is_running:
            self.due = again
            return None
        process, self.process, self.due = self.process, None, again
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            self.ended.append(f"{self.label} did not end within {seconds:.0f} s of SIGTERM")
            return None

    def stop(self) -> subprocess.Popen[bytes] | None:
        """SIGSTOP; answers whom to wake."""
        if not self.is_running:
            return None
        self.process.send_signal(signal.SIGSTOP)
        return self.process


def wake(process: subprocess.Popen[bytes]) -> None:
    """SIGCONT, if it is still there."""
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)


class Proxy:
    """The proxy's process and its doors."""

    def __init__(self, target: int, doors: list[int], folder: Path) -> None:
        words = [sys.executable, "-m", "chaos.proxy", str(target), *map(str, doors)]
        self.log = (folder / "proxy.log").open("ab")
        self.process = subprocess.Popen(words, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, start_new_session=True)
        assert self.process.stdout.readline() == b"ready\n", "the proxy does not start"

    def tell(self, *words: object) -> int:
        """Sends a command, and waits until it is in force; how many connections there were."""
        self.process.stdin.write((" ".join(map(str, words)) + "\n").encode())
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def end(self) -> None:
        """Ends it."""
        self.process.kill()
        self.process.wait()
        self.log.close()
