"""BERT as an ONNX graph whose weights stay in their safetensors file: a sentence encoder, or a judge of pairs.

The graph is written down here instead of being exported by torch: it is some 20 KB, is built in milliseconds, needs
neither torch nor a cached copy of the weights, and ONNX Runtime maps the one file whose hash is checked. Exporting the
same model takes 8 to 14 seconds, most of it start-up, and doubles the weights on disk.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_OPSET = 20  # the first with Gelu
_IR_VERSION = 9
_MASKED = 1e9


@dataclass(frozen=True, slots=True)
class BertShape:
    """What of a model's ``config.json`` the graph depends on; sizes in units, not bytes."""

    width: int
    layers: int
    heads: int
    epsilon: float

    @classmethod
    def read(cls, config: Path) -> BertShape:
        """Reads ``config.json``."""
        values = json.loads(config.read_text(encoding="utf-8"))
        return cls(
            width=values["hidden_size"],
            layers=values["num_hidden_layers"],
            heads=values["num_attention_heads"],
            epsilon=values["layer_norm_eps"],
        )


def sentence_encoder(weights: Path, shape: BertShape) -> bytes:
    """The serialised graph: BERT, the mean over the unmasked tokens, length 1.

    Inputs ``ids`` and ``mask``: int64, shape (texts, tokens), mask 1 for tokens and 0 for padding. Output ``vectors``:
    float32, shape (texts, width). The weights are named as external data in ``weights.name``; the session must be told
    its folder (``session.model_external_initializers_file_folder_path``).
    """
    return _Graph(weights, shape).encoder()


def pair_judge(weights: Path, shape: BertShape) -> bytes:
    """The serialised graph: BERT over pairs of texts, first token and mean of the unmasked ones, one linear layer.

    Inputs ``ids``, ``mask`` and ``kinds``: int64, shape (pairs, tokens), kinds 0 for the first text and 1 for the
    second. Output ``scores``: float32, shape (pairs, outputs of the layer ``head``). The weights: see
    ``sentence_encoder``.
    """
    return _Graph(weights, shape).judge()


