"""The command line over a real index of the samples, made once with the bundled model."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from qa.domain import Question, as_json
from qa.service import PolicyQA
from qa.settings import Settings, load_settings
from tests.conftest import SAMPLES
from ui.cli import run

ROOT = Path(__file__).parent.parent.parent
SELL = "does Free People sell my email address?"


@pytest.fixture(scope="session")
def made(sampled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the samples; not to be changed."""
    return shutil.copytree(sampled, tmp_path_factory.mktemp("made") / "index")


@pytest.fixture
def index(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FINEPRINT_INDEX", str(made))
    return made


@pytest.fixture
def own_index(tmp_path: Path) -> Path:
    """An index of one policy; may be changed."""
    folder = tmp_path / "own"
    assert run(["ingest", str(SAMPLES / "freepeople.com__2006-12-05.md"), "--index", str(folder)]) == 0
    return folder


def printed(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    """What a command prints on standard output and standard error."""
    capsys.readouterr()
    assert run([*arguments]) == code
    captured = capsys.readouterr()
    return captured.out, captured.err


def failure(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 1) -> str:
    """The one line that a failing command prints, and nothing else."""
    out, err = printed(capsys, *arguments, code=code)
    assert out == ""
    assert err.startswith("fineprint: ")
    assert err.count("\n") == 1
    return err


def subprocess_run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "ui", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        timeout=120,
        check=False,
    )


def test_asking_prints_verdict_text_and_proof(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = printed(capsys, "ask", SELL)
    assert out.startswith("No\n")
    assert '[1] "Free People will not rent or sell' in out
    assert "https://web.archive.org/" in out
    assert err == ""


def test_asking_for_json_prints_the_answer_and_nothing_else(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = printed(capsys, "ask", SELL, "--json")
    with PolicyQA.open(Settings(index=index)) as service:
        expected = as_json(service.ask(Question(SELL)))
    answer = json.loads(out)
    for data in (answer, expected):
        del data["timings_ms"]
    assert answer == expected
    assert err == ""


def test_scope_history_and_date_shape_the_question(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scoped = json.loads(printed(capsys, "ask", "do they sell my email?", "--scope", "freepeople.com", "--json")[0])
    later = json.loads(printed(capsys, "ask", "do they rent it?", "--history", SELL, "--json")[0])
    assert scoped["policies"] == later["policies"] == ["freepeople.com@2006-12-05"]
    early = json.loads(printed(capsys, "ask", SELL, "--as-of", "1999", "--json")[0])
    assert early["warnings"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["ask"],
        ["ask", "x", "--scope", "nobody.example"],
        ["ask", "x", "--as-of", "soon"],
        ["ask", ""],
        ["ask", "x" * 100_000],
        ["ask", "a\x00b\x1b"],
        ["ask", "x", "--batch", "y"],
        ["ask", "x", "--out", "y"],
        ["ask", "--batch", "nothing.jsonl", "--out", "y"],
        ["ask", "--batch", "nothing.jsonl"],
        ["policies", "show", "../../etc/passwd"],
        ["policies", "remove", "nobody.example"],
        ["ingest", "--domain", "x.example"],
        ["ingest", "a.md", "--date", "soon"],
        ["ingest", "--history"],
        ["ingest", "a.md", "--history", "--date", "2020-01-01"],
        ["ingest", "a.zip", "--domain", "x.example"],
        ["ingest", "a.md", "--watch"],
        ["ingest", "--watch"],
        ["ingest", "https://x.example/", "--watch=soon"],
        ["ingest", "https://x.example/", "--every", "6h"],
        ["ingest", "https://x.example/", "--watch", "--as-of", "2008"],
        ["ingest", "https://x.example/", "--as-of", "2999"],
        ["ingest", "https://x.example/", "--as-of", "2008", "--date", "2008-01-01"],
        ["ingest", "a.md", "--as-of", "2008"],
    ],
)
def test_wrong_usage_is_one_line_and_code_2(
    index: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    failure(capsys, *arguments, code=2)


@pytest.mark.parametrize("arguments", [["nonsense"], ["ask", "x", "--nonsense"], ["serve", "--port", "99999"], []])
def test_what_is_no_command_is_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2


@pytest.mark.parametrize(
    "arguments",
    [["ask", "x"], ["policies", "list"], ["policies", "show", "x"], ["policies", "remove", "x"], ["rebuild"]],
)
def test_without_an_index_every_command_says_to_ingest(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "fineprint ingest" in failure(capsys, *arguments, "--index", str(tmp_path / "none"))


def test_an_unknown_setting_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FINEPRINT_SCOEP", "x")
    assert "FINEPRINT_SCOPE" in failure(capsys, "ask", "x", code=2)


def test_ingesting_reports_what_became_of_every_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    sample = SAMPLES / "exofficio.com__2014-05-30.md"
    (folder / sample.name).write_bytes(sample.read_bytes())
    (folder / "empty.example__2020-01-01.md").write_text("")
    out, _ = printed(capsys, "ingest", str(folder), "--index", str(tmp_path / "index"))
    assert "added           1" in out
    assert "refused         1" in out
    assert "empty.example__2020-01-01.md: It is empty." in out
    again = json.loads(printed(capsys, "ingest", str(folder), "--index", str(tmp_path / "index"), "--json")[0])
    assert (again["added"], again["unchanged"], again["replaced"]) == (0, 1, 0)
    assert [refusal["reason"] for refusal in again["refused"]] == ["empty"]


def test_where_every_file_was_refused_or_none_found_the_code_is_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "empty.md").write_text("")
    failure(capsys, "ingest", str(tmp_path / "nothing"), "--index", str(tmp_path / "index"))
    failure(capsys, "ingest", str(tmp_path / "empty"), "--index", str(tmp_path / "index"))
    out, _ = printed(capsys, "ingest", str(tmp_path / "bad"), "--index", str(tmp_path / "index"), code=1)
    assert "empty.md" in out


def test_an_address_without_its_beginning_is_told_from_a_file_and_one_that_is_closed_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ["--index", str(tmp_path / "index")]
    assert "write https://x.example/privacy" in failure(capsys, "ingest", "x.example/privacy", *at)
    out, _ = printed(capsys, "ingest", "https://127.0.0.1/", *at, code=1)
    assert "https://127.0.0.1/: Only the address of a site by its name can be opened" in out


@pytest.mark.parametrize(("arguments", "told"), [(["--watch=6h"], signal.SIGTERM), (["--watch"], signal.SIGINT)])
def test_watching_a_page_says_a_line_a_round_and_ends_when_told(
    tmp_path: Path, arguments: list[str], told: signal.Signals
) -> None:
    ingest = [sys.executable, "-m", "ui", "ingest", "https://127.0.0.1/", "--index", str(tmp_path / "index")]
    with subprocess.Popen([*ingest, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        line = watching.stdout.readline()
        watching.send_signal(told)
        assert watching.wait(30) == 0
        assert watching.stdout.read() == ""
    assert re.search(r"\d  1 read, 1 refused \(https://127\.0\.0\.1/: Only .*\); next 20\d\d-", line)


def test_hints_say_whose_policy_a_single_file_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample = (SAMPLES / "exofficio.com__2014-05-30.md").read_text(encoding="utf-8")
    file = tmp_path / "policy.md"
    file.write_text(sample.split("\n", 1)[1], encoding="utf-8")
    target = str(tmp_path / "index")
    hints = ["--domain", "shop.example", "--date", "2020-02-01", "--company", "Shop", "--url", "https://shop.example/p"]
    printed(capsys, "ingest", str(file), "--index", target, *hints)
    (card,) = json.loads(printed(capsys, "policies", "list", "--index", target, "--json")[0])
    assert card["id"] == "shop.example@2020-02-01"
    assert card["company"] == "Shop"
    assert card["url"] == "https://shop.example/p"


def test_a_batch_answers_every_case_and_goes_on_after_a_bad_one(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases, answers = tmp_path / "cases.jsonl", tmp_path / "answers.jsonl"
    cases.write_text(
        json.dumps({"id": "a", "question": SELL})
        + "\nbroken\n"
        + json.dumps({"id": "b", "question": "do they rent it?", "history": [SELL]})
        + "\n"
        + json.dumps({"id": "c", "question": "x", "scope": "nobody.example"})
    )
    out, err = printed(capsys, "ask", "--batch", str(cases), "--out", str(answers))
    lines = [json.loads(line) for line in answers.read_text(encoding="utf-8").splitlines()]
    assert [line["id"] for line in lines] == ["a", None, "b", "c"]
    assert ["error" in line for line in lines] == [False, True, False, True]
    assert out == ""
    assert "4 cases, 2 failed" in err


def test_a_batch_of_which_every_case_fails_is_code_1(index: Path, tmp_path: Path) -> None:
    (tmp_path / "cases.jsonl").write_text("broken")
    assert run(["ask", "--batch", "cases.jsonl", "--out", "answers.jsonl"]) == 1
    assert "error" in json.loads((tmp_path / "answers.jsonl").read_text())


def test_policies_are_listed_shown_and_removed(own_index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = ["--index", str(own_index)]
    assert "freepeople.com@2006-12-05" in printed(capsys, "policies", "list", *at)[0]
    shown = printed(capsys, "policies", "show", "freepeople.com", *at)[0]
    assert "Free People will not rent or sell your e-mail address" in shown
    document = json.loads(printed(capsys, "policies", "show", "freepeople.com", "--json", *at)[0])
    assert document["text"][document["passages"][0]["start"] :].startswith(document["text"][0])
    assert "Removed freepeople.com@2006-12-05" in printed(capsys, "policies", "remove", "freepeople.com", *at)[1]
    assert "fineprint ingest" in printed(capsys, "policies", "list", *at)[1]


def test_changes_between_versions_are_shown_as_text_and_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (SAMPLES / "freepeople.com__2006-12-05.md").read_text(encoding="utf-8").split("\n", 1)[1]
    (tmp_path / "freepeople.com__2006-12-05.md").write_text(text, encoding="utf-8")
    later = text.replace("rent or sell", "lend or sell")
    (tmp_path / "freepeople.com__2009-01-31.md").write_text(later, encoding="utf-8")
    at = ["--index", str(tmp_path / "index")]
    printed(capsys, "ingest", *map(str, sorted(tmp_path.glob("*.md"))), *at)
    out, _ = printed(capsys, "policies", "changes", "freepeople.com", *at)
    assert "5 December 2006 → 31 January 2009" in out
    assert "1 reworded" in out
    named = ["freepeople.com__2006-12-05", "freepeople.com@2009-01-31", "--about", "cookies", "--json"]
    data = json.loads(printed(capsys, "policies", "changes", *named, *at)[0])
    assert (data["older"], data["newer"]) == ("freepeople.com@2006-12-05", "freepeople.com@2009-01-31")
    assert data["changes"] == []
    twice = ["freepeople.com", "freepeople.com"]
    assert "name two versions" in failure(capsys, "policies", "changes", *twice, *at, code=2)


def test_a_label_is_shown_as_text_as_json_and_as_a_drawing(
    own_index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["policies", "label", "freepeople.com", "--index", str(own_index)]
    out, _ = printed(capsys, *command)
    assert out.startswith("Free People, policy as of 5 December 2006\n")
    assert (own_index / "labels.sqlite3").exists()
    label = json.loads(printed(capsys, *command, "--json")[0])
    sell = label["rows"][0]
    assert (sell["topic"], sell["verdict"]) == ("sell", "no")
    assert "will not rent or sell" in sell["citations"][0]["quote"]
    drawing = tmp_path / "label.svg"
    out, err = printed(capsys, *command, "--svg", str(drawing))
    assert (out, err) == ("", f"Label: {drawing}\n")
    assert drawing.read_text(encoding="utf-8").startswith("<svg ")
    assert "amazon.com" in failure(capsys, "policies", "label", "amazon.com", "--index", str(own_index), code=2)


def test_comparing_prints_each_policys_answer_as_lines_json_csv_and_markdown(
    index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["compare", "do you sell my email address?", "--scope", "malleries.com", "--scope", "freepeople.com"]
    out, err = printed(capsys, *arguments)
    assert err == ""
    assert out.index("Malleries (4 October 2012): ") < out.index("Free People (5 December 2006): No")
    assert '[1] "Free People will not rent or sell' in out
    with PolicyQA.open(Settings(index=index)) as answers:
        entries = list(answers.compare(Question(arguments[1]), arguments[3::2]))
    said, _ = printed(capsys, *arguments, "--json")
    assert json.loads(said) == {"question": arguments[1], "entries": as_json(entries), "failed": []}
    table, _ = printed(capsys, *arguments, "--csv")
    assert [line.split(",")[0] for line in table.splitlines()] == ['\ufeff"company"', '"Malleries"', '"Free People"']
    table, _ = printed(capsys, *arguments, "--markdown")
    assert table.startswith("## do you sell my email address?\n")


def test_a_comparison_of_one_policy_or_in_two_forms_is_wrong_usage(
    index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["compare", "do you sell it?", "--scope", "malleries.com"]
    assert "2 to 20 policies" in failure(capsys, *arguments, code=2)
    assert "only one of" in failure(capsys, *arguments, "--scope", "freepeople.com", "--csv", "--json", code=2)


def test_a_service_whose_chat_model_lacks_something_does_not_start_and_says_what(
    index: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINEPRINT_LLM", "nowhere:tiny")
    assert "pip install langchain-nowhere" in failure(capsys, "serve", "--port", "0")


def test_doctor_finds_a_sound_index_well(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = printed(capsys, "doctor")
    assert [line.split()[0] for line in out.splitlines()] == ["ok"] * 6


def test_doctor_finds_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = printed(capsys, "doctor", "--index", str(tmp_path / "none"), code=1)
    assert "PROBLEM  library: There is no index" in out
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "library.sqlite3").write_bytes(b"not a database" * 1_000)
    out, _ = printed(capsys, "doctor", "--index", str(tmp_path / "bad"), code=1)
    assert "PROBLEM  library" in out


def test_rebuilding_keeps_every_policy_and_answer(own_index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = ["--index", str(own_index)]
    before = json.loads(printed(capsys, "ask", SELL, "--json", *at)[0])
    assert "Rebuilt 1 policy" in printed(capsys, "rebuild", *at)[1]
    after = json.loads(printed(capsys, "ask", SELL, "--json", *at)[0])
    assert before["citations"] == after["citations"]
    printed(capsys, "doctor", *at)


def test_help_and_version_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = printed(capsys, "--help")
    assert {"ingest", "ask", "serve", "eval", "policies", "doctor", "rebuild"} <= set(out.split())
    assert printed(capsys, "--version")[0].startswith("fineprint ")


def test_a_bug_is_one_line_and_with_debug_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A settings file that is a folder is an OSError that nothing expects.
    monkeypatch.setenv("FINEPRINT_INDEX", str(tmp_path / ("x" * 300)))
    assert failure(capsys, "ask", "x")
    with pytest.raises(Exception, match="x"):
        run(["ask", "x", "--debug"])


def test_asking_loads_none_of_the_heavy_libraries(index: Path) -> None:
    heavy = [
        "gradio",
        "fastapi",
        "chromadb",
        "torch",
        "sentence_transformers",
        "transformers",
        "langchain_core",
        "rich",
    ]
    code = (
        f"import sys; from ui.cli import run; run(['ask', {SELL!r}]); print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_json_is_whole_where_the_output_knows_no_utf8(index: Path) -> None:
    done = subprocess_run("ask", SELL, "--json", PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")
    assert done.returncode == 0
    assert json.loads(done.stdout.decode("ascii"))["question"] == SELL
    plain = subprocess_run("ask", SELL, PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")
    assert plain.returncode == 0
    assert b"Traceback" not in plain.stderr


def test_a_reader_that_goes_away_is_no_failure(index: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "ui", "policies", "show", "malleries.com"],
        cwd=ROOT,
        stdout=write,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(write)
    assert done.stderr == b""
    assert done.returncode == 0


def test_serving_starts_without_an_index_answers_after_an_ingest_and_stops_when_told(tmp_path: Path) -> None:
    target = tmp_path / "index"
    service = subprocess.Popen(
        [sys.executable, "-m", "ui", "serve", "--port", "0", "--index", str(target)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert service.stdout is not None
        address = service.stdout.readline().split()[3]
        body = json.dumps({"question": SELL}).encode()
        request = urllib.request.Request(f"{address}/api/v1/ask", body, {"Content-Type": "application/json"})
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=30)
        with refused.value as response:
            assert response.code == 503
            assert "fineprint ingest" in json.load(response)["detail"]
        assert run(["ingest", str(SAMPLES / "freepeople.com__2006-12-05.md"), "--index", str(target)]) == 0
        with urllib.request.urlopen(request, timeout=30) as response:
            assert json.load(response)["verdict"] == "no"
        # A second ingest while it runs is seen by its next answer.
        assert run(["ingest", "--index", str(target)]) == 0
        with urllib.request.urlopen(f"{address}/api/v1/policies", timeout=30) as response:
            assert json.load(response)["total"] == 4
        port = address.rpartition(":")[2]
        taken = subprocess_run("serve", "--port", port)
        assert taken.returncode == 1
        assert f"Port {port} on 127.0.0.1 is in use".encode() in taken.stderr
    finally:
        service.send_signal(signal.SIGTERM)
        _, err = service.communicate(timeout=30)
    assert service.returncode == 0
    assert err == ""
    with socket.socket() as free:
        assert free.connect_ex(("127.0.0.1", int(port))) != 0


def test_a_key_is_printed_once_with_the_setting_that_lets_it_in(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = printed(capsys, "keys", "new", "shop", "--scope", "www.FreePeople.com")
    assert err == ""
    (key,) = re.findall(r"^  (fp_\S+)$", out, re.MULTILINE)
    (setting,) = re.findall(r"^  (shop:\S+)$", out, re.MULTILINE)
    (kept,) = load_settings(environ={"FINEPRINT_API_KEYS": setting}).api_keys
    assert kept.digest == hashlib.sha256(key.encode()).hexdigest()
    assert kept.domains == {"freepeople.com"}
    made = json.loads(printed(capsys, "keys", "new", "shop", "--json")[0])
    assert set(made) == {"name", "key", "setting"}
    assert made["key"] != key
    assert "letters" in failure(capsys, "keys", "new", "a shop", code=2)
    assert "example.com" in failure(capsys, "keys", "new", "shop", "--scope", "nothing", code=2)
