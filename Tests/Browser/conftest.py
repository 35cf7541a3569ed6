"""Chromium in front of the whole stack."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from shop import Shop
from stack.client import RunningStack
from stack.servers import find_program

# What is expected is waited for; 5 seconds are not enough on a machine that compiles beside it.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def stack() -> Iterator[RunningStack]:
    """Everything that deploy/up starts."""
    with RunningStack() as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; root may not use its sandbox."""
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.getuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=find_program("chromium"), args=[*arguments, "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a fresh profile; at the end nothing was thrown and nothing was refused by the content policy."""
    context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(30_000)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if "Content Security Policy" in message.text else None)
    yield page
    context.close()
    assert faults == []


@pytest.fixture
def shop(stack: RunningStack) -> Shop:
    """The sample shop."""
    return Shop(stack.urls["shop"])
