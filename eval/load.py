"""Puts a running service under load over HTTP, and says how it bears it.

::

    python -m eval.load --url http://127.0.0.1:7860 [--clients 64] [--seconds 60] [--stream] [--pid PID]
                        [--questions CASES.jsonl] [--key KEY] [--out FILE.json]

So many clients ask one question after the other without a pause. The questions are those of a file of cases; one that
names no company is asked about a policy drawn from those that the service lists. Being told to wait (429, 503 with
Retry-After) is by design: a client then waits as told. Anything else but an answer is an error, also an answer whose
``[n]`` has no citation, or comes before it in a stream.

It is for a service of one's own: it stops by itself after the time and at the number of questions given.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from eval.cases import BUNDLED, Case, read_cases
from eval.metrics import domain_of, percentile
from eval.reporting import save_json, shown
from qa.errors import FineprintError, UsageError

if TYPE_CHECKING:
    import httpx

_SEED: Final = 20
_MOST_WAIT_S: Final = 5.0
_TIMEOUT_S: Final = 60.0
_TOLD_EVERY_S: Final = 10.0
_BY_DESIGN: Final = (429, 503)
_MARK: Final = re.compile(r"\[(\d{1,3})\]")
_SHOWN_ERRORS: Final = 5


class Unreachable(FineprintError):
    """The service cannot be put under load."""

    code = "unreachable"


@dataclass(frozen=True, slots=True)
class Sent:
    """One question that was sent.

    Attributes:
        status: of the response; 0 if there was none.
        at: seconds since the beginning.
        seconds: until the whole answer was there.
        first_event: until the first event of a stream.
        answer: the answer's status, e.g. ``answered``.
        several: it compares policies.
        error: what was wrong; empty if nothing was.
    """

    status: int
    at: float
    seconds: float
    first_event: float | None = None
    answer: str = ""
    several: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of the service, in MB."""

    start: float
    middle: float
    end: float


@dataclass(slots=True)
class _Watched:
    """What is looked at beside the questions while they are asked."""

    memory_mb: list[float] = field(default_factory=list)
    load: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Result:
    """How a service bore the load; times in milliseconds, nearest-rank percentiles of the answers given.

    Attributes:
        throughput: answers a second.
        load: the machine's load average, at most.
    """

    clients: int
    seconds: float
    stream: bool
    requests: int
    statuses: dict[str, int]
    answers: dict[str, int]
    throughput: float
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    one_policy_p95_ms: float | None
    comparisons: int
    comparison_p95_ms: float | None
    first_event_p50_ms: float | None
    first_event_p95_ms: float | None
    errors: dict[str, int]
    memory_mb: Memory | None
    cores: int
    load: float


def questions(cases: Sequence[Case], policies: Sequence[str]) -> Callable[[random.Random], dict[str, Any]]:
    """What is asked: a function that draws a question.

    Args:
        cases: questions; those that name a company are taken if its site is among the policies.
        policies: ids of what is indexed.

    Raises:
        UsageError: none of the cases can be asked.
    """
    domains = {policy.partition("@")[0] for policy in policies}
    usable = [
        case
        for case in cases
        if not case.names_company or (case.proof is not None and domain_of(case.proof.policy) in domains)
    ]
    if not usable or not policies:
        raise UsageError("There is nothing to ask: the service lists no policy, or every case is about another one.")

    def draw(rng: random.Random) -> dict[str, Any]:
        case = rng.choice(usable)
        body: dict[str, Any] = {"question": case.question, "history": list(case.history)}
        if case.proof is not None and not case.names_company:
            body["scope"] = rng.choice(policies)
        return body

    return draw


