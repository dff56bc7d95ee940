"""A real server of OpenAI's protocol, ``transformers serve``, with a model that the test makes: tiny and senseless."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from qa.chatmodel import open_chat_model
from qa.domain import EXTRACTIVE, Question
from qa.encoders import HashingEncoder
from qa.library import Library, Manifest
from qa.service import PolicyQA
from qa.settings import Settings
from qa.talking import Usage
from tests.qa.making import indexed

pytestmark = pytest.mark.slow

WIDTH, INNER = 16, 32
SCHEMA = {"title": "Reply", "type": "object", "properties": {}}
ENCODER = HashingEncoder()


def make_model(folder: Path) -> None:
    """A Llama of one layer whose weights are chance, and whose tokens are bytes."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    tokens = ["<s>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(models.BPE(vocab={token: n for n, token in enumerate(tokens)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": len(tokens),
        "hidden_size": WIDTH,
        "intermediate_size": INNER,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "max_position_embeddings": 16_384,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "dtype": "float32",
    }
    words = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "chat_template": "{% for message in messages %}{{ message['content'] }}\n{% endfor %}",
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(words), encoding="utf-8")
    random = np.random.default_rng(0)
    layer = "model.layers.0."
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (len(tokens), WIDTH),
        "lm_head.weight": (len(tokens), WIDTH),
        "model.norm.weight": (WIDTH,),
        layer + "input_layernorm.weight": (WIDTH,),
        layer + "post_attention_layernorm.weight": (WIDTH,),
        **{f"{layer}self_attn.{name}_proj.weight": (WIDTH, WIDTH) for name in "qkvo"},
        **{f"{layer}mlp.{name}_proj.weight": (INNER, WIDTH) for name in ("gate", "up")},
        layer + "mlp.down_proj.weight": (WIDTH, INNER),
    }
    weights = {
        name: random.normal(1.0 if "norm" in name else 0.0, 0.3, shape).astype(np.float32)
        for name, shape in shapes.items()
    }
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Address and name of the model; its server goes nowhere."""
    folder = tmp_path_factory.mktemp("served")
    model = folder / "tiny"
    make_model(model)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    program = "import sys; from transformers.cli.transformers import main; sys.exit(main())"
    options = ["serve", str(model), "--device", "cpu", "--host", "127.0.0.1", "--port", str(port)]
    log = (folder / "log").open("w+", encoding="utf-8")
    with (
        log,
        subprocess.Popen(
            [sys.executable, "-c", program, *options],
            stdout=log,
            stderr=log,
            env={**os.environ, **offline, "HF_HOME": str(folder / "home")},
        ) as server,
    ):
        try:
            deadline = time.monotonic() + 120
            while not is_up(port):
                assert server.poll() is None, (folder / "log").read_text(encoding="utf-8")
                assert time.monotonic() < deadline, "the server does not come up"
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}", str(model)
        finally:
            server.kill()


def is_up(port: int) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as reply:
        return bool(reply.status == 200)
    return False


def settings_for(served: tuple[str, str], **more: object) -> Settings:
    url, model = served
    patient = {"llm_wait_s": 60, "llm_timeout_s": 60, "llm_max_tokens": 50}
    return Settings.model_validate({"llm": f"openai:{model}", "llm_url": url, **patient, **more})


def test_a_real_server_is_talked_to_as_ours_is(served: tuple[str, str]) -> None:
    model = open_chat_model(settings_for(served), environ={})
    *pieces, usage = model.talk("Reply with JSON.", "do you sell my data?", SCHEMA)
    assert len(pieces) > 1
    assert isinstance(usage, Usage)
    assert usage.input_tokens > len("do you sell my data?")
    assert 0 < usage.output_tokens <= 50


def test_what_a_model_of_no_sense_says_is_shown_to_nobody(served: tuple[str, str], tmp_path: Path) -> None:
    index = tmp_path / "index"
    manifest = Manifest(ENCODER.name, ENCODER.fingerprint, ENCODER.dimension, "test")
    with Library.open_for_writing(index, manifest) as library:
        library.put(indexed("We do not sell your data.", "We use cookies on our site."))
    asked = Question("does Acme sell my data?")
    with PolicyQA.open(Settings(index=index, cache=tmp_path), encoder=ENCODER) as qa:
        without = qa.ask(asked)
    with PolicyQA.open(settings_for(served, index=index, cache=tmp_path), encoder=ENCODER) as qa:
        answer = qa.ask(asked)
    assert (answer.text, answer.citations, answer.verdict) == (without.text, without.citations, without.verdict)
    assert answer.engine == EXTRACTIVE
    assert answer.generation is not None
    assert answer.generation.output_tokens > 0
    assert any("chat model" in warning for warning in answer.warnings)
