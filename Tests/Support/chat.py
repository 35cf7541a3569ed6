"""People who talk to the bot, through the chat server's control interface."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

import web
from stack.client import wait_for

NUMBERS = itertools.count(int(time.time()) % 1_000_000 * 1000)


class Person:
    """Somebody with a private chat of their own."""

    def __init__(self, chat_server: str, name: str = "Ann", language: str = "en") -> None:
        self.server = chat_server
        self.id = next(NUMBERS)
        self.user = {"id": self.id, "first_name": name, "language_code": language}

    def say(self, text: str) -> None:
        """Writes to the bot."""
        answer = web.post(f"{self.server}/control/message", {"chat_id": self.id, "user": self.user, "text": text})
        assert answer.status == 200, answer.text

    def press(self, button: str) -> None:
        """Presses the newest button with this text."""
        answer = web.post(f"{self.server}/control/press", {"chat_id": self.id, "user": self.user, "button": button})
        assert answer.status == 200, answer.text

    def try_to_press(self, button: str) -> int:
        """Presses a button that may not be there; answers the status."""
        return web.post(f"{self.server}/control/press", {"chat_id": self.id, "user": self.user, "button": button}).status

    def messages(self) -> list[dict]:
        """What the bot wrote, oldest first."""
        view = web.get(f"{self.server}/control/chats/{self.id}").json
        return [message for message in view["messages"] if message["from"]["is_bot"]]

    def texts(self) -> list[str]:
        """The texts of the bot's messages, with plain spaces."""
        return [plain(message["text"]) for message in self.messages()]

    def wait_for(self, what: str, wanted: Callable[[str], bool], seconds: float = 40.0) -> dict:
        """Waits for a message of the bot whose text is wanted."""

        def found() -> dict | None:
            return next((message for message in self.messages() if wanted(plain(message["text"]))), None)

        try:
            return wait_for(f"{what} in the chat of {self.user['first_name']}", found, seconds, every=0.2)
        except AssertionError as error:
            raise AssertionError(f"{error}; the bot wrote: {self.texts()}") from None

    def fault(self, method: str, status: int, **more: object) -> None:
        """Has the chat server answer this person's next calls of a method with an error."""
        answer = web.post(f"{self.server}/control/fault", {"method": method, "status": status, "chat_id": self.id, **more})
        assert answer.status == 200, answer.text

    def set_membership(self, status: str) -> None:
        """Blocks the bot (`kicked`), or takes it back (`member`)."""
        answer = web.post(f"{self.server}/control/my_chat_member", {"chat_id": self.id, "user": self.user, "status": status})
        assert answer.status == 200, answer.text


class Group(Person):
    """A group in which one person talks to the bot."""

    def __init__(self, chat_server: str, name: str = "Ann", language: str = "en") -> None:
        super().__init__(chat_server, name, language)
        self.id = -self.id

    def become_supergroup(self) -> None:
        """The group gets a new id; whoever sends to the old one is told."""
        new = self.id - 10**12
        self.fault("sendMessage", 400, migrate_to_chat_id=new, times=1000)
        self.id = new
        self.set_membership("member")


def plain(text: str) -> str:
    """A text with plain spaces and minus signs."""
    return text.replace("\u00a0", " ").replace("\u202f", " ").replace("\u2212", "-")


def buttons(message: dict) -> list[str]:
    """The texts of a message's buttons."""
    return [button["text"] for row in message["buttons"] for button in row]
