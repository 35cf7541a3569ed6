"""A short run of the lab: everything holds, and it says so. How long faults go on is CHAOS_SECONDS, by default 60."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from chaos.members import HERE, ROOT

SECONDS = float(os.environ.get("CHAOS_SECONDS", "60"))
BUILT = {**os.environ, "APIUM_BUILD_DIR": os.environ.get("APIUM_BUILD_DIR", str(ROOT / ".build" / "debug"))}
SENTENCE = re.compile(
    r"(\d+) worker kills, (\d+) Redis restarts, (\d+) connection cuts, (\d+) jobs: 0 lost, 0 stale effects accepted, \d+ runs repeated, "
    r"slowest recovery \d+\.\d s"
)


@pytest.mark.timeout(SECONDS + 300)
def test_nothing_is_lost_and_nothing_stale_is_accepted_while_everything_is_harmed() -> None:
    """The lab's own judgement; what it says is shown, and kept with the logs of all processes when it is bad."""
    words = [str(HERE / "run"), "--seconds", str(SECONDS), "--rate", "150"]
    done = subprocess.run(words, env=BUILT, capture_output=True, text=True)
    print(done.stdout, done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr
    said = SENTENCE.fullmatch(done.stdout.splitlines()[-1])
    assert said, done.stdout
    kills, restarts, cuts, jobs = map(int, said.groups())
    assert kills >= SECONDS / 10
    assert restarts >= 1
    assert cuts >= SECONDS / 10
    assert jobs >= SECONDS * 10


@pytest.mark.timeout(300)
def test_a_short_soak_counts_its_jobs_and_finds_every_key_owned() -> None:
    """Memory is looked at over a million jobs, by hand."""
    done = subprocess.run([str(HERE / "soak"), "--jobs", "3000", "--step", "1000000"], env=BUILT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 kinds of them without owner" in done.stdout


@pytest.mark.parametrize("program", ["run", "soak"])
def test_programs_that_are_not_built_are_named(program: str, tmp_path: Path) -> None:
    """Code 3, and what to run."""
    done = subprocess.run([str(HERE / program)], env={**BUILT, "APIUM_BUILD_DIR": str(tmp_path)}, capture_output=True, text=True)
    assert done.returncode == 3
    assert "deploy/build-tools" in done.stderr
