"""The benchmark runs and its programs do what they say. No time is asserted."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
BUILT = HERE.parents[1] / ".build" / "debug"


def run(words: list[str], programs: Path) -> subprocess.CompletedProcess[str]:
    """Runs a command with the programs of a folder."""
    return subprocess.run(words, env={**os.environ, "APIUM_BUILD_DIR": str(programs)}, capture_output=True, text=True, timeout=150)


def test_a_short_run_measures_our_worker_in_every_way(tmp_path: Path) -> None:
    """All jobs of all measures arrive, and the figures are in the JSON file: a lost job is an error of the run."""
    assert run([str(HERE.parents[1] / "deploy" / "build-tools"), "--debug", "--bare"], BUILT).returncode == 0
    report = tmp_path / "report.json"
    sizes = ["--jobs", "200", "--trips", "5", "--sleeps", "200", "--aof", "off", "--only", "apium"]
    done = run([str(HERE / "run"), *sizes, "--json", str(report)], BUILT)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(report.read_text())["results"]["without AOF"]["apium"]
    for measure in ("results stored: worker CPU s per 10,000", "results ignored: Redis CPU us per job", "enqueue tasks per second", "round trip p99 ms"):
        assert measure in figures
    assert figures["Redis bytes per queued job"] > 100
    assert figures["bare cycle: jobs per second"] > 0
    assert "rates and times do not" in done.stdout


def test_a_short_run_measures_how_cost_grows(tmp_path: Path) -> None:
    """Every job is drained in each of the set-ups, and all workers start."""
    report = tmp_path / "report.json"
    sizes = ["--jobs", "400", "--runs", "1", "--queued", "1000", "--scheduled", "1000", "--queues", "20", "--workers", "3", "--seconds", "0.3"]
    done = run([str(HERE / "growth"), *sizes, "--json", str(report)], BUILT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(report.read_text())["20 queues"]["rate"] > 0


@pytest.mark.parametrize("program", ["worker", "producer"])
def test_a_program_that_is_not_built_is_refused_with_a_hint(program: str, tmp_path: Path) -> None:
    """Code 3, and what to run."""
    done = run([str(HERE / program)], tmp_path / "nothing")
    assert done.returncode == 3
    assert "deploy/build-tools" in done.stderr
