"""One shard: its own Redis, its own worker, and a pytest that runs its share of the tests."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from .cases import Case

SHARD_SECONDS = 1500.0
INTERRUPT_SECONDS = 40.0
REDIS_SECONDS = 20.0

# What runs now. Everything stays in the caller's process group, so that who ends that ends all.
RUNNING: set[subprocess.Popen[bytes]] = set()


@dataclass
class Shard:
    """What a shard works with."""

    number: int
    cases: list[Case]
    suite: Path
    work: Path
    worker: str

    @property
    def records(self) -> Path:
        """What came of each test."""
        return self.folder / "records.jsonl"

    @property
    def folder(self) -> Path:
        """Logs and data."""
        return self.work / f"shard-{self.number}"

    def run(self) -> None:
        """Runs the tests; what came of them stands in the records."""
        self.folder.mkdir(parents=True)
        (self.folder / "tests.txt").write_text("".join(f"{case.name}\n" for case in self.cases), encoding="utf-8")
        port = free_port()
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(self.folder)]
        with (self.folder / "redis.log").open("wb") as log:
            redis = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_for_port(port, redis)
            self.run_pytest(port)
        finally:
            redis.terminate()
            redis.wait()

    def run_pytest(self, port: int) -> None:
        """Runs pytest to its end, at most for a time."""
        files = sorted({case.name.partition("::")[0] for case in self.cases}, key=place)
        command = [sys.executable, "-m", "pytest", "-p", "celery_suite.plugin", "-p", "no:cacheprovider", "-q", "-c", "pytest.ini", *files]
        with (self.folder / "pytest.log").open("wb") as log:
            process = subprocess.Popen(command, cwd=self.suite, env=self.environment(port), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
            RUNNING.add(process)
            try:
                process.wait(SHARD_SECONDS)
            except subprocess.TimeoutExpired:
                interrupt(process)
            finally:
                RUNNING.discard(process)

    def environment(self, port: int) -> dict[str, str]:
        """The process' environment: the suite's own variables, and the plugin's."""
        url = f"redis://127.0.0.1:{port}/0"
        search = [str(Path(__file__).parents[1]), str(self.suite)]
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(search),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_PLUGINS": "celery.contrib.pytest,pytest_timeout,pytest_subtests.plugin",
            "REDIS_HOST": "127.0.0.1",
            "REDIS_PORT": str(port),
            "TEST_BROKER": url,
            "TEST_BACKEND": url,
            "CELERY_SUITE_WORKER": self.worker,
            "CELERY_SUITE_TESTS": str(self.folder / "tests.txt"),
            "CELERY_SUITE_RECORDS": str(self.records),
            "CELERY_SUITE_LOG": str(self.folder / "worker.log"),
        }


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """Lets pytest tear down, which stops the worker; ends it when it does not."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(INTERRUPT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Returns when the server accepts connections."""
    deadline = time.monotonic() + REDIS_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def place(file: str) -> tuple[bool, str]:
    """Orders the files of a shard: first those that look at all that a worker holds.

    test_canvas leaves a retry behind that is due after three minutes. In one long run it is gone when test_inspect compares the list of
    scheduled tasks with the one that it sent; in a shard it is not.
    """
    return (not file.endswith("/test_inspect.py"), file)
