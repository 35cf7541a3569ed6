#!/usr/bin/env python3
# Tasks take and answer anything.
# ruff: noqa: ANN401
"""Captures what a real Celery writes: messages.jsonl (one envelope a line) and results.jsonl (one stored result a line).

    python3 -m venv /tmp/capture && /tmp/capture/bin/pip install -r Tests/Fixtures/celery/requirements.txt
    /tmp/capture/bin/python Tests/Fixtures/celery/capture.py

Starts a private Redis. Each line names what was asked for; `text` is the envelope or the document byte for byte (only the
host name and the process id are replaced), `base64` stands in its place where the bytes are not UTF-8. `expect` is what
Python reads from it, where a decoder may be measured by it.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from datetime import time as clock_time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import redis
from celery import Celery, chain, chord, group
from celery.backends.base import Backend
from celery.canvas import StampingVisitor
from celery.contrib.testing.worker import start_worker
from celery.exceptions import Ignore
from kombu import Producer
from kombu.utils.json import dumps as kombu_json

HERE = Path(__file__).resolve().parent
NOON = datetime(2030, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)

TYPED = {
    "aware": datetime(2026, 11, 22, 23, 14, 38, 112215, tzinfo=UTC),
    "naive": datetime(2026, 11, 22, 23, 14, 38),
    "zoned": datetime(2026, 11, 23, 0, 14, 38, 5, tzinfo=timezone(timedelta(hours=1, minutes=30))),
    "odd_zone": datetime(1900, 1, 1, tzinfo=timezone(timedelta(minutes=9, seconds=21))),
    "west": datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(-timedelta(hours=3, minutes=30))),
    "date": date(2026, 2, 28),
    "time": clock_time(3, 4, 5),
    "time_fraction": clock_time(23, 59, 59, 999999, tzinfo=UTC),
    "decimal": Decimal("19.90"),
    "decimal_large": Decimal("-1E+400"),
    "decimal_nan": Decimal("NaN"),
    "uuid": UUID("6e2a5f0e-1c0c-4f5b-9d7e-0d4a5b6c7d01"),
    "bytes": "ключ".encode(),
    "base64": bytes([0xFF, 0, 1]),
    "empty": b"",
    "nested": [{"deep": (Decimal("1"), None, date(1, 1, 1))}],
}


class Region(StampingVisitor):
    """Stamps everything with a region and a list."""

    def on_signature(self, sig: Any, **headers: Any) -> dict[str, Any]:
        """The stamps of one signature."""
        return {"region": "eu", "trace": ["a", 1]}


class CustomError(Exception):
    """An error with a module of its own."""

    class Inner(Exception):
        """A nested one."""


app = Celery("shop", set_as_current=False)


@app.task(name="shop.add")
def add(*args: Any, **kwargs: Any) -> Any:
    """Adds."""
    return sum(args)


@app.task(name="shop.echo")
def echo(value: Any) -> Any:
    """Answers what it was given."""
    return value


@app.task(name="shop.typed")
def typed() -> Any:
    """Answers one value of each type."""
    return TYPED


@app.task(name="shop.fail")
def fail(kind: str) -> None:
    """Fails in one of several ways."""
    errors = {
        "value": ValueError("no price"),
        "key": KeyError("nope", 3),
        "empty": ZeroDivisionError(),
        "custom": CustomError("own", {"a": 1}),
        "inner": CustomError.Inner("nested"),
        "object": RuntimeError(object()),
        "unicode": ValueError("ключ \U0001f600"),
        "typed": ValueError(Decimal("1.5"), NOON),
    }
    raise errors[kind]


@app.task(name="shop.retry", bind=True, max_retries=1)
def retry(self: Any) -> None:
    """Retries once."""
    raise self.retry(countdown=3600, exc=ValueError("later"))


@app.task(name="shop.progress", bind=True)
def progress(self: Any) -> None:
    """Leaves a state of its own."""
    self.update_state(state="PROGRESS", meta={"done": 3, "of": 10})
    raise Ignore


@app.task(name="shop.parent", bind=True)
def parent(self: Any) -> Any:
    """Sends children, and answers the handle of one."""
    echo.delay(1)
    group(echo.s(2), echo.s(3)).apply_async()
    return echo.delay(4)


class Capture:
    """Sends, and takes from Redis what was written."""

    def __init__(self, server: redis.Redis) -> None:
        self.server = server
        self.lines: list[dict[str, Any]] = []

    def take(self, name: str, expect: Any = None) -> None:
        """Takes all messages that wait now."""
        found = []
        for key in sorted(self.server.keys("*")):
            if self.server.type(key) == b"list":
                found += [(key, text) for text in reversed(self.server.lrange(key, 0, -1))]
                self.server.delete(key)
        for index, (key, text) in enumerate(found):
            line = {"name": name if len(found) == 1 else f"{name} {index}", "key": key.decode(), **raw(text)}
            self.lines.append(line | ({} if expect is None else {"expect": expect}))

    def write(self, name: str) -> None:
        """Writes the lines, sorted as they were taken."""
        names = [line["name"] for line in self.lines]
        assert len(set(names)) == len(names), [one for one in names if names.count(one) > 1]
        text = "".join(json.dumps(line, ensure_ascii=True) + "\n" for line in self.lines)
        (HERE / name).write_text(text)
        print(f"{name}: {len(self.lines)} lines")


def raw(data: bytes) -> dict[str, str]:
    """The bytes for a line of JSON, without this machine's name."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}
    text = text.replace(socket.gethostname(), "shop.example")
    return {"text": re.sub(r"gen\d+@", "gen1@", text)}


