"""Our command as its two Redis users: one that looks and changes nothing, one that operates."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from celery import Celery
from conftest import PROGRAMS, Worker, as_user, give_users, our_worker, refusals
from stack.client import RunningStack, wait_for

NODE = "used@swift"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A Redis with users; the address is the administrator's."""
    with RunningStack(only=["redis"]) as stack:
        yield give_users(stack.settings["APIUM_BROKER_URL"])


@pytest.fixture(scope="module")
def worker(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """Our worker, as its user."""
    process = our_worker(server, tmp_path_factory.mktemp("used") / "worker.log", "swift", "--name", NODE, "--concurrency", "2")
    with redis.Redis.from_url(server) as client:
        wait_for("our worker", lambda: client.zcard("apium:workers") > 0, 30)
        yield process
        process.stop()


def apium(server: str, user: str, command: str) -> subprocess.CompletedProcess[str]:
    """Runs a command as a user."""
    return subprocess.run([PROGRAMS / "apium", *command.split(), "--broker", as_user(server, user)], capture_output=True, text=True, timeout=60)


def forget_refusals(server: str) -> None:
    """Empties the server's list of refusals."""
    with redis.Redis.from_url(server) as client:
        client.acl_log_reset()


@pytest.mark.usefixtures("worker")
def test_the_watcher_reads_and_changes_nothing(server: str) -> None:
    """Reading commands answer as `monitor`; changing ones are refused by the server and change nothing."""
    address = as_user(server, "celery")
    with Celery(broker=address, backend=address) as client:
        bad = client.send_task("interop.fail", ("no",), queue="swift")
        wait_for("the failure", bad.ready, 20)
        waiting = client.send_task("interop.add", (1, 2), queue="swift", countdown=600)
        wait_for("the one that waits", lambda: waiting.id in apium(server, "operator", "jobs list").stdout, 20)
    forget_refusals(server)
    reading = ["queues", "workers list", f"workers show {NODE}", "jobs list", "dead list", "parked list", "quarantine list", "limits list", "schedule list"]
    for command in [*reading, f"result {bad.id}", f"explain {bad.id}", f"explain {waiting.id}", f"jobs show {waiting.id}"]:
        done = apium(server, "monitor", command)
        assert "NOPERM" not in done.stderr, (command, done.stderr)
        assert done.returncode in (0, 1), (command, done.stderr)
    assert refusals(server) == []
    with Celery(broker=address, backend=address) as client:
        running = client.send_task("interop.nap", (4,), queue="swift")
    wait_for("the one that runs", lambda: "in-flight" in apium(server, "operator", f"explain {running.id} --json").stdout, 20)
    seen = apium(server, "monitor", f"explain {running.id}")
    assert seen.returncode == 0, seen.stderr
    assert f"claimed by {NODE}" in seen.stdout, "it may not ask since when it runs, and answers all the same"
    assert "not looked at: workers" in seen.stdout
    with redis.Redis.from_url(server) as administrator:
        administrator.zadd("apium:revoked", {"a revoke of the year 1970": 1})
        assert apium(server, "monitor", f"explain {waiting.id}").returncode == 0, "who may not clear away what has expired reads the rest"
    forget_refusals(server)
    assert apium(server, "monitor", "doctor").returncode in (0, 1)
    assert {what for _, what, _ in refusals(server)} <= {"config|get"}
    for command in [
        "call interop.add --queue swift",
        "pause --queue swift",
        "purge swift --force",
        f"jobs cancel {waiting.id} --force",
        f"workers shutdown {NODE}",
    ]:
        refused = apium(server, "monitor", command)
        assert (refused.returncode, refused.stdout) == (77, ""), (command, refused.stderr)
        assert "Redis does not let this user do that" in refused.stderr, command
    assert waiting.state == "PENDING"
    assert "paused" not in apium(server, "operator", "limits list").stdout
    forget_refusals(server)


@pytest.mark.usefixtures("worker")
def test_the_operator_lacks_nothing(server: str) -> None:
    """Commands of every kind as `operator`, without a refusal."""
    forget_refusals(server)
    task = apium(server, "operator", "call interop.fail --args [1] --queue swift").stdout.strip()
    wait_for("the failure", lambda: task in apium(server, "operator", "dead list").stdout, 20)
    commands = [
        "pause --queue swift",
        "resume --queue swift",
        "limits set --queue swift --concurrency 5",
        "limits clear --queue swift",
        f"explain {task}",
        f"dead requeue {task} --force",
        "workers ping",
        "schedule add often --task interop.add --every 1d --queue swift",
        "schedule run often",
        "purge swift-empty --force",
        "doctor",
        "doctor --repair",
    ]
    for command in commands:
        done = apium(server, "operator", command)
        assert done.returncode in (0, 1), (command, done.stderr)
        assert "NOPERM" not in done.stderr, (command, done.stderr)
    assert refusals(server) == []


def test_a_worker_alone_is_refused_nothing(server: str, worker: Worker, tmp_path: Path) -> None:
    """From its start to its end, with a second one that takes over what a killed one held."""
    forget_refusals(server)
    first = our_worker(server, tmp_path / "first.log", "swift-killed", "--lease", "1", "--concurrency", "1")
    address = as_user(server, "celery")
    with Celery(broker=address, backend=address) as client:
        nap = client.send_task("interop.nap", (2,), queue="swift-killed")
        wait_for("the nap's begin", lambda: "in-flight" in apium(server, "operator", "jobs list --state in-flight").stdout, 20)
        first.process.kill()
        second = our_worker(server, tmp_path / "second.log", "swift-killed", "--lease", "1")
        wait_for("the nap's end elsewhere", nap.ready, 40)
    assert second.stop() == 0
    assert worker.process.poll() is None
    assert refusals(server) == []
