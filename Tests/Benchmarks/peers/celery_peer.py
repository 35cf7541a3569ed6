"""Drives Celery for Tests/Benchmarks/compare: `worker URL CONCURRENCY`, or `enqueue URL JOB COUNT`. See README.md beside it.

With `PEER_LATE=1` jobs are acknowledged after they ran, and given back when their process is lost.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from celery import Celery
from redis import Redis

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    os.environ["PEER_URL"] = sys.argv[2]
URL = os.environ["PEER_URL"]
LATE = os.environ.get("PEER_LATE") == "1"

app = Celery("peer", broker=URL, backend=URL)
app.conf.update(task_acks_late=LATE, task_reject_on_worker_lost=LATE, broker_connection_retry_on_startup=True)
redis = Redis.from_url(URL)


@app.task(name="noop")
def noop(index: int, payload: str) -> None:
    """Does nothing."""


@app.task(name="echo")
def echo(index: int, payload: str) -> None:
    """Answers."""
    redis.rpush("answers", index)


@app.task(name="step")
def step(index: int, payload: str) -> None:
    """Says that it began, takes 20 ms, and says that it ended."""
    redis.rpush("started", index)
    time.sleep(0.02)
    redis.rpush("ended", index)


if __name__ == "__main__":
    if sys.argv[1] == "worker":
        os.environ.update(PYTHONPATH=str(HERE), C_FORCE_ROOT="1", PYTHONWARNINGS="ignore")
        words = [sys.executable, "-m", "celery", "-A", "celery_peer", "worker", "-c", sys.argv[3], "-l", "ERROR"]
        os.execv(sys.executable, words)
    from timing import report

    job = {"noop": noop, "echo": echo, "step": step}[sys.argv[3]]
    report(redis, sys.argv[3], int(sys.argv[4]), job.delay)
