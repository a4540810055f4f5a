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
float32, and 1 - β₂ᵗ has lost ten of its bits then. All others have 2e-7 and 1e-6.

TF32 was never run by us on a GPU. It is emulated (``tests/tf32.py``): what all products and
convolutions multiply keeps 10 bits, to the nearest, as in cuBLAS, or cut off, as in Triton's code;
sums are float32. The largest of 56 starts, and the mildest fault, in units of what is allowed:

    quantity              nearest  cut off    tolerance   faults planted
    logits at step 0        1.7 u    7.3 u    2^4 u 8e-3   13  biases not loaded
    gradients at step 1     277 u    125 u    2^9 u 3e-1    3  dropout left on
    first updates            as float32        2^-7 8e-3    6  Adam's rate wrong by 5 %; its ε 66
    losses, SGD's            14 u     19 u    2^5 u 2e-2    5  no momentum; labels shifted 7
    losses, Adam's          101 u     85 u    2^8 u 1e-1    3  labels shifted
    logits after steps      233 u    280 u    2^9 u 3e-1    3  no momentum; labels shifted 4

Of the 112 examinations 109 stay below half of what is allowed, and the others below 0.6. Every
fault exceeds some tolerance 4 times and more, but for two batches exchanged in the CNN (1.7; in the
MLP 5), and SGD's rate wrong by 5 %, which does not show beside rounding. Nor does bfloat16 to the
nearest in TF32's place: cutting off makes all products smaller by as much as it errs.

Not in the first table are starts at which rounding alone opens or shuts a ReLU, or moves the
largest of a pool: losses were 1e-3 and logits 1e-1 apart then, in about one trajectory in ten, and
gradients 3e-2, in one start of 150. ``examine`` tries another start. In TF32 and bfloat16 such
inputs are many, and are what gradients, losses and later logits show, in both nearly as far: what
opens or not does not depend on by how little. One unit that opens for one image makes single
elements of a gradient wrong by up to 0.4 of the largest, and the whole array little, so TF32's
gradients are judged in root mean square: of 100 starts one had 0.14 there, the others up to 0.06,
and an array whose gradient is lost has 1. In bfloat16 the faults, planted in PyTorch, exceed what
is allowed by 2 to 30 (Adam's ε by 66), but for two batches exchanged, which show by a factor of 3
in the one network and not at all in the other.
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

    fp32: int
    tf32: int
    bf16: int
    why: str


GROWTHS: dict[Kind, Growth] = {
    "logits": Growth(
        fp32=2**6, tf32=2**4, bf16=2**3, why="sums of many products, layer after layer"
    ),
    "gradients": Growth(
        fp32=2**8,
        tf32=2**9,
        bf16=2**7,
        why="such sums forward and backward, and units near zero that open or not by rounding",
    ),
    "losses": Growth(
        fp32=2**5,
        tf32=2**5,
        bf16=2**2,
        why="20 steps, each from the rounded weights of the last",
    ),
    "Adam's losses": Growth(
        fp32=2**9,
        tf32=2**8,
        bf16=2**5,
        why="20 steps that divide by |g|, and so magnify small ones",
    ),
    "trained logits": Growth(
        fp32=2**11,
        tf32=2**9,
        bf16=2**6,
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
    times = {"fp32": growth.fp32, "tf32": growth.tf32, "bf16": growth.bf16}[precision]
    why = growth.why if norm(kind, precision) == np.inf else f"{growth.why}; in root mean square"
    return Tolerance(
        value=times * 2.0**-bits,
        reason=f"{FORMATS[precision]} rounds to 2^-{bits}, times {times} for {why}",
    )


def norm(kind: Kind, precision: Precision) -> float:
    """The order of the norm that a kind of quantity is measured in; see ``deviation``."""
    return 2 if (kind, precision) == ("gradients", "tf32") else np.inf


# How far a framework's quantity is from the referee's: one number. NumPy only.


def deviation(computed: ArrayLike, wanted: ArrayLike, order: float = np.inf) -> float:
    """How large the difference of two arrays is beside the referee's, in float64.

    ‖computed - wanted‖ / ‖wanted‖, over all elements of one array: the normwise relative error
    (Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, section 6.2). An
    element that happens to be near zero is thus judged by the scale of its array. Infinite where
    only ``wanted`` is all zero; not-a-number where an element is.

    Args:
        computed: by a framework.
        wanted: the referee's.
        order: of the norm. Infinity: the largest difference over the largest magnitude. 2: the
            same in root mean square, where a few elements that are far off count for little.

    Raises ValueError where the shapes differ.
    """
    computed, wanted = np.asarray(computed, np.float64), np.asarray(wanted, np.float64)
    if computed.shape != wanted.shape:
        raise ValueError(f"of shape {computed.shape}, the referee's of shape {wanted.shape}")
    apart = float(np.linalg.norm((computed - wanted).ravel(), order))
    if apart == 0:
        return 0.0
    return float(apart / np.linalg.norm(wanted.ravel(), order)) if np.any(wanted) else np.inf


def largest(
    computed: Mapping[str, NDArray[np.floating]],
    wanted: Mapping[str, NDArray[np.floating]],
    order: float = np.inf,
) -> float:
    """The largest deviation of several arrays, such as gradients, each against its own scale.

    So a small array, a bias, is not hidden behind the largest of all. Not-a-number where one is.
    Raises ValueError where the names differ.
    """
    if computed.keys() != wanted.keys():
        raise ValueError(f"of arrays {sorted(computed)}, the referee's {sorted(wanted)}")
    return float(np.max([deviation(computed[name], wanted[name], order) for name in wanted]))
