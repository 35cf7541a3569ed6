"""The admin panel in a browser."""

from __future__ import annotations

import re

import pytest
from chat import Person
from playwright.sync_api import Page, expect
from shop import Shop
from stack.client import RunningStack


@pytest.fixture(scope="module", autouse=True)
def somebody_follows_something(stack: RunningStack) -> None:
    """Rows to look at."""
    shop = Shop(stack.urls["shop"])
    person = Person(stack.urls["chat"], "Clara", "en")
    person.say(shop.product("chair")["url"])
    person.wait_for("the product", lambda text: "Price:" in text)


def log_in(page: Page, stack: RunningStack) -> None:
    """Logs in with the generated password."""
    page.goto(f"{stack.urls['site']}/admin")
    page.locator('input[type="password"]').wait_for()
    page.locator('form input[type="text"], form input:not([type])').first.fill(stack.settings["PRICEWATCH_ADMIN_USER"])
    page.locator('input[type="password"]').fill(stack.settings["PRICEWATCH_ADMIN_PASSWORD"])
    page.locator('form button[type="submit"], form button:not([type])').first.click()
    page.wait_for_load_state()
    expect(page.locator('input[type="password"]')).to_have_count(0)


def test_a_wrong_password_is_refused(page: Page, stack: RunningStack) -> None:
    """The form is shown again, with a sentence; nothing else can be seen."""
    page.goto(f"{stack.urls['site']}/admin")
    page.locator('form input[type="text"], form input:not([type])').first.fill("admin")
    page.locator('input[type="password"]').fill("not the password")
    page.locator('form button[type="submit"], form button:not([type])').first.click()
    expect(page.locator('input[type="password"]')).to_be_visible()
    page.goto(f"{stack.urls['site']}/admin/products")
    expect(page.locator('input[type="password"]')).to_be_visible()


@pytest.mark.parametrize("section", ["users", "products", "watches"])
def test_lists_show_rows(page: Page, stack: RunningStack, section: str) -> None:
    """Each table of the application has a list."""
    log_in(page, stack)
    page.goto(f"{stack.urls['site']}/admin/{section}")
    expect(page.locator("table tbody tr").first).to_be_visible()


def test_search_finds_and_does_not_find(page: Page, stack: RunningStack) -> None:
    """By a part of the name."""
    log_in(page, stack)
    page.goto(f"{stack.urls['site']}/admin/users")
    page.locator('input[type="search"], input[name="search"], input[name="q"]').first.fill("Clara")
    page.keyboard.press("Enter")
    expect(page.locator("table tbody")).to_contain_text("Clara")
    page.locator('input[type="search"], input[name="search"], input[name="q"]').first.fill("nobody-of-this-name")
    page.keyboard.press("Enter")
    page.wait_for_load_state()
    expect(page.locator("body")).not_to_contain_text("Clara")


def test_a_session_ends_with_logging_out(page: Page, stack: RunningStack) -> None:
    """After it the panel asks for a password again; the cookie cannot be read by scripts."""
    log_in(page, stack)
    cookies = page.context.cookies()
    assert cookies
    assert all(cookie["httpOnly"] and cookie["sameSite"] in ("Lax", "Strict") for cookie in cookies)
    page.get_by_role("button", name=re.compile("log ?out|sign ?out", re.IGNORECASE)).first.click()
    page.wait_for_load_state()
    page.goto(f"{stack.urls['site']}/admin/products")
    expect(page.locator('input[type="password"]')).to_be_visible()


def test_the_documentation_page_works_without_a_network(page: Page, stack: RunningStack) -> None:
    """/docs asks nobody but the site."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{stack.urls['site']}/docs")
    expect(page.locator("body")).to_contain_text("/api/v1/jobs")
    assert all(address.startswith((stack.urls["site"], "data:")) for address in asked)
