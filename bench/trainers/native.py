"""What each framework does of itself, where this project makes all alike: as data.

Each word of ``bench.experiment.NATIVE`` is a thing that frameworks do differently unless they
are told. ``MATCHED`` says what they are told, ``OWN`` what each does untold. Read from the
signatures and sources of Keras 3.15.1, PyTorch 2.13.0, TensorFlow 2.21.0 and JAX 0.10.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.experiment import NATIVE, Experiment
from models import ARCHITECTURES

MATCHED: Mapping[str, str] = {
    "adam-epsilon": "ε̂ 1e-7 beside the root of the second moment, which is not yet corrected",
    "bias-init": "zeros",
    "kernel-init": "Glorot uniform, drawn by NumPy from the seed, the same numbers for all",
    "matmul-precision": "full float32, no TF32",
    "memory-layout": "channels last on the CPU",
    "shuffling": "an order drawn by NumPy from seed and epoch, the same for all",
}


@dataclass(frozen=True, kw_only=True)
class Own:
    """One framework's own default under one word."""

    says: str
    differs: bool = True  # False: it is the matched one, everywhere
    # where it differs from the matched one; None: everywhere
    devices: tuple[str, ...] | None = None
    optimizers: tuple[str, ...] | None = None
    convolutional: bool = False  # True: in networks with convolutions alone

    def differs_in(self, experiment: Experiment) -> bool:
        """Whether leaving it to the framework changes anything in this experiment."""
        limits = (
            (self.devices, experiment.device),
            (self.optimizers, experiment.optimizer),
        )
        network = ARCHITECTURES.get(experiment.architecture)
        if self.convolutional and not (network and network.convolutional):
            return False
        return self.differs and all(known is None or here in known for known, here in limits)


_GLOROT = Own(says="Glorot uniform as well, other random numbers", differs=False)
_ZEROS = Own(says="zeros", differs=False)
_EPSILON_HAT = Own(says="ε̂ 1e-7, in the same place", differs=False)
_CHANNELS_LAST = Own(says="channels last", differs=False)
_TF32_IN_CONVOLUTIONS = Own(
    says="TF32 in convolutions, not in matrix products", devices=("cuda",), convolutional=True
)


def _keras(*, shuffling: str, matmul_precision: Own) -> dict[str, Own]:
    """What the backends of Keras have in common, and the two things in which they differ."""
    return {
        "adam-epsilon": _EPSILON_HAT,
        "bias-init": _ZEROS,
        "kernel-init": _GLOROT,
        "matmul-precision": matmul_precision,
        "memory-layout": _CHANNELS_LAST,
        "shuffling": Own(says=shuffling),
    }


OWN: Mapping[str, Mapping[str, Own]] = {
    "pytorch": {
        "adam-epsilon": Own(
            says="ε 1e-8, beside the root of the corrected second moment", optimizers=("adam",)
        ),
        "bias-init": Own(says="uniform in ±1/√fan_in"),
        "kernel-init": Own(says="Kaiming uniform with a = √5, which is ±1/√fan_in"),
        "matmul-precision": _TF32_IN_CONVOLUTIONS,
        "memory-layout": Own(says="channels first", devices=("cpu",), convolutional=True),
        "shuffling": Own(says="none: a DataLoader keeps the order of the file in every epoch"),
    },
    "keras-tensorflow": _keras(
        # Seen in Keras 3.15.1: tf.random.shuffle inside tf.data starts again with each epoch.
        shuffling="fit shuffles by TensorFlow; once a seed is set, into the same order every epoch",
        matmul_precision=Own(says="TF32 in products and convolutions", devices=("cuda",)),
    ),
    "keras-jax": _keras(
        shuffling="fit shuffles anew every epoch, by NumPy's generator",
        matmul_precision=Own(says="the device's own, TF32 on NVIDIA's GPUs", devices=("cuda",)),
    ),
    "keras-torch": _keras(
        shuffling="fit shuffles anew every epoch, by PyTorch's generator",
        matmul_precision=_TF32_IN_CONVOLUTIONS,
    ),
    # What there is of it was written here, in the matched way.
    "numpy": {word: Own(says=phrase, differs=False) for word, phrase in MATCHED.items()},
}

# In what all frameworks have the same own default, or have it as an execution of its own.
LAST_SHORT_BATCH = (
    "The last short batch of an epoch is kept by all of themselves (DataLoader's drop_last is "
    "False; fit drops nothing), and here too"
)
COMPILER: Mapping[str, str] = {
    "pytorch": "none unless torch.compile is called",
    "keras-tensorflow": "jit_compile='auto': XLA where TensorFlow sees a GPU, else its graph alone",
    "keras-jax": "jit_compile='auto': always XLA",
    "keras-torch": "jit_compile='auto': none",
    "numpy": "none",
}


def restorable(experiment: Experiment) -> tuple[str, ...]:
    """The words under which the framework's own default is not what is made equal in all."""
    own = OWN[experiment.framework]
    # a precision asked for by name leaves none to the framework
    asked = ("matmul-precision",) if experiment.precision != "fp32" else ()
    return tuple(w for w in NATIVE if w not in asked and own[w].differs_in(experiment))
