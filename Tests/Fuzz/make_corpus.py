#!/usr/bin/env python3
"""Makes the seeds of the fuzz targets from the captures in Tests/Fixtures/celery: Tests/Fuzz/Corpus/<decoder>/<number>."""

from __future__ import annotations

import base64
import bz2
import json
import shutil
import zlib
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent
CAPTURES = HERE.parent / "Fixtures" / "celery"
LONGEST = 3000
ZONES = ["UTC", "Europe/Berlin", "Europe/Dublin", "America/Nuuk", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca", "Pacific/Apia"]


REPLY_TO = {"exchange": "reply.celery.pidbox", "routing_key": "oid"}
CONTROL = [
    {"method": "ping", "arguments": {}, "destination": None, "pattern": None, "matcher": None},
    {"method": "revoke", "arguments": {"task_id": ["i"], "terminate": True}, "destination": ["w@h"], "ticket": "t", "reply_to": REPLY_TO},
    {"method": "rate_limit", "arguments": {"task_name": "t", "rate_limit": "10/m"}, "pattern": "w*", "matcher": "glob"},
    {"w@h": {"ok": "pong"}},
    {"type": "task-sent", "hostname": "w@h", "utcoffset": 0.0, "pid": 1, "clock": 7, "timestamp": 1795389278.5, "uuid": "i"},
    [{"type": "worker-online", "hostname": "w@h", "timestamp": 1}, {"type": "worker-offline"}, 5],
]


def envelope(body: object) -> bytes:
    """Kombu's envelope of a control message, a reply or an event."""
    properties = {"delivery_mode": 1, "delivery_info": {"exchange": "celery.pidbox", "routing_key": ""}, "priority": 0, "body_encoding": "base64"}
    whole = {
        "body": base64.b64encode(json.dumps(body).encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"clock": 7, "expires": 1795389278.5, "ticket": "t"},
        "properties": properties,
    }
    return json.dumps(whole).encode()


def lines(name: str) -> list[bytes]:
    """The captured bytes of a file."""
    found = [json.loads(line) for line in (CAPTURES / name).read_text().splitlines()]
    return [line["text"].encode() if "text" in line else base64.b64decode(line["base64"]) for line in found]


def write(decoder: str, seeds: Iterable[bytes], most: int = 16) -> None:
    """Writes seeds, evenly chosen when there are too many."""
    fitting = [seed for seed in dict.fromkeys(seeds) if len(seed) <= LONGEST]
    step = max(1, -(-len(fitting) // most))
    folder = HERE / "Corpus" / decoder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number, seed in enumerate(fitting[::step]):
        (folder / f"{number:02}").write_bytes(seed)


def bodies(messages: list[bytes]) -> list[bytes]:
    """Bodies in JSON that are not compressed."""
    found = []
    for message in map(json.loads, messages):
        if message["content-type"] == "application/json" and "compression" not in message["headers"]:
            encoded = message["properties"]["body_encoding"] == "base64"
            found.append(base64.b64decode(message["body"]) if encoded else message["body"].encode())
    return found


def signatures(texts: list[bytes]) -> list[bytes]:
    """Every signature that stands anywhere in bodies."""
    found: list[bytes] = []

    def look(value: object) -> None:
        if isinstance(value, dict):
            if "task" in value and "options" in value:
                found.append(json.dumps(value).encode())
            for member in value.values():
                look(member)
        elif isinstance(value, list):
            for member in value:
                look(member)

    for text in texts:
        look(json.loads(text))
    return found


def main() -> None:
    """Makes all seeds anew."""
    messages = lines("messages.jsonl")
    texts = bodies(messages)
    typed = next(line["expect"][1] for line in map(json.loads, (CAPTURES / "messages.jsonl").read_text().splitlines()) if line["name"] == "typed values")
    write("envelope", messages, 24)
    write("body", texts)
    write("json", [*texts, b"[1.5e300, -0, true, null]", b'"\\u00e9\\ud83d\\ude00\\u0000"'])
    canvases = [{"task": "celery.chain", "args": [], "kwargs": {"tasks": []}, "options": {}, "subtask_type": "chain", "immutable": False}]
    write("signature", signatures(texts) + [json.dumps(canvas).encode() for canvas in canvases])
    write("control", [envelope(body) for body in CONTROL])
    write("result", lines("results.jsonl"), 24)
    write("typed", [json.dumps(value).encode() for value in typed.values() if isinstance(value, dict)], 20)
    instants = [value["__value__"].encode() for value in typed.values() if isinstance(value, dict) and isinstance(value["__value__"], str)]
    write("instants", [*instants, b"2026-W47-7", b"2026-326", b"20261122T231438Z", b"24:00", b"6e2a5f0e-1c0c-4f5b-9d7e-0d4a5b6c7d01"], 24)
    text = b"a price, and a price, and a price"
    zstd = next(seed.split(b"\0", 3)[3] for seed in lines("results.jsonl") if b"application/zstd" in seed)
    write("compression", [b"\0" + zlib.compress(text), b"\1" + bz2.compress(text), b"\2" + zstd])
    write("resp", [b"+OK\r\n", b"-ERR no\r\n", b":42\r\n", b"$5\r\nhello\r\n", b"$-1\r\n", b"*2\r\n$1\r\na\r\n*1\r\n:-7\r\n", b"*-1\r\n", b"*0\r\n:1\r\n"])
    urls = ["redis://:p%40ss@localhost:6379/1?db=2", "rediss://u:p@[::1]:1/0", "redis+socket:///tmp/r.sock?virtual_host=3", "sentinel://a:1;sentinel://b:2/0"]
    write("url", [url.encode() for url in urls])
    write("zone", [path.read_bytes() for path in (Path("/usr/share/zoneinfo") / name for name in ZONES) if path.is_file()])
    write("crontab", [b"* * * * *", b"*/15 8-18 1,15 jan-jun mon", b"0 22-2/2 31 2 sun,sat", b"59 23 * * 0"])


if __name__ == "__main__":
    main()
