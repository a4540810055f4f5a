"""How far a framework's quantity is from the referee's: one number. NumPy only."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray


def deviation(seen: ArrayLike, wanted: ArrayLike) -> float:
    """The largest absolute difference over the largest magnitude of the referee's quantity.

    max |seen - wanted| / max |wanted|, over all elements of one array, in float64: the
    normwise relative error in the maximum norm (Higham, Accuracy and Stability of Numerical
    Algorithms, 2nd edition, section 6.2). An element that happens to be near zero is thus
    judged by the scale of its array. Infinite where only ``wanted`` is all zero; not-a-number
    where an element is.

    Raises ValueError where the shapes differ.
    """
    one, other = np.asarray(seen, np.float64), np.asarray(wanted, np.float64)
    if one.shape != other.shape:
        raise ValueError(f"of shape {one.shape}, the referee's of shape {other.shape}")
    apart = float(np.max(np.abs(one - other)))
    if apart == 0:
        return 0.0
    return float(np.divide(apart, np.max(np.abs(other)))) if np.any(other) else np.inf


def largest(
    seen: Mapping[str, NDArray[np.floating]], wanted: Mapping[str, NDArray[np.floating]]
) -> float:
    """The largest deviation of several arrays, such as gradients, each against its own scale.

    So a small array, a bias, is not hidden behind the largest of all. Not-a-number where one is.
    Raises ValueError where the names differ.
    """
    if seen.keys() != wanted.keys():
        raise ValueError(f"of arrays {sorted(seen)}, the referee's {sorted(wanted)}")
    return float(np.max([deviation(seen[name], wanted[name]) for name in wanted]))
