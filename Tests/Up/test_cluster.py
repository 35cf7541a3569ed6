"""How deploy/up makes PostgreSQL's cluster."""

from __future__ import annotations

import stat
from pathlib import Path
from types import SimpleNamespace

import pytest
from stack import servers


def test_the_superusers_password_is_readable_by_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While initdb reads it, too; and nothing is left of it."""
    modes: list[int] = []

    def run(command: list[str], **_: object) -> SimpleNamespace:
        path = next(Path(part.removeprefix("--pwfile=")) for part in command if part.startswith("--pwfile="))
        assert path.read_text() == "secret\n"
        modes.append(stat.S_IMODE(path.stat().st_mode))
        return SimpleNamespace(returncode=0)

    place = tmp_path / "postgres"
    place.mkdir()
    monkeypatch.setattr(servers.PostgresCluster, "place", lambda _: place)
    monkeypatch.setattr(servers.os, "getuid", lambda: 1000)
    monkeypatch.setattr(servers.subprocess, "run", run)
    servers.PostgresCluster(SimpleNamespace(data=tmp_path), None, "secret").prepare()
    assert modes == [0o600]
    assert [path.name for path in tmp_path.iterdir()] == ["postgres"]
