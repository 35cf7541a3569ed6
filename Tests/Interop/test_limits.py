"""Limits and pauses on the command line."""

from __future__ import annotations

import json
import subprocess

from conftest import PROGRAMS, Apium


def limits(apium: Apium, command: str, *words: str) -> tuple[int, object]:
    """Runs a subcommand of `apium limits` and reads its JSON."""
    done = subprocess.run([PROGRAMS / "apium", "limits", command, "--broker", apium.broker, "--json", *words], capture_output=True, text=True, timeout=60)
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def test_limits_are_set_listed_and_cleared(apium: Apium, queue: str) -> None:
    """All of it survives the process that said it."""
    bounds = {"rate": {"interval": 2.0, "burst": 3}, "concurrency": 4}
    assert limits(apium, "set", "--queue", queue, "--rate", "30/m", "--burst", "3", "--concurrency", "4")[1] == {"target": f"queue:{queue}", "limit": bounds}
    assert limits(apium, "set", "--key", f"host={queue}", "--concurrency", "1")[0] == 0
    rows = {row["target"]: row for row in limits(apium, "list")[1]}
    assert rows[f"queue:{queue}"] == {"target": f"queue:{queue}", "limit": bounds, "paused_since": None, "running": 0, "waiting": 0, "next_at": None}
    assert rows[f"key:host={queue}"]["limit"] == {"rate": None, "concurrency": 1}
    for target in (("--queue", queue), ("--key", f"host={queue}")):
        assert limits(apium, "clear", *target)[0] == 0
    assert not [row for row in limits(apium, "list")[1] if queue in row["target"]]
    assert limits(apium, "set", "--queue", queue, "--rate", "often")[0] == 64
    assert limits(apium, "set", "--queue", queue, "--job", "x", "--concurrency", "1")[0] == 64


def test_a_pause_is_kept_until_it_is_resumed(apium: Apium, queue: str) -> None:
    """Saying it twice changes nothing; what is not paused cannot be resumed."""
    assert json.loads(apium.run("pause", "--queue", queue, "--json").stdout) == {"target": f"queue:{queue}", "paused": True, "changed": True}
    assert json.loads(apium.run("pause", "--queue", queue, "--json").stdout)["changed"] is False
    assert [row["paused_since"] is not None for row in limits(apium, "list")[1] if queue in row["target"]] == [True]
    assert apium.run("resume", "--queue", queue).returncode == 0
    assert apium.run("resume", "--queue", queue).returncode == 2
    assert apium.run("pause", "--key", "host").returncode == 64
    assert apium.run("pause").returncode == 64
