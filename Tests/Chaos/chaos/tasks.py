"""The jobs of Tests/Chaos/Worker for Celery's worker, safe against kills as far as its settings make it so."""

from __future__ import annotations

import os
import time

from celery import Celery
from celery.app.task import Task

app = Celery(broker=os.environ["CHAOS_BROKER"], backend=os.environ["CHAOS_BROKER"])
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    broker_connection_max_retries=None,
    broker_connection_retry_on_startup=True,
    # The default is an hour: nobody would see the end of the run.
    broker_transport_options={"visibility_timeout": 15},
    result_expires=600,
)
LEDGER = os.open(os.environ.get("CHAOS_LEDGER", os.devnull), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)


def write(event: str, task: Task, key: str, token: int) -> None:
    """A line of the ledger. Celery has no token; the time of the beginning stands for it."""
    now = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    request = task.request
    os.write(LEDGER, f"{event} {now} {request.hostname.partition('@')[0]} {key} {request.id} {request.retries} {token}\n".encode())


def run(task: Task, key: str, ms: int) -> int:
    """Begins, takes its time, has its effect."""
    token = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    write("b", task, key, token)
    if ms:
        time.sleep(ms / 1000)
    write("e", task, key, token)
    return token


@app.task(name="chaos.work", bind=True)
def work(self: Task, *_: object, key: str, ms: int = 0) -> int:
    """Takes so many milliseconds."""
    return run(self, key, ms)


@app.task(name="chaos.retry", bind=True, max_retries=None)
def retry(self: Task, *_: object, key: str, ms: int = 0, times: int = 1, delay: int = 100) -> int:
    """Asks to be run again until it has been."""
    if self.request.retries < times:
        token = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        write("b", self, key, token)
        write("r", self, key, token)
        raise self.retry(countdown=delay / 1000)
    return run(self, key, ms)
