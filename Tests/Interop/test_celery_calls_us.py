"""A program with Celery from PyPI calls jobs of our worker by name."""

from __future__ import annotations

import time
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from celery import Celery, group
from celery.exceptions import NotRegistered, Retry, TaskRevokedError
from conftest import Worker, our_worker
from stack.client import wait_for

pytestmark = pytest.mark.usefixtures("swift_worker")


def test_positional_arguments(app: Celery) -> None:
    """As Celery's `delay(2, 3)`."""
    result = app.send_task("interop.add", (2, 3))
    assert result.get(timeout=10) == 5
    assert result.state == "SUCCESS"
    assert result.successful()


def test_keyword_arguments(app: Celery) -> None:
    """As `delay(x=2, y=3)`."""
    assert app.send_task("interop.add", kwargs={"x": 2, "y": 3}).get(timeout=10) == 5


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -(2**63),
        2**63 - 1,
        0.1,
        1e300,
        "",
        'Сельдерей 🌿 \u2028\u0000"\\/',
        [[], {}, [None]],
        {"a": {"b": [1, 2.5, "c"]}, "": 0},
        "x" * 100_000,
    ],
)
def test_values_come_back_as_they_went(app: Celery, value: object) -> None:
    """Every JSON value, in arguments and result."""
    assert app.send_task("interop.echo", (value,), {"k": value}).get(timeout=10) == [[value], {"k": value}]


def test_a_failure_is_raised_as_pythons_own(app: Celery) -> None:
    """A builtin exception of that name, with its message."""
    result = app.send_task("interop.fail", ("no celery left",))
    with pytest.raises(ValueError, match="no celery left"):
        result.get(timeout=10)
    assert result.state == "FAILURE"
    assert result.failed()


def test_arguments_that_do_not_fit_are_a_type_error(app: Celery) -> None:
    """As a Python function called wrongly."""
    for args, kwargs in [((1,), {}), ((1, 2, 3), {}), ((1,), {"x": 2}), (("a", "b"), {})]:
        with pytest.raises(TypeError):
            app.send_task("interop.add", args, kwargs).get(timeout=10)


def test_an_unknown_task_is_not_registered(app: Celery) -> None:
    """The caller learns it instead of waiting for ever."""
    with pytest.raises(NotRegistered):
        app.send_task("interop.nothing_like_this").get(timeout=20)


def test_a_job_that_asks_for_a_retry_gets_it(app: Celery) -> None:
    """The state is RETRY on the way, with the reason; then the result of the last run."""
    result = app.send_task("interop.flaky", kwargs={"times": 2, "delay": 0.7})
    wait_for("the state RETRY", lambda: result.state == "RETRY", 10, every=0.02)
    assert isinstance(result.result, (OSError, Retry))
    assert result.get(timeout=20) == 2


def test_a_policy_retries_and_then_gives_up(app: Celery) -> None:
    """Three runs in all; the last error is the result."""
    with pytest.raises(RuntimeError, match="attempt 2"):
        app.send_task("interop.stubborn").get(timeout=20)


def test_a_countdown_is_kept(app: Celery) -> None:
    """Not before its time, and soon after it."""
    asked = time.time()
    began = app.send_task("interop.nap", (0,), countdown=1.5).get(timeout=20)
    assert 1.4 <= began - asked < 5


def test_an_eta_is_kept(app: Celery) -> None:
    """An instant in another zone."""
    asked = time.time()
    instant = datetime.now(timezone(timedelta(hours=5, minutes=30))) + timedelta(seconds=1.5)
    began = app.send_task("interop.nap", (0,), eta=instant).get(timeout=20)
    assert 1.4 <= began - asked < 5


def test_a_job_that_came_too_late_is_revoked(app: Celery) -> None:
    """Its time had passed when it was taken."""
    result = app.send_task("interop.add", (1, 1), expires=datetime.now(timezone.utc) - timedelta(seconds=5))
    with pytest.raises(TaskRevokedError):
        result.get(timeout=10)
    assert result.state == "REVOKED"


def test_a_group_of_results(app: Celery) -> None:
    """Fifty at once, and each answer belongs to its call."""
    signatures = [app.signature("interop.add", args=(number, number)) for number in range(50)]
    assert group(signatures).apply_async().get(timeout=30) == [2 * number for number in range(50)]


def test_the_callers_id_is_kept(app: Celery) -> None:
    """A job's id is what the caller says."""
    name = str(uuid.uuid4())
    assert app.send_task("interop.request", task_id=name).get(timeout=10)["id"] == name


def test_priorities_go_first(app: Celery, broker: str, queue: str, tmp_path: Path) -> None:
    """What waits when the worker comes is taken by priority: 0 is first."""
    results = {priority: app.send_task("interop.nap", (0,), queue=queue, priority=priority) for priority in (9, 6, 3, 0)}
    worker = our_worker(broker, tmp_path / "worker.log", queue, "--concurrency", "1")
    try:
        began = {priority: result.get(timeout=30) for priority, result in results.items()}
    finally:
        worker.stop()
    assert sorted(began, key=lambda priority: began[priority]) == [0, 3, 6, 9]


def test_what_waits_is_done_when_a_worker_comes(app: Celery, broker: str, queue: str, tmp_path: Path) -> None:
    """A message waits in Celery's own list."""
    result = app.send_task("interop.add", (20, 22), queue=queue)
    assert app.connection_for_read().default_channel.client.llen(queue) == 1
    worker = our_worker(broker, tmp_path / "worker.log", queue)
    try:
        assert result.get(timeout=30) == 42
    finally:
        worker.stop()


def test_a_worker_that_is_killed_loses_nothing(app: Celery, broker: str, queue: str, tmp_path: Path) -> None:
    """SIGKILL in the middle of jobs: the next worker runs them within seconds."""
    results = [app.send_task("interop.nap", (2,), queue=queue) for _ in range(4)]
    first = our_worker(broker, tmp_path / "first.log", queue, "--lease", "3", "--concurrency", "4")
    wait_for("the queue to be empty", lambda: app.connection_for_read().default_channel.client.llen(queue) == 0, 30)
    first.process.kill()
    first.process.wait()
    second = our_worker(broker, tmp_path / "second.log", queue, "--lease", "3")
    try:
        assert all(isinstance(result.get(timeout=30), float) for result in results)
    finally:
        second.stop()


def test_a_worker_that_is_asked_to_stop_ends_its_jobs(app: Celery, broker: str, queue: str, tmp_path: Path) -> None:
    """SIGTERM: the running job ends well, and the process ends with 0."""
    result = app.send_task("interop.nap", (2,), queue=queue)
    worker = our_worker(broker, tmp_path / "worker.log", queue)
    wait_for("the job to be taken", lambda: app.connection_for_read().default_channel.client.llen(queue) == 0, 30)
    assert worker.stop() == 0
    assert isinstance(result.get(timeout=5), float)


def test_results_say_when_they_were_done(app: Celery, swift_worker: Worker) -> None:
    """The document has Celery's fields."""
    result = app.send_task("interop.add", (1, 2))
    assert result.get(timeout=10) == 3
    assert isinstance(result.date_done, datetime)
    assert result.forget() is None
