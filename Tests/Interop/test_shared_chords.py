"""Chords whose headers and bodies are spread over our worker and Celery's: both count on the same keys."""

from __future__ import annotations

import pytest
import redis
from celery import Celery, chord
from celery.canvas import Signature
from stack.client import wait_for

pytestmark = pytest.mark.usefixtures("swift_worker", "celery_worker")


def ours(app: Celery, name: str, *args: object) -> Signature:
    """A call of our worker."""
    return app.signature(f"interop.{name}", args=args, queue="swift")


def theirs(app: Celery, name: str, *args: object) -> Signature:
    """A call of Celery's worker."""
    return app.signature(f"python.{name}", args=args, queue="python")


@pytest.mark.parametrize("body", [ours, theirs])
def test_a_header_on_both_workers(app: Celery, broker: str, body: object) -> None:
    """The body runs once, with all values in the order of the header, and the chord's keys go."""
    result = chord([ours(app, "add", 1, 1), theirs(app, "add", 2, 2), ours(app, "add", 3, 3), theirs(app, "add", 4, 4)], body(app, "echo")).apply_async()
    assert result.get(timeout=20) == [[[2, 4, 6, 8]], {}]
    server = redis.Redis.from_url(broker)
    key = f"celery-taskset-meta-{result.parent.id}"
    wait_for("the end of the chord", lambda: server.get(f"{key}.c") == b"done", 10)
    assert [suffix for suffix in (".j", ".d", ".s", ".t") if server.exists(key + suffix)] == []


@pytest.mark.parametrize("body", [ours, theirs])
@pytest.mark.parametrize("failing", [ours, theirs])
def test_a_failing_part(app: Celery, body: object, failing: object) -> None:
    """The body ends as ChordError, whichever worker ran the part, and whichever joined."""
    result = chord([ours(app, "add", 1, 1), theirs(app, "add", 1, 1), failing(app, "fail", "no celery left")], body(app, "echo")).apply_async()
    wait_for("the body's end", lambda: result.state == "FAILURE", 20)
    assert type(result.result).__name__ == "ChordError"
    assert "no celery left" in str(result.result)


def test_a_chord_in_a_chord(app: Celery) -> None:
    """The inner chord's body is a part of the outer one."""
    inner = chord([ours(app, "add", 1, 1), theirs(app, "add", 1, 2)], theirs(app, "echo"))
    outer = chord([inner, theirs(app, "add", 5, 5)], ours(app, "echo"))
    assert outer.apply_async().get(timeout=20) == [[[[[[2, 3]], {}], 10]], {}]


def test_a_part_that_only_python_can_read(app: Celery) -> None:
    """The body ends as a failure: our worker cannot read the part, or not the body's message when Celery's has joined. Nobody waits in vain."""
    result = chord([theirs(app, "add", 2**69, 2**69), ours(app, "add", 1, 1)], ours(app, "echo")).apply_async()
    wait_for("the body's end", lambda: result.state == "FAILURE", 20)
    assert type(result.result).__name__ in {"ChordError", "DecodeError"}
