"""A real terminal: a program under tmux, the keys that it gets, and what stands on its screen."""

from __future__ import annotations

import re
import shlex
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from types import TracebackType

from stack.client import NotInTime, wait_for

ESCAPE = "\x1b"


class Terminal:
    """A program on a screen of its own; it is ended with the terminal."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str] | None = None, columns: int = 160, rows: int = 30) -> None:
        self.server = f"apium-{uuid.uuid4().hex[:8]}"
        settings = [f"{name}={value}" for name, value in {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "NO_COLOR": "", **(environment or {})}.items()]
        # What the program leaves on the screen, and its exit code, stay to be looked at.
        command = f'env {shlex.join(settings)} {shlex.join(words)}; echo "[ended $?]"; exec cat'
        size = ["-x", str(columns), "-y", str(rows)]
        self.tmux("-f", "/dev/null", "new-session", "-d", *size, command)

    def tmux(self, *words: str) -> str:
        """Tells the terminal something."""
        return subprocess.run(["tmux", "-u", "-L", self.server, *words], check=True, capture_output=True, text=True, timeout=20).stdout

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        subprocess.run(["tmux", "-L", self.server, "kill-server"], check=False, capture_output=True, timeout=20)

    def screen(self, colours: bool = False) -> str:
        """What stands on the screen now."""
        return self.tmux("capture-pane", "-p", *(["-e"] if colours else []))

    def keys(self, *keys: str) -> None:
        """Presses keys: texts, or tmux' names such as Enter and C-c."""
        self.tmux("send-keys", *keys)

    def wait(self, pattern: str, seconds: float = 30) -> str:
        """Waits until a pattern stands on the screen; answers the screen."""
        try:
            wait_for(f"{pattern!r} on the screen", lambda: re.search(pattern, self.screen(), re.MULTILINE), seconds, every=0.1)
        except NotInTime as error:
            raise NotInTime(f"{error}; it shows:\n{self.screen()}") from None
        return self.screen()

    def ended(self, seconds: float = 30) -> int:
        """Waits until the program has ended; answers its exit code."""
        screen = self.wait(r"\[ended \d+\]", seconds)
        return int(re.findall(r"\[ended (\d+)\]", screen)[-1])
