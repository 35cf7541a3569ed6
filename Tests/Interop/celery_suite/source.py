"""The suite's files: unpacked from Celery's source distribution on PyPI, once."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

HERE = Path(__file__).parent
REQUIREMENT = HERE / "source.txt"
# Only the tests: the installed Celery is what they import.
FOLDER = "t"
SETTINGS = "[pytest]\npython_classes = test_*\nxfail_strict = true\nmarkers =\n    flaky: passes or fails here like any other\n    amqp\n"


def suite(cache: Path) -> Path:
    """The folder that holds the suite's `t`; downloads it when it is not there yet."""
    folder = cache / "suite"
    if (folder / "complete").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "download").mkdir(parents=True)
    command = ["download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", ":all:", "--require-hashes", "-r", str(REQUIREMENT)]
    subprocess.run([sys.executable, "-m", "pip", *command, "-d", str(folder / "download")], check=True)
    (archive,) = (folder / "download").glob("*.tar.gz")
    unpack(archive, folder)
    (folder / "pytest.ini").write_text(SETTINGS)
    (folder / "complete").touch()
    return folder


def unpack(archive: Path, folder: Path) -> None:
    """Unpacks the tests without the archive's top folder."""
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            _, _, name = member.name.partition("/")
            if member.isfile() and name.startswith(f"{FOLDER}/") and ".." not in Path(name).parts:
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                content = tar.extractfile(member)
                if content is not None:
                    target.write_bytes(content.read())
