"""`beat --metrics`: what a beat of the framework answers."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from conftest import PROGRAMS, Endpoint
from stack.client import RunningStack, wait_for


def schedule(folder: Path, **entry: object) -> Path:
    """A schedule file with one entry, on a queue of the same name."""
    file = folder / "schedule.yaml"
    file.write_text(json.dumps({"entries": {"tick": {"task": "interop.add", "args": [1, 2], "options": {"queue": "ticks"}, **entry}}}))
    return file


def start(broker: str, folder: Path, name: str = "beat", **entry: object) -> Endpoint:
    """A beat with an endpoint."""
    return Endpoint([PROGRAMS / "beat", "--broker", broker, "--schedule", schedule(folder, **entry)], folder / f"{name}.log")


@pytest.fixture
def own_redis() -> Iterator[RunningStack]:
    """A Redis that may be stopped."""
    with RunningStack(only=["redis"]) as stack:
        yield stack


def test_slots_are_counted_and_their_lateness_is_measured(broker: str, tmp_path: Path) -> None:
    """Every outcome is there from the beginning; each job on the queue is a slot that was counted; promtool has nothing to say."""
    beat = start(broker, tmp_path, every="500ms")
    try:
        outcomes = {outcome: beat.value("apium_beat_slots_total", outcome=outcome) for outcome in ("fired", "caught_up", "overlapped", "skipped", "failed")}
        assert None not in outcomes.values()
        wait_for("three slots", lambda: (beat.value("apium_beat_slots_total", outcome="fired") or 0) >= 3)
        assert (beat.value("apium_beat_lateness_seconds_count") or 0) >= 3
        status, kind, text = beat.get("/metrics")
        assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")
        assert beat.value("process_resident_memory_bytes")
    finally:
        assert beat.process.stop() == 0
    fired = [int(number) for number in re.findall(r'apium_beat_slots_total\{outcome="fired"\} (\d+)', text)]
    with redis.Redis.from_url(broker) as server:
        assert server.llen("ticks") >= fired[0] >= 3
        server.delete("ticks")


def test_a_slot_that_cannot_be_sent_is_counted_as_failed(broker: str, tmp_path: Path) -> None:
    """The queue's key is of another kind: nothing can be pushed there, and the alert on failed slots has something to see."""
    with redis.Redis.from_url(broker) as server:
        server.set("ticks", "no list")
        beat = start(broker, tmp_path, every="500ms")
        try:
            wait_for("a failed slot", lambda: (beat.value("apium_beat_slots_total", outcome="failed") or 0) >= 1)
            assert beat.value("apium_beat_slots_total", outcome="fired") == 0
            assert "an entry cannot fire" in beat.process.text
        finally:
            beat.process.stop()
            server.delete("ticks")


def test_a_beat_is_ready_while_its_redis_is_there(own_redis: RunningStack, tmp_path: Path) -> None:
    """Without Redis it lives, is not ready and says why; with Redis again it goes on."""
    beat = start(own_redis.settings["APIUM_BROKER_URL"], tmp_path, every="500ms")
    try:
        wait_for("the beat to be ready", lambda: beat.status("/ready") == 200)
        own_redis.kill_and_hold("redis")
        wait_for("it to see that", lambda: beat.status("/ready") == 503)
        assert re.search(r'"name":"broker","ready":false,"reason":"[^"]+', beat.get("/ready")[2])
        assert beat.status("/live") == 200
        own_redis.release("redis")
        wait_for("the beat to be ready again", lambda: beat.status("/ready") == 200)
        before = beat.value("apium_beat_slots_total", outcome="fired") or 0
        wait_for("the next slot", lambda: (beat.value("apium_beat_slots_total", outcome="fired") or 0) > before)
    finally:
        beat.process.stop()
