"""Our client calls tasks of a Celery worker, and reads their results."""

from __future__ import annotations

import json
import time

import pytest
from celery import Celery
from conftest import Apium

pytestmark = pytest.mark.usefixtures("celery_worker")


def test_a_result_is_read(apium: Apium) -> None:
    """Call, wait, print."""
    done = apium.run("call", "python.add", "--args", "[2, 3]", "--queue", "python", "--wait", "20")
    assert (done.returncode, done.stdout.strip()) == (0, "5"), done.stderr


@pytest.mark.parametrize("value", [None, 2**63 - 1, 0.1, 'Сельдерей 🌿 "\\', [[], {}, [None]], {"a": {"b": [1, 2.5]}}])
def test_values_come_back_as_they_went(apium: Apium, value: object) -> None:
    """Every JSON value, in arguments and result."""
    text = json.dumps(value)
    done = apium.run("call", "python.echo", "--args", f"[{text}]", "--kwargs", f'{{"k": {text}}}', "--queue", "python", "--wait", "20", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["result"] == [[value], {"k": value}]


def test_a_failure_is_told_and_is_the_exit_code(apium: Apium) -> None:
    """Type and message of Python's exception."""
    done = apium.run("call", "python.fail", "--args", '["no celery left"]', "--queue", "python", "--wait", "20")
    assert done.returncode == 1
    assert "ValueError" in done.stdout
    assert "no celery left" in done.stdout


def test_a_task_that_retries_is_waited_for(apium: Apium) -> None:
    """RETRY is no end."""
    done = apium.run("call", "python.flaky", "--args", "[2]", "--queue", "python", "--wait", "30")
    assert (done.returncode, done.stdout.strip()) == (0, "2"), done.stderr


def test_a_countdown_is_kept(apium: Apium) -> None:
    """Celery's worker gets the job when it is due."""
    began = time.monotonic()
    done = apium.run("call", "python.add", "--args", "[1, 1]", "--queue", "python", "--countdown", "2", "--wait", "30")
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began >= 1.9


def test_an_unknown_task_fails(apium: Apium, app: Celery) -> None:
    """Celery's worker drops it without a result: the wait ends in time, with a code of its own."""
    done = apium.run("call", "python.nothing", "--queue", "python", "--wait", "2")
    assert done.returncode in (1, 2)


def test_a_result_is_read_later(apium: Apium) -> None:
    """`apium result` by id."""
    called = apium.run("call", "python.add", "--args", "[20, 22]", "--queue", "python")
    assert called.returncode == 0, called.stderr
    done = apium.run("result", called.stdout.strip(), "--wait", "20")
    assert (done.returncode, done.stdout.strip()) == (0, "42"), done.stderr


def test_queues_show_what_waits_and_purge_deletes_it(apium: Apium, queue: str) -> None:
    """Counting without `--force`, deleting with it."""
    for _ in range(3):
        assert apium.run("call", "python.add", "--args", "[1, 1]", "--queue", queue).returncode == 0
    assert json.loads(apium.run("queues", queue, "--json").stdout)["queues"] == {queue: 3}
    apium.run("purge", queue)
    assert json.loads(apium.run("queues", queue, "--json").stdout)["queues"] == {queue: 3}
    assert apium.run("purge", queue, "--force").returncode == 0
    assert json.loads(apium.run("queues", queue, "--json").stdout)["queues"] == {queue: 0}


def test_a_broker_that_is_not_there_is_told(tmp_path: object) -> None:
    """One sentence and a code of its own, in time."""
    done = Apium("redis://127.0.0.1:1/0").run("queues", timeout=60)
    assert done.returncode == 69
    assert done.stderr.strip()
