"""Drives Dramatiq for Tests/Benchmarks/compare: `worker URL CONCURRENCY`, or `enqueue URL JOB COUNT`. See README.md beside it."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from redis import Redis

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    os.environ["PEER_URL"] = sys.argv[2]
URL = os.environ["PEER_URL"]
dramatiq.set_broker(RedisBroker(url=URL))
redis = Redis.from_url(URL)


@dramatiq.actor
def noop(index: int, payload: str) -> None:
    """Does nothing."""


@dramatiq.actor
def echo(index: int, payload: str) -> None:
    """Answers."""
    redis.rpush("answers", index)


@dramatiq.actor
def step(index: int, payload: str) -> None:
    """Says that it began, takes 20 ms, and says that it ended."""
    redis.rpush("started", index)
    time.sleep(0.02)
    redis.rpush("ended", index)


if __name__ == "__main__":
    if sys.argv[1] == "worker":
        os.environ["PYTHONPATH"] = str(HERE)
        os.execv(sys.executable, [sys.executable, "-m", "dramatiq", "dramatiq_peer", "--processes", "2", "--threads", str(max(1, int(sys.argv[3]) // 2))])
    from timing import report

    job = {"noop": noop, "echo": echo, "step": step}[sys.argv[3]]
    report(redis, sys.argv[3], int(sys.argv[4]), job.send)
