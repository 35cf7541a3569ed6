"""Runs parts: lanes beside each other, each part once what it needs is there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from . import swift, venv
from .context import Context
from .parts import Part
from .results import Counts, failure

LOG_TAIL = 60


class Runner:
    """One run of the chosen parts."""

    def __init__(self, parts: list[Part], work: Path, build: bool) -> None:
        self.parts = parts
        self.work = work
        self.selected = frozenset(part.name for part in parts)
        self.started = time.monotonic()
        self.printing = threading.Lock()
        self.preparations: dict[str, Future[bool]] = {}
        self.build = build

    def run(self) -> Counts:
        """Runs all parts and returns the sum of their counts."""
        total = Counts()
        lanes = list(dict.fromkeys(part.lane for part in self.parts))
        with ThreadPoolExecutor(max_workers=len(lanes) + 2) as pool:
            if any(part.needs_python for part in self.parts):
                self.preparations["python"] = pool.submit(self.prepare, "python packages", venv.prepare)
            if self.build and any(part.needs_build for part in self.parts):
                self.preparations["build"] = pool.submit(self.prepare, "build", swift.build)
            for counts in pool.map(self.run_lane, lanes):
                total.add(counts)
        return total

    def prepare(self, name: str, step: Callable[[Context], bool]) -> bool:
        """Runs a step that parts wait for, and says how it went."""
        context = self.context(name.replace(" ", "-"))
        began = time.monotonic()
        self.say(f"{name}: started")
        done = step(context)
        self.say(f"{name}: {'done' if done else 'FAILED'} in {time.monotonic() - began:.0f} s")
        if not done:
            self.show_tail(context)
        return done

    def run_lane(self, lane: str) -> Counts:
        """Runs a lane's parts in order, those that need nothing first."""
        total = Counts()
        for part in sorted((part for part in self.parts if part.lane == lane), key=lambda part: part.needs_build):
            total.add(self.run_part(part))
        return total

    def run_part(self, part: Part) -> Counts:
        """Runs one part and prints its counts.

        What goes wrong in the runner itself is a failure of the part: the sum must be printed whatever a part does.
        """
        context = self.context(part.name)
        for need, wanted in (("python", part.needs_python), ("build", part.needs_build)):
            if wanted and need in self.preparations and not self.preparations[need].result():
                return self.close(part, context, failure(f"{part.name}: not run, {need} failed"), 0)
        began = time.monotonic()
        self.say(f"{part.name}: started")
        try:
            counts = part.run(context)
        except Exception as error:
            counts = failure(f"{part.name}: {error!r}")
        return self.close(part, context, counts, time.monotonic() - began)

    def close(self, part: Part, context: Context, counts: Counts, seconds: float) -> Counts:
        """Prints what came of a part; for a failure also its names and the end of its log."""
        self.say(f"{part.name}: {counts} in {seconds:.0f} s")
        if counts.failed:
            with self.printing:
                for name in counts.failures:
                    print(f"    FAILED {name}", flush=True)
            self.show_tail(context)
        return counts

    def context(self, name: str) -> Context:
        """A part's surroundings, with an empty log."""
        context = Context(work=self.work, name=name, selected=self.selected)
        context.log.write_text("")
        return context

    def say(self, text: str) -> None:
        """Prints a line with the time since the start."""
        with self.printing:
            print(f"{time.monotonic() - self.started:6.0f} s  {text}", flush=True)

    def show_tail(self, context: Context) -> None:
        """Prints the end of a part's log."""
        lines = context.log.read_text(errors="replace").splitlines()
        with self.printing:
            print(f"    the end of {context.log}:", flush=True)
            for line in lines[-LOG_TAIL:]:
                print(f"    | {line}", flush=True)
