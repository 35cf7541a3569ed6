"""The virtual environment with the tests' packages from PyPI."""

from __future__ import annotations

import hashlib
import shutil
import sys

from .context import ROOT, Context, venv_folder

REQUIREMENTS = ROOT / "Tests" / "requirements.txt"


def prepare(context: Context) -> bool:
    """Makes the environment, unless the one that is there was made from the same requirements."""
    folder = venv_folder()
    stamp = folder / "requirements.sha256"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted and (folder / "bin" / "python").exists():
        return True
    shutil.rmtree(folder, ignore_errors=True)
    if context.run([sys.executable, "-m", "venv", folder]) != 0:
        return False
    # A package index that stutters is asked twice.
    install = [folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "-r", REQUIREMENTS]
    if context.run(install) != 0 and context.run(install) != 0:
        return False
    stamp.write_text(wanted)
    return True
