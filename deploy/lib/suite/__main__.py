"""The command line of deploy/test."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from types import FrameType

from .context import ROOT, end_everything
from .parts import PARTS, UnknownPart, select
from .runner import Runner


def main() -> int:
    """Runs the chosen parts; 0 when nothing failed."""
    parser = argparse.ArgumentParser(prog="deploy/test", description="Runs every check of the project, or only the named parts.")
    parser.add_argument("parts", nargs="*", metavar="PART", help="see --list")
    parser.add_argument("--list", action="store_true", help="name the parts and end")
    parser.add_argument("--no-build", action="store_true", help="use what is built already")
    parser.add_argument("--no-install", action="store_true", help="do not look for missing Debian packages")
    options = parser.parse_args()
    if options.list:
        for part in PARTS:
            print(f"{part.name:12} {part.about}")
        return 0
    try:
        parts = select(options.parts)
    except UnknownPart as error:
        parser.error(str(error))
    work = ROOT / ".run" / "test"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    counts = Runner(parts, work, build=not options.no_build).run()
    print(counts)
    return 1 if counts.failed else 0


def stop(number: int, frame: FrameType | None) -> None:
    """Ends what runs, and the suite with it."""
    end_everything()
    os._exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
