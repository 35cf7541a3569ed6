"""deploy/up, deploy/status and deploy/down themselves."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import web
from chat import Person
from stack.client import RunningStack, wait_for
from stack.run_folder import ROOT


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    """A stack in a folder of its own."""
    with RunningStack() as running:
        yield running


def status(stack: RunningStack) -> dict:
    """What `deploy/status --json` prints."""
    done = subprocess.run([ROOT / "deploy" / "status", "--json", "--run-dir", stack.folder.path], capture_output=True, text=True, timeout=30)
    return json.loads(done.stdout)


def test_status_names_every_part_and_address(stack: RunningStack) -> None:
    """In the form that programs read."""
    shown = status(stack)
    names = {part["name"] for part in shown["parts"]}
    assert names == {"redis", "postgres", "sample-shop", "chat", "parser", "api", "worker", "beat", "bot", "nginx"}
    assert all(part["ready"] and part["url"] for part in shown["parts"])
    assert set(shown["urls"]) == {"site", "chat", "shop"}
    assert web.get(f"{shown['urls']['chat']}/control/chats/1").status == 200
    assert web.get(f"{shown['urls']['site']}/health/ready").status == 200
    assert web.get(shown["urls"]["shop"]).status == 200


def test_everything_listens_on_loopback_alone(stack: RunningStack) -> None:
    """No part can be reached from another machine."""
    pids = {part["pid"] for part in status(stack)["parts"]}
    listening = subprocess.run(["ss", "-Htlnp"], capture_output=True, text=True, check=True).stdout.splitlines()
    ours = [line.split()[3] for line in listening if any(f"pid={pid}," in line for pid in pids)]
    assert len(ours) >= 10
    assert all(address.startswith("127.0.0.1:") for address in ours), ours


def test_secrets_are_readable_by_their_owner_alone(stack: RunningStack) -> None:
    """Generated passwords and the settings with them."""
    for path in (stack.folder.secrets, stack.folder.environment):
        assert path.stat().st_mode & 0o077 == 0


def test_the_parser_is_given_no_credentials(stack: RunningStack) -> None:
    """Its environment names neither the database nor the queue."""
    environment = Path(f"/proc/{stack.part('parser')['pid']}/environ").read_text()
    assert "PARSER_ADDRESS" in environment
    assert not any(word in environment for word in ("DATABASE", "BROKER", "TOKEN", "PASSWORD"))


def test_redis_evicts_nothing_and_writes_everything_down(stack: RunningStack) -> None:
    """AOF on, noeviction."""
    port = stack.part("redis")["url"].rpartition(":")[2].split("/")[0]
    password = stack.settings["APIUM_BROKER_URL"].split(":")[2].split("@")[0]
    for name, value in {"appendonly": "yes", "maxmemory-policy": "noeviction"}.items():
        words = ["redis-cli", "-p", port, "config", "get", name]
        done = subprocess.run(words, env={**os.environ, "REDISCLI_AUTH": password}, capture_output=True, text=True)
        assert done.stdout.split() == [name, value]
    refused = subprocess.run(["redis-cli", "-p", port, "ping"], capture_output=True, text=True)
    assert "NOAUTH" in refused.stdout + refused.stderr


def test_a_part_that_dies_is_reported_and_started_again(stack: RunningStack) -> None:
    """With its last lines in the supervisor's log."""
    pid = stack.kill("beat")
    stack.wait_until_ready("beat", but_not=pid)
    told = (stack.folder.logs / "up.log").read_text()
    assert "beat was ended by SIGKILL; starting it again in 1 s" in told
    assert "beat.log:" in told


def test_a_second_up_says_that_it_runs(stack: RunningStack) -> None:
    """It starts nothing a second time."""
    before = status(stack)
    again = stack.command("up", "--no-build", "--detach")
    assert again.returncode == 0
    assert "runs already" in again.stdout
    assert status(stack) == before


def test_a_second_start_is_quick_and_finds_the_data(stack: RunningStack) -> None:
    """Down in order, up again: the same addresses, and what was followed is followed."""
    person = Person(stack.urls["chat"], "Dana")
    product = web.get(f"{stack.urls['shop']}/products").json[0]
    person.say(product["url"])
    person.wait_for("the product", lambda text: "Price:" in text)
    before = status(stack)
    assert stack.command("down").returncode == 0
    assert status(stack)["parts"] == []
    began = time.monotonic()
    up = stack.command("up", "--no-build", "--detach", "--while-process", str(os.getpid()))
    assert up.returncode == 0, up.stdout + up.stderr
    assert time.monotonic() - began < 30
    assert status(stack)["urls"] == before["urls"]
    person.say("/list")
    person.wait_for("the list", lambda text: "You follow 1" in text)


def test_down_stops_all_in_order(stack: RunningStack) -> None:
    """No process is left, none had to be killed, and the servers went last."""
    pids = [part["pid"] for part in status(stack)["parts"]]
    done = stack.command("down")
    assert (done.returncode, done.stdout.strip()) == (0, "Stopped.")
    wait_for("all processes to be gone", lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), 10)
    told = (stack.folder.logs / "up.log").read_text()
    assert "was killed" not in told, told[-2000:]
    assert stack.command("down").stdout.strip() == "Nothing runs."
