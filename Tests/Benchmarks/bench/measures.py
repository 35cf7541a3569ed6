"""What is measured. Each measure takes a running Redis and gives numbers by name."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from celery import Celery

from .messages import PAYLOAD, Stencil, load
from .peers import HERE, Peer, RunningWorker
from .server import PrivateRedis

QUEUE = "bench"
PATIENCE = 300


@dataclass(frozen=True)
class Sizes:
    """How much of each: jobs drained, jobs enqueued, round trips, jobs that wait."""

    drain: int = 10_000
    enqueue: int = 10_000
    trips: int = 500
    sleeps: int = 2_000
    concurrency: int = 64


def built(name: str) -> Path:
    """A bare client in C, as `deploy/build-tools` leaves it."""
    return Path(os.environ.get("APIUM_BUILD_DIR", HERE.parents[1] / ".build/release")) / name


class Bench:
    """One Redis and the stencils of its messages."""

    def __init__(self, server: PrivateRedis, sizes: Sizes) -> None:
        self.server = server
        self.redis = server.client
        self.sizes = sizes
        self.app = Celery(broker=server.url, backend=server.url)
        self.echo = Stencil(self.app, self.redis, "bench.echo")

    def worker(self, peer: Peer, concurrency: int | None = None) -> RunningWorker:
        """A worker on an emptied server; prefork has no use for more processes than cores, so it gets Celery's default."""
        self.redis.flushall()
        slots = concurrency or self.sizes.concurrency
        return RunningWorker(peer, self.server.url, QUEUE, (os.cpu_count() or 1) if peer.pool == "prefork" else slots)

    def answer(self, key: str) -> None:
        """Waits for a job that pushes."""
        if self.redis.blpop([key], PATIENCE) is None:
            raise TimeoutError(f"nothing was pushed to {key} within {PATIENCE} s")

    def trip(self) -> None:
        """One job there and back, so that all that follows meets a worker that is ready."""
        key = f"answer:{uuid.uuid4()}"
        self.redis.lpush(QUEUE, self.echo.fill("x", key))
        self.answer(key)

    def trips(self) -> list[float]:
        """Seconds from the push of a job to what it pushes, one job after the other, by a client that does nothing else (trip.c)."""
        with tempfile.NamedTemporaryFile() as file:
            for _ in range(self.sizes.trips):
                key = f"answer:{uuid.uuid4()}"
                message = self.echo.fill("x", key)
                file.write(f"{key} {len(message)}\n".encode() + message)
            file.flush()
            words = [str(built("bench-trip")), str(self.server.port), QUEUE, file.name]
            return [float(line) for line in subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()]

    def drain(self, peer: Peer, ignored: bool) -> dict[str, float]:
        """A full queue appears in front of an idle worker."""
        noop = Stencil(self.app, self.redis, "bench.noop", ignore_result=ignored)
        count = self.sizes.drain
        messages = [noop.fill(index, PAYLOAD) for index in range(count)] + [self.echo.fill("end", "end")]
        with self.worker(peer) as worker:
            self.trip()
            load(self.redis, "loaded", messages)
            keys, cpu, server = self.redis.dbsize(), worker.cpu_seconds(), self.server.cpu_seconds()
            began = time.perf_counter()
            self.redis.rename("loaded", QUEUE)
            self.answer("end")
            seconds = time.perf_counter() - began
            self.settle(keys + (0 if ignored else count) - 2)
            return {
                "jobs per second": count / seconds,
                "worker CPU s per 10,000": (worker.cpu_seconds() - cpu) * 10_000 / count,
                "Redis CPU us per job": (self.server.cpu_seconds() - server) * 1e6 / count,
                "memory MiB": worker.resident_mib(),
            }

    def settle(self, keys: int) -> None:
        """Waits until the last results are there, and the number of keys rests."""
        deadline = time.monotonic() + PATIENCE
        last, since = -1, time.monotonic()
        while time.monotonic() - since < 0.1 or last < keys:
            now = self.redis.dbsize()
            if now != last:
                last, since = now, time.monotonic()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{last} keys are there where {keys} were expected: jobs are missing")
            time.sleep(0.02)

    def cycle(self, rate: float) -> dict[str, float]:
        """Our own script cycle driven by a client that does nothing else, and the share of its rate that the worker reached."""
        scripts = HERE.parents[1] / "Sources/Apium/ApiumRedis/Lua"
        self.redis.flushall()
        words = [str(built("bench-cycle")), str(self.server.port), str(scripts), str(self.sizes.drain), "200", str(len(self.echo.text) + len(PAYLOAD))]
        bare = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
        return {"bare cycle: jobs per second": bare["jobs_per_second"], "share of the bare cycle": rate / bare["jobs_per_second"]}

    def idle(self, peer: Peer) -> dict[str, float]:
        """One job at a time through an idle worker, by a bare client; before it the start."""
        self.redis.flushall()
        key = f"answer:{uuid.uuid4()}"
        message = self.echo.fill("x", key)
        began = time.perf_counter()
        with self.worker(peer) as worker:
            self.redis.lpush(QUEUE, message)
            self.answer(key)
            start = time.perf_counter() - began
            trips = sorted(self.trips())
            return {
                "start to first answer ms": start * 1e3,
                "round trip p50 ms": statistics.median(trips) * 1e3,
                "round trip p99 ms": trips[int(len(trips) * 0.99)] * 1e3,
                "idle memory MiB": worker.resident_mib(),
            }

    def sleeps(self, peer: Peer) -> dict[str, float]:
        """Jobs of 50 ms at concurrency 200, against the time that they would take alone."""
        sleep = Stencil(self.app, self.redis, "bench.sleep")
        count = self.sizes.sleeps
        messages = [sleep.fill(0.05) for _ in range(count)]
        with self.worker(peer, 200) as worker:
            self.trip()
            load(self.redis, "loaded", messages)
            keys = self.redis.dbsize()
            began = time.perf_counter()
            self.redis.rename("loaded", QUEUE)
            deadline = time.monotonic() + PATIENCE
            while self.redis.dbsize() < keys + count - 1:
                if time.monotonic() > deadline or worker.process.poll() is not None:
                    raise TimeoutError("jobs that wait did not end")
                time.sleep(0.002)
            return {"50 ms jobs, times ideal": (time.perf_counter() - began) / (-(-count // 200) * 0.05)}

    def enqueue_ours(self) -> dict[str, float]:
        """Our producer, each way."""
        figures = {}
        for way in ("one", "tasks", "bulk"):
            self.redis.flushall()
            before = self.server.cpu_seconds()
            words = [str(HERE / "producer"), "--broker", self.server.url, "--queue", QUEUE, "--way", way, "--count", str(self.sizes.enqueue)]
            report = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
            figures[f"enqueue {way} per second"] = report["count"] / report["seconds"]
            figures[f"enqueue {way} CPU us per job"] = report["cpu_seconds"] * 1e6 / report["count"]
            figures[f"enqueue {way} Redis CPU us per job"] = (self.server.cpu_seconds() - before) * 1e6 / report["count"]
        return figures | self.queued_bytes()

    def enqueue_celery(self) -> dict[str, float]:
        """Celery's producer; it has one way."""
        self.redis.flushall()
        count = max(1, self.sizes.enqueue // 10)
        code = (
            f"import json, time, tasks\ntasks.noop.delay(0, '{PAYLOAD}')\nb, c = time.perf_counter(), time.process_time()\n"
            f"for i in range({count}): tasks.noop.delay(i, '{PAYLOAD}')\n"
            "print(json.dumps([time.perf_counter() - b, time.process_time() - c]))"
        )
        environment = {**os.environ, "BENCH_BROKER": self.server.url, "BENCH_QUEUE": QUEUE, "PYTHONPATH": str(HERE)}
        output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment, cwd=HERE).stdout
        seconds, cpu = json.loads(output)
        return {"enqueue one per second": count / seconds, "enqueue one CPU us per job": cpu * 1e6 / count} | self.queued_bytes()

    def queued_bytes(self) -> dict[str, float]:
        """What Redis says that the queue takes, for each job."""
        return {"Redis bytes per queued job": self.redis.memory_usage(QUEUE, samples=0) / self.redis.llen(QUEUE)}
