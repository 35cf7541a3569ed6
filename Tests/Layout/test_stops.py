"""Nothing is killed before the time is over in which it ends its jobs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from package import ROOT
from stack.plan import Planner
from stack.run_folder import RunFolder

# `worker_grace_period`, and what cancelled jobs have after it.
GRACE_SECONDS = 25 + 3


@pytest.mark.parametrize("name", ["api", "worker", "bot"])
def test_a_container_may_take_longer_to_end_than_its_jobs(name: str) -> None:
    """Docker's own 10 s would leave jobs to their lease, and send messages twice."""
    service = re.search(rf"^  {name}:\n((?:    .*\n|\n)+)", (ROOT / "deploy" / "compose.yaml").read_text(), re.MULTILINE)
    assert service
    period = re.search(r"^    stop_grace_period: (\d+)s$", service[1], re.MULTILINE)
    assert period, f"{name} has no stop_grace_period"
    assert int(period[1]) > GRACE_SECONDS


@pytest.mark.parametrize("name", ["api", "worker", "bot"])
def test_a_part_may_take_longer_to_end_than_its_jobs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of deploy/up, too."""
    folder = RunFolder(tmp_path)
    folder.make()
    planner = Planner(folder, {}, tmp_path)
    monkeypatch.setattr("stack.plan.SETTINGS_OF", {name: ()})
    monkeypatch.setattr("stack.plan.LOGS", ())
    monkeypatch.setattr("stack.plan.BROKER", ())
    assert planner.process(name, []).stop_seconds > GRACE_SECONDS
