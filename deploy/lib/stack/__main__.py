"""The command lines of deploy/up, deploy/down and deploy/status."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import TextIO

from . import build
from .plan import Plan, Planner
from .run_folder import ROOT, RunFolder, read_json
from .settings import Given, SettingError
from .supervisor import StartError, Supervisor

# All parts one after another, each for as long as it may take: three of 40 s, six of 20 s, nginx's 5 s.
DOWN_SECONDS = 260.0
# How often beat/schedule.yaml looks for products that are due.
BEAT_SECONDS = 10


def main() -> int:
    """Runs one of the three commands."""
    parser = argparse.ArgumentParser(prog="deploy")
    commands = parser.add_subparsers(dest="command", required=True)
    folder = argparse.ArgumentParser(add_help=False)
    folder.add_argument("--run-dir", type=Path, default=ROOT / ".run", help="where data, logs and state are (default: .run)")
    up = commands.add_parser("up", parents=[folder], prog="deploy/up", help="build and start everything")
    up.add_argument("--release", action="store_true", help="build and run the optimised programs")
    up.add_argument("--detach", action="store_true", help="return once everything is ready; deploy/down stops it")
    up.add_argument("--no-build", action="store_true", help="run what is built already")
    up.add_argument("--while-process", type=int, metavar="PID", help="stop when this process is gone")
    up.add_argument("--only", metavar="PART,PART", help="start only these parts")
    commands.add_parser("down", parents=[folder], prog="deploy/down", help="stop everything")
    status = commands.add_parser("status", parents=[folder], prog="deploy/status", help="say what runs")
    status.add_argument("--json", action="store_true", help="as JSON")
    options = parser.parse_args()
    run = RunFolder(options.run_dir.resolve())
    try:
        if options.command == "up":
            return go_up(run, options)
        return go_down(run) if options.command == "down" else show_status(run, options.json)
    except (SettingError, StartError) as error:
        print(f"deploy/{options.command}: {error}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        return 130


def go_up(folder: RunFolder, options: argparse.Namespace) -> int:
    """Builds, starts, waits until all is ready, and stays until it is asked to stop."""
    folder.make()
    lock = take_lock(folder)
    if lock is None:
        print("PriceWatch runs already:")
        return show_status(folder, as_json=False)
    if not options.no_build:
        build.build(folder, options.release)
    plan = Planner(folder, Given.from_process(), build.programs(options.release)).plan()
    only = set(options.only.split(",")) if options.only else None
    unknown = (only or set()) - {part.name for part in plan.parts}
    if unknown:
        raise SettingError(f"--only: no such part: {', '.join(sorted(unknown))}; parts are {', '.join(part.name for part in plan.parts)}")
    supervisor = Supervisor(plan, folder, only, options.while_process)
    if options.detach:
        return detach(folder, plan, supervisor, lock)
    return supervise(folder, plan, supervisor, lock)


def take_lock(folder: RunFolder) -> TextIO | None:
    """The lock that one supervisor of a folder holds while it lives; None when another one holds it."""
    file = folder.lock.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    write_owner(file)
    return file


def write_owner(lock: TextIO) -> None:
    """Notes who holds the lock."""
    lock.seek(0)
    lock.truncate()
    lock.write(f"{os.getpid()}\n")
    lock.flush()


def supervise(folder: RunFolder, plan: Plan, supervisor: Supervisor, lock: TextIO, ready: int | None = None) -> int:
    """Runs the stack until a signal; tells a waiting starter through `ready` once it is up."""
    write_owner(lock)
    signal.signal(signal.SIGINT, supervisor.ask_to_stop)
    signal.signal(signal.SIGTERM, supervisor.ask_to_stop)
    try:
        print("Starting", flush=True)
        supervisor.start()
        if not supervisor.stopping:
            print_addresses(folder, plan)
            if ready is not None:
                os.write(ready, b"1")
            supervisor.watch()
        return 0
    finally:
        print("Stopping", flush=True)
        supervisor.stop()
        folder.state.unlink(missing_ok=True)


def detach(folder: RunFolder, plan: Plan, supervisor: Supervisor, lock: TextIO) -> int:
    """Leaves the supervisor behind in a session of its own, and returns once it says that all is ready."""
    reading, writing = os.pipe()
    supervisor_log = folder.logs / "up.log"
    if os.fork() == 0:
        os.setsid()
        with supervisor_log.open("w") as log, Path(os.devnull).open() as nothing:
            os.dup2(nothing.fileno(), 0)
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        os.close(reading)
        code = 1
        try:
            code = supervise(folder, plan, supervisor, lock, ready=writing)
        except (SettingError, StartError) as error:
            print(error, flush=True)
        except Exception:
            # _exit would swallow it.
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    os.close(writing)
    # The pipe's end without a byte: the supervisor is gone.
    up = os.read(reading, 1) == b"1"
    print(supervisor_log.read_text(), end="", flush=True)
    return 0 if up else 1


def print_addresses(folder: RunFolder, plan: Plan) -> None:
    """Tells where to look."""
    urls = plan.urls
    rows = [("Chat with the bot", urls.get("chat", "in Telegram")), ("Sample shop", urls["shop"]), ("API documentation", f"{urls['site']}/docs")]
    rows += [("Admin panel", f"{urls['site']}/admin   user {plan.settings['PRICEWATCH_ADMIN_USER']}, password in {folder.secrets}")]
    rows += [("Logs", str(folder.logs))]
    print("\nPriceWatch is ready.")
    for name, value in rows:
        print(f"  {name:18} {value}")
    interval = max(BEAT_SECONDS, int(plan.settings["PRICEWATCH_CHECK_INTERVAL"]))
    print(f"  Prices are checked every {interval} s. Ctrl-C or deploy/down stops everything.\n", flush=True)


def owner(folder: RunFolder) -> int | None:
    """The process id of the supervisor that runs, if one does."""
    try:
        with folder.lock.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return None
    except FileNotFoundError:
        return None
    except BlockingIOError:
        return int(folder.lock.read_text().strip() or 0) or None


def go_down(folder: RunFolder) -> int:
    """Asks the supervisor to stop, and waits for it."""
    pid = owner(folder)
    if pid is None:
        print("Nothing runs.")
        return 0
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + DOWN_SECONDS
    while time.monotonic() < deadline:
        if owner(folder) is None:
            print("Stopped.")
            return 0
        time.sleep(0.1)
    print(f"The supervisor (process {pid}) has not ended after {DOWN_SECONDS:.0f} s; see {folder.logs}", file=sys.stderr)
    return 1


def show_status(folder: RunFolder, as_json: bool) -> int:
    """Prints what runs; 0 when everything is ready."""
    state = read_json(folder.state) if owner(folder) else {}
    state = {"parts": state.get("parts", []), "urls": state.get("urls", {})}
    if as_json:
        print(json.dumps(state, indent=2))
    elif not state["parts"]:
        print("Nothing runs.")
    else:
        for part in state["parts"]:
            word = "ready" if part["ready"] else "not ready" if part["pid"] else "down"
            restarts = f"  restarted {part['restarts']} times" if part["restarts"] else ""
            print(f"{part['name']:12} {word:10} pid {part['pid'] or '-':<8} {part['url'] or ''}{restarts}")
        for name, url in state["urls"].items():
            print(f"{name + ':':12} {url}")
    return 0 if state["parts"] and all(part["ready"] for part in state["parts"]) else 1


if __name__ == "__main__":
    sys.exit(main())
