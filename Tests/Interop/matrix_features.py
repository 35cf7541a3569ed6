# ruff: noqa: D103 - the decorator says what each feature is
"""What the matrix tries: each feature sends something to a queue, and answers what it saw in the end.

The same features, by the same names, are in our producer (Sources/Tools/InteropProducer); what is expected is here alone.
"""

from __future__ import annotations

import datetime
import decimal
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from celery import Celery, Signature, chain, chord, group
from celery.canvas import StampingVisitor
from celery.exceptions import TaskRevokedError
from celery.result import AsyncResult

SECONDS = 30


@dataclass(frozen=True)
class Feature:
    """One row of the matrix."""

    name: str
    about: str
    send: Callable[[Celery, str], object]
    """Sends to the queue with Celery's client and answers what came of it."""
    expected: object


FEATURES: list[Feature] = []


def feature(about: str, expected: object) -> Callable[[Callable[[Celery, str], object]], Callable[[Celery, str], object]]:
    """Enters a function as a feature of its name."""

    def enter(function: Callable[[Celery, str], object]) -> Callable[[Celery, str], object]:
        FEATURES.append(Feature(function.__name__, about, function, expected))
        return function

    return enter


def sig(app: Celery, queue: str, name: str, *args: object, **kwargs: object) -> Signature:
    """A signature of a matrix task on the queue."""
    return app.signature(f"matrix.{name}", args=args, kwargs=kwargs, queue=queue)


# Calls


@feature("a call with positional arguments", 5)
def positional(app: Celery, queue: str) -> object:
    return sig(app, queue, "add", 2, 3).apply_async().get(timeout=SECONDS)


@feature("a call with keyword arguments", "Сельдерей 🌿")
def keywords(app: Celery, queue: str) -> object:
    return sig(app, queue, "add", x="Сельдерей", y=" 🌿").apply_async().get(timeout=SECONDS)


@feature("priority", 7)
def priority(app: Celery, queue: str) -> object:
    return sig(app, queue, "request").apply_async(priority=7).get(timeout=SECONDS)["priority"]


@feature("custom headers", {"x-from": "matrix"})
def headers(app: Celery, queue: str) -> object:
    return sig(app, queue, "request").apply_async(headers={"x-from": "matrix"}).get(timeout=SECONDS)["headers"]


@feature("time limits in the message", [60, 45])
def time_limits(app: Celery, queue: str) -> object:
    return sig(app, queue, "request").apply_async(time_limit=60, soft_time_limit=45).get(timeout=SECONDS)["limits"]


@feature("countdown: not before its time", True)
def countdown(app: Celery, queue: str) -> object:
    began = time.monotonic()
    sig(app, queue, "add", 1, 1).apply_async(countdown=1).get(timeout=SECONDS)
    return time.monotonic() - began >= 1


@feature("expires: too late is REVOKED", "REVOKED expired")
def expires(app: Celery, queue: str) -> object:
    result = sig(app, queue, "add", 1, 1).apply_async(expires=datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=5))
    try:
        return result.get(timeout=SECONDS)
    except TaskRevokedError as error:
        return f"{result.state} {error}"


@feature("an ignored result stores nothing, and the job runs", ["ran", "PENDING"])
def ignored(app: Celery, queue: str) -> object:
    key = f"note-{uuid.uuid4()}"
    result = sig(app, queue, "note", "ran", key=key).apply_async(ignore_result=True)
    return [noted(app, key), app.AsyncResult(result.id).state]


@feature("values JSON has no words for", ["2026-11-24T10:30:00+00:00", "2.50", "12345678-1234-5678-1234-567812345678"])
def typed_values(app: Celery, queue: str) -> object:
    when = datetime.datetime(2026, 11, 23, 10, 30, tzinfo=datetime.timezone.utc)
    key = uuid.UUID("12345678-1234-5678-1234-567812345678")
    answer = sig(app, queue, "typed", when, decimal.Decimal("1.25"), key).apply_async().get(timeout=SECONDS)
    return [answer[0].isoformat(), str(answer[1]), str(answer[2])]


@feature("compression: zlib", 100_000)
def zlib(app: Celery, queue: str) -> object:
    return len(sig(app, queue, "identity", "a" * 100_000).apply_async(compression="zlib").get(timeout=SECONDS))


