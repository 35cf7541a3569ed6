"""Tests/Benchmarks/growth [options] - how the cost of a job grows with what else there is: as ratios to a small, idle system."""

from __future__ import annotations

import argparse
import base64
import json
import statistics
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from celery import Celery

from .measures import PATIENCE, QUEUE
from .messages import PAYLOAD, Stencil
from .peers import OURS, RunningWorker
from .server import PrivateRedis

CHUNK = 1000


@dataclass(frozen=True)
class Cost:
    """What a drained job took."""

    rate: float
    worker: float
    server: float


def short(message: bytes) -> bytes:
    """A message of the same job without anything that can be left out."""
    fields = json.loads(message)
    fields["body"] = base64.b64decode(fields["body"]).decode()
    fields["headers"] = {name: fields["headers"][name] for name in ("lang", "task", "id", "root_id", "ignore_result")}
    fields["properties"] = {name: fields["properties"][name] for name in ("delivery_info", "priority", "delivery_tag")}
    return json.dumps(fields, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Filling:
    """What was prepared to be drained: queues, under another name still, and how many jobs in them tell of an end."""

    queues: list[str]
    ends: int


class Growth:
    """One Redis, filled in different ways before the same jobs are drained."""

    def __init__(self, server: PrivateRedis, jobs: int, runs: int, has_short_filler: bool = False) -> None:
        self.server = server
        self.redis = server.client
        self.jobs = jobs
        self.runs = runs
        app = Celery(broker=server.url, backend=server.url)
        self.noop = Stencil(app, self.redis, "bench.noop", ignore_result=True)
        self.echo = Stencil(app, self.redis, "bench.echo", ignore_result=True)
        self.filler = short(self.noop.fill(0, "")) if has_short_filler else None

    def push(self, queue: str, message: bytes, count: int) -> None:
        """The same message many times: what it says does not matter where results are ignored."""
        for first in range(0, count, CHUNK):
            self.redis.lpush(queue, *[message] * min(CHUNK, count - first))

    def drain(self, fill: Callable[[], Filling]) -> Cost:
        """The best of some runs: of each, the time from full queues in front of an idle worker to the last of the jobs that tell of an end."""
        costs = []
        for _ in range(self.runs):
            self.redis.flushall()
            filling = fill()
            with RunningWorker(OURS, self.server.url, ",".join(["first", *filling.queues]), 400) as worker:
                self.redis.lpush("first", self.echo.fill("x", "ready"))
                self.answer("ready")
                cpu, server, began = worker.cpu_seconds(), self.server.cpu_seconds(), time.perf_counter()
                # In one go: one after the other they would take this client a tenth of the drain's time.
                with self.redis.pipeline() as pipe:
                    for queue in filling.queues:
                        pipe.rename(f"full:{queue}", queue)
                    pipe.execute()
                for _ in range(filling.ends):
                    self.answer("end")
                seconds = time.perf_counter() - began
                per_job = 1e6 / self.jobs
                costs.append(Cost(self.jobs / seconds, (worker.cpu_seconds() - cpu) * per_job, (self.server.cpu_seconds() - server) * per_job))
                # What is left must not hold up the worker's end.
                self.redis.delete(*filling.queues)
        return Cost(max(c.rate for c in costs), min(c.worker for c in costs), min(c.server for c in costs))

    def answer(self, key: str) -> None:
        """Waits for a job that pushes."""
        if self.redis.blpop([key], PATIENCE) is None:
            raise TimeoutError(f"nothing was pushed to {key} within {PATIENCE} s")

    def queue(self, name: str, ends: int = 1, behind: int = 0, share: int = 1) -> str:
        """A queue of a share of the jobs, those among them that tell of their end, evenly, and what stands behind the last of these."""
        message = self.noop.fill(0, PAYLOAD)
        for _ in range(ends):
            self.push(f"full:{name}", message, self.jobs // share // ends)
            self.redis.lpush(f"full:{name}", self.echo.fill("x", "end"))
        self.push(f"full:{name}", self.filler or message, behind)
        return name

    def scheduled(self, count: int) -> None:
        """Jobs that are due in a day."""
        due = int((time.time() + 86_400) * 1e6)
        message = self.noop.fill(0, PAYLOAD)
        for first in range(0, count, CHUNK):
            members = [f"{uuid.uuid4()}\0{QUEUE}\0{number}" for number in range(first, min(first + CHUNK, count))]
            with self.redis.pipeline(transaction=False) as pipe:
                pipe.zadd("apium:scheduled", {member: due + place for place, member in enumerate(members)})
                pipe.hset("apium:scheduled:messages", mapping=dict.fromkeys(members, message))
                pipe.execute()

    def idle(self, workers: int, seconds: float) -> tuple[float, float]:
        """The share of a core that Redis spends with workers without work, and without any."""
        self.redis.flushall()
        alone = self.share(seconds)
        with ExitStack() as stack:
            for _ in range(workers):
                stack.enter_context(RunningWorker(OURS, self.server.url, QUEUE, 1))
            deadline = time.monotonic() + PATIENCE
            while self.redis.zcard("apium:workers") < workers:
                if time.monotonic() > deadline:
                    raise TimeoutError("not all workers have started")
                time.sleep(0.1)
            time.sleep(2)
            return self.share(seconds), alone

    def share(self, seconds: float) -> float:
        """The share of a core that Redis spends now, the median of three samples."""
        samples = []
        for _ in range(3):
            before = self.server.cpu_seconds()
            time.sleep(seconds / 3)
            samples.append((self.server.cpu_seconds() - before) / (seconds / 3))
        return statistics.median(samples)


def main() -> int:
    """Measures what is asked for."""
    arguments = options()
    found: dict[str, object] = {}
    with PrivateRedis(False) as server:
        growth = Growth(server, arguments.jobs, arguments.runs, arguments.short)

        def drained(name: str, fill: Callable[[], Filling], beside: str = "least") -> None:
            found[name] = cost = growth.drain(fill)
            least = found.setdefault(beside, cost)
            total, base = cost.worker + cost.server, least.worker + least.server
            print(
                f"{name:36} {cost.rate:10,.0f} jobs/s {cost.worker:7.1f} us of the worker {cost.server:7.1f} us of Redis"
                f"   rate x {cost.rate / least.rate:.2f}, CPU x {total / base:.2f}",
                flush=True,
            )

        def behind(count: int) -> Callable[[], Filling]:
            return lambda: Filling([growth.queue(QUEUE, behind=count)], 1)

        def among_scheduled() -> Filling:
            growth.scheduled(arguments.scheduled)
            return behind(0)()

        # Each queue has a job that tells of its end, and such jobs cost more than others: one queue is measured with as many of them.
        def together() -> Filling:
            return Filling([growth.queue(QUEUE, ends=arguments.queues)], arguments.queues)

        def many() -> Filling:
            return Filling([growth.queue(f"{QUEUE}{number}", share=arguments.queues) for number in range(arguments.queues)], arguments.queues)

        drained(f"{arguments.jobs} queued", behind(0))
        if "queued" in arguments.only:
            drained(f"{arguments.queued} queued", behind(arguments.queued - arguments.jobs))
        if "scheduled" in arguments.only:
            drained(f"{arguments.scheduled} scheduled", among_scheduled)
        if "queues" in arguments.only:
            drained("the same jobs as of the queues", together, beside="together")
            drained(f"{arguments.queues} queues", many, beside="together")
        if "workers" in arguments.only:
            share, alone = found["idle"], found["empty"] = growth.idle(arguments.workers, arguments.seconds)
            each = (share - alone) / arguments.workers
            print(
                f"{arguments.workers} idle workers: {share * 100:.2f} % of a core of Redis, without them {alone * 100:.2f} %; "
                f"{each * 1e6:.0f} us a second each, so 1,000: {each * 1e5:.1f} %"
            )
    if arguments.json:
        arguments.json.write_text(json.dumps({name: getattr(value, "__dict__", value) for name, value in found.items()}, indent=1) + "\n")
    return 0


def options() -> argparse.Namespace:
    """The command line."""
    parts = ["queued", "scheduled", "queues", "workers"]
    parser = argparse.ArgumentParser(prog="Tests/Benchmarks/growth", description="Measure how our worker's cost grows.")
    parser.add_argument("--jobs", type=int, default=20_000, help="jobs to drain (default: 20000)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each, of which the best counts (default: 3)")
    parser.add_argument("--queued", type=int, default=2_000_000, help="the long queue; 10 million take 13 GB of memory (default: 2000000)")
    parser.add_argument("--short", action="store_true", help="what stands behind in the long queue are short messages: 10 million take 5 GB")
    parser.add_argument("--scheduled", type=int, default=1_000_000, help="scheduled jobs (default: 1000000)")
    parser.add_argument("--queues", type=int, default=200, help="queues (default: 200)")
    parser.add_argument("--workers", type=int, default=100, help="idle workers (default: 100)")
    parser.add_argument("--seconds", type=float, default=15, help="how long they are watched (default: 15)")
    parser.add_argument("--only", action="append", choices=parts, help="measure this alone; may be repeated")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    arguments = parser.parse_args()
    arguments.only = arguments.only or parts
    return arguments


if __name__ == "__main__":
    sys.exit(main())
