"""Ends of jobs that are longer than their Redis takes: hosted servers often take much less than Redis' 512 MB."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from celery import Celery, chain, chord
from conftest import Worker, our_worker
from stack.client import wait_for

LONG = "x" * 600_000
"""Fits, and not twice."""


@pytest.fixture(scope="module")
def small(own_broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis.Redis]:
    """A Redis that takes 1 MB at a time, with our worker on it."""
    server = redis.Redis.from_url(own_broker)
    server.config_set("proto-max-bulk-len", 1 << 20)
    worker: Worker = our_worker(own_broker, tmp_path_factory.mktemp("small") / "worker.log", "swift", "--result-extended")
    yield server
    worker.stop()
    server.close()


def nothing_is_left(server: redis.Redis) -> bool:
    """Whether nothing waits and nothing is held."""
    return not server.llen("swift") and not [key for key in server.scan_iter("apium:flight:*", 1_000) if key.count(b":") == 3]


def test_a_result_that_is_too_long_is_a_failure(own_app: Celery, small: redis.Redis) -> None:
    """The job has failed, so have the steps behind it, and the message is kept with the dead."""
    echo = own_app.signature("interop.echo", queue="swift")
    result = chain(echo.clone(args=(LONG,)), echo, echo).apply_async()
    first = result.parent.parent
    wait_for("the end of the first step", lambda: first.state == "FAILURE", 20)
    assert type(first.result).__name__ == "BackendStoreError"
    wait_for("the end of the last step", lambda: result.state == "FAILURE", 20)
    wait_for("the end of the delivery", lambda: nothing_is_left(small), 20)
    assert small.hexists("apium:dead:messages", first.id)


def test_a_chord_whose_body_is_too_long_fails(own_app: Celery, small: redis.Redis) -> None:
    """The parts fit, and the list of them does not."""
    add = own_app.signature("interop.add", queue="swift")
    echo = own_app.signature("interop.echo", queue="swift")
    part = echo.clone(args=(LONG[:300_000],))
    result = chord([part, part.clone(), part.clone(), add.clone(args=(1, 1))], echo).apply_async()
    wait_for("the end of the body", lambda: result.state == "FAILURE", 20)
    assert "BackendStoreError" in str(result.result)
    wait_for("the end of the delivery", lambda: nothing_is_left(small), 20)
