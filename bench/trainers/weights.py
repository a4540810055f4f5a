"""Whether weights belong to a network, asked alike in every framework. NumPy only."""

from __future__ import annotations

from bench.trainers import Weights


def check_weights(given: Weights, wanted: Weights) -> None:
    """Compare names and shapes of weights with those of the network.

    Raises ValueError naming the first that is missing, unknown, or of another shape.
    """
    missing = [name for name in wanted if name not in given]
    unknown = [name for name in given if name not in wanted]
    if missing or unknown:
        raise ValueError(
            f"weights of another network: missing {missing}, unknown {unknown}; "
            f"wanted {list(wanted)}"
        )
    for name, array in wanted.items():
        if given[name].shape != array.shape:
            raise ValueError(
                f"weights of another network: {name} has the shape {given[name].shape}, "
                f"wanted {array.shape}"
            )
