"""Ten beats at once, killed and paused at random: each slot fires exactly once. The time is BEAT_SECONDS, by default 20."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import redis
from stack.client import RunningStack
from stack.run_folder import ROOT

BEAT = ROOT / ".build" / "debug" / "beat"
PERIODS = {"half": 500_000, "second": 1_000_000, "odd": 700_000}
"""Entry to period, in microseconds; each has a queue of its own."""


class Beats:
    """Processes of the real program; the chaos is done to them one by one."""

    def __init__(self, broker: str, schedule: Path, log: Path) -> None:
        self.command = [BEAT, "--broker", broker, "--schedule", schedule]
        self.log = log.open("ab")
        self.running = [self.start() for _ in range(10)]
        self.paused: subprocess.Popen | None = None
        self.killed = 0

    def start(self) -> subprocess.Popen:
        """One more beat."""
        return subprocess.Popen(self.command, cwd=ROOT, stdout=self.log, stderr=self.log)

    def harm(self, chance: random.Random) -> None:
        """Wakes who was paused, then pauses one or kills one and starts another."""
        self.wake()
        place = chance.randrange(len(self.running))
        victim = self.running[place]
        assert victim.poll() is None, "a beat ended by itself"
        if chance.random() < 0.5:
            victim.send_signal(signal.SIGSTOP)
            self.paused = victim
            return
        victim.kill()
        victim.wait()
        self.killed += 1
        self.running[place] = self.start()

    def wake(self) -> None:
        """Lets the paused one go on, in the middle of whatever it did."""
        if self.paused:
            self.paused.send_signal(signal.SIGCONT)
            self.paused = None

    def stop(self) -> None:
        """Ends all of them."""
        self.wake()
        for beat in self.running:
            beat.terminate()
        for beat in self.running:
            beat.wait(30)
        self.log.close()


@contextlib.contextmanager
def ten_beats(broker: str, folder: Path) -> Iterator[Beats]:
    """Ten beats of one file."""
    entries = {name: {"task": "t", "every": f"{period // 1000}ms", "options": {"queue": name}} for name, period in PERIODS.items()}
    schedule = folder / "schedule.yaml"
    schedule.write_text(json.dumps({"entries": entries}))
    beats = Beats(broker, schedule, folder / "beats.log")
    try:
        yield beats
    finally:
        beats.stop()


def microseconds(text: str) -> int:
    """An ISO 8601 instant as whole microseconds since 1970."""
    instant = datetime.fromisoformat(text)
    return int(instant.timestamp()) * 1_000_000 + instant.microsecond


def test_ten_beats_that_are_killed_and_paused_fire_each_slot_once(tmp_path: Path) -> None:
    """A harm follows each slot that fires, so that the chaos keeps pace with the beats and not with a clock."""
    seconds = float(os.environ.get("BEAT_SECONDS", "20"))
    chance = random.Random(6)
    late: list[float] = []
    with RunningStack(only=["redis"]) as stack:
        broker = stack.settings["APIUM_BROKER_URL"]
        client = redis.Redis.from_url(broker)
        with ten_beats(broker, tmp_path) as beats:
            ledgers = {f"apium:beat:ledger:{name}": "0" for name in PERIODS}
            first_slot, slot = None, 0
            while first_slot is None or slot - first_slot < seconds * 1_000_000:
                records = client.xread(ledgers, count=1, block=30_000)
                assert records, "no slot fired for 30 seconds"
                for ledger, [(last, record)] in records:
                    ledgers[ledger.decode()] = last
                    slot = int(last.split(b"-")[0])
                    first_slot = first_slot or slot
                    assert record[b"outcome"] == b"fired", record
                    late.append((int(record[b"at"]) - slot) / 1000)
                    beats.harm(chance)
            assert beats.killed >= seconds / 4
        since = {name.decode(): int(value) for name, value in client.hgetall("apium:beat:since").items()}
        for name, period in PERIODS.items():
            messages = [json.loads(text) for text in reversed(client.lrange(name, 0, -1))]
            slots = [microseconds(message["headers"]["apium_slot"]) for message in messages]
            expected = list(range((since[name] // period + 1) * period, slots[-1] + 1, period))
            assert slots == expected, name
            assert all(message["headers"]["celery_beat_task"] is True for message in messages)
    late.sort()
    print(f"{len(late)} slots, {beats.killed} beats killed; late by {late[len(late) // 2]:.1f} ms at p50, {late[int(len(late) * 0.99)]:.1f} ms at p99")
