"""What a killed Celery worker held is restored by our worker past the visibility timeout, and by nobody twice."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from celery import Celery
from conftest import Worker, our_worker
from stack.client import RunningStack, wait_for

TASKS = """
import os, threading
from celery import Celery
app = Celery(broker=os.environ["BROKER"], backend=os.environ["BROKER"])
app.conf.update(task_acks_late=True, worker_prefetch_multiplier=2, worker_hijack_root_logger=False,
                broker_connection_retry_on_startup=True)

@app.task(name="interop.add")
def add(x, y):
    threading.Event().wait()
"""


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """A Redis without other workers: one of them may be its janitor, which restores by its own `visibility_timeout`."""
    with RunningStack(only=["redis"]) as stack:
        yield stack.settings["APIUM_BROKER_URL"]


@pytest.fixture(scope="module")
def app(broker: str) -> Iterator[Celery]:
    """Celery's client on that Redis."""
    with Celery(broker=broker, backend=broker) as client:
        yield client


@pytest.fixture
def stuck_worker(broker: str, queue: str, tmp_path: Path) -> Iterator[Worker]:
    """A Celery worker that begins `interop.add` and never ends it."""
    (tmp_path / "stuck_tasks.py").write_text(TASKS)
    command = [sys.executable, "-m", "celery", "-A", "stuck_tasks", "worker", "--pool", "threads", "--concurrency", "1", "-Q", queue, "-l", "INFO"]
    environment = {"BROKER": broker, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]), "PYTHONWARNINGS": "ignore"}
    worker = Worker(command, tmp_path / "celery.log", environment)
    try:
        wait_for("Celery's worker", lambda: b" ready." in worker.log.read_bytes(), 60)
        yield worker
    finally:
        worker.process.kill()
        worker.process.wait()


def test_what_a_killed_celery_worker_held_runs_here(
    app: Celery, broker: str, queue: str, stuck_worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One running and one prefetched job, both unacknowledged: they come back in order, marked, and run once."""
    server = redis.Redis.from_url(broker)
    results = [app.send_task("interop.add", (number, 1), queue=queue) for number in (1, 2)]

    def held() -> dict[str, bytes]:
        found = {}
        for tag, value in server.hgetall("unacked").items():
            envelope = json.loads(value)[0]
            if envelope["properties"]["delivery_info"]["routing_key"] == queue:
                found[envelope["headers"]["id"]] = tag
        return found

    wait_for("both jobs held by Celery's worker", lambda: set(held()) == {result.id for result in results}, 30)
    stuck_worker.process.send_signal(signal.SIGKILL)
    stuck_worker.process.wait(10)
    assert server.llen(queue) == 0

    log = tmp_path / "ours.log"
    monkeypatch.setenv("APIUM_BROKER_TRANSPORT_OPTIONS", json.dumps({"visibility_timeout": 1}))
    worker = our_worker(broker, log, queue)
    try:
        assert [result.get(timeout=60) for result in results] == [2, 3], log.read_text()
        assert held() == {}
        assert not server.exists("unacked_mutex")
        assert server.llen(queue) == 0
    finally:
        worker.stop()
