"""The API's description as a page: it works under its own policy, from this server alone, and runs nothing it shows."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.serving import ANSWERED_MS

pytestmark = pytest.mark.browser

HOSTILE = "does Perricone MD share <img src=x onerror=alert(1)><script>alert(2)</script> my data?"


def test_the_description_is_read_and_tried_out(page: Page, address: str) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{address}/docs")
    ask = page.locator("#operations-questions-ask")
    ask.locator(".opblock-summary-control").click()
    expect(ask.locator(".responses-wrapper")).to_contain_text("scope_forbidden")
    ask.get_by_role("button", name="Try it out").click()
    ask.locator("textarea").fill(json.dumps({"question": HOSTILE}))
    ask.get_by_role("button", name="Execute").click()
    answer = ask.locator(".live-responses-table tbody .response-col_description")
    expect(answer).to_contain_text("perriconemd.com@2011-03-06", timeout=ANSWERED_MS)
    expect(answer).to_contain_text("<script>alert(2)</script>")
    assert page.locator("img[src='x']").count() == 0
    page.emulate_media(color_scheme="dark")
    expect(page.locator("body")).to_have_css("background-color", "rgb(28, 32, 34)")
    expect(page.locator("html")).to_have_class("dark-mode")
    assert said == []  # what the page's policy forbids would be told there
