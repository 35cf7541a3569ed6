"""deploy/up --detach without the parts."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from stack import __main__ as up


def test_an_unforeseen_end_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """Whatever ends the supervisor that was left behind stands in its log, which is shown."""

    def fail(*_: object, **__: object) -> int:
        raise FileNotFoundError("no program of this name")

    monkeypatch.setattr(up, "supervise", fail)
    with capfd.disabled():
        assert up.detach(SimpleNamespace(logs=tmp_path), None, None, None) == 1
    assert "no program of this name" in (tmp_path / "up.log").read_text()
