from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

import qa.encoders
from qa.bert import BertShape, pair_judge, sentence_encoder
from qa.errors import ModelUnusable

SHAPE = BertShape(width=8, layers=2, heads=2, epsilon=1e-12)
WORDS, POSITIONS, INNER, SCORES = 11, 9, 16, 4

Weights = dict[str, np.ndarray]


def random_weights() -> Weights:
    rng = np.random.default_rng(7)
    sizes = {
        "embeddings.word_embeddings.weight": (WORDS, SHAPE.width),
        "embeddings.position_embeddings.weight": (POSITIONS, SHAPE.width),
        "embeddings.token_type_embeddings.weight": (2, SHAPE.width),
        "embeddings.LayerNorm.weight": (SHAPE.width,),
        "embeddings.LayerNorm.bias": (SHAPE.width,),
    }
    for layer in range(SHAPE.layers):
        at = f"encoder.layer.{layer}."
        for part in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            sizes[f"{at}{part}.weight"] = (SHAPE.width, SHAPE.width)
            sizes[f"{at}{part}.bias"] = (SHAPE.width,)
        sizes[at + "intermediate.dense.weight"] = (INNER, SHAPE.width)
        sizes[at + "intermediate.dense.bias"] = (INNER,)
        sizes[at + "output.dense.weight"] = (SHAPE.width, INNER)
        sizes[at + "output.dense.bias"] = (SHAPE.width,)
        for part in ("attention.output.LayerNorm", "output.LayerNorm"):
            sizes[f"{at}{part}.weight"] = (SHAPE.width,)
            sizes[f"{at}{part}.bias"] = (SHAPE.width,)
    sizes |= {"head.weight": (SCORES, 2 * SHAPE.width), "head.bias": (SCORES,)}
    return {name: rng.normal(size=size).astype(np.float32) for name, size in sizes.items()}


def save(weights: Weights, path: Path) -> None:
    """The safetensors form: eight bytes of length, a JSON head, the numbers."""
    head, offset = {}, 0
    for name, values in weights.items():
        head[name] = {"dtype": "F32", "shape": values.shape, "data_offsets": [offset, offset + values.nbytes]}
        offset += values.nbytes
    encoded = json.dumps(head).encode()
    path.write_bytes(len(encoded).to_bytes(8, "little") + encoded + b"".join(w.tobytes() for w in weights.values()))


def by_hand(w: Weights, ids: list[int]) -> np.ndarray:
    """The vector of one text."""
    mean = states_by_hand(w, ids, [0] * len(ids)).mean(axis=0)
    return mean / np.linalg.norm(mean)


def judged_by_hand(w: Weights, ids: list[int], kinds: list[int]) -> np.ndarray:
    """The scores of one pair."""
    states = states_by_hand(w, ids, kinds)
    return np.concatenate([states[0], states.mean(axis=0)]) @ w["head.weight"].T + w["head.bias"]


def states_by_hand(w: Weights, ids: list[int], kinds: list[int]) -> np.ndarray:
    """The model of the BERT paper, one text, written with numpy in double precision."""
    w = {name: values.astype(np.float64) for name, values in w.items()}

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        centred = x - x.mean(axis=1, keepdims=True)
        return centred / np.sqrt((centred**2).mean(axis=1, keepdims=True)) * w[name + ".weight"] + w[name + ".bias"]

    def linear(x: np.ndarray, name: str) -> np.ndarray:
        return x @ w[name + ".weight"].T + w[name + ".bias"]

    erf = np.vectorize(math.erf)
    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm(x + w["embeddings.token_type_embeddings.weight"][kinds], "embeddings.LayerNorm")
    size = SHAPE.width // SHAPE.heads
    for layer in range(SHAPE.layers):
        at = f"encoder.layer.{layer}."
        heads = []
        for head in range(SHAPE.heads):
            part = slice(head * size, (head + 1) * size)
            query, key, value = (linear(x, f"{at}attention.self.{name}")[:, part] for name in ("query", "key", "value"))
            weight = np.exp(query @ key.T / math.sqrt(size))
            heads.append(weight / weight.sum(axis=1, keepdims=True) @ value)
        x = norm(x + linear(np.hstack(heads), at + "attention.output.dense"), at + "attention.output.LayerNorm")
        inner = linear(x, at + "intermediate.dense")
        inner = inner * (1 + erf(inner / math.sqrt(2))) / 2
        x = norm(x + linear(inner, at + "output.dense"), at + "output.LayerNorm")
    return x


