"""Exchanges, bindings, prefixes and priority steps are shared with Celery: both directions."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import redis
from celery import Celery
from celery.app import defaults
from conftest import PROGRAMS, Apium, Worker, our_worker
from kombu import Exchange, Queue
from stack.client import wait_for

TRANSPORT = {"global_keyprefix": "pre:", "priority_steps": [0, 5], "sep": "|"}


def settings_file(folder: Path, settings: dict) -> Path:
    """A settings file; JSON is YAML."""
    path = folder / "apium.yaml"
    path.write_text(json.dumps(settings))
    return path


@contextlib.contextmanager
def celery_client(broker: str, **settings: object) -> Iterator[Celery]:
    """Celery's client with settings of its own."""
    client = Celery(broker=broker, backend=broker)
    client.conf.update(task_default_queue="unused", **settings)
    try:
        yield client
    finally:
        client.close()


@contextlib.contextmanager
def celery_worker(broker: str, log: Path, queues: list, **settings: object) -> Iterator[None]:
    """Celery's worker on queues (name, exchange, routing key)."""
    command = [sys.executable, "-m", "celery", "-A", "routed_tasks", "worker", "--pool", "threads", "--concurrency", "2", "-l", "INFO"]
    worker = Worker(command, log, {"BROKER": broker, "SETTINGS": json.dumps({"queues": queues, **settings}), "PYTHONWARNINGS": "ignore"})
    try:
        wait_for("Celery's worker", lambda: b" ready." in log.read_bytes(), 90)
        yield
    finally:
        worker.stop()


@contextlib.contextmanager
def swift_worker(broker: str, folder: Path, *options: str) -> Iterator[None]:
    """Our worker, up: it says that it serves."""
    log = folder / "swift.log"
    worker = our_worker(broker, log, *options)
    try:
        wait_for("our worker", lambda: b"serving" in log.read_bytes(), 30)
        yield
    finally:
        worker.stop()


def test_celerys_message_to_a_named_exchange_reaches_our_worker(broker: str, queue: str, tmp_path: Path) -> None:
    """Our worker binds its queue as Celery's would."""
    file = settings_file(tmp_path, {"task_queues": {queue: {"exchange": f"x-{queue}", "routing_key": "image"}}})
    with swift_worker(broker, tmp_path, queue, "--config", str(file)), celery_client(broker) as client:
        result = client.send_task("interop.add", (2, 3), exchange=f"x-{queue}", routing_key="image")
        assert result.get(timeout=20) == 5


