"""A Redis of its own, our worker, a Celery worker, and a Celery client."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from celery import Celery
from stack import redis_users
from stack.client import RunningStack, wait_for
from stack.run_folder import ROOT

PROGRAMS = ROOT / ".build" / "debug"
# What tests call their queues.
QUEUES = ("swift*", "python*", "celery", "q-*", "matrix*", "mixed-*", "ruled", "short-lived", "night", "theirs", "unserved", "unused", "aside")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--write-table` lets test_matrix.py write docs/compatibility.md from what it sees."""
    parser.addoption("--write-table", action="store_true", help="write the table of docs/compatibility.md")


def give_users(broker: str) -> str:
    """Gives a server the users of docs/security.md, each with its name as password."""
    users = {user.name: redis_users.hashed(user.name) for user in redis_users.USERS}
    with redis.Redis.from_url(broker) as server:
        for line in redis_users.lines(redis_users.Deployment(QUEUES), users):
            name, *rules = line.split(" ")[1:]
            server.execute_command("ACL", "SETUSER", name, "reset", *rules)
        # The tests of prefixes have them on the same server.
        for name in ("worker", "operator", "celery"):
            server.execute_command("ACL", "SETUSER", name, *(f"{kind}{prefix}*" for kind in "~&" for prefix in ("pre:", "res")))
        server.acl_log_reset()
    WITH_USERS.add(urlsplit(broker).port)
    return broker


def refusals(broker: str) -> list[tuple[str, str, str]]:
    """What the server refused to whom since then: user, command or key, what was run."""
    with redis.Redis.from_url(broker) as server:
        return sorted({(entry["username"], entry["object"], entry["client-info"].get("cmd", "")) for entry in server.acl_log()})


WITH_USERS: set[int | None] = set()


def as_user(broker: str, user: str) -> str:
    """A broker's address with a user of its own, where the server has them; sentinels have none."""
    if ";" in broker:
        return broker
    parts = urlsplit(broker)
    return parts._replace(netloc=f"{user}:{user}@{parts.hostname}:{parts.port}").geturl() if parts.port in WITH_USERS else broker


@pytest.fixture(scope="session")
def broker() -> Iterator[str]:
    """The address of a private Redis."""
    with RunningStack(only=["redis"]) as stack:
        yield give_users(stack.settings["APIUM_BROKER_URL"])
        assert refusals(stack.settings["APIUM_BROKER_URL"]) == []
        # Celery's results unsubscribe when they are collected, and Celery 5.4 tries that for minutes where no server is left.
        gc.collect()


@pytest.fixture(scope="session")
def app(broker: str) -> Iterator[Celery]:
    """Celery's client; results of ended jobs are asked for by name."""
    address = as_user(broker, "celery")
    client = Celery(broker=address, backend=address)
    client.conf.update(result_extended=True, task_default_queue="swift")
    yield client
    client.close()


class Worker:
    """A worker process and its log."""

    def __init__(self, command: list[str], log: Path, environment: dict[str, str] | None = None) -> None:
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command, env={**os.environ, **(environment or {})}, stdout=output, stderr=subprocess.STDOUT, cwd=Path(__file__).parent
            )

    def stop(self, seconds: float = 40) -> int:
        """Asks it to stop, and returns its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


def our_worker(broker: str, log: Path, queue: str = "swift", *options: str) -> Worker:
    """Our worker on a queue."""
    return Worker([str(PROGRAMS / "interop-worker"), "--broker", as_user(broker, "worker"), "--queues", queue, *options], log)


@pytest.fixture(scope="session")
def swift_worker(app: Celery, broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """Our worker, up: it has answered a call."""
    worker = our_worker(broker, tmp_path_factory.mktemp("swift") / "worker.log")
    try:
        assert app.send_task("interop.add", (1, 1)).get(timeout=30) == 2
        yield worker
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):
            worker.stop()


@pytest.fixture(scope="session")
def celery_worker(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """Celery's own worker, up."""
    log = tmp_path_factory.mktemp("celery") / "worker.log"
    command = [sys.executable, "-m", "celery", "-A", "python_tasks", "worker", "--pool", "threads", "--concurrency", "2", "-Q", "python", "-l", "INFO"]
    worker = Worker(command, log, {"BROKER": as_user(broker, "celery"), "PYTHONWARNINGS": "ignore"})
    try:
        wait_for("Celery's worker", lambda: b" ready." in log.read_bytes(), 60)
        yield worker
    finally:
        worker.stop()


class Apium:
    """Our operations command."""

    def __init__(self, broker: str) -> None:
        self.broker = as_user(broker, "operator")

    def run(self, command: str, *words: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Runs a subcommand on the broker."""
        return subprocess.run([PROGRAMS / "apium", command, "--broker", self.broker, *words], capture_output=True, text=True, timeout=timeout)


@pytest.fixture(scope="session")
def apium(broker: str) -> Apium:
    """The command on this broker."""
    return Apium(broker)


@pytest.fixture
def queue() -> str:
    """The name of a queue that nobody else uses."""
    return f"q-{uuid.uuid4().hex[:8]}"


class Operations(Apium):
    """Our command with subcommands of subcommands: the broker is named behind them."""

    def run(self, command: str, *words: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Runs a subcommand on the broker."""
        return subprocess.run([PROGRAMS / "apium", command, *words, "--broker", self.broker], capture_output=True, text=True, timeout=timeout)


@pytest.fixture(scope="module")
def own_broker() -> Iterator[str]:
    """A Redis that nothing else touches: `doctor` judges all of it."""
    with RunningStack(only=["redis"]) as stack:
        yield stack.settings["APIUM_BROKER_URL"]
        gc.collect()


@pytest.fixture(scope="module")
def own_app(own_broker: str) -> Iterator[Celery]:
    """Celery's client there."""
    client = Celery(broker=own_broker, backend=own_broker)
    client.conf.update(task_default_queue="swift")
    yield client
    client.close()


@pytest.fixture(scope="module")
def command(own_broker: str) -> Operations:
    """Our command there."""
    return Operations(own_broker)


def read(command: Operations, name: str, *words: str) -> object:
    """What a command says in JSON."""
    done = command.run(name, *words, "--json")
    assert done.stderr == "", done.stderr
    return json.loads(done.stdout)


def explain(command: Operations, task: str) -> dict:
    """The explanation of a task."""
    return read(command, "explain", task)


def wait_for_kind(command: Operations, task: str, kind: str) -> dict:
    """Waits until a task stands so."""
    wait_for(f"{task} to be {kind}", lambda: explain(command, task)["standing"]["kind"] == kind, 30)
    return explain(command, task)