def without_source(store: Any) -> Any:
    """Puts one line in the place of a traceback, which would quote Celery's source."""

    def meta(self: Any, result: Any, state: str, traceback: str | None, *rest: Any, **more: Any) -> dict[str, Any]:
        last = traceback and f"Traceback (most recent call last):\n{traceback.strip().splitlines()[-1]}\n"
        return store(self, result, state, last, *rest, **more)

    return meta


def plain(value: Any) -> Any:
    """A value as kombu's JSON says it."""
    return json.loads(kombu_json(value))


def options() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each option alone, each pair, and all together."""
    single: dict[str, dict[str, Any]] = {
        "eta": {"eta": NOON},
        "expires": {"expires": NOON + timedelta(hours=1)},
        "priority": {"priority": 6},
        "retries": {"retries": 2},
        "limits": {"time_limit": 30, "soft_time_limit": 20.5},
        "hard": {"time_limit": 30},
        "shadow": {"shadow": "an alias"},
        "ignored": {"ignore_result": True},
        "headers": {"headers": {"tenant": {"id": 7, "tags": ["a", None, 1.5]}, "celery_beat_task": True}},
        "stamps": {"stamped_headers": ["region"], "region": ["eu", "us"]},
        "group": {"group_id": "c8e8d886-8e11-4033-b7f0-a3e37a6d8345", "group_index": 3},
        "family": {"root_id": "root-1", "parent_id": "parent-1"},
        "links": {"link": add.s(2), "link_error": [add.si(3), echo.s(4).set(queue="errors")]},
        "transient": {"delivery_mode": 1},
        "reply": {"reply_to": "somewhere", "correlation_id": "something", "app_id": "web"},
        "queue": {"queue": "checks"},
        "nesting": {"replaced_task_nesting": 2},
        "zlib": {"compression": "zlib"},
        "bzip2": {"compression": "bzip2"},
        "zstd": {"compression": "zstd"},
        "yaml": {"serializer": "yaml"},
    }
    yield "plain", {}
    for name, value in single.items():
        yield name, value
    for (one, left), (two, right) in itertools.combinations(single.items(), 2):
        # PyYAML cannot say a signature.
        if not set(left) & set(right) and {one, two} != {"links", "yaml"}:
            yield f"{one}+{two}", left | right
    everything: dict[str, Any] = {}
    for name, value in single.items():
        everything = everything if name == "yaml" else value | everything
    yield "everything", everything


def capture_options(capture: Capture) -> None:
    """Every header, alone and beside every other one."""
    for name, value in options():
        add.apply_async((1, 2), {"z": 3}, **value)
        capture.take(name, [[1, 2], {"z": 3}])
    for priority in range(10):
        add.apply_async((1,), priority=priority)
        capture.take(f"priority {priority}")
    for name in ("lzma", "brotli"):
        add.apply_async((1,), compression=name)
        capture.take(f"refused {name}")
    for name in ("pickle", "msgpack"):
        add.apply_async((1,), serializer=name)
        capture.take(f"refused {name}")
    with app.connection_for_write() as connection:
        Producer(connection).publish(b"\x00raw", routing_key="celery", serializer="raw", headers={"task": "shop.add", "id": "raw-1"})
    capture.take("refused raw")
    add.apply_async((1,), countdown=60)
    capture.take("countdown")
    add.apply_async((1,), expires=60)
    capture.take("expires in seconds")
    add.apply_async(("x" * 5000,), {"k": 'é\U0001f600"\\\n\x00\x7f\u2028'})
    capture.take("long and odd text", [["x" * 5000], {"k": 'é\U0001f600"\\\n\x00\x7f\u2028'}])
    add.apply_async((-1, 2**53, 1.5, 1e300, -0.0, True, None, [], {}))
    capture.take("numbers", [[-1, 2**53, 1.5, 1e300, -0.0, True, None, [], {}], {}])
    add.apply_async((2**80, float("inf")))
    capture.take("refused numbers")
    add.apply_async((), TYPED)
    capture.take("typed values", [[], plain(TYPED)])
    in_yaml = {name: TYPED[name] for name in ("aware", "naive", "zoned", "west", "date", "bytes", "base64", "empty")}
    add.apply_async((), in_yaml, serializer="yaml")
    capture.take("typed values in yaml", [[], plain(in_yaml)])
    shared = {"a": [1, 2], "text": "yes", "number": "12", "line": "one\ntwo\n\n three ", "colon": "a: b # c", "empty": "", "octal": "010", "time": "12:30"}
    add.apply_async((shared, shared, [shared["a"], 1e5, 1e-7, -3, 0, True, None, "null", "~", "1e5", "2026-11-22", " lead", "é\x85"]), serializer="yaml")
    capture.take("yaml with aliases", [[shared, shared, [shared["a"], 1e5, 1e-7, -3, 0, True, None, "null", "~", "1e5", "2026-11-22", " lead", "é\x85"]], {}])


def capture_canvas(capture: Capture) -> None:
    """Workflows, as their first messages carry them."""
    flows = {
        "chain": chain(add.s(1), add.s(2), add.s(3)),
        "chain with links": chain(add.s(1), add.s(2)).on_error(echo.s()),
        "group": group(add.s(1), add.s(2)),
        "chord": chord([add.s(1), add.s(2)], add.s()),
        "chain into chord": chain(add.s(1), group(add.s(2), add.s(3)), add.s(4)),
        "chord of chains": chord([chain(add.s(1), add.s(2)), add.s(3)], chain(add.s(), echo.s())),
        "immutable": chain(add.si(1), add.si(2)),
        "map": add.map([(1,), (2,)]),
        "starmap": add.starmap([(1, 2), (3, 4)]),
        "chunks": add.chunks(((n, n) for n in range(4)), 2).group(),
    }
    for name, flow in flows.items():
        flow.apply_async()
        capture.take(f"canvas {name}")
        stamped = flow.clone()
        stamped.stamp(Region())
        stamped.apply_async()
        capture.take(f"canvas {name}, stamped")


def capture_protocol_one(url: str, capture: Capture) -> None:
    """The older form."""
    old = Celery("old", broker=url, backend=url, set_as_current=False)
    old.conf.task_protocol = 1
    step = old.signature("shop.add", (1,))
    calls: dict[str, dict[str, Any]] = {
        "plain": {},
        "eta": {"eta": NOON},
        "expires": {"expires": NOON},
        "limits": {"time_limit": 30, "soft_time_limit": 20},
        "retries": {"retries": 3},
        "headers": {"headers": {"tenant": 7, "origin": "elsewhere"}},
        "group": {"group_id": "g-1", "group_index": 2},
        "links": {"link": step, "link_error": step.clone().set(immutable=True)},
        "zlib": {"compression": "zlib"},
        "yaml": {"serializer": "yaml"},
    }
    for name, call in calls.items():
        old.send_task("shop.add", (8, 8), {"k": 1}, **call)
        capture.take(f"protocol 1 {name}", [[8, 8], {"k": 1}])
    chain(step.clone(), step.clone(), app=old).apply_async()
    capture.take("protocol 1 chain")
    chord([step.clone(), step.clone()], step.clone(), app=old).apply_async()
    capture.take("protocol 1 chord")
    old.close()


def capture_utf8(url: str, capture: Capture) -> None:
    """Bodies that are not in base 64."""
    other = Celery("other", broker=url, backend=url, set_as_current=False)
    other.conf.broker_transport_options = {"body_encoding": "utf-8"}
    for name, call in {"plain": {}, "yaml": {"serializer": "yaml"}}.items():
        other.send_task("shop.add", ('é"\n', 1), {"q": "\\"}, **call)
        capture.take(f"utf-8 body {name}", [['é"\n', 1], {"q": "\\"}])
    other.close()


RUNS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("", {}, ["success", "text", "nothing", "typed", "parent", "retry", "progress", "revoked", "fail *"]),
    ("extended", {"result_extended": True}, ["success", "fail value", "retry"]),
    ("yaml", {"result_serializer": "yaml"}, ["success", "text", "fail key"]),
    ("yaml and zlib", {"result_serializer": "yaml", "result_compression": "zlib"}, ["long"]),
    ("pickle", {"result_serializer": "pickle"}, ["success"]),
    *((method, {"result_compression": method}, ["long", "fail value"]) for method in ("zlib", "bzip2", "zstd", "lzma", "brotli")),
]
FAILURES = ("value", "key", "empty", "custom", "inner", "object", "unicode", "typed")
CALLS: dict[str, tuple[str, tuple[Any, ...], Any]] = {
    "success": ("shop.add", (1, 2), 3),
    "text": ("shop.echo", ('ключ\n"',), 'ключ\n"'),
    "nothing": ("shop.echo", (None,), None),
    "typed": ("shop.typed", (), None),
    "long": ("shop.echo", ("x" * 4000,), "x" * 4000),
    "parent": ("shop.parent", (), None),
    "retry": ("shop.retry", (), None),
    "progress": ("shop.progress", (), {"done": 3, "of": 10}),
    "revoked": ("shop.add", (1,), None),
} | {f"fail {kind}": ("shop.fail", (kind,), None) for kind in FAILURES}


def capture_results(url: str, server: redis.Redis, capture: Capture) -> None:
    """Every state and every way to write it."""
    for label, conf, names in RUNS:
        worker_app = Celery(f"shop {label}", broker=url, backend=url, set_as_current=False)
        worker_app.conf.update(app.conf.table(with_defaults=False) | conf)
        for task in (add, echo, typed, fail):
            worker_app.task(name=task.name)(task.run)
        for task in (retry, progress, parent):
            worker_app.task(name=task.name, bind=True, max_retries=1)(task.__wrapped__.__func__)
        with start_worker(worker_app, pool="solo", perform_ping_check=False, loglevel="CRITICAL"):
            for name in itertools.chain.from_iterable([f"fail {kind}" for kind in FAILURES] if name == "fail *" else [name] for name in names):
                stored = run(worker_app, server, name)
                expect = CALLS[name][2]
                line = {"name": f"{name}, {label}" if label else name, **raw(stored)}
                capture.lines.append(line | ({} if expect is None else {"expect": expect}))
    saved = group(add.s(1), add.s(2))
    saved_result = saved.freeze()
    saved_result.save(backend=app.backend)
    capture.lines.append({"name": "saved group", **raw(server.get(f"celery-taskset-meta-{saved_result.id}"))})


def run(worker_app: Celery, server: redis.Redis, name: str) -> bytes:
    """Calls a task, and answers what is stored once its state is not STARTED."""
    task, arguments, _ = CALLS[name]
    result = worker_app.send_task(task, arguments, expires=datetime(2020, 1, 1, tzinfo=UTC) if name == "revoked" else None, retries=0)
    for _ in range(400):
        stored = server.get(f"celery-task-meta-{result.id}")
        if stored:
            return stored
        time.sleep(0.05)
    raise TimeoutError(name)


@contextlib.contextmanager
def private_redis() -> Iterator[str]:
    """A Redis of its own, on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        words = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        try:
            url = f"redis://127.0.0.1:{port}/0"
            for _ in range(100):
                with contextlib.suppress(redis.ConnectionError):
                    redis.Redis.from_url(url).ping()
                    break
                time.sleep(0.05)
            yield url
        finally:
            process.terminate()
            process.wait()


def main() -> None:
    """Captures everything anew."""
    os.chdir(tempfile.gettempdir())
    Backend._get_result_meta = without_source(Backend._get_result_meta)
    with private_redis() as url:
        app.conf.update(broker_url=url, result_backend=url, accept_content=["json", "yaml", "pickle"], result_accept_content=["json", "yaml", "pickle"])
        server = redis.Redis.from_url(url)
        messages = Capture(server)
        capture_options(messages)
        capture_canvas(messages)
        capture_protocol_one(url, messages)
        capture_utf8(url, messages)
        messages.write("messages.jsonl")
        server.flushall()
        results = Capture(server)
        capture_results(url, server, results)
        results.write("results.jsonl")


if __name__ == "__main__":
    main()