def summarise(
    sent: Sequence[Sent], *, clients: int, seconds: float, stream: bool, memory_mb: Sequence[float], load: float
) -> Result:
    """The figures of a run."""
    answered = [each for each in sent if each.status == 200 and not each.error]

    def ms(share: float, values: Sequence[float]) -> float | None:
        found = percentile(values, share)
        return None if found is None else round(found * 1000, 1)

    whole = [each.seconds for each in answered]
    first = [each.first_event for each in answered if each.first_event is not None]
    memory = Memory(memory_mb[0], memory_mb[len(memory_mb) // 2], memory_mb[-1]) if memory_mb else None
    return Result(
        clients=clients,
        seconds=round(seconds, 1),
        stream=stream,
        requests=len(sent),
        statuses={
            str(status) if status else "none": n for status, n in sorted(Counter(s.status for s in sent).items())
        },
        answers=dict(Counter(each.answer for each in answered).most_common()),
        throughput=round(len(answered) / seconds, 2) if seconds else 0.0,
        p50_ms=ms(0.5, whole),
        p95_ms=ms(0.95, whole),
        p99_ms=ms(0.99, whole),
        one_policy_p95_ms=ms(0.95, [each.seconds for each in answered if not each.several]),
        comparisons=sum(each.several for each in answered),
        comparison_p95_ms=ms(0.95, [each.seconds for each in answered if each.several]),
        first_event_p50_ms=ms(0.5, first),
        first_event_p95_ms=ms(0.95, first),
        errors=dict(Counter(each.error for each in sent if each.error).most_common()),
        memory_mb=memory,
        cores=os.cpu_count() or 1,
        load=round(load, 1),
    )


def as_markdown(result: Result) -> str:
    """The figures as a table."""
    memory = result.memory_mb
    rows = {
        "clients": str(result.clients),
        "seconds": shown(result.seconds, 1),
        "questions sent": str(result.requests),
        "statuses": ", ".join(f"{status}: {n}" for status, n in result.statuses.items()),
        "answers": ", ".join(f"{status}: {n}" for status, n in result.answers.items()) or "–",
        "answers a second": shown(result.throughput, 1),
        "p50, p95, p99, ms": ", ".join(shown(value, 0) for value in (result.p50_ms, result.p95_ms, result.p99_ms)),
        "p95 of answers about one policy, ms": shown(result.one_policy_p95_ms, 0),
        "comparisons, and their p95, ms": f"{result.comparisons}, {shown(result.comparison_p95_ms, 0)}",
        "errors": str(sum(result.errors.values())),
        "load average of the machine, at most": f"{result.load:.1f} on {result.cores} cores",
    }
    if result.stream:
        rows["first event p50, p95, ms"] = (
            f"{shown(result.first_event_p50_ms, 0)}, {shown(result.first_event_p95_ms, 0)}"
        )
    if memory:
        rows["memory at the start, middle, end, MB"] = f"{memory.start:.0f}, {memory.middle:.0f}, {memory.end:.0f}"
    rows |= {f"error: {told}": str(n) for told, n in list(result.errors.items())[:_SHOWN_ERRORS]}
    return "\n".join(["| measure | figure |", "| --- | ---: |", *(f"| {k} | {v} |" for k, v in rows.items())]) + "\n"


def fault_of(answer: Any) -> str:
    """What is wrong with an answer's form; empty if nothing is."""
    try:
        cited = {citation["n"] for citation in answer["citations"]}
        marked = {int(n) for n in _MARK.findall(answer["text"])}
    except (KeyError, TypeError):
        return "not an answer"
    return "a number without its citation" if marked - cited else ""


def fault_of_events(events: Sequence[tuple[str, Any]]) -> str:
    """What is wrong with a stream of events; empty if nothing is."""
    cited: set[int] = set()
    text = ""
    try:
        for name, data in events:
            if name == "citation":
                cited.add(data["n"])
            elif name == "token":
                text += data["text"]
                if {int(n) for n in _MARK.findall(text)} - cited:
                    return "a number before its citation"
            elif name == "error":
                return f"an error event: {data['code']}"
    except (KeyError, TypeError):
        return "not an event of the API"
    return fault_of(events[-1][1]) if events and events[-1][0] == "answer" else "no answer at the end of the stream"


async def _events(lines: AsyncIterator[str]) -> AsyncIterator[tuple[str, Any]]:
    name, data = "", ""
    async for line in lines:
        if line.startswith("event:"):
            name = line[6:].strip()
        elif line.startswith("data:"):
            data = line[5:].strip()
        elif not line and name:
            yield name, json.loads(data)
            name = data = ""


class Load:
    """A run against a service.

    Args:
        url: where it is.
        clients: how many ask at once.
        most: at most so many questions in all.
        stream: whether answers are streamed.
        key: an API key, if the service asks for one.
    """

    def __init__(self, url: str, *, clients: int, most: int, stream: bool = False, key: str | None = None) -> None:
        self._url = url.rstrip("/")
        self._clients = clients
        self._most = most
        self._stream = stream
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.sent: list[Sent] = []
        self._begun = 0

    async def run(self, cases: Sequence[Case], seconds: float, tick: Callable[[Load], None]) -> float:
        """Asks for so long.

        Args:
            cases: what is asked (``questions``).
            seconds: no question begins later.
            tick: called every second.

        Returns:
            The seconds that it took, the last answers included.

        Raises:
            Unreachable: the service does not list its policies.
        """
        import httpx

        limits = httpx.Limits(max_connections=self._clients, max_keepalive_connections=self._clients)
        async with httpx.AsyncClient(headers=self._headers, limits=limits, timeout=_TIMEOUT_S, trust_env=False) as http:
            draw = questions(cases, await self._policies(http))
            began = time.perf_counter()

            async def ask_on(number: int) -> None:
                rng = random.Random(_SEED + number)  # noqa: S311
                while time.perf_counter() - began < seconds and self._begun < self._most:
                    self._begun += 1
                    wait = await self._ask(http, draw(rng), began)
                    await asyncio.sleep(min(wait, max(0.0, seconds - (time.perf_counter() - began))))

            async def watch() -> None:
                while True:
                    await asyncio.sleep(1)
                    tick(self)

            tick(self)
            watching = asyncio.create_task(watch())
            try:
                await asyncio.gather(*(ask_on(number) for number in range(self._clients)))
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
            tick(self)
            return time.perf_counter() - began

    async def _policies(self, http: httpx.AsyncClient) -> list[str]:
        import httpx

        address = f"{self._url}/api/v1/policies"
        try:
            response = await http.get(address, params={"limit": 1_000})
            response.raise_for_status()
            return [policy["id"] for policy in response.json()["policies"]]
        except (httpx.HTTPError, ValueError, KeyError) as exc:
            raise Unreachable(f"{address} does not list policies ({type(exc).__name__}). Is the service up?") from exc

    async def _ask(self, http: httpx.AsyncClient, body: Mapping[str, Any], began: float) -> float:
        """Asks one question; gives the seconds that the service wants to be left alone."""
        import httpx

        start = time.perf_counter()
        status, first, error, wait = 0, None, "", 0.0
        document: dict[str, Any] = {}
        path = "/api/v1/ask/stream" if self._stream else "/api/v1/ask"
        try:
            async with http.stream("POST", self._url + path, json=body) as response:
                status = response.status_code
                if status in _BY_DESIGN:
                    told = response.headers.get("retry-after", "1")
                    wait = min(float(told) if told.isdigit() else 1.0, _MOST_WAIT_S)
                elif status != 200:
                    error = f"status {status}"
                elif self._stream:
                    events = []
                    async for event in _events(response.aiter_lines()):
                        first = first if first is not None else time.perf_counter() - start
                        events.append(event)
                    error = fault_of_events(events)
                    document = {} if error else events[-1][1]
                else:
                    document = json.loads(await response.aread())
                    error = fault_of(document)
        except (httpx.HTTPError, ValueError) as exc:
            error = type(exc).__name__
        now = time.perf_counter()
        answer, several = ("", False) if error else (document.get("status", ""), bool(document.get("entries")))
        self.sent.append(Sent(status, start - began, now - start, first, answer, several, error))
        return wait


class _Ticker:
    """Looks at the service and the machine, and tells how it goes."""

    def __init__(self, pid: int | None, seconds: float) -> None:
        self.watched = _Watched()
        self._pid = pid
        self._seconds = seconds
        self._began = self._told = time.perf_counter()

    def __call__(self, load: Load) -> None:
        if self._pid is not None:
            self.watched.memory_mb.append(_memory_mb(self._pid))
        self.watched.load.append(os.getloadavg()[0])
        now = time.perf_counter()
        if now - self._told < _TOLD_EVERY_S:
            return
        lately = [each for each in load.sent if each.at + each.seconds > self._told - self._began]
        self._told = now
        p95 = percentile([each.seconds * 1000 for each in lately if each.status == 200], 0.95)
        wrong = sum(bool(each.error) for each in load.sent)
        memory = f", {self.watched.memory_mb[-1]:.0f} MB" if self.watched.memory_mb else ""
        print(
            f"{now - self._began:4.0f} of {self._seconds:.0f} s: {len(load.sent)} questions, {wrong} errors,"
            f" p95 lately {shown(p95, 0)} ms{memory}",
            file=sys.stderr,
        )


def _memory_mb(pid: int) -> float:
    try:
        import psutil  # type: ignore[import-untyped]
    except ImportError as exc:
        raise UsageError("--pid needs the package psutil: install fineprint[dev], or leave --pid out.") from exc
    try:
        return float(psutil.Process(pid).memory_info().rss) / 2**20
    except psutil.NoSuchProcess as exc:
        raise Unreachable(f"There is no process {pid} any more.") from exc


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; see the module's text. Exit code 1 where there were errors."""
    parser = argparse.ArgumentParser(prog="python -m eval.load", description="Puts a running service under load.")
    parser.add_argument("--url", default="http://127.0.0.1:7860", help="where the service is")
    parser.add_argument("--clients", type=int, default=64, help="how many ask at once (at most 1,000)")
    parser.add_argument("--seconds", type=float, default=60, help="for how long (at most 3,600)")
    parser.add_argument("--most", type=int, default=100_000, help="stop after so many questions")
    parser.add_argument("--questions", type=Path, default=BUNDLED, help="cases (default: the bundled ones)")
    parser.add_argument("--stream", action="store_true", help="have the answers streamed")
    parser.add_argument("--key", default=os.environ.get("FINEPRINT_KEY"), help="API key (default: $FINEPRINT_KEY)")
    parser.add_argument("--pid", type=int, help="the service's process, to watch its memory")
    parser.add_argument("--out", type=Path, help="JSON file for the figures")
    options = parser.parse_args(arguments)
    if not (1 <= options.clients <= 1_000 and 0 < options.seconds <= 3_600 and options.most >= 1):
        parser.error("--clients is 1 to 1000, --seconds at most 3600, --most at least 1")
    if urlsplit(options.url).scheme not in ("http", "https"):
        parser.error("--url begins with http:// or https://")
    load = Load(options.url, clients=options.clients, most=options.most, stream=options.stream, key=options.key)
    ticker = _Ticker(options.pid, options.seconds)
    try:
        seconds = asyncio.run(load.run(read_cases(options.questions), options.seconds, ticker))
    except FineprintError as exc:
        print(f"eval.load: {exc}", file=sys.stderr)
        return 2 if isinstance(exc, UsageError) else 1
    result = summarise(
        load.sent,
        clients=options.clients,
        seconds=seconds,
        stream=options.stream,
        memory_mb=ticker.watched.memory_mb,
        load=max(ticker.watched.load),
    )
    if options.out:
        save_json(options.out, asdict(result))
    sys.stdout.write(as_markdown(result))
    return 1 if result.errors else 0


if __name__ == "__main__":
    sys.exit(main())
