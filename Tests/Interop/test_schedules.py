"""Slots are Celery's: crontabs on random expressions and instants, events of the sun within a minute, offsets as Python's zoneinfo has them."""

from __future__ import annotations

import json
import random
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from celery import Celery
from celery.schedules import crontab, solar
from conftest import PROGRAMS

UTC = timezone.utc
FIELDS = {"minute": (0, 59), "hour": (0, 23), "day_of_month": (1, 31), "month_of_year": (1, 12), "day_of_week": (0, 6)}
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
ZONES = ["Europe/Berlin", "Europe/Dublin", "America/New_York", "America/Nuuk", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu"]


def preview(folder: Path, entries: dict[str, dict], start: datetime, count: int) -> dict[str, list[dict]]:
    """What the command line shows of all entries."""
    path = folder / "schedule.yaml"
    path.write_text(json.dumps({"entries": entries}))
    command = [PROGRAMS / "apium", "schedule", "preview", "--file", path, "--json", "--count", str(count), "--from", start.isoformat()]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def word(number: int, field: str, chance: random.Random) -> str:
    """A number of a field, at times by its name."""
    names = {"month_of_year": MONTHS[number - 1 : number], "day_of_week": DAYS[number : number + 1]}.get(field)
    return chance.choice([str(number), names[0]]) if names else str(number)


def part(field: str, chance: random.Random) -> str:
    """A number, a range (also one that wraps) or everything, with or without a step."""
    low, high = FIELDS[field]
    step = f"/{chance.randint(1, (high - low) // 2)}" if chance.random() < 0.5 else ""
    kind = chance.randrange(4)
    if kind == 0:
        return word(chance.randint(low, high), field, chance)
    if kind == 1:
        return "*" + step
    return f"{word(chance.randint(low, high), field, chance)}-{word(chance.randint(low, high), field, chance)}{step}"


def expression(chance: random.Random) -> dict[str, str]:
    """Five fields; those of days are mostly open, else few dates fit."""
    fields = {}
    for field in FIELDS:
        closed = chance.random() < (0.8 if field in ("minute", "hour") else 0.4)
        fields[field] = ",".join(part(field, chance) for _ in range(chance.randint(1, 3))) if closed else "*"
    return fields


def celery_slots(fields: dict[str, str], start: datetime, count: int) -> list[datetime]:
    """Slot after slot as Celery finds them."""
    slots: list[datetime] = []
    with Celery() as app:
        schedule = crontab(**fields, app=app)
        for _ in range(count):
            last, delta, _ = schedule.remaining_delta(start)
            start = last + delta
            slots.append(start.astimezone(UTC))
    return slots


@pytest.mark.parametrize("seed", range(8))
def test_the_slots_of_random_crontabs_are_celerys(tmp_path: Path, seed: int) -> None:
    """Six slots of 60 expressions each, from one random instant on."""
    chance = random.Random(seed)
    start = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randrange(20 * 366 * 86400))
    expected: dict[str, tuple[dict[str, str], list[datetime]]] = {}
    while len(expected) < 60:
        fields = expression(chance)
        try:
            slots = celery_slots(fields, start, 6)
        except RuntimeError:  # Celery gives up on dates that hardly ever come.
            continue
        expected[f"entry-{len(expected)}"] = (fields, slots)
    entries = {name: {"task": "t", "crontab": " ".join(fields.values())} for name, (fields, _) in expected.items()}
    for name, shown in preview(tmp_path, entries, start, 6).items():
        fields, slots = expected[name]
        assert [datetime.fromisoformat(slot["slot"]) for slot in shown] == slots, (fields, start)


@pytest.mark.parametrize("latitude", [-33.9, 0, 40.7])
def test_events_of_the_sun_are_within_a_minute_of_celerys(tmp_path: Path, latitude: float) -> None:
    """All nine events from twelve random instants on."""
    chance = random.Random(latitude)
    longitude = round(chance.uniform(-180, 180), 2)
    events = sorted(solar._all_events)
    entries = {event: {"task": "t", "solar": {"event": event, "lat": latitude, "lon": longitude}} for event in events}
    with Celery() as app:
        for _ in range(12):
            start = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randrange(20 * 366 * 86400))
            for event, shown in preview(tmp_path, entries, start, 1).items():
                schedule = solar(event, latitude, longitude, app=app, nowfun=lambda now=start: now)
                expected = start + schedule.remaining_estimate(start)
                found = datetime.fromisoformat(shown[0]["slot"])
                assert abs(found - expected) < timedelta(minutes=1), (event, latitude, longitude, start)


@pytest.mark.parametrize("zone", ZONES)
def test_the_offsets_of_slots_are_those_of_the_tz_database(tmp_path: Path, zone: str) -> None:
    """A slot a day for 24 years: listed changes of the clock, and those by the zone's rule."""
    entries = {"daily": {"task": "t", "crontab": "30 2 * * *", "timezone": zone}}
    shown = preview(tmp_path, entries, datetime(2020, 1, 1, tzinfo=UTC), 9000)["daily"]
    assert len(shown) == 9000
    for slot in shown:
        instant = datetime.fromisoformat(slot["slot"])
        assert datetime.fromisoformat(slot["local"]).utcoffset() == instant.astimezone(ZoneInfo(zone)).utcoffset(), slot
