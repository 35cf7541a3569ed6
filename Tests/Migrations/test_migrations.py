"""`api migrate` against a real PostgreSQL."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import database
import pytest
from stack.client import RunningStack
from stack.run_folder import ROOT

API = ROOT / ".build" / "debug" / "api"


@pytest.fixture
def stack() -> Iterator[RunningStack]:
    """An empty database."""
    with RunningStack(only=["postgres"]) as running:
        yield running


def start(stack: RunningStack, *words: str, folder: Path | None = None) -> subprocess.Popen[str]:
    """Starts `api migrate …`."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "PRICEWATCH_DATABASE_URL": stack.settings["PRICEWATCH_DATABASE_URL"]}
    return subprocess.Popen(
        [API, "migrate", *words], env=environment, cwd=folder or stack.folder.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def migrate(stack: RunningStack, *words: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs `api migrate …`."""
    process = start(stack, *words, folder=folder)
    output, errors = process.communicate(timeout=60)
    return subprocess.CompletedProcess(words, process.returncode, output, errors)


def tables(stack: RunningStack) -> set[str]:
    """The tables that there are."""
    return {row[0] for row in database.rows(stack, "select tablename from pg_tables where schemaname = 'public'")}


def bookkeeping(stack: RunningStack) -> str:
    """The table in which applied migrations are noted."""
    return database.value(stack, "select table_name from information_schema.columns where column_name = 'checksum' and table_schema = 'public'")


def test_up_status_down_and_up_again(stack: RunningStack) -> None:
    """All tables come, go with `down`, and come again."""
    assert migrate(stack, "up").returncode == 0
    assert {"users", "products", "watches", "price_points", "outbox", "admin_accounts", "admin_sessions", "audit"} <= tables(stack)
    assert "0001" in migrate(stack, "status").stdout
    again = migrate(stack, "up")
    assert again.returncode == 0, again.stderr
    before = len(tables(stack))
    for _ in range(int(database.value(stack, f"select count(*) from {bookkeeping(stack)}"))):
        down = migrate(stack, "down")
        assert down.returncode == 0, down.stderr
    assert len(tables(stack)) < before
    assert "products" not in tables(stack)
    assert migrate(stack, "up").returncode == 0
    assert len(tables(stack)) == before


def test_many_at_once_apply_each_once(stack: RunningStack) -> None:
    """Six processes start together: one does the work, the others wait for it."""
    processes = [start(stack, "up") for _ in range(6)]
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 6, errors
    assert int(database.value(stack, f"select count(*) = count(distinct version) from {bookkeeping(stack)}") == "t")


def test_a_changed_migration_is_refused(stack: RunningStack) -> None:
    """What was applied is not what the program holds: it says which one, and touches nothing."""
    assert migrate(stack, "up").returncode == 0
    kind = database.value(stack, f"select data_type from information_schema.columns where table_name = '{bookkeeping(stack)}' and column_name = 'checksum'")
    other = "'\\x00'::bytea" if kind == "bytea" else "'0'"
    database.rows(stack, f"update {bookkeeping(stack)} set checksum = {other} where version = (select min(version) from {bookkeeping(stack)})")
    refused = migrate(stack, "up")
    assert refused.returncode != 0
    assert "0001" in refused.stderr + refused.stdout
    assert "changed" in (refused.stderr + refused.stdout).lower()


def test_a_migration_that_the_program_does_not_know_is_refused(stack: RunningStack) -> None:
    """An older program at a newer database says so instead of running."""
    assert migrate(stack, "up").returncode == 0
    table = bookkeeping(stack)
    columns = [row[0] for row in database.rows(stack, f"select column_name from information_schema.columns where table_name = '{table}'")]
    values = ", ".join("9999" if column == "version" else f'"{column}"' for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    database.rows(stack, f"insert into {table} ({names}) select {values} from {table} limit 1")
    refused = migrate(stack, "up")
    assert refused.returncode != 0
    assert "9999" in refused.stderr + refused.stdout


def test_a_database_that_is_not_there_is_told_without_the_password(stack: RunningStack) -> None:
    """One sentence that names no secret."""
    url = stack.settings["PRICEWATCH_DATABASE_URL"]
    assert stack.command("down").returncode == 0
    environment = {"PATH": os.environ["PATH"], "HOME": "/", "PRICEWATCH_DATABASE_URL": url}
    done = subprocess.run([API, "migrate", "up"], env=environment, cwd=stack.folder.path, capture_output=True, text=True, timeout=90)
    assert done.returncode != 0
    assert done.stderr.strip()
    password = url.split(":")[2].split("@")[0]
    assert password not in done.stderr + done.stdout
