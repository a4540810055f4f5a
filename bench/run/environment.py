"""Which of the user's variables reach a run: none that changes what a framework does.

A variable such as KERAS_MAX_STEPS_PER_EPOCH, TORCHDYNAMO_DISABLE or JAX_DISABLE_JIT, or a file
``~/.keras/keras.json``, would have a framework do other work than its row in a table says. Those
are withheld, and the record names them. What decides how fast the same work is done (threads,
instruction sets, allocators, XLA's flags) is the user's choice: it is handed on, and the record
shows it. A child gets an empty folder too, for configuration files and for what compilers keep:
otherwise the first run of a day would compile, and those after it only seem to start faster; and
TorchInductor would run code that was compiled for another processor's instructions.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import bench

if TYPE_CHECKING:
    from bench.experiment import Experiment

PROJECT = Path(bench.__file__).resolve().parents[1]
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# Beginnings of the names of frameworks' own variables, which are withheld, ...
OF_FRAMEWORKS = ("KERAS_", "JAX_", "TF_", "TORCH", "PYTORCH_", "XLA_", "TRITON_")
# ... but for those that a user may need for a framework to run at all, or fast, which are shown;
# and Terraform's, which are none of TensorFlow's.
ALLOWED = (
    *("XLA_FLAGS", "XLA_PYTHON_CLIENT_", "PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF"),
    *("TF_CLI_", "TF_VAR_"),
)
WITHHELD = "GLYPHBENCH_WITHHELD"  # tells a child which of the user's variables it did not get
# Where frameworks and compilers keep files, each in a folder of the child's own
FOLDERS = ("KERAS_HOME", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")


def environment(
    experiment: Experiment | None, base: Mapping[str, str], scratch: Path | None = None
) -> dict[str, str]:
    """The environment of a child: the framework's own variables, and the GPU it is to use alone.

    Args:
        experiment: what the child is for; None where no framework is needed.
        base: the environment to start from.
        scratch: an empty folder of the child's own; None: frameworks keep files where they do.
    """
    own = dict(base)
    own["PYTHONPATH"] = os.pathsep.join(filter(None, [str(PROJECT), base.get("PYTHONPATH", "")]))
    if experiment is None:
        return own
    from bench.machine import devices, hardware
    from bench.trainers import FRAMEWORKS

    withheld = sorted(name for name in base if _changes_a_framework(name))
    own = {name: value for name, value in own.items() if name not in withheld}
    if withheld:
        own[WITHHELD] = " ".join(withheld)
    if scratch is not None:
        own |= {name: str(scratch / name.lower()) for name in FOLDERS}
    framework = FRAMEWORKS[experiment.framework]
    own = {**framework.environment_of.get(experiment.execution, {}), **own, **framework.environment}
    own |= devices.environment(experiment.device, base, hardware.gpus(), experiment.replicas)
    if experiment.replicas > 1:
        for name, flag in framework.flags_of_replicas.items():
            flags = (own.get(name, ""), flag.format(replicas=experiment.replicas))
            own[name] = " ".join(filter(None, flags))
    if experiment.threads is not None:  # NumPy's threads start before a child can confine itself
        own |= dict.fromkeys(THREAD_VARIABLES, str(experiment.threads))
    return own


def _changes_a_framework(name: str) -> bool:
    return name.startswith(OF_FRAMEWORKS) and not name.startswith(ALLOWED)
