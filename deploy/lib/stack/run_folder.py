"""The folder that holds everything a running stack keeps: .run, or another for tests."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class RunFolder:
    """Names of what is inside."""

    path: Path

    @property
    def logs(self) -> Path:
        """One log file per process."""
        return self.path / "log"

    @property
    def data(self) -> Path:
        """The servers' data."""
        return self.path / "data"

    @property
    def etc(self) -> Path:
        """Configuration files filled from templates."""
        return self.path / "etc"

    @property
    def media(self) -> Path:
        """What nginx serves under /media."""
        return self.path / "media"

    @property
    def held(self) -> Path:
        """A file here with a part's name keeps that part down."""
        return self.path / "held"

    @property
    def secrets(self) -> Path:
        """Secrets that were generated because no .env gave them."""
        return self.path / "secrets.env"

    @property
    def environment(self) -> Path:
        """All settings of the running processes, for PRICEWATCH_ENV_FILE."""
        return self.path / "stack.env"

    @property
    def ports(self) -> Path:
        """The ports chosen at the first start, kept for the next ones."""
        return self.path / "ports.json"

    @property
    def state(self) -> Path:
        """What runs; written by the supervisor."""
        return self.path / "state.json"

    @property
    def lock(self) -> Path:
        """Locked by the supervisor while it lives; holds its process id."""
        return self.path / "up.lock"

    def make(self) -> None:
        """Makes the folders."""
        for folder in (self.logs, self.data, self.etc, self.media, self.held):
            folder.mkdir(parents=True, exist_ok=True)


def write_atomically(path: Path, text: str, mode: int = 0o644) -> None:
    """Writes a file so that a reader sees the old one or the new one."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        os.fchmod(file.fileno(), mode)
    Path(name).replace(path)


def read_json(path: Path) -> dict:
    """Reads a JSON object; an empty one when there is no such file."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return {}
