"""The command line itself: its help, its reference page, its exit codes, what a pipe gets, and the completion of a shell."""

from __future__ import annotations

import json
import os
import re
import subprocess
import uuid
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from conftest import PROGRAMS, Operations
from stack.run_folder import ROOT

APIUM = PROGRAMS / "apium"
PAGE = ROOT / "docs" / "cli.md"
# Those of ArgumentParser, and of the project's own library.
NO_SERVER = {"help", "completion", "schedule check"}
NOWHERE = "redis://127.0.0.1:1/0"


@lru_cache(maxsize=1)
def tree() -> dict:
    """All commands, as the program describes them."""
    dump = subprocess.run([APIUM, "--experimental-dump-help"], check=True, capture_output=True, text=True, timeout=30).stdout
    return json.loads(dump)["command"]


def commands(node: dict | None = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, dict]]:
    """Every command that does something, by its words."""
    for child in (node or tree()).get("subcommands", []):
        words = (*path, child["commandName"])
        if child["commandName"] == "help":
            continue
        if child.get("subcommands"):
            yield from commands(child, words)
        else:
            yield " ".join(words), child


def names(child: dict) -> set[str]:
    """The long options of a command."""
    return {name["name"] for argument in child.get("arguments", []) for name in argument.get("names", []) if name["kind"] == "long"}


def test_every_command_has_an_example_in_its_help() -> None:
    """Whoever asks for help sees how it is called."""
    without = [path for path, child in commands() if f"apium {path}" not in child.get("discussion", "")]
    assert not without


def test_every_command_stands_in_the_reference() -> None:
    """docs/cli.md names each command, and none that does not exist."""
    page = PAGE.read_text()
    missing = [path for path, _ in commands() if f"`apium {path}" not in page]
    assert not missing
    written = set(re.findall(r"`apium ([a-z]+(?: [a-z]+)?)", page))
    assert written - {path for path, _ in commands()} == {"help"}


def test_every_read_has_json() -> None:
    """What shows something shows it to programs, too."""
    changes = {"schedule add", "schedule enable", "schedule disable", "schedule run", "schedule remove", "schedule check", "completion"}
    quiet = {"workers drain", "workers shutdown"}
    without = [path for path, child in commands() if "json" not in names(child) and path not in changes | quiet]
    assert not without


def test_every_command_takes_a_broker_a_language_and_colours() -> None:
    """The same options everywhere."""
    for path, child in commands():
        if path not in NO_SERVER:
            assert {"broker", "language", "color"} <= names(child), path


EXIT_CODES = {
    "0": ["queues", "--broker", "{broker}"],
    "1": ["jobs", "retry", "{waiting}", "--broker", "{broker}"],
    "2": ["explain", "{unknown}", "--broker", "{broker}"],
    "64": ["jobs", "delete"],
    "69": ["queues", "--broker", NOWHERE],
    "74": [],
    "77": ["pause", "--queue", "codes", "--broker", "{looker}"],
    "141": [],
}


@pytest.mark.parametrize("code", sorted(EXIT_CODES))
def test_exit_codes_are_those_of_the_table(code: str, command: Operations, own_broker: str) -> None:
    """Each code of the table in docs/cli.md is what a command ends with."""
    rows = dict(re.findall(r"^\| (\d+) \| ([^|]+)\|", PAGE.read_text(), re.MULTILINE))
    assert code in rows, "the table has it"
    assert set(rows) == set(EXIT_CODES) | {"75"}, "75 is a worker's"
    if code == "141":
        assert broken_pipe(own_broker) == 141
        return
    if code == "74":
        with Path("/dev/full").open("w") as full:
            done = subprocess.run([APIUM, "queues", "--broker", own_broker], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
        assert done.returncode == 74
        assert "standard output cannot be written" in done.stderr
        return
    waiting = str(uuid.uuid4())
    command.run("call", "anything", "--queue", "codes", "--task-id", waiting)
    with redis.Redis.from_url(own_broker) as server:
        server.execute_command("ACL", "SETUSER", "looker", "reset", "on", ">open", "~*", "+@read", "+@connection", "+client")
    address = urlsplit(own_broker)
    looker = address._replace(netloc=f"looker:open@{address.hostname}:{address.port}").geturl()
    words = [word.format(broker=own_broker, waiting=waiting, unknown=uuid.uuid4(), looker=looker) for word in EXIT_CODES[code]]
    assert str(subprocess.run([APIUM, *words], capture_output=True, timeout=60).returncode) == code
    command.run("purge", "codes", "--yes")


def broken_pipe(broker: str) -> int:
    """How a command ends whose reader has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([APIUM, "queues", "--broker", broker], stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(writing)
    assert done.stderr == "", done.stderr
    return done.returncode if done.returncode >= 0 else 128 - done.returncode


def test_a_complaint_that_nobody_reads_ends_no_command_otherwise(own_broker: str) -> None:
    """With a closed standard error the code is the same."""
    words = f"exec {APIUM} explain {uuid.uuid4()} --wrong-option --broker {own_broker} 2>&-"
    assert subprocess.run(["bash", "-c", words], stdout=subprocess.DEVNULL, timeout=60).returncode == 64
    words = f"exec {APIUM} queues --broker {NOWHERE} 2>&-"
    assert subprocess.run(["bash", "-c", words], stdout=subprocess.DEVNULL, timeout=60).returncode == 69


def test_a_result_cannot_steer_the_terminal(own_broker: str) -> None:
    """Neither a failure's text nor its state."""
    job = str(uuid.uuid4())
    for state, result in (("FAILURE", {"exc_type": "ValueError", "exc_message": ["\x1b]0;owned\x07"], "exc_module": "builtins"}), ("\x1b[2J", "\x9b31m")):
        with redis.Redis.from_url(own_broker) as server:
            document = {"status": state, "result": result, "traceback": None, "children": [], "task_id": job}
            server.set(f"celery-task-meta-{job}", json.dumps(document))
        shown = subprocess.run([APIUM, "result", job, "--broker", own_broker, "--backend", own_broker], capture_output=True, timeout=60).stdout.decode()
        assert shown.strip(), "something is shown"
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown), repr(shown)


