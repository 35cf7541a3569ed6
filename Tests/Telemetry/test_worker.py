"""`worker --metrics`: what a program of the framework answers, without PriceWatch."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import PROGRAMS, Endpoint
from stack.client import RunningStack, wait_for


def start(broker: str, log: Path, *options: str) -> Endpoint:
    """A worker with an endpoint."""
    return Endpoint([PROGRAMS / "interop-worker", "--broker", broker, "--queues", "seen", *options], log)


@pytest.fixture
def own_redis() -> Iterator[RunningStack]:
    """A Redis that may be stopped."""
    with RunningStack(only=["redis"]) as stack:
        yield stack


@pytest.fixture
def endpoint(broker: str, tmp_path: Path) -> Iterator[Endpoint]:
    """A worker on its queue."""
    worker = start(broker, tmp_path / "worker.log")
    yield worker
    worker.process.stop()


def call(broker: str, name: str, *words: str) -> int:
    """Calls a job and waits for its end."""
    done = subprocess.run([PROGRAMS / "apium", "call", name, "--broker", broker, "--queue", "seen", *words], capture_output=True, timeout=60, check=False)
    return done.returncode


def test_jobs_are_counted_and_measured(broker: str, endpoint: Endpoint) -> None:
    """Each in its series; a name that nobody registered in that of the unknown."""
    wait_for("the worker to be ready", lambda: endpoint.status("/ready") == 200)
    for _ in range(3):
        assert call(broker, "interop.add", "--args", "[1, 2]", "--wait", "20") == 0
    assert call(broker, "interop.fail", "--args", '["no"]', "--wait", "20") == 1
    for number in range(4):
        assert call(broker, f"made.up.{number}", "--wait", "20") == 1
    place = {"task": "interop.add", "queue": "seen"}
    assert endpoint.value("apium_jobs_total", outcome="success", **place) == 3
    for name in ("wait", "run", "end_to_end"):
        assert endpoint.value(f"apium_job_{name}_seconds_count", **place) == 3
    assert endpoint.value("apium_jobs_total", outcome="failure", task="interop.fail", queue="seen") == 1
    assert endpoint.value("apium_jobs_total", outcome="parked", task="(unknown)", queue="seen") == 4
    assert "made.up" not in endpoint.get("/metrics")[2]


def test_promtool_finds_nothing_to_say(broker: str, endpoint: Endpoint) -> None:
    """Names, types, descriptions and escapes are as Prometheus wants them."""
    assert call(broker, "interop.add", "--args", "[1, 2]", "--wait", "20") == 0
    status, kind, text = endpoint.get("/metrics")
    assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_readiness_is_the_truth(own_redis: RunningStack, tmp_path: Path) -> None:
    """Without Redis it is not ready and says why, though it lives; with Redis again it is; and while it stops it is not."""
    worker = start(own_redis.settings["APIUM_BROKER_URL"], tmp_path / "worker.log", "--grace", "30")
    try:
        wait_for("the worker to be ready", lambda: worker.status("/ready") == 200)
        own_redis.kill_and_hold("redis")
        wait_for("it to see that", lambda: worker.status("/ready") == 503)
        assert re.search(r'"name":"worker","ready":false,"reason":"[^"]+', worker.get("/ready")[2])
        assert worker.status("/live") == 200
        own_redis.release("redis")
        wait_for("the worker to be ready again", lambda: worker.status("/ready") == 200)
        words = [PROGRAMS / "apium", "call", "interop.nap", "--broker", own_redis.settings["APIUM_BROKER_URL"], "--queue", "seen", "--args", "[3]"]
        assert subprocess.run(words, capture_output=True, timeout=60, check=False).returncode == 0
        wait_for("the job to run", lambda: worker.value("apium_worker_running_jobs") == 1)
        os.kill(worker.process.process.pid, signal.SIGTERM)
        wait_for("it to say that it stops", lambda: "it is stopping" in worker.get("/ready")[2])
        assert worker.value("apium_worker_ready") == 0
        assert worker.process.process.wait(30) == 0
    finally:
        if worker.process.process.poll() is None:
            worker.process.stop()


def test_one_worker_of_several_tells_of_the_queues(own_redis: RunningStack, tmp_path: Path) -> None:
    """And another one when that is killed."""
    broker = own_redis.settings["APIUM_BROKER_URL"]
    workers = [start(broker, tmp_path / f"{number}.log", "--lease", "1", "--name", f"w{number}@here") for number in range(3)]
    try:

        def telling() -> list[Endpoint]:
            return [worker for worker in workers if worker.value("apium_workers") is not None]

        wait_for("one to tell of all three", lambda: [worker.value("apium_workers") for worker in telling()] == [3.0])
        assert telling()[0].value("apium_queue_length", queue="seen") == 0
        first = telling()[0]
        workers.remove(first)
        first.process.process.kill()
        first.process.process.wait()
        wait_for("another one to tell", lambda: [worker.value("apium_workers") for worker in telling()] == [2.0])
    finally:
        for worker in workers:
            worker.process.stop()


@pytest.mark.parametrize(("address", "why"), [("9464", "it has no port"), (":9464", "it has no host"), ("::1:9464", "brackets"), ("localhost:http", "no port")])
def test_an_address_that_is_none_is_refused(broker: str, address: str, why: str) -> None:
    """With what would be right."""
    done = subprocess.run([PROGRAMS / "interop-worker", "--broker", broker, f"--metrics={address}"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 64
    assert why in done.stderr
    assert "127.0.0.1:9464" in done.stderr
