"""A stack started for tests: its own folder, ports and data, and nothing of the user's settings."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from .run_folder import ROOT, RunFolder, read_json
from .settings import read_env_file

OURS = ("APIUM_", "PRICEWATCH_", "TELEGRAM_", "DEPLOY_", "LOG_")


class NotInTime(AssertionError):
    """What was waited for did not come."""


def wait_for(what: str, condition: Callable[[], object], seconds: float = 30.0, every: float = 0.1) -> object:
    """Waits until the condition gives something, and returns it."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise NotInTime(f"waited {seconds:.0f} s for {what}")
        time.sleep(every)


class RunningStack:
    """Starts deploy/up in a temporary folder, and stops it at the end. The logs stay in `logs` when that is given."""

    def __init__(self, only: Sequence[str] = (), settings: dict[str, str] | None = None, logs: Path | None = None) -> None:
        self.folder = RunFolder(Path(tempfile.mkdtemp(prefix="pricewatch-")))
        self.only = list(only)
        self.given = settings or {}
        self.keep = logs
        # The cluster of a root's stack belongs to postgres, who must get in.
        self.folder.path.chmod(0o755)

    def __enter__(self) -> RunningStack:
        """Starts, and waits until everything is ready."""
        done = self.command("up", "--no-build", "--detach", "--while-process", str(os.getpid()), *(["--only", ",".join(self.only)] if self.only else []))
        if done.returncode != 0:
            self.__exit__(None, None, None)
            raise RuntimeError(f"deploy/up ended with code {done.returncode}:\n{done.stdout}{done.stderr}")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stops, and removes the folder."""
        self.command("down")
        if self.keep:
            shutil.copytree(self.folder.logs, self.keep, dirs_exist_ok=True)
        shutil.rmtree(self.folder.path, ignore_errors=True)

    def command(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs up, down or status for this folder."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith(OURS)}
        environment |= {"PRICEWATCH_ENV_FILE": os.devnull, "PYTHONPATH": str(ROOT / "deploy" / "lib"), **self.given}
        words = [sys.executable, "-m", "stack", name, "--run-dir", str(self.folder.path), *arguments]
        return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=240)

    @property
    def urls(self) -> dict[str, str]:
        """The addresses to look at: site, chat, shop."""
        return read_json(self.folder.state)["urls"]

    @property
    def settings(self) -> dict[str, str]:
        """The settings of the processes, with passwords."""
        return read_env_file(self.folder.environment)

    def part(self, name: str) -> dict:
        """What the supervisor knows of a part."""
        return next(part for part in read_json(self.folder.state)["parts"] if part["name"] == name)

    def log(self, name: str) -> str:
        """A part's log."""
        return (self.folder.logs / f"{name}.log").read_text(errors="replace")

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Sends a signal to a part, and returns its process id."""
        pid = self.part(name)["pid"]
        os.kill(pid, number)
        return pid

    def wait_until_ready(self, name: str, but_not: int | None = None, seconds: float = 60.0) -> None:
        """Waits until a part is ready, as another process than the given one."""
        wait_for(f"{name} to be ready", lambda: self.part(name)["ready"] and self.part(name)["pid"] != but_not, seconds)

    def kill_and_hold(self, name: str) -> None:
        """Ends a part and keeps it down until `release`."""
        (self.folder.held / name).touch()
        self.kill(name)
        wait_for(f"{name} to be down", lambda: self.part(name)["pid"] is None)

    def release(self, name: str) -> None:
        """Lets a held part start again, and waits until it is ready."""
        (self.folder.held / name).unlink()
        self.wait_until_ready(name)
