"""`apium schedule` against a beat that runs: what is edited is in force at once."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from stack.client import RunningStack
from stack.run_folder import ROOT

PROGRAMS = ROOT / ".build" / "debug"
CELERY = """
beat_schedule:
  add: {task: tasks.add, schedule: 3600, args: [1, 2], options: {queue: imported}}
  bad: {task: tasks.add, schedule: 10, options: {exchange: x}}
"""


class Console:
    """The command line, and the broker behind it."""

    def __init__(self, broker: str) -> None:
        self.broker = broker
        self.redis = redis.Redis.from_url(broker, decode_responses=True)

    def run(self, *words: str | Path, status: int = 0) -> str:
        """What a command prints; its exit code is the one that is expected."""
        command = [PROGRAMS / "apium", "schedule", *words, "--broker", self.broker]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == status, f"{words} ended with {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def read(self, *words: str) -> dict | list:
        """A command's JSON."""
        return json.loads(self.run(*words, "--json"))

    def wait_for_job(self, queue: str) -> dict:
        """The next message of a queue."""
        found = self.redis.brpop(queue, timeout=30)
        assert found, f"no job came to {queue}"
        return json.loads(found[1])


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    """A beat with one slow entry of its own."""
    schedule = tmp_path / "schedule.yaml"
    schedule.write_text(json.dumps({"entries": {"own": {"task": "t", "every": "1d", "options": {"queue": "own"}}}}))
    with RunningStack(only=["redis"]) as stack, (tmp_path / "beat.log").open("wb") as log:
        console = Console(stack.settings["APIUM_BROKER_URL"])
        changes = console.redis.pubsub()
        changes.subscribe("apium:schedule:changes")
        changes.get_message(timeout=10)
        beat = subprocess.Popen([PROGRAMS / "beat", "--broker", console.broker, "--schedule", schedule], cwd=ROOT, stdout=log, stderr=log)
        with contextlib.ExitStack() as after:
            after.callback(beat.wait, 30)
            after.callback(beat.terminate)
            assert changes.get_message(timeout=30), "the beat has put nothing in force"
            yield console


def test_an_added_entry_fires_at_once_and_a_removed_one_no_more(console: Console) -> None:
    """Without the change being heard the beat would sleep for 30 seconds; the audit says who did what."""
    shown = console.run("add", "quick", "--task", "t", "--every", "200ms", "--queue", "quick", "--dry-run")
    assert "would add quick" in shown and "next" in shown
    assert [entry["name"] for entry in console.read("list")["entries"]] == ["own"]
    console.run("add", "quick", "--task", "t", "--every", "200ms", "--queue", "quick", "--kwargs", '{"a": [1]}', "--as", "anna")
    first, second = console.wait_for_job("quick"), console.wait_for_job("quick")
    assert first["headers"]["apium_slot"] < second["headers"]["apium_slot"]
    console.run("disable", "quick", "--as", "anna")
    jobs = {record["job"] for record in console.read("ledger", "quick", "--outcome", "fired", "--limit", "10000")}
    console.run("remove", "quick", "--as", "anna")
    later = {record["job"] for record in console.read("ledger", "quick", "--outcome", "fired", "--limit", "10000")}
    assert later == jobs, "a slot fired after the entry was disabled"
    assert first["headers"]["id"] in jobs
    assert [(line["editor"], line["action"]) for line in console.read("audit", "quick")] == [("anna", "remove"), ("anna", "disable"), ("anna", "add")]


def test_a_deployments_entry_is_run_and_switched_and_nothing_else(console: Console) -> None:
    """The exit codes say what is refused."""
    identifier = console.run("run", "own").strip()
    assert console.wait_for_job("own")["headers"]["id"] == identifier
    console.run("disable", "own")
    shown = console.read("show", "own")
    assert (shown["source"], shown["switched"], shown["enabled"], shown["next"]) == ("deployed", True, False, None)
    console.run("enable", "own")
    console.run("remove", "own", status=64)
    console.run("add", "own", "--task", "t", "--every", "5s", "--replace", status=64)
    console.run("add", "bad", "--task", "t", "--every", "soon", status=64)
    console.run("show", "nobody", status=2)
    assert len(console.read("preview", "own", "--count", "3")) == 3


def test_celerys_schedule_is_imported_with_clear_faults(console: Console, tmp_path: Path) -> None:
    """Nothing of it where something cannot be taken over, unless that is asked for."""
    path = tmp_path / "celery.yaml"
    path.write_text(CELERY)
    refused = console.run("import", path, status=64)
    assert "celery.yaml:4: bad.options.exchange cannot be taken over: routes are settings (task_routes)" in refused
    assert [entry["name"] for entry in console.read("list")["entries"]] == ["own"]
    console.run("import", path, "--partial")
    entry = console.read("show", "add")
    assert entry["definition"] == {"task": "tasks.add", "every": "1h", "args": [1, 2], "options": {"queue": "imported"}}

    assert "would add check-due" in console.run("import", ROOT / "beat" / "schedule.yaml", "--dry-run")


def test_what_cannot_be_reached_is_said() -> None:
    """With its exit code."""
    Console("redis://127.0.0.1:1/0").run("list", status=69)
