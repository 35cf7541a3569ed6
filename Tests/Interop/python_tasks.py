"""Tasks of a real Celery worker, which our client calls."""

from __future__ import annotations

import os

from celery import Celery, Task

app = Celery("python_tasks", broker=os.environ["BROKER"], backend=os.environ["BROKER"])
app.conf.update(task_default_queue="python", broker_connection_retry_on_startup=True, worker_hijack_root_logger=False, task_track_started=True)


@app.task(name="python.add")
def add(x: int, y: int) -> int:
    """Adds."""
    return x + y


@app.task(name="python.total")
def total(numbers: list) -> int:
    """Adds up a list."""
    return sum(numbers)


@app.task(name="python.echo")
def echo(*args: object, **kwargs: object) -> list:
    """Gives back what came."""
    return [list(args), kwargs]


@app.task(name="python.fail")
def fail(message: str) -> None:
    """Fails."""
    raise ValueError(message)


@app.task(name="python.flaky", bind=True, max_retries=5)
def flaky(self: Task, times: int) -> int:
    """Retries a number of times."""
    if self.request.retries < times:
        raise self.retry(countdown=0.2)
    return self.request.retries


@app.task(name="python.request", bind=True)
def request(self: Task) -> dict:
    """What the worker knows of the request."""
    return {"id": self.request.id, "retries": self.request.retries, "origin": self.request.origin, "priority": self.request.delivery_info.get("priority")}
