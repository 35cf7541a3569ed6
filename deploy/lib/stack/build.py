"""Builds what runs, and nothing when nothing changed."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from pathlib import Path

from .plan import PRODUCTS
from .run_folder import ROOT, RunFolder
from .supervisor import StartError

INPUTS = ["Package.swift", "Package.resolved", "Sources", "Jobs", "beat"]
REPORT_SECONDS = 15.0


def programs(release: bool) -> Path:
    """Where the built programs are."""
    return ROOT / ".build" / ("release" if release else "debug")


def build(folder: RunFolder, release: bool) -> None:
    """Builds everything but the tests, with progress; a build of the same files is not repeated.

    In one `swift build`, for it takes one product or all: one after another, each would be planned and linked while half the machine waits.
    """
    stamp = folder.path / f"build-{'release' if release else 'debug'}.stamp"
    wanted = fingerprint(programs(release))
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("Building; the first time takes minutes", flush=True)
    command = ["deploy/swift", "build", *(["-c", "release"] if release else [])]
    if not run(command, folder.logs / "build.log"):
        raise StartError(f"{' '.join(command)} failed; its output is above and in {folder.logs / 'build.log'}")
    stamp.write_text(fingerprint(programs(release)))


def fingerprint(built: Path) -> str:
    """What the build's result depends on, by name, size and time of change; and the results."""
    digest = hashlib.sha256()
    sources = [path for name in INPUTS for path in [ROOT / name, *sorted((ROOT / name).rglob("*"))]]
    for path in [*sources, *(built / product for product in PRODUCTS)]:
        if path.is_file():
            status = path.stat()
            digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
        elif path in (built / product for product in PRODUCTS):
            digest.update(f"{path} missing\n".encode())
    return digest.hexdigest()


def run(command: list[str], log: Path) -> bool:
    """Runs a build. A terminal gets Swift's own progress; elsewhere a line now and then is enough."""
    if sys.stdout.isatty():
        return subprocess.run(command, cwd=ROOT).returncode == 0
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    reported = time.monotonic()
    while process.poll() is None:
        time.sleep(0.2)
        if time.monotonic() - reported > REPORT_SECONDS:
            print(f"  {last_line(log)}", flush=True)
            reported = time.monotonic()
    if process.returncode != 0:
        print(log.read_text(errors="replace")[-8000:], flush=True)
    return process.returncode == 0


def last_line(log: Path) -> str:
    """The newest line of the build's output."""
    lines = log.read_text(errors="replace").splitlines()
    return lines[-1] if lines else "…"
