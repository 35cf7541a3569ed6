"""Celery's remote control, events and Flower on our worker."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.app.control import Inspect
from celery.exceptions import TaskRevokedError
from celery.result import AsyncResult
from conftest import Worker, our_worker
from stack.client import wait_for

NODE = f"ruled@{socket.gethostname()}"


@pytest.fixture(scope="module")
def ruled(app: Celery, broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A worker of ours with one slot, up: it answers."""
    worker = our_worker(broker, tmp_path_factory.mktemp("ruled") / "worker.log", "ruled", "--name", NODE, "--concurrency", "1")
    try:
        wait_for("the worker's pong", lambda: app.control.ping([NODE], timeout=0.5), 30)
        yield worker
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):
            worker.stop()


@pytest.fixture
def inspect(app: Celery, ruled: Worker) -> Inspect:
    """Questions to that worker alone."""
    return app.control.inspect([NODE], timeout=5)


def tell(app: Celery, command: str, **arguments: object) -> dict[str, Any]:
    """The worker's answer to a control command."""
    return app.control.broadcast(command, arguments, [NODE], reply=True, timeout=5)[0][NODE]


def nap(app: Celery, seconds: float = 60, **options: object) -> AsyncResult:
    """A job that takes its time, begun."""
    result = app.send_task("interop.nap", (seconds,), queue="ruled", **options)
    wait_for("the nap's begin", lambda: [job["id"] for job in app.control.inspect([NODE], timeout=5).active()[NODE]] == [result.id], 20)
    return result


def test_it_is_inspected_as_one_of_celerys_own(app: Celery, inspect: Inspect, ruled: Worker) -> None:
    """Every inspection answers in Celery's form."""
    assert inspect.ping() == {NODE: {"ok": "pong"}}
    assert inspect.clock()[NODE]["clock"] > 0
    assert "interop.add" in inspect.registered()[NODE]
    assert "interop.add [name=interop.add]" in inspect.registered("name")[NODE]
    stats = inspect.stats()[NODE]
    assert stats["pid"] == ruled.process.pid
    assert stats["pool"]["max-concurrency"] == 1
    assert stats["pool"]["processes"] == [ruled.process.pid]
    assert stats["uptime"] > 0
    assert stats["broker"]["transport"] == "redis"
    assert int(stats["clock"]) > 0
    queue = app.amqp.queues["ruled"]
    assert inspect.active_queues()[NODE] == [json.loads(json.dumps(queue.as_dict(recurse=True)))]
    assert inspect.conf()[NODE]["timezone"] == "UTC"
    assert "software -> celery:" in inspect.report()[NODE]["ok"]
    assert inspect.memsample()[NODE].endswith("MB")
    assert inspect.active() == {NODE: []}
    assert inspect.reserved() == {NODE: []}


def test_the_command_line_lists_it(broker: str, ruled: Worker) -> None:
    """`celery inspect` finds the worker."""
    for command in ["ping", "stats", "active", "active_queues", "registered"]:
        run = subprocess.run(
            [sys.executable, "-m", "celery", "-b", broker, "inspect", "-t", "5", "-d", NODE, command], capture_output=True, text=True, timeout=60
        )
        assert run.returncode == 0, run.stderr
        assert f"{NODE}: OK" in run.stdout
        assert "1 node online." in run.stdout


def test_running_and_waiting_jobs_are_shown(app: Celery, inspect: Inspect) -> None:
    """A job that runs, one with an ETA behind it, and the questions about both by id."""
    running = nap(app)
    later = app.send_task("interop.add", (1, 2), queue="ruled", countdown=600)
    try:
        active = inspect.active()[NODE][0]
        assert active["args"] == [60]
        assert active["type"] == "interop.nap"
        assert active["time_start"] == pytest.approx(time.time(), abs=60)
        assert active["delivery_info"] == {"exchange": "", "routing_key": "ruled", "priority": 0, "redelivered": False}
        scheduled = inspect.scheduled()[NODE]
        assert [job["request"]["id"] for job in scheduled] == [later.id]
        assert scheduled[0]["request"]["time_start"] is None
        states = {task: state for task, (state, _) in inspect.query_task(running.id, later.id, "unknown")[NODE].items()}
        assert states == {running.id: "active", later.id: "scheduled"}
    finally:
        app.control.revoke([running.id, later.id], destination=[NODE], terminate=True, reply=True, timeout=5)