@feature("compression: bzip2", 100_000)
def bzip2(app: Celery, queue: str) -> object:
    return len(sig(app, queue, "identity", "a" * 100_000).apply_async(compression="bzip2").get(timeout=SECONDS))


@feature("compression: zstd", 100_000)
def zstd(app: Celery, queue: str) -> object:
    return len(sig(app, queue, "identity", "a" * 100_000).apply_async(compression="zstd").get(timeout=SECONDS))


@feature("serializer: yaml", [1, {"a": [None, True, 1.5]}])
def yaml(app: Celery, queue: str) -> object:
    return sig(app, queue, "identity", [1, {"a": [None, True, 1.5]}]).apply_async(serializer="yaml").get(timeout=SECONDS)


# Results


@feature("a failure raises the class it was", "ValueError ('deliberate', 7) FAILURE")
def failure(app: Celery, queue: str) -> object:
    result = sig(app, queue, "fail").apply_async()
    try:
        return result.get(timeout=SECONDS)
    except ValueError as error:
        return f"ValueError {error.args} {result.state}"


@feature("retries keep the id", [2, True])
def retry(app: Celery, queue: str) -> object:
    result = sig(app, queue, "flaky", 2).apply_async(task_id=(name := str(uuid.uuid4())))
    return [result.get(timeout=SECONDS), result.id == name]


@feature("states of one's own on the way", ["PROGRESS", 4])
def progress(app: Celery, queue: str) -> object:
    result = sig(app, queue, "progress", 4).apply_async()
    seen = wait_until("a PROGRESS state", lambda: (result.state == "PROGRESS" and result.state) or (result.ready() and "SUCCESS"))
    return [seen, result.get(timeout=SECONDS)]


@feature("children: what a job sent is found from its result", [[4], True])
def children(app: Celery, queue: str) -> object:
    result = sig(app, queue, "spawn", 2).apply_async()
    result.get(timeout=SECONDS)
    found = AsyncResult(result.id, app=app).children
    return [[child.get(timeout=SECONDS) for child in found], all(isinstance(child, AsyncResult) for child in found)]


@feature("revoked before it runs", "REVOKED")
def revoked(app: Celery, queue: str) -> object:
    result = sig(app, queue, "add", 1, 1).apply_async(countdown=2)
    result.revoke()
    try:
        return result.get(timeout=SECONDS)
    except TaskRevokedError:
        return result.state


# Canvas


@feature("chain with partial arguments", 9)
def a_chain(app: Celery, queue: str) -> object:
    return chain(sig(app, queue, "add", 2, 3), sig(app, queue, "add", 4)).apply_async().get(timeout=SECONDS)


@feature("immutable steps take no result", 10)
def immutable(app: Celery, queue: str) -> object:
    second = sig(app, queue, "add", 5, 5)
    second.set(immutable=True)
    return chain(sig(app, queue, "add", 2, 3), second).apply_async().get(timeout=SECONDS)


@feature("group, results in order", [0, 2, 4, 6, 8])
def a_group(app: Celery, queue: str) -> object:
    return group(sig(app, queue, "add", i, i) for i in range(5)).apply_async().get(timeout=SECONDS)


@feature("chord", 20)
def a_chord(app: Celery, queue: str) -> object:
    return chord([sig(app, queue, "add", i, i) for i in range(5)], sig(app, queue, "sum")).apply_async().get(timeout=SECONDS)


@feature("chord in a chain, then another step", 25)
def chord_in_chain(app: Celery, queue: str) -> object:
    parts = group(sig(app, queue, "add", i) for i in range(4))
    return chain(sig(app, queue, "add", 1, 2), parts, sig(app, queue, "sum"), sig(app, queue, "add", 7)).apply_async().get(timeout=SECONDS)


@feature("chord of chords and chains", 34)
def nested(app: Celery, queue: str) -> object:
    inner = chord([sig(app, queue, "add", 1, 2), sig(app, queue, "add", 3, 4)], sig(app, queue, "sum"))
    steps = chain(sig(app, queue, "add", 5, 5), sig(app, queue, "add", 10))
    return chord([inner, steps, sig(app, queue, "add", 2, 2)], sig(app, queue, "sum")).apply_async().get(timeout=SECONDS)