def opened(folder: Path, graph_of: Callable[[Path, BertShape], bytes]) -> onnxruntime.InferenceSession:
    weights = folder / "random.safetensors"
    save(random_weights(), weights)
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(folder))
    return onnxruntime.InferenceSession(graph_of(weights, SHAPE), options, providers=["CPUExecutionProvider"])


@pytest.fixture
def session(tmp_path: Path) -> onnxruntime.InferenceSession:
    return opened(tmp_path, sentence_encoder)


def run(session: onnxruntime.InferenceSession, ids: list[list[int]], mask: list[list[int]]) -> np.ndarray:
    return session.run(None, {"ids": np.array(ids), "mask": np.array(mask)})[0]


def test_the_graph_computes_what_the_formulas_say(session: onnxruntime.InferenceSession) -> None:
    ids = [3, 1, 4, 1, 5]
    assert run(session, [ids], [[1] * 5])[0] == pytest.approx(by_hand(random_weights(), ids), abs=1e-5)


def test_padding_changes_nothing(session: onnxruntime.InferenceSession) -> None:
    short, long = [2, 7, 1], [8, 2, 8, 1, 8, 2]
    together = run(session, [[*short, 0, 0, 0], long], [[1, 1, 1, 0, 0, 0], [1] * 6])
    assert together[0] == pytest.approx(by_hand(random_weights(), short), abs=1e-5)
    assert together[1] == pytest.approx(by_hand(random_weights(), long), abs=1e-5)


def test_the_weights_stay_in_their_file(tmp_path: Path) -> None:
    weights = tmp_path / "random.safetensors"
    save(random_weights(), weights)
    graph = sentence_encoder(weights, SHAPE)
    some = random_weights()["embeddings.word_embeddings.weight"].tobytes()
    assert some in weights.read_bytes()
    assert some not in graph


def test_the_judge_scores_first_token_and_mean_of_each_pair_and_padding_changes_nothing(tmp_path: Path) -> None:
    session = opened(tmp_path, pair_judge)
    short, long = [2, 7, 1, 5], [8, 2, 8, 1, 8, 2]
    kinds = [[0, 0, 1, 1, 0, 0], [0, 0, 0, 1, 1, 1]]
    inputs = {"ids": [[*short, 0, 0], long], "mask": [[1, 1, 1, 1, 0, 0], [1] * 6], "kinds": kinds}
    scores = session.run(None, {name: np.array(rows) for name, rows in inputs.items()})[0]
    assert scores.shape == (2, SCORES)
    assert scores[0] == pytest.approx(judged_by_hand(random_weights(), short, kinds[0][:4]), abs=1e-4)
    assert scores[1] == pytest.approx(judged_by_hand(random_weights(), long, kinds[1]), abs=1e-4)


@pytest.mark.parametrize(
    ("name", "graph_of"), [("encoder", sentence_encoder), ("judge", pair_judge), ("entailment", pair_judge)]
)
def test_the_graph_that_is_shipped_is_the_one_that_is_written_here(
    name: str, graph_of: Callable[[Path, BertShape], bytes]
) -> None:
    weights = Path(qa.encoders.__file__).parent / "models" / f"{name}.safetensors"
    shape = BertShape.read(qa.encoders.base_model_folder() / "config.json")
    assert onnx.load_from_string(weights.with_suffix(".onnx").read_bytes()) == onnx.load_from_string(
        graph_of(weights, shape)
    )


def test_a_shipped_graph_that_was_changed_or_is_missing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = Path(qa.encoders.__file__).parent / "models"
    for name in ("judge.json", "judge.onnx", "judge.safetensors"):
        shutil.copy(models / name, tmp_path / name)
    (tmp_path / "judge.onnx").write_bytes(b"something else")
    monkeypatch.setattr("qa.encoders._MODELS", tmp_path)
    with pytest.raises(ModelUnusable, match=r"judge.onnx is not the known one: reinstall fineprint"):
        qa.encoders.BundledJudge(tmp_path / "cache").warm_up()
    (tmp_path / "judge.onnx").unlink()
    with pytest.raises(ModelUnusable, match=r"judge.onnx cannot be read .*: reinstall fineprint"):
        qa.encoders.BundledJudge(tmp_path / "cache").warm_up()
