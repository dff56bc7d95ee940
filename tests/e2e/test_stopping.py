"""The service in a process of its own, set up for one site: what leads outside, and how it stops."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import httpx
import pytest

from tests.e2e.serving import ROOT, Service

SHOP: Final = {"Origin": "https://shop.example"}
ASK: Final = "/api/v1/ask"
TOOLS: Final = "/mcp"
DRAINS_S: Final = 100


@pytest.fixture(scope="module")
def limited(samples: Service) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FINEPRINT_")}
    environment |= {
        "FINEPRINT_ALLOWED_ORIGINS": "https://shop.example=perriconemd.com",
        "FINEPRINT_CONCURRENCY": "1",
        "FINEPRINT_DRAIN_S": str(DRAINS_S),
        "FINEPRINT_TIMEOUT_S": str(DRAINS_S),
    }
    command = [sys.executable, "-m", "ui", "serve", "--port", "0", "--index", str(samples.index)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, env=environment, **pipes) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().split()[3].decode()
        finally:
            process.kill()


@pytest.mark.parametrize("question", ["does Free People sell my email address?", "which of these sites sell my email?"])
@pytest.mark.parametrize("path", [ASK, f"{ASK}/stream"])
def test_no_question_of_an_allowed_page_leads_to_another_site(
    limited: tuple[subprocess.Popen[bytes], str], path: str, question: str
) -> None:
    body = {"question": question, "history": ["does Free People rent it?", "and ExOfficio?"]}
    response = httpx.post(limited[1] + path, json=body, headers=SHOP, timeout=60)
    assert response.status_code == 200
    for outside in ("freepeople.com@", "exofficio.com@", "malleries.com@", "rent or sell your e-mail"):
        assert outside not in response.text


def test_what_runs_ends_and_nothing_new_begins_when_the_service_is_told_to_stop(
    limited: tuple[subprocess.Popen[bytes], str],
) -> None:
    process, address = limited
    beats: list[str] = []

    def watch() -> None:
        with httpx.stream("GET", f"{address}/gradio_api/heartbeat/x", timeout=DRAINS_S) as stream:
            beats.extend(stream.iter_text())
        beats.append("ended")

    def ask(n: int) -> httpx.Response:
        path = (f"{ASK}/stream", ASK, TOOLS)[n % 3]
        body: dict[str, object] = {"question": f"Which of these sites sell my email to {n + 2} others?"}
        if path == TOOLS:
            call = {"name": "ask_policy", "arguments": body}
            body = {"jsonrpc": "2.0", "id": n, "method": "tools/call", "params": call}
        accepted = "application/json, text/event-stream"
        return httpx.post(address + path, json=body, headers={"Accept": accepted}, timeout=DRAINS_S)

    watching = threading.Thread(target=watch)
    watching.start()
    with ThreadPoolExecutor(16) as pool, httpx.Client(base_url=address, timeout=60) as probe:
        asked = [pool.submit(ask, n) for n in range(16)]
        while not any(each.done() for each in asked) or not beats:
            time.sleep(0.005)
        process.send_signal(signal.SIGTERM)
        started = time.monotonic()
        said: list[httpx.Response] = []
        while not (said and said[-1].status_code == 503) and time.monotonic() - started < 30:
            said.append(probe.get("/readyz"))
            time.sleep(0.005)
        late = probe.post(ASK, json={"question": "Does it sell my email?"})
        answers = [each.result() for each in asked]
    assert process.wait(DRAINS_S) == 0
    assert time.monotonic() - started < DRAINS_S
    assert [each.status_code for each in answers] == [200] * 16
    assert all("event: answer" in each.text for each in answers[::3])
    assert all("structuredContent" in each.text for each in answers[2::3])
    assert (said[-1].json()["code"], late.json()["code"]) == ("draining", "draining")
    assert late.headers["retry-after"]
    watching.join(30)
    assert beats[-1] == "ended"
    assert process.stderr is not None
    assert process.stderr.read() == b""
