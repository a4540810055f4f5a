"""What frameworks do of themselves, where this project makes all alike: the words for it.

Each word of ``bench.experiment.NATIVE`` is a thing that frameworks do differently unless they
are told. ``MATCHED`` says what they are told; what each does untold is in its entry of
``bench.trainers.FRAMEWORKS``. Read from the signatures and sources of Keras 3.15.1,
PyTorch 2.13.0, TensorFlow 2.21.0 and JAX 0.10.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.experiment import Experiment, kind_of
from models import ARCHITECTURES

MATCHED: Mapping[str, str] = {
    "adam-epsilon": "ε̂ 1e-7 beside the root of the second moment, which is not yet corrected",
    "bias-init": "zeros",
    "kernel-init": "Glorot uniform, drawn by NumPy from the seed, the same numbers for all",
    "matmul-precision": "full float32, no TF32",
    "memory-layout": "channels last on the CPU",
    "shuffling": "an order drawn by NumPy from seed and epoch, the same for all",
}
# In what all frameworks have the same own default, or have it as an execution of its own.
LAST_SHORT_BATCH = (
    "The last short batch of an epoch is kept by all of themselves (DataLoader's drop_last is "
    "False; fit drops nothing), and here too"
)


@dataclass(frozen=True, kw_only=True)
class Own:
    """One framework's own default under one word."""

    says: str
    differs: bool = True  # False: it is the matched one, everywhere
    # where it differs from the matched one; None: everywhere
    devices: tuple[str, ...] | None = None
    optimizers: tuple[str, ...] | None = None
    executions: tuple[str, ...] | None = None
    convolutional: bool = False  # True: in networks with convolutions alone

    def differs_in(self, experiment: Experiment) -> bool:
        """Whether leaving it to the framework changes anything in this experiment."""
        limits = (
            (self.devices, kind_of(experiment.device)),
            (self.optimizers, experiment.optimizer),
            (self.executions, experiment.execution),
        )
        network = ARCHITECTURES.get(experiment.architecture)
        if self.convolutional and not (network and network.convolutional):
            return False
        return self.differs and all(known is None or here in known for known, here in limits)


_GLOROT = Own(says="Glorot uniform as well, other random numbers", differs=False)
_ZEROS = Own(says="zeros", differs=False)
_EPSILON_HAT = Own(says="ε̂ 1e-7, in the same place", differs=False)
OF_FIT = ("eager", "graph", "compiled")  # executions of Keras that are calls of ``fit``
_CHANNELS_LAST = Own(says="channels last", differs=False)
TF32_IN_CONVOLUTIONS = Own(
    says="TF32 in convolutions, not in matrix products", devices=("cuda",), convolutional=True
)
OF_THE_DEVICE = Own(says="the device's own, TF32 on NVIDIA's GPUs", devices=("cuda",))


def of_keras(*, shuffling: str, matmul_precision: Own) -> dict[str, Own]:
    """What the backends of Keras have in common, and the two things in which they differ."""
    return {
        "adam-epsilon": _EPSILON_HAT,
        "bias-init": _ZEROS,
        "kernel-init": _GLOROT,
        "matmul-precision": matmul_precision,
        "memory-layout": _CHANNELS_LAST,
        # A loop without fit takes the batches that it is given.
        "shuffling": Own(says=shuffling, executions=OF_FIT),
    }
