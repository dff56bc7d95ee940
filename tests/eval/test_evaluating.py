from __future__ import annotations

import io
import json
import socket
from pathlib import Path

import pytest
from rich.console import Console

from eval.cases import InvalidCases
from eval.comparing import InvalidBaseline
from eval.engines import InvalidEngine
from eval.evaluating import evaluate
from ingest.pipeline import ingest_paths
from qa.domain import Vectors
from qa.encoders import HashingEncoder, TextEncoder
from qa.errors import ChatModelFailed, UsageError
from qa.settings import load_settings
from tests.chatting import Reply, Request, serving

CASES = (
    {
        "id": "sell", "policy": "exofficio.com__2014-05-30", "question": "Does ExOfficio sell personal information?",
        "kind": "yes_no", "verdict": "no", "names_company": True, "scoped": False,
        "evidence": ["ExOfficio does not sell, trade or rent your personal information"],
    },
    {
        "id": "keep", "policy": "freepeople.com__2006-12-05", "question": "How long is my data kept?", "kind": "open",
        "verdict": "not_stated",
    },
    {
        "id": "gone", "policy": "nowhere.example__2000-01-01", "question": "Is anybody there?", "kind": "yes_no",
        "verdict": "not_stated",
    },
)  # fmt: skip


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    path = tmp_path / "cases.jsonl"
    path.write_text("".join(json.dumps(case) + "\n" for case in CASES), encoding="utf-8")
    return path


def run(
    tmp_path: Path,
    cases: Path,
    out: Path | None = None,
    baseline: Path | None = None,
    *,
    console: Console | None = None,
    encoder: TextEncoder | None = None,
    jobs: int = 1,
    resume: bool = False,
) -> int:
    settings = load_settings({"index": tmp_path / "users-own-index", "cache": tmp_path / "cache"}, environ={})
    return evaluate(
        cases, None, out, baseline, settings, console or Console(quiet=True), encoder=encoder or HashingEncoder(),
        jobs=jobs, resume=resume,
    )  # fmt: skip


def answers(folder: Path) -> list[dict[str, object]]:
    """What was answered, without the times, which differ."""
    rows = [json.loads(line) for line in (folder / "rows.jsonl").read_text(encoding="utf-8").splitlines()]
    for row in rows:
        del row["elapsed_ms"]
        if row["answer"]:
            del row["answer"]["timings_ms"]
    return rows


def test_a_run_is_saved_and_a_second_one_ties_with_it(tmp_path: Path, cases: Path) -> None:
    out = tmp_path / "out"
    assert run(tmp_path, cases, out) == 0
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert summary["unscored"] == ["gone"]
    assert summary["figures"]["n"] == 2
    assert (summary["figures"]["missing"], summary["figures"]["invalid_quotes"]) == (0, 0)
    parameters = json.loads((out / "parameters.json").read_text(encoding="utf-8"))
    assert (parameters["policies"], parameters["jobs"], len(parameters["models_sha256"])) == (4, 1, 64)
    again = tmp_path / "again"
    assert run(tmp_path, cases, again, baseline=out, jobs=2) == 0
    assert answers(again) == answers(out)
    comparison = json.loads((again / "comparison.json").read_text(encoding="utf-8"))
    assert (comparison["falls"], comparison["broken"]) == ([], [])
    assert {test["p_value"] for test in comparison["tests"]} == {1.0}


class Interrupting(HashingEncoder):
    """An encoder at which somebody gives up when asked how long anything takes."""

    def encode_question(self, text: str) -> Vectors:
        if text.startswith("How long"):
            raise KeyboardInterrupt
        return super().encode_question(text)


def test_a_run_that_was_interrupted_goes_on_where_it_was(tmp_path: Path, cases: Path) -> None:
    out = tmp_path / "out"
    console = Console(file=(printed := io.StringIO()), width=200)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, cases, out, console=console, encoder=Interrupting())
    assert printed.getvalue().endswith(f"go on with --resume --out {out}\n")
    kept = (out / "unfinished.jsonl").read_bytes()
    assert kept.count(b"\n") == 2  # the parameters and one row
    text = json.loads(kept.splitlines()[1])["answer"]["text"]
    marker = f"{text} Marked."  # what is asked again would come without it
    (out / "unfinished.jsonl").write_bytes(kept.replace(json.dumps(text).encode(), json.dumps(marker).encode()))
    assert run(tmp_path, cases, out, console=console, resume=True) == 0
    assert "1 of 3 answers of extractive are there already." in printed.getvalue()
    assert [row["id"] for row in answers(out)] == ["sell", "keep", "gone"]
    assert json.loads((out / "rows.jsonl").read_text().splitlines()[0])["answer"]["text"] == marker
    assert not (out / "unfinished.jsonl").exists()


def test_going_on_needs_the_folder_of_the_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--out"):
        run(tmp_path, tmp_path / "no-such-file", resume=True)