def test_our_message_to_a_named_exchange_reaches_celerys_worker(broker: str, queue: str, tmp_path: Path, apium: Apium) -> None:
    """Celery's worker has bound the queue; its task sees the exchange."""
    with celery_worker(broker, tmp_path / "celery.log", [[queue, f"x-{queue}", "image"]]):
        done = apium.run("call", "routed.delivery", "--exchange", f"x-{queue}", "--routing-key", "image", "--priority", "4", "--wait", "20", "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["result"] == {"exchange": f"x-{queue}", "routing_key": "image", "priority": 4}


def test_our_route_to_an_exchange_is_followed(broker: str, queue: str, tmp_path: Path, apium: Apium) -> None:
    """task_routes of a settings file, by pattern."""
    file = settings_file(tmp_path, {"task_routes": {"routed.*": {"exchange": f"x-{queue}", "routing_key": "image"}}})
    with celery_worker(broker, tmp_path / "celery.log", [[queue, f"x-{queue}", "image"]]):
        done = apium.run("call", "routed.add", "--args", "[2, 3]", "--config", str(file), "--wait", "20")
        assert (done.returncode, done.stdout.strip()) == (0, "5"), done.stderr


def test_a_message_that_nobody_is_bound_for_is_refused(apium: Apium) -> None:
    """Kombu would lose it."""
    done = apium.run("call", "routed.add", "--exchange", "nobody", "--routing-key", "nothing")
    assert done.returncode == 64
    assert "no queue is bound to exchange 'nobody'" in done.stderr


def test_a_topic_exchange_is_refused(broker: str, queue: str, apium: Apium) -> None:
    """A binding with a pattern, as Celery declares it."""
    with celery_client(broker) as client, client.connection_for_write() as connection:
        Queue(queue, Exchange(f"x-{queue}", type="topic"), routing_key="a.*")(connection.default_channel).declare()
    done = apium.run("call", "routed.add", "--exchange", f"x-{queue}", "--routing-key", "a.b")
    assert done.returncode == 64
    assert "topic exchange" in done.stderr


def test_a_queue_must_be_declared_when_the_settings_say_so(tmp_path: Path, apium: Apium) -> None:
    """The error names the queue."""
    file = settings_file(tmp_path, {"task_queues": ["known"], "task_create_missing_queues": False, "task_default_queue": "known"})
    done = apium.run("call", "routed.add", "--queue", "unknown", "--config", str(file))
    assert done.returncode == 64
    assert "queue 'unknown' is not declared" in done.stderr


def test_prefix_and_steps_from_celery_to_us(broker: str, queue: str, tmp_path: Path) -> None:
    """Keys under a prefix, two steps, another separator, results under a prefix of their own."""
    options = {"broker_transport_options": TRANSPORT, "result_backend_transport_options": {"global_keyprefix": "res"}}
    file = settings_file(tmp_path, options)
    with celery_client(broker, **options) as client:
        results = {priority: client.send_task("interop.nap", (0,), queue=queue, priority=priority) for priority in (9, 6, 4, 0)}
        server = redis.Redis.from_url(broker)
        assert (server.llen(f"pre:{queue}"), server.llen(f"pre:{queue}|5")) == (2, 2)
        with swift_worker(broker, tmp_path, queue, "--config", str(file), "--concurrency", "1"):
            began = {priority: result.get(timeout=30) for priority, result in results.items()}
    assert max(began[4], began[0]) < min(began[6], began[9])
    assert server.exists(f"res_celery-task-meta-{results[0].id}")


def test_prefix_and_steps_from_us_to_celery(broker: str, queue: str, tmp_path: Path) -> None:
    """The same the other way round."""
    options = {"broker_transport_options": TRANSPORT, "result_backend_transport_options": {"global_keyprefix": "res"}}
    file = settings_file(tmp_path, options)
    command = Apium(broker)
    called = command.run("call", "routed.delivery", "--queue", queue, "--priority", "7", "--config", str(file))
    assert called.returncode == 0, called.stderr
    assert redis.Redis.from_url(broker).llen(f"pre:{queue}|5") == 1
    with celery_worker(broker, tmp_path / "celery.log", [[queue, queue, queue]], **options):
        done = command.run("result", called.stdout.strip(), "--wait", "30", "--config", str(file), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["result"]["priority"] == 7


def test_every_setting_of_celery_is_known(tmp_path: Path, apium: Apium) -> None:
    """Each is a setting of ours, or is named with the reason why it has no effect or cannot be."""
    everything = {name: 1 if option.default is None else "x" for name, option in defaults.flatten(defaults.NAMESPACES)}
    done = apium.run("config", "--config", str(settings_file(tmp_path, everything)))
    assert done.returncode == 64
    assert "is no setting" not in done.stderr


def test_config_shows_where_values_come_from_and_no_secret(tmp_path: Path) -> None:
    """Command line, environment, .env and file."""
    file = settings_file(tmp_path, {"result_expires": 60, "worker_prefetch_multiplier": 4, "result_backend": "redis://:hunter2@127.0.0.1/1"})
    (tmp_path / ".env").write_text("APIUM_CONCURRENCY=3\n")
    environment = {"APIUM_CONFIG": str(file), "CELERY_TASK_DEFAULT_QUEUE": "mine"}
    command = [str(PROGRAMS / "apium"), "config", "--json", "--broker", "redis://:hunter2@127.0.0.1:6379/5"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    rows = {row["name"]: (row["value"], row["source"]) for row in shown["settings"]}
    assert rows["broker_url"] == ("redis://:***@127.0.0.1:6379/5", "command line, --broker")
    assert rows["task_default_queue"] == ("mine", "environment, CELERY_TASK_DEFAULT_QUEUE")
    assert rows["worker_concurrency"] == (3, ".env, APIUM_CONCURRENCY")
    assert rows["result_expires"] == (60, f"{file}, line 1")
    assert rows["worker_lease"] == (5, "default")
    assert "hunter2" not in done.stdout + done.stderr
    assert any("worker_prefetch_multiplier has no effect" in note for note in shown["notes"])


def test_a_program_without_tls_says_what_to_add() -> None:
    """The worker of Celery's suite is built without."""
    done = subprocess.run([PROGRAMS / "suite-worker", "--broker", "rediss://127.0.0.1:1/0"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 64
    assert "add the product RedisTLS" in done.stderr
