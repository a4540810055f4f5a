"""An exported model in ONNX Runtime, on the CPU. The file alone is enough: it carries its card.

The file is made by ``bench.saved.export``: 'images', normalised float32 (b, 28, 28), go in,
'logits' (b, classes) come out, and the metadata entry ``glyphbench`` is the card as JSON.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime

from bench.machine import settings
from bench.results.models import Card, SavedModelError, decode_card
from bench.trainers import EVALUATION_BATCH_SIZE, Features, Images, Logits

IMAGES, LOGITS = "images", "logits"  # the names of what goes in and of what comes out
CARD = "glyphbench"  # the metadata entry
PROVIDER = "CPUExecutionProvider"


def restore(path: Path) -> OnnxNetwork:
    """The network of an ``.onnx`` file.

    Raises SavedModelError where there is no such file, it is cut off or no ONNX model, lacks its
    card, or its card is of another network.
    """
    if not path.is_file():
        raise SavedModelError(f"{path}: no such file; make one: python -m bench export MODEL")
    try:
        session = onnxruntime.InferenceSession(path, _options(), providers=[PROVIDER])
    except Exception as error:  # its errors have no base of their own
        raise SavedModelError(
            f"{path}: no ONNX model, or cut off or damaged ({_last_words(error)}); export it again"
        ) from error
    return OnnxNetwork(session, _card(session, path))


class OnnxNetwork:
    """See ``bench.trainers.Network``."""

    def __init__(self, session: onnxruntime.InferenceSession, card: Card) -> None:
        self._session = session
        self.card = card
        self.threads: int = session.get_session_options().intra_op_num_threads

    def logits(self, images: Images) -> Logits:
        starts = range(0, len(images), EVALUATION_BATCH_SIZE)
        return np.concatenate(
            [self.infer(images[start : start + EVALUATION_BATCH_SIZE]) for start in starts]
        )

    def infer(self, images: Images) -> Logits:
        logits: Logits = self._session.run([LOGITS], {IMAGES: images})[0]
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


def _card(session: onnxruntime.InferenceSession, path: Path) -> Card:
    """The card in the file, if the network is one of such a card."""
    content = session.get_modelmeta().custom_metadata_map.get(CARD)
    if content is None:
        raise SavedModelError(
            f"{path}: an ONNX model without a card: it lacks task, classes and normalisation; "
            "wanted one that python -m bench export has written"
        )
    card = decode_card(content, path)
    classes = {output.name: output.shape[-1] for output in session.get_outputs()}.get(LOGITS)
    inputs = [each.name for each in session.get_inputs()]
    if classes != len(card.class_names) or inputs != [IMAGES]:
        raise SavedModelError(
            f"{path}: an ONNX model of {classes or 'no'} classes with a card of "
            f"{len(card.class_names)}; export it again"
        )
    return card


def _last_words(error: Exception) -> str:
    return str(error).strip().rpartition(":")[2].strip() or type(error).__name__