@feature("a group that ends a chain", [4, 5])
def group_at_end(app: Celery, queue: str) -> object:
    return chain(sig(app, queue, "add", 1, 2), group(sig(app, queue, "add", 1), sig(app, queue, "add", 2))).apply_async().get(timeout=SECONDS)


@feature("a failed part fails the chord's body", "ChordError")
def chord_error(app: Celery, queue: str) -> object:
    result = chord([sig(app, queue, "add", 1, 1), sig(app, queue, "fail")], sig(app, queue, "sum")).apply_async()
    wait_until("the body's failure", lambda: result.state == "FAILURE")
    return type(result.result).__name__


@feature("a failed step fails the rest of its chain", ["ValueError", "ValueError", "ValueError"])
def chain_error(app: Celery, queue: str) -> object:
    result = chain(sig(app, queue, "fail"), sig(app, queue, "add", 1), sig(app, queue, "add", 1)).apply_async()
    steps = [result, result.parent, result.parent.parent]
    wait_until("the failure of all steps", lambda: all(step.state == "FAILURE" for step in steps))
    return [type(step.result).__name__ for step in steps]


@feature("link: a callback gets the result", "6")
def link(app: Celery, queue: str) -> object:
    key = f"note-{uuid.uuid4()}"
    sig(app, queue, "add", 2, 4).apply_async(link=sig(app, queue, "note", key=key))
    return noted(app, key)


@feature("link_error: an errback gets the failed id", True)
def link_error(app: Celery, queue: str) -> object:
    key, name = f"note-{uuid.uuid4()}", str(uuid.uuid4())
    sig(app, queue, "fail").apply_async(task_id=name, link_error=sig(app, queue, "note", key=key))
    return name in noted(app, key)


@feature("chunks", [[1, 3], [5, 7], [9]])
def chunks(app: Celery, queue: str) -> object:
    pieces = app.tasks["matrix.add"].chunks([(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)], 2).group()
    for piece in pieces.tasks:
        piece.set(queue=queue)
    return pieces.apply_async().get(timeout=SECONDS)


@feature("starmap", [3, 7])
def starmap(app: Celery, queue: str) -> object:
    return app.tasks["matrix.add"].starmap([(1, 2), (3, 4)]).apply_async(queue=queue).get(timeout=SECONDS)


@feature("map", [3, 7])
def a_map(app: Celery, queue: str) -> object:
    return app.tasks["matrix.sum"].map([[1, 2], [3, 4]]).apply_async(queue=queue).get(timeout=SECONDS)


@feature("replace: another task takes a step's place", 12)
def replace(app: Celery, queue: str) -> object:
    return chain(sig(app, queue, "replaced", 3, 4), sig(app, queue, "add", 5)).apply_async().get(timeout=SECONDS)


@feature("add_to_chord: a part adds parts", 15)
def add_to_chord(app: Celery, queue: str) -> object:
    return chord([sig(app, queue, "more", [4, 6]), sig(app, queue, "add", 1, 2)], sig(app, queue, "sum")).apply_async().get(timeout=SECONDS)


class Stamp(StampingVisitor):
    """Stamps every task."""

    def on_signature(self, sig: Signature, **headers: object) -> dict:
        """The stamp."""
        return {"monitor": "matrix"}


@feature("stamps", {"monitor": ["matrix"]})
def stamps(app: Celery, queue: str) -> object:
    asked = sig(app, queue, "request")
    asked.stamp(Stamp())
    found = asked.apply_async().get(timeout=SECONDS)["stamps"]
    return {name: value if isinstance(value, list) else [value] for name, value in found.items()}


@feature("root and parent ids along a chain", True)
def ancestry(app: Celery, queue: str) -> object:
    result = chain(sig(app, queue, "add", 1, 1), sig(app, queue, "request")).apply_async()
    seen = result.get(timeout=SECONDS)
    return seen["root"] == seen["parent"] == result.parent.id


# Helpers


def wait_until(what: str, look: Callable[[], object]) -> object:
    """Waits until it is there."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {SECONDS} s for {what}")


def noted(app: Celery, key: str) -> str:
    """What the task `matrix.note` wrote down."""
    found = app.backend.client.blpop([key], timeout=SECONDS)
    assert found, f"nothing was noted under {key}"
    return found[1].decode()