def test_revokes(app: Celery, inspect: Inspect) -> None:
    """What waits is REVOKED at once, what runs goes on until it is terminated."""
    running = nap(app)
    waiting = app.send_task("interop.add", (1, 2), queue="ruled")
    assert tell(app, "revoke", task_id=waiting.id) == {"ok": f"tasks {{'{waiting.id}'}} flagged as revoked"}
    assert waiting.state == "REVOKED"
    assert waiting.id in inspect.revoked()[NODE]
    assert tell(app, "revoke", task_id=running.id) == {"ok": f"tasks {{'{running.id}'}} flagged as revoked"}
    assert running.state == "PENDING"
    assert tell(app, "revoke", task_id=running.id, terminate=True) == {"ok": f"terminate: {running.id}"}
    with pytest.raises(TaskRevokedError, match="terminated"):
        running.get(timeout=10)
    assert tell(app, "revoke", task_id="unknown", terminate=True) == {"ok": "terminate: tasks unknown"}
    with pytest.raises(TaskRevokedError):
        waiting.get(timeout=10)


def test_revokes_by_stamp(app: Celery, ruled: Worker) -> None:
    """Stamps end what comes, and what runs when told to."""
    running = nap(app, stamped_headers=["tenant"], tenant="a")
    answer = tell(app, "revoke_by_stamped_headers", headers={"tenant": ["a"]})
    assert answer == {"ok": "headers {'tenant': ['a']} flagged as revoked, but not terminated"}
    assert running.state == "PENDING"
    assert tell(app, "revoke_by_stamped_headers", headers={"tenant": ["a"]}, terminate=True) == {"ok": "headers {'tenant': {'a'}} revoked"}
    with pytest.raises(TaskRevokedError):
        running.get(timeout=10)
    late = app.send_task("interop.add", (1, 2), queue="ruled", stamped_headers=["tenant"], tenant=["x", "a"])
    with pytest.raises(TaskRevokedError):
        late.get(timeout=10)
    assert app.send_task("interop.add", (1, 2), queue="ruled", stamped_headers=["tenant"], tenant="b").get(timeout=10) == 3


def test_what_goes_wrong_is_answered_and_ends_nothing(app: Celery, inspect: Inspect) -> None:
    """Errors as Python words them; then a ping."""
    assert tell(app, "nosuch") == {"error": "KeyError('nosuch')"}
    assert tell(app, "enable_events", x=1)["error"].startswith('TypeError("enable_events() got an unexpected keyword argument')
    assert tell(app, "autoscale", max=3, min=1) == {"error": "ValueError('Autoscale not enabled')"}
    assert tell(app, "pool_restart") == {"error": "ValueError('Pool restarts not enabled')"}
    assert tell(app, "rate_limit", task_name="interop.add", rate_limit="fast")["error"].startswith("Invalid rate limit string: ValueError(")
    with app.connection_for_write() as connection:
        connection.default_channel.client.publish("/0.celery.pidbox", b"\xff nonsense")
    assert inspect.ping() == {NODE: {"ok": "pong"}}


def test_queues_slots_and_limits_change_while_it_runs(app: Celery, inspect: Inspect, queue: str) -> None:
    """`add_consumer`, `pool_grow`, `rate_limit`, `time_limit` and their opposites."""
    assert tell(app, "add_consumer", queue=queue) == {"ok": f"add consumer {queue}"}
    assert app.send_task("interop.add", (1, 2), queue=queue).get(timeout=10) == 3
    assert tell(app, "cancel_consumer", queue=queue) == {"ok": f"no longer consuming from {queue}"}
    wait_for("the queue's end", lambda: [served["name"] for served in inspect.active_queues()[NODE]] == ["ruled"], 10)
    assert tell(app, "pool_grow", n=2) == {"ok": "pool will grow"}
    assert inspect.stats()[NODE]["pool"]["max-concurrency"] == 3
    assert tell(app, "pool_shrink", n=2) == {"ok": "pool will shrink"}
    assert tell(app, "rate_limit", task_name="interop.add", rate_limit="2/s") == {"ok": "new rate limit set successfully"}
    began = time.monotonic()
    for result in [app.send_task("interop.add", (1, 2), queue="ruled") for _ in range(4)]:
        assert result.get(timeout=20) == 3
    assert time.monotonic() - began > 1.2
    assert tell(app, "rate_limit", task_name="interop.add", rate_limit=0) == {"ok": "rate limit disabled successfully"}
    assert tell(app, "time_limit", task_name="interop.nap", hard=0.2) == {"ok": "time limits set successfully"}
    assert isinstance(app.send_task("interop.nap", (60,), queue="ruled").get(timeout=20, propagate=False), Exception)
    assert tell(app, "time_limit", task_name="interop.nap") == {"ok": "time limits set successfully"}


