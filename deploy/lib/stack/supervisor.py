"""Starts the parts in order, watches them, starts those that die again, and stops all in reverse."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from types import FrameType

from .plan import Plan
from .process import Part, Process
from .run_folder import RunFolder, write_atomically
from .settings import SettingError, json_text

TICK = 0.2
# A part that has never been ready and ended this often will not become so.
TOO_MANY_ENDS = 4
READY_SECONDS = 90.0


class StartError(Exception):
    """The stack did not come up, with the reason."""


class Supervisor:
    """One running stack. Everything happens on one thread: children are told of their parent's end by the thread that made them."""

    def __init__(self, plan: Plan, folder: RunFolder, only: set[str] | None = None, owner: int | None = None) -> None:
        self.folder = folder
        self.owner = owner
        self.urls = plan.urls
        self.processes = [Process(part, folder.logs) for part in plan.parts if only is None or part.name in only]
        self.stopping = False
        self.written = ""

    def ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        """The handler of SIGINT and SIGTERM."""
        self.stopping = True

    def start(self) -> None:
        """Starts every part once those before it are ready."""
        deadline = time.monotonic() + READY_SECONDS
        names = {process.part.name for process in self.processes}
        waiting = list(self.processes)
        while not self.stopping and not all(process.was_ready for process in self.processes):
            ready = {process.part.name for process in self.processes if process.was_ready}
            for process in [process for process in waiting if set(process.part.after) & names <= ready]:
                self.first_start(process)
                waiting.remove(process)
            self.tick()
            if time.monotonic() > deadline:
                raise StartError(f"not ready after {READY_SECONDS:.0f} s: {', '.join(self.not_ready())}\n{self.tails()}")
            time.sleep(TICK)

    def first_start(self, process: Process) -> None:
        """What a part's first start brings with it."""
        part = process.part
        if part.before_first_start:
            part.before_first_start()
        if part.setup:
            self.run_setup(part)
        process.start()

    def run_setup(self, part: Part) -> None:
        """Runs a part's setup command."""
        done = subprocess.run(part.setup or [], env=dict(part.environment), cwd=part.folder, capture_output=True, text=True, timeout=120)
        with (self.folder.logs / f"{part.name}.log").open("a") as log:
            log.write(done.stdout + done.stderr)
        if done.returncode != 0:
            name = " ".join([Path(part.setup[0]).name, *part.setup[1:]]) if part.setup else ""
            raise StartError(f"{name} ended with code {done.returncode}:\n{(done.stderr or done.stdout).strip()}")

    def watch(self) -> None:
        """Watches until it is asked to stop."""
        while not self.stopping:
            self.tick()
            time.sleep(TICK)

    def tick(self) -> None:
        """Looks at each part once."""
        now = time.monotonic()
        if self.owner and not Path(f"/proc/{self.owner}").exists():
            self.stopping = True
        for process in self.processes:
            held = (self.folder.held / process.part.name).exists()
            if process.child is None:
                if process.started and not held and now >= process.next_start:
                    process.restarts += 1
                    process.start()
                continue
            if held and process.pid:
                process.ask_to_stop()
            was_ready = process.was_ready
            news = process.look()
            if news and not held:
                self.report(process, news)
            if process.was_ready and not was_ready:
                if process.part.when_ready:
                    process.part.when_ready()
                print(f"  {process.part.name:12} ready", flush=True)
        self.write_state()

    def report(self, process: Process, news: str) -> None:
        """Tells of a part that ended, with its last lines."""
        print(f"  {news}; the end of {process.log}:", flush=True)
        for line in process.last_lines():
            print(f"    | {line}", flush=True)
        if not process.was_ready and process.ends >= TOO_MANY_ENDS:
            raise StartError(f"{process.part.name} does not start")

    def stop(self) -> None:
        """Stops the parts in the reverse of their order: what brings work in before what does it, servers last."""
        for process in reversed(self.processes):
            if process.pid is None:
                continue
            process.ask_to_stop()
            if not process.wait_for_end():
                print(f"  {process.part.name} did not end in {process.part.stop_seconds:.0f} s and was killed", flush=True)
            self.write_state()

    def write_state(self) -> None:
        """Writes what runs, when it changed."""
        parts = [
            {
                "name": process.part.name,
                "ready": process.ready,
                "url": process.part.url,
                "pid": process.pid,
                "restarts": process.restarts,
                "log": str(process.log),
            }
            for process in self.processes
        ]
        text = json_text({"parts": parts, "urls": self.urls})
        if text != self.written:
            write_atomically(self.folder.state, text)
            self.written = text

    def not_ready(self) -> list[str]:
        """The names of parts that have not been ready yet."""
        return [process.part.name for process in self.processes if not process.was_ready]

    def tails(self) -> str:
        """The last lines of the parts that are not ready."""
        return "\n".join(f"  {process.part.name} | {line}" for process in self.processes if not process.was_ready for line in process.last_lines(8))


__all__ = ["SettingError", "StartError", "Supervisor"]
