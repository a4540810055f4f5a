"""The process that writes ONNX files, of PyTorch or of Keras: ``python -m bench.export.convert``.

Keras runs on its torch backend there; ``bench.export.exporting`` sees to that.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.export.job import ExportRequest, ModelFiles, serve
from bench.saved_models import read_card

FRAMEWORKS = {".safetensors": "pytorch", ".keras": "keras-torch"}  # that convert, by file


def convert(files: ModelFiles, request: ExportRequest) -> None:
    """Write the ONNX file of one saved model."""
    from bench.export import pytorch  # late: after the processors are limited

    model = Path(files.model)
    card = read_card(model)
    if model.suffix == ".keras":
        from bench.export import keras_torch

        network = keras_torch.restore(model, card)
    else:
        network = pytorch.restore(model, card)
    pytorch.write(network, card, Path(files.onnx))


if __name__ == "__main__":
    sys.exit(serve(convert))
