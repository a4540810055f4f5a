"""How far a framework may be from the referee, by quantity and precision, and why.

A tolerance is a unit roundoff times a growth: how much larger than one rounding the sum of all
roundings becomes on its way. Growths are the same for every network. They were chosen from
measurements, digits of MNIST, ``mlp`` and ``cnn``, several starts, on a CPU; then faults were
planted, and must exceed them clearly:

    quantity              float32, measured    tolerance   bfloat16     faults planted
    logits at step 0      ≤ 7e-7   11 u         2^6 u 4e-6   2 u   8 u    1e-1  3e4 tolerances
    gradients at step 1   ≤ 2e-6   27 u         2^8 u 2e-5  80 u 128 u    5e-2  3e3
    first updates         ≤ 3e-5                2^-7  8e-3  as float32    5e-2  6
    losses, SGD's         ≤ 2e-7    3 u         2^5 u 2e-6   1 u   4 u    5e-3  2e3
    losses, Adam's        ≤ 4e-6   69 u         2^9 u 3e-5  15 u  32 u    1e-2  4e2
    logits after steps    ≤ 2e-5  323 u        2^11 u 1e-4  27 u  64 u    2e-2  1e2

u is the unit roundoff; of bfloat16 the columns are measured and allowed. The last two columns
are the mildest of the faults that a quantity is there to catch, in float32 (bench/checks/faults):
a transposed kernel, a Flatten in the other order, biases not loaded (logits at step 0: 1e-1 to
9e-1); labels shifted by an image, dropout left on, SGD's rate wrong by 5 % (gradients: 5e-2 to
2); Adam's rate wrong by 5 % (its first update: 5e-2), its ε 1e-8 in place of 1e-7 (5e-1); two
batches in each other's place (losses: 5e-3 to 1e-1), no momentum (1e-1 to 4e-1).

The largest of float32's losses and later logits are Keras's under Adam: it computes β₂ᵗ in
float32, and 1 - β₂ᵗ has lost ten of its bits then. All others have 2e-7 and 1e-6. TF32 has the
growths of bfloat16, since the products of both are summed in float32; it was not measured.

Not in the table are starts at which rounding alone opens or shuts a ReLU, or moves the largest
of a pool: losses were 1e-3 and logits 1e-1 apart then, in about one trajectory in ten, and
gradients 3e-2, in one start of 150. ``examine`` tries another start. In bfloat16 such inputs
are many, and are what its gradients and later logits show: there the same faults, planted in
PyTorch, exceed what is allowed by 2 to 30 (Adam's ε by 66), but for two batches exchanged, which
show by a factor of 3 in the one network and not at all in the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.experiment import Precision

Kind = Literal["logits", "gradients", "update", "losses", "Adam's losses", "trained logits"]

# Half the gap between 1 and the next number (Higham, Accuracy and Stability of Numerical
# Algorithms, 2nd edition, section 2.1), of formats with 24, 11 and 8 significant bits.
ROUNDOFF_BITS: dict[Precision, int] = {"fp32": 24, "tf32": 11, "bf16": 8}
FORMATS: dict[Precision, str] = {"fp32": "float32", "tf32": "TF32", "bf16": "bfloat16"}


@dataclass(frozen=True, kw_only=True)
class Growth:
    """How much larger than one rounding a deviation may become."""

    float32: int
    reduced: int  # of TF32 and bfloat16, whose products are summed in float32
    why: str


GROWTHS: dict[Kind, Growth] = {
    "logits": Growth(float32=2**6, reduced=2**3, why="sums of many products, layer after layer"),
    "gradients": Growth(
        float32=2**8,
        reduced=2**7,
        why="such sums forward and backward, and units near zero that open or not by rounding",
    ),
    "losses": Growth(
        float32=2**5, reduced=2**2, why="20 steps, each from the rounded weights of the last"
    ),
    "Adam's losses": Growth(
        float32=2**9, reduced=2**5, why="20 steps that divide by |g|, and so magnify small ones"
    ),
    "trained logits": Growth(
        float32=2**11,
        reduced=2**6,
        why="20 steps, and what they have made of rounding on images that are not trained on",
    ),
}

# Made of the framework's own gradients, by arithmetic that is float32 in every precision. What
# is left is rounding w to float32, 2^-24·|w| beside an update of lr·|g|, and of gradients summed
# in another order from one trainer to the next, 1e-8 beside Adam's ε̂/√(1-β₂) = 3e-6.
UPDATE_BITS = 7


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """The largest deviation that passes, and its reason."""

    value: float
    reason: str


def of(kind: Kind, precision: Precision) -> Tolerance:
    """The tolerance of a kind of quantity."""
    if kind == "update":
        return Tolerance(
            value=2.0**-UPDATE_BITS,
            reason=f"2^-{UPDATE_BITS}: weights near 0.1 rounded to float32 beside their updates",
        )
    growth, bits = GROWTHS[kind], ROUNDOFF_BITS[precision]
    times = growth.float32 if precision == "fp32" else growth.reduced
    return Tolerance(
        value=times * 2.0**-bits,
        reason=f"{FORMATS[precision]} rounds to 2^-{bits}, times {times} for {growth.why}",
    )


# How far a framework's quantity is from the referee's: one number. NumPy only.


def deviation(computed: ArrayLike, wanted: ArrayLike) -> float:
    """The largest absolute difference over the largest magnitude of the referee's quantity.

    max |computed - wanted| / max |wanted|, over all elements of one array, in float64: the
    normwise relative error in the maximum norm (Higham, Accuracy and Stability of Numerical
    Algorithms, 2nd edition, section 6.2). An element that happens to be near zero is thus
    judged by the scale of its array. Infinite where only ``wanted`` is all zero; not-a-number
    where an element is.

    Raises ValueError where the shapes differ.
    """
    computed, wanted = np.asarray(computed, np.float64), np.asarray(wanted, np.float64)
    if computed.shape != wanted.shape:
        raise ValueError(f"of shape {computed.shape}, the referee's of shape {wanted.shape}")
    apart = float(np.max(np.abs(computed - wanted)))
    if apart == 0:
        return 0.0
    return float(np.divide(apart, np.max(np.abs(wanted)))) if np.any(wanted) else np.inf


def largest(
    computed: Mapping[str, NDArray[np.floating]], wanted: Mapping[str, NDArray[np.floating]]
) -> float:
    """The largest deviation of several arrays, such as gradients, each against its own scale.

    So a small array, a bias, is not hidden behind the largest of all. Not-a-number where one is.
    Raises ValueError where the names differ.
    """
    if computed.keys() != wanted.keys():
        raise ValueError(f"of arrays {sorted(computed)}, the referee's {sorted(wanted)}")
    return float(np.max([deviation(computed[name], wanted[name]) for name in wanted]))
