"""Everything is built by one command with one set of options."""

from __future__ import annotations

import re

from package import ROOT

CALL = re.compile(r'(?<!deploy/)\bswift build\b(?!`)|"swift", *"(?:build|test)"')


def test_only_deploy_swift_calls_the_package_manager() -> None:
    """Two commands with different options would each compile everything anew. Comments and the images, which build once, are left alone."""
    scripts = [path for path in (ROOT / "deploy").rglob("*") if path.is_file() and path.name not in ("swift", "Dockerfile") and path.suffix != ".pyc"]
    calls = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in [*scripts, *(ROOT / ".ci").iterdir()]
        for line in path.read_text(errors="replace").splitlines()
        if CALL.search(line) and not line.lstrip().startswith(("#", '"""', "In one"))
    ]
    assert not calls