class Watcher:
    """Celery's own receiver of events, for as long as the context lasts."""

    def __init__(self, app: Celery) -> None:
        self.events: list[dict[str, Any]] = []
        self._app = app
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(20)

    def _run(self) -> None:
        with self._app.connection_for_read() as connection:
            receiver = self._app.events.Receiver(connection, handlers={"*": self.events.append})
            while not self._stop.is_set():
                with contextlib.suppress(TimeoutError):
                    receiver.capture(limit=None, timeout=1, wakeup=False)

    def of(self, task: str) -> list[str]:
        """The types of a task's events, in order."""
        return [event["type"] for event in self.events if event.get("uuid") == task]


def test_events_tell_the_life_of_jobs(app: Celery, ruled: Worker) -> None:
    """Celery's receiver sees the worker, and its jobs while that is asked for."""
    with Watcher(app) as watcher:
        wait_for("a heartbeat", lambda: any(event["type"] == "worker-heartbeat" and event["hostname"] == NODE for event in watcher.events), 20)
        assert tell(app, "enable_events") == {"ok": "task events enabled"}
        assert tell(app, "enable_events") == {"ok": "task events already enabled"}
        good = app.send_task("interop.add", (1, 2), queue="ruled")
        bad = app.send_task("interop.fail", ("no",), queue="ruled")
        again = app.send_task("interop.flaky", kwargs={"times": 1, "delay": 0.1}, queue="ruled")
        wait_for("the end of the good one", lambda: watcher.of(good.id) == ["task-received", "task-started", "task-succeeded"], 20)
        wait_for("the end of the bad one", lambda: watcher.of(bad.id) == ["task-received", "task-started", "task-failed"], 20)
        wait_for("the end of the repeated one", lambda: "task-retried" in watcher.of(again.id) and "task-succeeded" in watcher.of(again.id), 20)
        received = next(event for event in watcher.events if event["type"] == "task-received" and event["uuid"] == good.id)
        assert received["name"] == "interop.add"
        assert received["hostname"] == NODE
        assert tell(app, "disable_events") == {"ok": "task events disabled"}


def test_flower_lists_the_worker_and_its_jobs(app: Celery, broker: str, ruled: Worker, tmp_path: Path) -> None:
    """Flower's HTTP API knows both."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "celery", "-b", broker, "flower", f"--port={port}", "--address=127.0.0.1"]
    flower = Worker(command, tmp_path / "flower.log", {"FLOWER_UNAUTHENTICATED_API": "true", "PYTHONWARNINGS": "ignore"})

    def ask(path: str) -> dict[str, Any]:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/api/{path}", timeout=10) as answer:
            return json.load(answer)
        return {}

    try:
        wait_for("the worker in Flower", lambda: NODE in ask("workers?refresh=1"), 60)
        assert tell(app, "enable_events")["ok"].startswith("task events")
        result = app.send_task("interop.add", (20, 22), queue="ruled")
        assert result.get(timeout=20) == 42
        wait_for("the job in Flower", lambda: ask(f"task/info/{result.id}").get("state") == "SUCCESS", 30)
        info = ask(f"task/info/{result.id}")
        assert info["name"] == "interop.add"
        assert info["worker"] == NODE
    finally:
        flower.stop()


def test_a_shutdown_ends_the_process(app: Celery, broker: str, tmp_path: Path) -> None:
    """`celery control shutdown`: no answer, and the process ends well."""
    node = f"short-lived@{os.uname().nodename}"
    worker = our_worker(broker, tmp_path / "worker.log", "short-lived", "--name", node, "--without-heartbeat", "-E")
    wait_for("the worker's pong", lambda: app.control.ping([node], timeout=0.5), 30)
    assert app.control.shutdown([node], reply=True, timeout=1) == []
    assert worker.process.wait(30) == 0
