from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.serving import CHROMIUM, QUIET, Service, older_sample, serving, visiting


@pytest.fixture(scope="session")
def samples(sampled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The running service with the samples, and an older version of one of them, which says other things."""
    older = older_sample(tmp_path_factory.mktemp("older"))
    index = shutil.copytree(sampled, tmp_path_factory.mktemp("samples") / "index")
    with serving(index, [older]) as service:
        yield service


# Of a module and not of the session: while Playwright runs, other tests of the process cannot start an event loop.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def service(samples: Service) -> Service:
    """What the pages of a module visit; a module with an index of its own has a fixture of this name."""
    return samples


@pytest.fixture
def address(service: Service) -> str:
    return service.address


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A blank page; fails if anything but the service was asked for anything, or a script failed."""
    with visiting(browser, address) as page:
        yield page
