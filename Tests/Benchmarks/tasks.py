"""The jobs of the benchmarks for Celery; bench-worker has the same."""

from __future__ import annotations

import os
import time

from celery import Celery
from redis import Redis

app = Celery("bench", broker=os.environ["BENCH_BROKER"], backend=os.environ["BENCH_BROKER"])
app.conf.update(task_default_queue=os.environ.get("BENCH_QUEUE", "bench"), broker_connection_retry_on_startup=True)
redis = Redis.from_url(os.environ["BENCH_BROKER"])


@app.task(name="bench.noop")
def noop(i: int, payload: str) -> None:
    """Does nothing."""


@app.task(name="bench.sleep")
def sleep(seconds: float) -> None:
    """Waits."""
    time.sleep(seconds)


@app.task(name="bench.count")
def count(key: str) -> int:
    """Counts one more."""
    return redis.incr(key)


@app.task(name="bench.echo")
def echo(message: str, key: str) -> None:
    """Answers on a list."""
    redis.rpush(key, message)
