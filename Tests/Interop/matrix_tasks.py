"""Tasks that a Celery worker and ours serve under the same names, for the matrix of producers, workers and features."""

from __future__ import annotations

import datetime
import decimal
import os
import time
import uuid

from celery import Celery, Task

app = Celery("matrix_tasks", broker=os.environ.get("BROKER"), backend=os.environ.get("BROKER"))
app.conf.update(
    task_default_queue="matrix",
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
    result_extended=True,
    accept_content=["json", "yaml"],
    task_acks_late=True,
    worker_send_task_events=True,
)


@app.task(name="matrix.add")
def add(x: object, y: object) -> object:
    """Adds numbers, or joins texts and lists."""
    return x + y


@app.task(name="matrix.sum")
def total(numbers: list) -> object:
    """The sum of a list."""
    return sum(numbers)


@app.task(name="matrix.identity")
def identity(value: object) -> object:
    """Gives back what came."""
    return value


@app.task(name="matrix.fail")
def fail(*_: object) -> None:
    """Fails with a builtin error."""
    raise ValueError("deliberate", 7)


@app.task(name="matrix.flaky", bind=True, max_retries=3)
def flaky(self: Task, times: int) -> int:
    """Retries so many times, then gives back how many it were."""
    if self.request.retries < times:
        raise self.retry(countdown=0.05)
    return self.request.retries


@app.task(name="matrix.request", bind=True)
def request(self: Task, *_: object) -> dict:
    """What the message said."""
    asked = self.request
    return {
        "id": asked.id,
        "root": asked.root_id,
        "parent": asked.parent_id,
        "group": asked.group,
        "priority": asked.delivery_info.get("priority"),
        "stamps": asked.stamps,
        "headers": asked.headers,
        "limits": list(asked.timelimit or (None, None)),
    }


@app.task(name="matrix.progress", bind=True)
def progress(self: Task, steps: int) -> int:
    """Stores a state of its own on the way."""
    for step in range(steps):
        self.update_state(state="PROGRESS", meta={"step": step})
        time.sleep(0.2)
    return steps


@app.task(name="matrix.nap")
def nap(seconds: float) -> float:
    """Takes its time."""
    time.sleep(seconds)
    return seconds


@app.task(name="matrix.replaced", bind=True)
def replaced(self: Task, x: int, y: int) -> None:
    """Has another task take its place."""
    raise self.replace(add.s(x, y).set(queue=self.request.delivery_info["routing_key"]))


@app.task(name="matrix.more", bind=True)
def more(self: Task, numbers: list) -> int:
    """Adds parts to the chord it is a part of."""
    for number in numbers:
        self.add_to_chord(add.s(number, 1).set(queue=self.request.delivery_info["routing_key"]))
    return 0


@app.task(name="matrix.spawn", bind=True)
def spawn(self: Task, x: int) -> int:
    """Sends a child."""
    add.apply_async((x, x), queue=self.request.delivery_info["routing_key"])
    return x


@app.task(name="matrix.typed")
def typed(when: datetime.datetime, amount: decimal.Decimal, key: uuid.UUID) -> list:
    """Works with values that JSON has no words for, and gives them back."""
    return [when + datetime.timedelta(days=1), amount * 2, key]


@app.task(name="matrix.note", bind=True)
def note(self: Task, *values: object, key: str) -> None:
    """Writes down what it was called with, where nothing else would show."""
    self.backend.client.rpush(key, repr(values) if len(values) != 1 else str(values[0]))