def test_colours_are_for_terminals_unless_somebody_says_otherwise(command: Operations, own_broker: str) -> None:
    """A pipe gets none; --color always overrules the pipe and NO_COLOR."""
    unknown = str(uuid.uuid4())
    assert "\x1b" not in command.run("explain", unknown).stdout
    assert command.run("explain", unknown, "--color", "always").stdout.startswith("\x1b[1m")
    quiet = subprocess.run([APIUM, "explain", unknown, "--broker", own_broker, "--color", "never"], capture_output=True, text=True, timeout=60)
    assert "\x1b" not in quiet.stdout
    assert command.run("explain", unknown, "--color", "green").returncode == 64


def test_sentences_are_in_the_language_of_the_person(own_broker: str) -> None:
    """By the locale, or by --language: the doctor's and the explanations'."""
    words = [APIUM, "doctor", "--broker", own_broker]
    russian = subprocess.run(words, capture_output=True, text=True, timeout=60, env={"LC_ALL": "ru_RU.UTF-8", "PATH": "/usr/bin:/bin"})
    assert "просмотрено задач: " in russian.stdout
    english = subprocess.run([*words, "--language", "en"], capture_output=True, text=True, timeout=60, env={"LC_ALL": "ru_RU.UTF-8", "PATH": "/usr/bin:/bin"})
    assert "jobs and " in english.stdout


def completions(line: str) -> list[str]:
    """What bash offers at the end of a line."""
    script = """
source <("$0" completion bash)
COMP_LINE="$1"; COMP_POINT=${#COMP_LINE}
read -ra COMP_WORDS <<< "$1"; [[ "$1" == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
action=$(complete -p apium | sed -E 's/.*-F ([^ ]+).*/\\1/')
"$action" apium "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""
    done = subprocess.run(["bash", "-c", script, str(APIUM), line], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [word.strip() for word in done.stdout.splitlines()]


def test_bash_completes_commands_and_options() -> None:
    """The script that `apium completion bash` prints, run by bash itself."""
    assert {"call", "jobs", "doctor", "events", "completion"} <= set(completions("apium "))
    assert completions("apium jobs ret") == ["retry"]
    assert {"list", "show", "cancel", "retry", "requeue", "edit", "delete"} <= set(completions("apium jobs "))
    assert completions("apium doctor --rep") == ["--repair"]
    assert {"always", "auto", "never"} <= set(completions("apium queues --color "))
    assert {"dead", "ready", "scheduled"} <= set(completions("apium jobs list --state "))


@pytest.mark.parametrize(("shell", "begin"), [("zsh", "#compdef apium"), ("fish", "function ")])
def test_other_shells_get_a_script_too(shell: str, begin: str) -> None:
    """Its beginning is that shell's."""
    done = subprocess.run([APIUM, "completion", shell], check=True, capture_output=True, text=True, timeout=60)
    assert begin in done.stdout[:500]


def test_the_page_is_in_the_navigation() -> None:
    """The reference is found."""
    assert "cli.md" in Path(ROOT / "mkdocs.yml").read_text()
