"""Whether an exported network says what the framework's own says. NumPy only.

Both compute in float32, in another order, so their logits may be as far apart as a framework's
from the referee's: the tolerance is that of ``bench.parity``. Measured on the 10,000 test images
of MNIST, a CPU: at most 4e-7 (MLP, CNN and ensemble; PyTorch, Keras on TensorFlow and on JAX);
allowed are 4e-6. A single weight that is wrong by a hundredth showed at 9e-5 to 6e-3 in the single
networks and at 8e-6 in the ensemble of 16, unless the unit behind it is never active.

No image may be told otherwise. Rounding alone could do that to one whose two largest logits are
no further apart than the deviation, 1e-5 where they mostly are some 10 apart: one in a million.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.evidence import Check
from bench.parity import tolerances
from bench.parity.deviation import deviation
from bench.trainers import Logits


class NotNumbers(Exception):
    """Logits that are not finite: nothing can be said of them."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The logits of one network beside those of another."""

    absolute: float  # the largest difference of a logit
    logits: Check  # the largest difference over the largest logit of the framework's own
    differing: int  # images whose largest logit is that of another class


def compare(own: Logits, exported: Logits) -> Comparison:
    """Set (n, classes) logits of the same images side by side.

    Raises NotNumbers where one is not finite, ValueError where the shapes differ.
    """
    for name, logits in (("framework", own), ("ONNX Runtime", exported)):
        if not np.isfinite(logits).all():
            raise NotNumbers(f"logits of the {name} are not finite numbers")
    allowed = tolerances.of("logits", "fp32")
    return Comparison(
        absolute=float(np.max(np.abs(exported.astype(np.float64) - own))),
        logits=Check(
            quantity="logits",
            deviation=deviation(exported, own),
            tolerance=allowed.value,
            reason=allowed.reason,
        ),
        differing=int((own.argmax(axis=1) != exported.argmax(axis=1)).sum()),
    )
