"""A producer with Celery's client: `python -m chaos.producer --broker URL --name p0-1 …`; see Tests/Chaos/Producer for ours."""

from __future__ import annotations

import argparse
import os
import random
import time
from pathlib import Path

from celery import Celery, chain, chord
from celery.canvas import Signature


class Producer:
    """Makes calls and notes what came of them."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.chance = random.Random(options.seed)
        self.app = Celery(broker=options.broker, backend=options.broker)
        # What was not answered is not sent again: a second message of the same id would be a second run, and no fault of a worker.
        self.app.conf.update(
            task_publish_retry=False,
            broker_transport_options={"socket_timeout": 5, "socket_connect_timeout": 5},
            result_backend_transport_options={"retry_policy": {"max_retries": 0}},
        )
        self.notes = os.open(options.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self.number = 0

    def run(self) -> None:
        """Sends until it is ended."""
        due = time.monotonic()
        while True:
            if Path(self.options.hold).exists():
                time.sleep(0.05)
                continue
            size, body, signatures = self.draw()
            self.note(f"? {self.number} {size} {int(body)}" if size else f"? {self.number} other")
            try:
                for signature in signatures:
                    signature.apply_async()
                self.note(f"+ {self.number}")
            except Exception as error:
                print(f"call {self.number}: {error!r}", flush=True)
                self.note(f"- {self.number}")
                time.sleep(0.1)
            due = max(due + (size + body) / self.options.rate, time.monotonic() - 1)
            time.sleep(max(0, due - time.monotonic()))

    def note(self, line: str) -> None:
        """A line of the record."""
        os.write(self.notes, f"{line}\n".encode())

    def draw(self) -> tuple[int, bool, list[Signature]]:
        """The next call: jobs without the body, whether there is one, and what is sent."""
        self.number += 1
        kind = self.chance.randrange(100)
        if kind < 5 and self.options.other:
            return 0, False, [self.work("other").set(queue=self.options.other)]
        if kind < 45:
            return 1, False, [self.work(0)]
        if kind < 60:
            return 1, False, [self.work(0).set(countdown=self.chance.uniform(0.02, 3))]
        if kind < 75:
            return 1, False, [self.work(0, "chaos.retry", times=self.chance.randint(1, 2))]
        size = self.chance.randint(2, 6)
        if kind < 85:
            return size, False, [chain(*(self.work(place) for place in range(size)))]
        return size, True, [chord([self.work(place) for place in range(size)], self.work("body", ms=0))]

    def work(self, place: object, task: str = "chaos.work", **kwargs: object) -> Signature:
        """A call of a job."""
        longest = self.options.longest * (100 if self.chance.random() < 0.05 else 1)
        key = f"{self.options.name}.{self.number}.{place}"
        return self.app.signature(task, kwargs={"key": key, "ms": self.chance.randrange(longest), **kwargs}).set(queue=self.options.queue)


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser()
    for name in ("broker", "name", "queue", "log", "hold"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--other", help="a queue that some single jobs go to")
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--longest", type=int, default=15)
    Producer(parser.parse_args()).run()


if __name__ == "__main__":
    main()