def test_a_fall_below_the_baseline_is_exit_code_one(tmp_path: Path, cases: Path) -> None:
    out = tmp_path / "out"
    run(tmp_path, cases, out)
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    summary["figures"]["answerability"] += 0.1
    (out / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    assert run(tmp_path, cases, baseline=out) == 1


def test_without_a_folder_the_results_go_under_the_cache_and_the_users_index_is_left_alone(
    tmp_path: Path, cases: Path
) -> None:
    run(tmp_path, cases)
    (folder,) = (tmp_path / "cache" / "eval").iterdir()
    assert (folder / "summary.json").is_file()
    assert not (tmp_path / "users-own-index").exists()


def test_a_bad_baseline_is_told_before_anything_is_asked(tmp_path: Path, cases: Path) -> None:
    with pytest.raises(InvalidBaseline):
        run(tmp_path, cases, baseline=tmp_path / "none.json")


def test_a_baseline_of_other_data_is_refused_before_anything_is_asked(tmp_path: Path, cases: Path) -> None:
    out = tmp_path / "out"
    run(tmp_path, cases, out)
    cases.write_text(cases.read_text().replace("How long", "How very long"))
    with pytest.raises(InvalidBaseline, match="other cases"):
        run(tmp_path, cases, tmp_path / "never", baseline=out)
    assert not (tmp_path / "never").exists()


def test_a_folder_without_the_policies_asked_about_is_refused(tmp_path: Path, cases: Path) -> None:
    (tmp_path / "empty").mkdir()
    settings = load_settings({"index": tmp_path / "index", "cache": tmp_path / "cache"}, environ={})
    with pytest.raises(InvalidCases):
        evaluate(cases, tmp_path / "empty", None, None, settings, Console(quiet=True), encoder=HashingEncoder())


TEA = """# Privacy policy of Teapot

When you order, we collect your name, your postal address and your e-mail address. We use this personal information to
send you the tea that you ordered. We do not sell your personal information to anybody. We share it with the carrier who
brings your parcel, and with the authorities where a court order obliges us to. This site sets one cookie, which
remembers your basket. Our privacy officer sends you a copy of the personal data that we hold about you if you write to
us. When this privacy policy changes, the new one is put here.
"""


@pytest.mark.parametrize("index", [True, False], ids=["the index", "a folder"])
def test_policies_of_ones_own_come_from_a_folder_or_from_the_index_and_need_no_date(
    tmp_path: Path, *, index: bool
) -> None:
    settings = load_settings({"index": tmp_path / "index", "cache": tmp_path / "cache"}, environ={})
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "tea.example.md").write_text(TEA)
    own = tmp_path / "own.yaml"
    own.write_text(
        "- question: Do you sell my data?\n  policy: tea.example\n  verdict: no\n"
        "  evidence: We do not sell your personal information to anybody.\n"
    )
    if index:
        ingest_paths([tmp_path / "policies"], settings, encoder=HashingEncoder())
    folder = None if index else tmp_path / "policies"
    assert evaluate(own, folder, tmp_path / "out", None, settings, Console(quiet=True), encoder=HashingEncoder()) == 0
    (row,) = [json.loads(line) for line in (tmp_path / "out" / "rows.jsonl").read_text().splitlines()]
    assert row["state"] == "scored"
    assert row["answer"]["policies"][0].startswith("tea.example@")


# --- several engines --------------------------------------------------------------------------------------------------


def run_engines(tmp_path: Path, cases: Path, *engines: str, url: str, baseline: Path | None = None) -> tuple[int, str]:
    """The exit code, and what is printed."""
    # One of the tests' models on loopback, whichever provider's protocol it speaks.
    values = {"index": tmp_path / "index", "cache": tmp_path / "cache", "llm_url": url, "llm_api_key": "key"}
    settings = load_settings({**values, "llm_wait_s": 5, "llm_timeout_s": 5}, environ={})
    console = Console(file=(out := io.StringIO()), width=200)
    code = evaluate(
        cases, None, tmp_path / "out", baseline, settings, console, encoder=HashingEncoder(), engines=engines
    )
    return code, out.getvalue()


def worded(request: Request) -> Reply:
    """A model that says again what the first sentence says, and claims something that no policy says."""
    asked = json.loads(request.user) if request.user.startswith("{") else {}
    if "sentences" not in asked:
        return Reply("{}")
    said = asked["sentences"][0]["text"]
    claims = [
        {"text": said.replace("We ", f"{asked['company']} "), "proof": [{"sentence": 1, "quote": said}]},
        {"text": "It buys your address from Globex.", "proof": [{"sentence": 1, "quote": said}]},
    ]
    return Reply(json.dumps({"verdict": "no", "claims": claims}))


def test_engines_answer_the_same_cases_side_by_side(tmp_path: Path, cases: Path) -> None:
    with serving(worded) as server:
        code, printed = run_engines(tmp_path, cases, "extractive", "openai:tiny", url=server.openai_url)
        asked = len(server.requests)
    assert code == 0
    assert "extractive" in printed
    data = json.loads((tmp_path / "out" / "engines.json").read_text(encoding="utf-8"))
    plain, model = data["engines"]
    assert plain["work"]["calls"] == 0
    assert model["work"]["calls"] == asked - 1 > 0  # one asked whether it is there
    assert model["work"]["dropped"] >= 1
    assert model["work"]["input_tokens"] > 0
    assert (plain["figures"]["n"], plain["figures"]["invalid_quotes"]) == (2, 0)
    assert (model["figures"]["n"], model["figures"]["invalid_quotes"]) == (2, 0)
    assert set(model["first_ms"]) == {"sell", "keep"}
    assert run(tmp_path, cases, baseline=tmp_path / "out" / "extractive") == 0


def test_a_model_that_is_not_there_is_left_out_and_the_others_go_on(tmp_path: Path, cases: Path) -> None:
    code, printed = run_engines(tmp_path, cases, "openai:gone", "extractive", url=closed_url())
    assert code == 1
    assert printed.startswith("openai:gone is left out: The chat model openai:gone cannot be reached")
    gone, plain = json.loads((tmp_path / "out" / "engines.json").read_text(encoding="utf-8"))["engines"]
    assert (gone["figures"], plain["figures"]["n"]) == (None, 2)
    with pytest.raises(ChatModelFailed, match="cannot be reached"):
        run_engines(tmp_path, cases, "openai:gone", url=closed_url())


def closed_url() -> str:
    """Where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"


def test_what_is_no_engine_is_told_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidEngine):
        run_engines(tmp_path, tmp_path / "no-such-file", "llama", url="http://127.0.0.1:9/v1")
