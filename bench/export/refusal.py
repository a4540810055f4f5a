"""What cannot be exported, and why."""

from __future__ import annotations

from importlib.util import find_spec

from bench import UsageError
from bench.experiment import Experiment

PACKAGES = ("onnx", "onnxruntime", "onnxscript", "torch")
INSTALL = "pip install -c requirements.txt onnx onnxruntime onnxscript torch"

# architecture -> why ONNX cannot hold it
ARCHITECTURES = {
    "gnn": (
        "its network takes graphs of superpixels, which scikit-image makes of the images outside "
        "of it; an ONNX file would hold the second half of the work alone"
    )
}


def reason(experiment: Experiment) -> str | None:
    """Why the network of such a run cannot be exported; None: it can be."""
    if experiment.architecture in ARCHITECTURES:
        return f"{experiment.architecture}: {ARCHITECTURES[experiment.architecture]}"
    if experiment.precision == "bf16":
        return (
            "it was trained, and answers, in bfloat16, which ONNX Runtime does not compute on a "
            "CPU; train it with --precision fp32"
        )
    return None


def require_packages() -> None:
    """Raise UsageError naming the packages that are missing here, and how to install them."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise UsageError(f"export to ONNX needs {', '.join(missing)}; {INSTALL}")
