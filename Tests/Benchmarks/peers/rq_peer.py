"""Drives RQ for Tests/Benchmarks/compare: `worker URL CONCURRENCY`, or `enqueue URL JOB COUNT`. See README.md beside it."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from redis import Redis
from rq import Queue

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    os.environ["PEER_URL"] = sys.argv[2]
redis = Redis.from_url(os.environ["PEER_URL"])


def noop(index: int, payload: str) -> None:
    """Does nothing."""


def echo(index: int, payload: str) -> None:
    """Answers."""
    redis.rpush("answers", index)


def step(index: int, payload: str) -> None:
    """Says that it began, takes 20 ms, and says that it ended."""
    redis.rpush("started", index)
    time.sleep(0.02)
    redis.rpush("ended", index)


if __name__ == "__main__":
    if sys.argv[1] == "worker":
        os.environ["PYTHONPATH"] = str(HERE)
        program = str(Path(sys.executable).parent / "rq")
        os.execv(program, [program, "worker-pool", "--quiet", "--url", sys.argv[2], "--num-workers", sys.argv[3], "default"])
    from timing import report

    queue = Queue(connection=redis)
    job = f"rq_peer.{sys.argv[3]}"
    report(redis, sys.argv[3], int(sys.argv[4]), lambda index, payload: queue.enqueue(job, index, payload))
