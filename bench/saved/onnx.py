"""An exported model in ONNX Runtime, on the CPU. The file alone is enough: it carries its card.

The file is made by ``bench.saved.export``: 'images', normalised float32 (b, 28, 28), go in,
'logits' (b, classes) come out. Its metadata has the card as JSON, ``glyphbench``, and in words what
the images have to be, and what the logits are (docs/models.md).

A file may come from anybody, and ONNX can say far more than our networks do. Before ONNX Runtime
sees it, the graph is looked at: the operators of our networks alone, no file beside it, and no
value larger than they need, by ONNX's own inference of shapes.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from bench.machine import settings
from bench.results.card import Card, SavedModelError, decode_card
from bench.results.models import check_file, check_finite
from bench.trainers import EVALUATION_BATCH_SIZE, Features, Images, Logits

IMAGES, LOGITS = "images", "logits"  # what goes in and what comes out; metadata on each
CARD, CHECKSUM = "glyphbench", "sha256"  # metadata entries; older files have no checksum
PROVIDER = "CPUExecutionProvider"
ADVICE = "make one: python -m bench export MODEL"

# Of all our networks, as PyTorch's exporter writes them.
OPERATORS = frozenset(
    {"Add", "ArgMax", "Cast", "Concat", "Conv", "Equal", "Gemm", "LogSoftmax", "MatMul", "MaxPool"}
    | {"Mul", "ReduceLogSumExp", "ReduceMean", "ReduceSum", "Relu", "Reshape", "Sub", "Transpose"}
    | {"Unsqueeze"}
)
MOST_NODES = 1000  # 16 members voting take 150
MOST_NUMBERS = 1 << 28  # in all values of a batch of 1,024: the CNN has half of it
_NUMBERS = (onnx.AttributeProto.INT, onnx.AttributeProto.INTS)
_PLAIN = (*_NUMBERS, onnx.AttributeProto.FLOAT, onnx.AttributeProto.STRING)


def contract(card: Card) -> dict[str, str]:
    """What a file says of its input and its output to a reader, by their names."""
    return {
        IMAGES: f"(batch, 28, 28) float32, (pixel / 255 - {card.pixel_mean}) / {card.pixel_std}; "
        "ink is white (255) on black (0)",
        LOGITS: f"(batch, {len(card.class_names)}) float32, a logit for each class, in this order: "
        f"{' '.join(card.class_names)}",
    }


def restore(path: Path) -> OnnxNetwork:
    """The network of an ``.onnx`` file.

    Raises SavedModelError where there is no such file, it is cut off or no ONNX model, lacks its
    card, its card is of another network, or its graph is none that we export.
    """
    check_file(path, ADVICE)
    try:
        content = path.read_bytes()  # what is looked at is what is run
        card = _inspected(content, path)
        session = onnxruntime.InferenceSession(content, _options(), providers=[PROVIDER])
    except SavedModelError:
        raise
    except OSError as error:
        raise SavedModelError(f"{path} cannot be read: {error.strerror or error}") from error
    except Exception as error:  # protobuf's, ONNX's and its runtime's, which have no common base
        raise _damaged(path, error) from error
    return OnnxNetwork(session, card, path)


class OnnxNetwork:
    """See ``bench.trainers.Network``."""

    def __init__(self, session: onnxruntime.InferenceSession, card: Card, path: Path) -> None:
        self._session, self._path = session, path
        self.card = card
        self.threads: int = session.get_session_options().intra_op_num_threads

    def logits(self, images: Images) -> Logits:
        starts = range(0, len(images), EVALUATION_BATCH_SIZE)
        return np.concatenate(
            [self.infer(images[start : start + EVALUATION_BATCH_SIZE]) for start in starts]
        )

    def infer(self, images: Images) -> Logits:
        try:
            logits: Logits = self._session.run([LOGITS], {IMAGES: images})[0]
        except Exception as error:  # its errors have no base of their own
            raise _damaged(self._path, error) from error
        return logits

    def features(self, images: Images) -> Features | None:
        return None  # the file has one output


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    # As many as the other frameworks take: one for each processor that this process may use.
    # By itself ONNX Runtime takes one for each core of the machine, and pins them to the cores.
    options.intra_op_num_threads = len(settings.processors())
    options.log_severity_level = 3  # errors alone; they are raised as well
    return options


def _damaged(path: Path, error: Exception) -> SavedModelError:
    last_words = str(error).strip().rpartition(":")[2].strip() or type(error).__name__
    return SavedModelError(
        f"{path}: no ONNX model, or cut off or damaged ({last_words[:200]}); export it again"
    )


# Looking at a file before it is run


def _inspected(content: bytes, path: Path) -> Card:
    """The card of a model that is one of ours as far as can be seen.

    Raises SavedModelError where it is not, and whatever ONNX raises on a damaged one.
    """
    model = onnx.load_model_from_string(content)
    if not model.graph.node:
        raise ValueError("it has no graph")
    card = _card(model, path)
    if _entries(model).get(CHECKSUM) not in (None, checksum(model)):
        raise SavedModelError(f"{path}: it was changed after it was written; export it again")
    for problem in _problems(model):
        raise SavedModelError(f"{path}: refused: {problem}; no network of ours is so")
    weights = model.graph.initializer
    check_finite({each.name: onnx.numpy_helper.to_array(each) for each in weights})
    _check_values(model, path)
    return card


def _card(model: onnx.ModelProto, path: Path) -> Card:
    """The card in the file. Raises SavedModelError where it is not that of the network."""
    content = _entries(model).get(CARD)
    if content is None:
        raise SavedModelError(
            f"{path}: an ONNX model without a card: it lacks task, classes and normalisation; "
            "wanted one that python -m bench export has written"
        )
    card = decode_card(content.encode(), path)
    inputs, outputs = ([_described(value) for value in values] for values in _ends(model))
    wanted = f"{IMAGES} (b, 28, 28)", f"{LOGITS} (b, {len(card.class_names)})"
    if (inputs, outputs) != ([wanted[0]], [wanted[1]]):
        raise SavedModelError(
            f"{path}: an ONNX model from {', '.join(inputs)[:100] or 'nothing'} to "
            f"{', '.join(outputs)[:100] or 'nothing'} with a card of {len(card.class_names)} "
            f"classes, wanted from {wanted[0]} to {wanted[1]}; export it again"
        )
    return card


def _entries(model: onnx.ModelProto) -> dict[str, str]:
    return {entry.key: entry.value for entry in model.metadata_props}


def checksum(model: onnx.ModelProto) -> str:
    """SHA-256, hex, of the graph with its weights."""
    return hashlib.sha256(model.graph.SerializeToString(deterministic=True)).hexdigest()


def _ends(model: onnx.ModelProto) -> tuple[list[Any], list[Any]]:
    """What goes in and what comes out; older files count their weights to what goes in."""
    weights = {tensor.name for tensor in model.graph.initializer}
    return [each for each in model.graph.input if each.name not in weights], [*model.graph.output]


def _described(value: Any) -> str:
    """The name and the shape of what goes in or comes out; b: any number."""
    tensor = value.type.tensor_type
    sides = [side.dim_value if side.HasField("dim_value") else "b" for side in tensor.shape.dim]
    kind = "" if tensor.elem_type == onnx.TensorProto.FLOAT else " not of float32"
    return f"{value.name} ({', '.join(map(str, sides))}){kind}"


def _problems(model: onnx.ModelProto) -> Iterator[str]:
    """What a graph has that none of ours has."""
    graph = model.graph
    if model.functions or model.training_info or graph.sparse_initializer:
        yield "it has functions, training or sparse weights"
    if len(graph.node) > MOST_NODES:
        yield f"its graph has {len(graph.node):,} operators, more than {MOST_NODES:,}"
    for node in graph.node:
        if node.op_type not in OPERATORS or node.domain not in ("", "ai.onnx"):
            yield f"it has the operator {(node.domain + ' ' + node.op_type).strip()[:50]!r}"
        if any(each.type not in _PLAIN for each in node.attribute):
            yield f"an operator {node.op_type} holds more than numbers and words"
    for tensor in graph.initializer:
        if tensor.data_location != onnx.TensorProto.DEFAULT or tensor.external_data:
            yield f"its weights {tensor.name[:50]!r} are in another file"
        if tensor.data_type not in (onnx.TensorProto.FLOAT, onnx.TensorProto.INT64):
            yield f"its weights {tensor.name[:50]!r} are neither float32 nor whole numbers"


def _check_values(model: onnx.ModelProto, path: Path) -> None:
    """Raise SavedModelError where a value between the operators is too large, or of no known size.

    A few operators on small weights can make a value of any size.
    """
    del model.graph.value_info[:]  # what the file itself says of them
    for inputs_or_outputs in _ends(model):  # of one each, as its card says
        inputs_or_outputs[0].type.tensor_type.shape.dim[0].dim_value = EVALUATION_BATCH_SIZE
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    sizes = {value.name: _numbers(value) for value in (*inferred.value_info, *inferred.output)}
    made = [name for node in inferred.node for name in node.output if name]
    unknown = [name for name in made if not sizes.get(name)]
    if unknown:
        raise SavedModelError(
            f"{path}: refused: nothing says how large {unknown[0][:50]!r} becomes"
        )
    if sum(sizes[name] for name in made) > MOST_NUMBERS:
        raise SavedModelError(
            f"{path}: refused: a batch of {EVALUATION_BATCH_SIZE:,} images takes more than "
            f"{4 * MOST_NUMBERS >> 20:,} MB"
        )


def _numbers(value: Any) -> int:
    """How many numbers it holds; 0 where that is not known."""
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return 0
    return math.prod(side.dim_value for side in tensor.shape.dim)
