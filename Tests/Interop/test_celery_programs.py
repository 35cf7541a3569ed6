"""The programs that come with Celery, on our worker: status, inspect, control, events, list, report, call, result, purge."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery
from conftest import Worker, as_user, our_worker
from stack.client import wait_for

NODE = "programs@swift"
QUEUE = "swift-programs"


@pytest.fixture(scope="module")
def worker(app: Celery, broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A worker of ours, up: it answers."""
    process = our_worker(broker, tmp_path_factory.mktemp("programs") / "worker.log", QUEUE, "--name", NODE, "--concurrency", "2")
    wait_for("the worker's pong", lambda: app.control.ping([NODE], timeout=0.5), 30)
    yield process
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.stop()


def words(broker: str, *command: str) -> list[str]:
    """A command line of Celery's."""
    address = as_user(broker, "celery")
    return [sys.executable, "-m", "celery", "-b", address, "--result-backend", address, *command]


def celery(broker: str, *command: str) -> str:
    """What one of Celery's programs prints; it ends with 0."""
    done = subprocess.run(words(broker, *command), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def inspect(broker: str, *command: str) -> object:
    """An answer of the worker to `celery inspect`."""
    return json.loads(celery(broker, "inspect", "-t", "5", "-d", NODE, "--json", *command))[NODE]


def control(broker: str, *command: str) -> str:
    """What `celery control` prints of the worker."""
    return celery(broker, "control", "-t", "5", "-d", NODE, *command)


@pytest.mark.usefixtures("worker")
def test_status(broker: str) -> None:
    """The worker is online."""
    assert f"{NODE}: OK" in celery(broker, "status", "-t", "5")


@pytest.mark.usefixtures("worker")
def test_every_inspection(app: Celery, broker: str) -> None:
    """Each command of `celery inspect` that Celery's own workers answer, and its answer's form."""
    later = app.send_task("interop.add", (1, 2), queue=QUEUE, countdown=600)
    assert inspect(broker, "ping") == {"ok": "pong"}
    assert inspect(broker, "clock")["clock"] > 0
    assert inspect(broker, "stats")["pool"]["max-concurrency"] == 2
    assert inspect(broker, "active") == []
    assert inspect(broker, "reserved") == []
    assert [job["request"]["id"] for job in inspect(broker, "scheduled")] == [later.id]
    assert inspect(broker, "query_task", later.id)[later.id][0] == "scheduled"
    assert "interop.add" in inspect(broker, "registered")
    assert [queue["name"] for queue in inspect(broker, "active_queues")] == [QUEUE]
    assert inspect(broker, "revoked") == []
    assert inspect(broker, "conf")["timezone"] == "UTC"
    assert "software -> celery:" in inspect(broker, "report")["ok"]
    assert inspect(broker, "memsample").endswith("MB")
    assert isinstance(inspect(broker, "memdump"), (str, list, dict))
    later.revoke()


@pytest.mark.usefixtures("worker")
def test_every_control_command(app: Celery, broker: str) -> None:
    """Each command of `celery control` changes what it says."""
    assert "pool will grow" in control(broker, "pool_grow", "2")
    assert inspect(broker, "stats")["pool"]["max-concurrency"] == 4
    assert "pool will shrink" in control(broker, "pool_shrink", "2")
    assert inspect(broker, "stats")["pool"]["max-concurrency"] == 2
    assert "add consumer swift-more" in control(broker, "add_consumer", "swift-more")
    assert app.send_task("interop.add", (1, 2), queue="swift-more").get(timeout=20) == 3
    assert "no longer consuming from swift-more" in control(broker, "cancel_consumer", "swift-more")
    wait_for("the queue's end", lambda: [queue["name"] for queue in inspect(broker, "active_queues")] == [QUEUE], 20)
    assert "new rate limit set successfully" in control(broker, "rate_limit", "interop.nap", "10/m")
    assert "rate limit disabled successfully" in control(broker, "rate_limit", "interop.nap", "0")
    assert "time limits set successfully" in control(broker, "time_limit", "interop.nap", "100", "200")
    assert "task events enabled" in control(broker, "enable_events")
    assert "task events disabled" in control(broker, "disable_events")
    control(broker, "heartbeat")
    waiting = app.send_task("interop.add", (1, 2), queue=QUEUE, countdown=600)
    assert "flagged as revoked" in control(broker, "revoke", waiting.id)
    assert waiting.state == "REVOKED"
    running = app.send_task("interop.nap", (60,), queue=QUEUE)
    wait_for("the nap's begin", lambda: [job["id"] for job in inspect(broker, "active")] == [running.id], 20)
    assert "terminate:" in control(broker, "terminate", "SIGTERM", running.id)
    wait_for("the nap's end", lambda: running.state == "REVOKED", 20)


@pytest.mark.usefixtures("worker")
def test_call_result_and_purge(app: Celery, broker: str) -> None:
    """`celery call` enqueues, `celery result` reads, `celery purge` empties."""
    task = celery(broker, "call", "interop.add", "-a", "[20, 22]", "--queue", QUEUE).strip()
    wait_for("the result", lambda: app.AsyncResult(task).successful(), 20)
    assert celery(broker, "result", task).strip() == "42"
    bad = celery(broker, "call", "interop.fail", "-a", '["no"]', "--queue", QUEUE).strip()
    wait_for("the failure", lambda: app.AsyncResult(bad).failed(), 20)
    told = subprocess.run(words(broker, "result", bad), capture_output=True, text=True, timeout=60)
    assert "ValueError: no" in told.stdout + told.stderr
    for _ in range(3):
        app.send_task("interop.add", (1, 1), queue="unserved")
    assert "Purged 3 messages from 1 known task queue" in celery(broker, "purge", "-f", "-Q", "unserved")


@pytest.mark.usefixtures("worker")
def test_list_and_report(broker: str) -> None:
    """`celery report`, and `celery list bindings`, which on Redis knows what its own process has bound."""
    assert "transport:redis" in celery(broker, "report")
    done = subprocess.run(words(broker, "list", "bindings"), capture_output=True, text=True, timeout=60)
    assert "Routing Key" in done.stdout, done.stdout + done.stderr


@pytest.mark.usefixtures("worker")
def test_events_are_dumped(app: Celery, broker: str, tmp_path: Path) -> None:
    """`celery events --dump` prints the life of a job and the worker's heartbeats."""
    dump = Worker(words(broker, "events", "--dump"), tmp_path / "dump.log", {"PYTHONWARNINGS": "ignore", "PYTHONUNBUFFERED": "1"})
    try:
        wait_for("a heartbeat", lambda: f"{NODE} [" in dump.log.read_text() and "heartbeat" in dump.log.read_text(), 30)
        control(broker, "enable_events")
        task = app.send_task("interop.add", (1, 2), queue=QUEUE)
        assert task.get(timeout=20) == 3
        wait_for("the job's end", lambda: "task succeeded" in dump.log.read_text() and task.id in dump.log.read_text(), 20)
        control(broker, "disable_events")
    finally:
        dump.process.terminate()
        dump.process.wait(20)


class Terminal:
    """A terminal of 160 columns in which a program runs."""

    def __init__(self, command: list[str]) -> None:
        self.name = f"t-{uuid.uuid4().hex[:8]}"
        self.tmux("new-session", "-d", "-x", "160", "-y", "50", *command)

    def tmux(self, action: str, *more: str) -> str:
        """Tells the terminal's server something."""
        target = ["-s", self.name] if action == "new-session" else [] if action == "kill-server" else ["-t", self.name]
        done = subprocess.run(["tmux", "-L", self.name, "-f", "/dev/null", action, *target, *more], capture_output=True, text=True, timeout=20)
        return done.stdout

    def screen(self) -> str:
        """What stands on it."""
        return self.tmux("capture-pane", "-p")


@pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed")
@pytest.mark.usefixtures("worker")
def test_the_curses_monitor(app: Celery, broker: str) -> None:
    """`celery events` in a terminal lists a job with its worker and state."""
    terminal = Terminal(words(broker, "events"))
    try:
        wait_for("the monitor", lambda: "WORKER" in terminal.screen() and "STATE" in terminal.screen(), 30)
        control(broker, "enable_events")
        sent: list[str] = []

        def is_seen() -> bool:
            # Its table stands before it listens, so the first jobs may go by unseen.
            task = app.send_task("interop.add", (20, 22), queue=QUEUE)
            sent.append(task.id)
            assert task.get(timeout=20) == 42
            # One look for all: it is drawn anew all the time, from an empty screen.
            screen = terminal.screen()
            return any(name[:8] in screen for name in sent) and all(word in screen for word in ("interop.add", "SUCCESS", NODE))

        wait_for("a job on the screen", is_seen, 40)
        control(broker, "disable_events")
    finally:
        terminal.tmux("kill-server")


def test_control_shutdown(app: Celery, broker: str, worker: Worker) -> None:
    """`celery control shutdown`: the process ends well."""
    subprocess.run(words(broker, "control", "-t", "2", "-d", NODE, "shutdown"), capture_output=True, timeout=60)
    assert worker.process.wait(40) == 0
    assert app.control.ping([NODE], timeout=1) == []