class _Graph:
    """Collects the nodes and the constants of one graph."""

    def __init__(self, weights: Path, shape: BertShape) -> None:
        self._shape = shape
        self._file = weights.name
        with weights.open("rb") as file:
            head_bytes = int.from_bytes(file.read(8), "little")
            self._tensors: dict[str, Any] = json.loads(file.read(head_bytes))
        self._data_start = 8 + head_bytes
        self._half = any(entry.get("dtype") == "F16" for entry in self._tensors.values())
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}
        self._widened: dict[str, str] = {}

    def encoder(self) -> bytes:
        """See ``sentence_encoder``."""
        by_text, mask = self._layers(None)
        # Sum and mean point the same way, so that normalising the sum is enough.
        self._op("LpNormalization", self._sum(by_text, mask), out="vectors", axis=1, p=2)
        return self._model("sentence_encoder", ("ids", "mask"), "vectors", self._shape.width)

    def judge(self) -> bytes:
        """See ``pair_judge``."""
        by_text, mask = self._layers("kinds")
        tokens = self._op("ReduceSum", mask, self._integers(1), keepdims=1)
        mean = self._op("Div", self._sum(by_text, mask), tokens)
        first = self._op("Gather", by_text, self._integer(0), axis=1)
        head = self._single(self._stored("head.weight")), self._single(self._stored("head.bias"))
        self._op("Gemm", self._op("Concat", first, mean, axis=1), *head, out="scores", transB=1)
        return self._model("pair_judge", ("ids", "mask", "kinds"), "scores", self._tensors["head.bias"]["shape"][0])

    def _layers(self, kinds: str | None) -> tuple[str, str]:
        """The states after the last layer, shape (texts, tokens, width), and the mask as floats."""
        from onnx import TensorProto

        shape = self._shape
        lengths = self._op("Shape", "ids")
        by_head = self._op("Concat", lengths, self._integers(shape.heads, shape.width // shape.heads), axis=0)
        by_text = self._op("Concat", lengths, self._integers(shape.width), axis=0)
        flat = self._integers(-1, shape.width)

        mask = self._op("Cast", "mask", to=TensorProto.FLOAT)
        ignore = self._op("Mul", self._op("Sub", mask, self._number(1.0)), self._number(_MASKED))
        ignore = self._op("Unsqueeze", ignore, self._integers(1, 2))
        scale = self._number((shape.width // shape.heads) ** -0.5)

        x = self._op("Reshape", self._embeddings(lengths, kinds), flat)
        for layer in range(shape.layers):
            at = f"encoder.layer.{layer}."
            query = self._split(self._linear(x, at + "attention.self.query"), by_head, [0, 2, 1, 3])
            key = self._split(self._linear(x, at + "attention.self.key"), by_head, [0, 2, 3, 1])
            value = self._split(self._linear(x, at + "attention.self.value"), by_head, [0, 2, 1, 3])
            scores = self._op("Add", self._op("Mul", self._op("MatMul", query, key), scale), ignore)
            mixed = self._op("MatMul", self._op("Softmax", scores, axis=-1), value)
            mixed = self._op("Reshape", self._op("Transpose", mixed, perm=[0, 2, 1, 3]), flat)
            mixed = self._linear(mixed, at + "attention.output.dense")
            x = self._norm(self._op("Add", x, mixed), at + "attention.output.LayerNorm")
            inner = self._op("Gelu", self._linear(x, at + "intermediate.dense"))
            x = self._norm(self._op("Add", x, self._linear(inner, at + "output.dense")), at + "output.LayerNorm")
        return self._op("Reshape", x, by_text), mask

    def _sum(self, by_text: str, mask: str) -> str:
        """The sum of the unmasked tokens' states, shape (texts, width)."""
        axis = self._integers(1)
        total = self._op("MatMul", self._op("Unsqueeze", mask, axis), by_text)
        return self._op("Squeeze", total, axis)

    def _model(self, name: str, inputs: tuple[str, ...], output: str, width: int) -> bytes:
        from onnx import TensorProto, helper

        graph = helper.make_graph(
            self._nodes,
            name,
            [helper.make_tensor_value_info(each, TensorProto.INT64, ["texts", "tokens"]) for each in inputs],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["texts", width])],
            list(self._constants.values()),
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
        return bytes(model.SerializeToString())

    def _embeddings(self, lengths: str, kinds: str | None) -> str:
        tokens = self._op("Gather", lengths, self._integers(1), axis=0)
        first, one = self._integers(0), self._integers(1)
        # Looked up before it is widened: of 30,000 words a text has a few dozen.
        words = self._single(self._op("Gather", self._stored("embeddings.word_embeddings.weight"), "ids"))
        positions = self._op("Slice", self._weight("embeddings.position_embeddings.weight"), first, tokens)
        of_kind = self._weight("embeddings.token_type_embeddings.weight")
        of_kind = self._op("Gather", of_kind, kinds) if kinds else self._op("Slice", of_kind, first, one)
        return self._norm(self._op("Add", self._op("Add", words, positions), of_kind), "embeddings.LayerNorm")

    def _split(self, x: str, by_head: str, order: list[int]) -> str:
        return self._op("Transpose", self._op("Reshape", x, by_head), perm=order)

    def _linear(self, x: str, name: str) -> str:
        return self._op("Gemm", x, self._weight(name + ".weight"), self._weight(name + ".bias"), transB=1)

    def _norm(self, x: str, name: str) -> str:
        weight, bias = self._weight(name + ".weight"), self._weight(name + ".bias")
        return self._op("LayerNormalization", x, weight, bias, axis=-1, epsilon=self._shape.epsilon)

    def _op(self, kind: str, *inputs: str, out: str | None = None, **attributes: Any) -> str:
        from onnx import helper

        out = out or f"{kind}.{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [out], **attributes))
        return out

    def _integers(self, *values: int) -> str:
        from onnx import TensorProto, helper

        name = "integers." + ".".join(map(str, values))
        self._constants[name] = helper.make_tensor(name, TensorProto.INT64, [len(values)], values)
        return name

    def _integer(self, value: int) -> str:
        from onnx import TensorProto, helper

        name = f"integer.{value}"
        self._constants[name] = helper.make_tensor(name, TensorProto.INT64, [], [value])
        return name

    def _number(self, value: float) -> str:
        from onnx import TensorProto, helper

        name = f"number.{value}"
        self._constants[name] = helper.make_tensor(name, TensorProto.FLOAT, [], [value])
        return name

    def _weight(self, name: str) -> str:
        """A tensor of the weights in single precision; ONNX Runtime widens it once, when it loads it."""
        if name not in self._widened:
            self._widened[name] = self._single(self._stored(name))
        return self._widened[name]

    def _single(self, value: str) -> str:
        from onnx import TensorProto

        return self._op("Cast", value, to=TensorProto.FLOAT) if self._half else value

    def _stored(self, name: str) -> str:
        """A tensor as it lies in the weights' file."""
        from onnx import TensorProto

        entry = self._tensors[name]
        begin, end = entry["data_offsets"]
        kind = TensorProto.FLOAT16 if self._half else TensorProto.FLOAT
        tensor = TensorProto(name=name, data_type=kind, dims=entry["shape"])
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", self._file), ("offset", self._data_start + begin), ("length", end - begin)):
            tensor.external_data.add(key=key, value=str(value))
        self._constants[name] = tensor
        return name
