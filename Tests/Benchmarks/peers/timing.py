"""What the Python peers' producers share."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from redis import Redis

PAYLOAD = "x" * 100


def report(redis: Redis, job: str, count: int, send: Callable[[int, str], object]) -> None:
    """Sends `count` jobs one after another, and prints how long that took and the CPU time of this process. An echo is waited for."""
    trips = []
    began, cpu = time.perf_counter(), time.process_time()
    for index in range(count):
        sent = time.perf_counter()
        send(index, PAYLOAD)
        if job == "echo":
            redis.blpop(["answers"])
            trips.append(time.perf_counter() - sent)
    print(json.dumps({"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu, "trips": trips}))
