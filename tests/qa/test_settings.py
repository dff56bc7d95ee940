from __future__ import annotations

from pathlib import Path

import pytest

from qa.errors import InvalidSettings
from qa.settings import load_settings


def test_the_environment_wins_over_the_file_and_options_win_over_both(tmp_path: Path) -> None:
    file = tmp_path / "fineprint.toml"
    file.write_text('threads = 3\nmax_compared = 7\nscope = "a.com"\n', encoding="utf-8")
    settings = load_settings(
        {"scope": "c.com"}, environ={"FINEPRINT_SCOPE": "b.com", "FINEPRINT_THREADS": "4"}, file=file
    )
    assert (settings.max_compared, settings.threads, settings.scope) == (7, 4, "c.com")


def test_the_settings_file_of_the_working_folder_is_read() -> None:
    Path("fineprint.toml").write_text("history = 2\n", encoding="utf-8")  # tests run in a folder of their own
    assert load_settings(environ={}).history == 2


def test_options_that_are_not_given_change_nothing() -> None:
    assert load_settings({"scope": None}, environ={"FINEPRINT_SCOPE": "b.com"}).scope == "b.com"


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"FINEPRINT_INDX": "x"}, "Did you mean FINEPRINT_INDEX"),
        ({"FINEPRINT_THREADS": "many"}, "FINEPRINT_THREADS"),
        ({"FINEPRINT_THREADS": "0"}, "FINEPRINT_THREADS"),
        ({"FINEPRINT_CONFIG": "nowhere.toml"}, "nowhere.toml"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused(environ: dict[str, str], says: str) -> None:
    with pytest.raises(InvalidSettings, match=says):
        load_settings(environ=environ)


@pytest.mark.parametrize(("text", "says"), [("thread = 3", "Did you mean threads"), ("threads =", "TOML")])
def test_a_settings_file_with_a_mistake_is_refused(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "s.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidSettings, match=says):
        load_settings(environ={}, file=file)


@pytest.mark.parametrize(
    "url", ["http://chroma:8000", "https://chroma.example", "http://127.0.0.1:8000/", "http://[::1]:8000"]
)
def test_a_chroma_server_is_named_by_scheme_host_and_port(url: str) -> None:
    assert load_settings({"chroma_url": url}, environ={}).chroma_url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "chroma:8000",
        "ftp://chroma",
        "http://user:secret@chroma:8000",
        "http://chroma:8000/path",
        "http://",
        "http://a b",
    ],
)
def test_what_names_no_chroma_server_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(InvalidSettings, match="FINEPRINT_CHROMA_URL") as refusal:
        load_settings({"chroma_url": url}, environ={})
    assert "secret" not in str(refusal.value)


def test_the_token_of_a_chroma_server_is_not_shown() -> None:
    assert "hush" not in repr(load_settings({"chroma_token": "hush"}, environ={}))


def test_a_folder_that_the_caller_names_wins_over_a_server_in_the_environment(tmp_path: Path) -> None:
    environ = {"FINEPRINT_CHROMA_URL": "http://chroma:8000", "FINEPRINT_INDEX": str(tmp_path / "other")}
    assert load_settings({}, environ=environ).chroma_url == "http://chroma:8000"
    assert load_settings({"index": tmp_path}, environ=environ).chroma_url is None
    both = {"index": tmp_path, "chroma_url": "http://other:8000"}
    assert load_settings(both, environ=environ).chroma_url == "http://other:8000"


@pytest.mark.parametrize("name", ["", "a", "-", "Shop", "shop-writer", "shop/../x", "x" * 41, "shop\n", "é" * 4])
def test_a_name_that_chroma_or_another_index_could_stumble_over_is_refused(name: str) -> None:
    with pytest.raises(InvalidSettings, match="FINEPRINT_CHROMA_INDEX"):
        load_settings({"chroma_index": name}, environ={})
