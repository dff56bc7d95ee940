from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from eval.cases import BUNDLED, Case, Kind, read_cases
from eval.load import Load, Sent, as_markdown, fault_of, fault_of_events, main, questions, summarise
from qa.errors import UsageError

CITED = {"status": "answered", "text": "Yes [1].", "citations": [{"n": 1}], "entries": []}
POLICIES = ["exofficio.com@2014-05-30", "netflix.com@2019-01-01"]


class Service:
    """Answers over HTTP as it is told to: each question gets the next of some responses, then the last one again."""

    def __init__(self, *responses: Response) -> None:
        self.asked: list[dict[str, Any]] = []
        self._responses = list(responses)
        self.app = Starlette(
            routes=[
                Route("/api/v1/policies", self._policies),
                Route("/api/v1/ask", self._ask, methods=["POST"]),
                Route("/api/v1/ask/stream", self._ask, methods=["POST"]),
            ]
        )

    async def _policies(self, _: Request) -> Response:
        return JSONResponse({"policies": [{"id": policy} for policy in POLICIES]})

    async def _ask(self, request: Request) -> Response:
        self.asked.append(await request.json())
        await asyncio.sleep(0.01)
        return self._responses.pop(0) if len(self._responses) > 1 else self._responses[0]


@contextlib.contextmanager
def listening(service: Service) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # As the service's own: what follows the headers would wait 40 ms for them to be acknowledged.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = uvicorn.Server(uvicorn.Config(service.app, log_config=None, log_level="error", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.005)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)


def events(*named: tuple[str, Any]) -> Response:
    body = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in named)
    return Response(f": waiting\n\n{body}", media_type="text/event-stream")


def test_a_question_without_a_company_is_put_to_the_policies_that_are_there() -> None:
    cases = [Case("a", "do you sell it?", Kind.YES_NO, proof=read_cases(BUNDLED)[0].proof)]
    draw = questions(cases, POLICIES)
    rng = random.Random(1)
    assert {draw(rng)["scope"] for _ in range(50)} == set(POLICIES)


def test_a_question_about_a_company_that_is_not_there_is_left_out() -> None:
    draw = questions(read_cases(BUNDLED), ["netflix.com@2019-01-01"])
    rng = random.Random(1)
    asked = " ".join(draw(rng)["question"] for _ in range(300)).lower()
    assert "exofficio" not in asked
    assert "perricone" not in asked
    draw = questions(read_cases(BUNDLED), POLICIES)
    assert any("exofficio" in draw(rng)["question"].lower() for _ in range(300))


def test_a_service_without_policies_cannot_be_asked() -> None:
    with pytest.raises(UsageError, match="lists no policy"):
        questions(read_cases(BUNDLED), [])


def test_an_answer_with_a_number_that_nothing_proves_is_a_fault() -> None:
    assert fault_of(CITED) == ""
    assert fault_of({**CITED, "text": "Yes [1] and [2]."}) == "a number without its citation"
    assert fault_of({"detail": "x"}) == fault_of([]) == "not an answer"


def test_a_number_that_comes_before_its_citation_is_a_fault() -> None:
    citation, token, answer = ("citation", {"n": 1}), ("token", {"text": "Yes [1]."}), ("answer", CITED)
    assert fault_of_events([("stage", {}), citation, token, answer]) == ""
    assert fault_of_events([token, citation, answer]) == "a number before its citation"
    # Also where the marker is cut in two.
    assert "before" in fault_of_events([("token", {"text": "Yes [1"}), ("token", {"text": "]."}), citation, answer])
    assert fault_of_events([citation, token]) == fault_of_events([]) == "no answer at the end of the stream"
    assert fault_of_events([("error", {"code": "busy"})]) == "an error event: busy"


def test_figures_are_of_the_answers_and_waiting_by_design_is_no_error() -> None:
    sent = [
        *(Sent(200, n, n / 10, answer="answered") for n in range(1, 11)),
        Sent(200, 0, 9.0, answer="answered", several=True),
        Sent(503, 0, 60.0),
        Sent(500, 0, 60.0, error="status 500"),
        Sent(0, 0, 60.0, error="ReadTimeout"),
    ]
    result = summarise(sent, clients=2, seconds=10, stream=False, memory_mb=[100, 300, 200], load=3.14)
    assert result.statuses == {"none": 1, "200": 11, "500": 1, "503": 1}
    assert result.errors == {"status 500": 1, "ReadTimeout": 1}
    assert result.throughput == 1.1
    # Nearest rank of 11 values, and of the ten about one policy.
    assert (result.p50_ms, result.p95_ms, result.one_policy_p95_ms) == (600.0, 9000.0, 1000.0)
    assert (result.comparisons, result.comparison_p95_ms) == (1, 9000.0)
    assert result.memory_mb is not None
    assert (result.memory_mb.start, result.memory_mb.middle, result.memory_mb.end) == (100, 300, 200)
    table = as_markdown(result)
    assert "| memory at the start, middle, end, MB | 100, 300, 200 |" in table
    assert "| errors | 2 |" in table


def test_a_run_without_answers_has_dashes() -> None:
    result = summarise([], clients=1, seconds=1, stream=True, memory_mb=[], load=0)
    assert "| first event p50, p95, ms | –, – |" in as_markdown(result)


def test_a_run_asks_with_all_its_clients_and_no_more_than_it_may(tmp_path: Path) -> None:
    service = Service(JSONResponse(CITED))
    out = tmp_path / "load.json"
    with listening(service) as url:
        code = main(
            [
                "--url",
                url,
                "--clients",
                "4",
                "--seconds",
                "20",
                "--most",
                "30",
                "--pid",
                str(os.getpid()),
                "--out",
                str(out),
            ]
        )
    assert code == 0
    assert len(service.asked) == 30
    result = json.loads(out.read_text())
    assert result["statuses"] == {"200": 30}
    assert result["memory_mb"]["end"] > 10


def test_a_streamed_run_times_the_first_event(capsys: pytest.CaptureFixture[str]) -> None:
    service = Service(events(("stage", {}), ("citation", {"n": 1}), ("token", {"text": "Yes [1]."}), ("answer", CITED)))
    with listening(service) as url:
        assert main(["--url", url, "--clients", "2", "--seconds", "20", "--most", "6", "--stream"]) == 0
    assert "first event p50" in capsys.readouterr().out


def test_who_is_told_to_wait_waits_and_what_fails_is_counted() -> None:
    service = Service(
        JSONResponse({}, 429, headers={"Retry-After": "1"}),
        Response(status_code=500),
        JSONResponse({}),
        JSONResponse(CITED),
    )
    with listening(service) as url:
        load = Load(url, clients=1, most=4)
        seconds = asyncio.run(load.run(read_cases(BUNDLED), 20, lambda _: None))
    assert [(each.status, each.error) for each in load.sent] == [
        (429, ""), (500, "status 500"), (200, "not an answer"), (200, ""),
    ]  # fmt: skip
    assert seconds >= 1


def test_errors_make_it_fail() -> None:
    with listening(Service(Response(status_code=500))) as url:
        assert main(["--url", url, "--clients", "1", "--seconds", "20", "--most", "1"]) == 1


def test_a_service_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert main(["--url", f"http://127.0.0.1:{port}", "--seconds", "1"]) == 1
    assert "Is the service up?" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["--clients", "0"], ["--clients", "9999"], ["--seconds", "99999"], ["--most", "0"], ["--url", "x"]]
)
def test_a_load_without_bounds_is_wrong_usage(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
