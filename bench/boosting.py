"""How the epochs of a run are divided among the members that are boosted. No framework."""

from __future__ import annotations

from dataclasses import dataclass

from models.members import MEMBERS


@dataclass(frozen=True, kw_only=True)
class Rounds:
    """Members fitted one after the other, each for as many epochs as the others."""

    members: int  # that the run has time for, at most MEMBERS
    epochs_each: int


def rounds(epochs: float) -> Rounds:
    """As many members as there are epochs, up to MEMBERS, and the epochs divided equally.

    Less than one epoch begins the first member and does not end it, which is enough to time
    steps. Raises ValueError where the epochs cannot be divided, naming numbers that can.
    """
    if epochs < 1:
        return Rounds(members=1, epochs_each=1)
    members = min(MEMBERS, int(epochs))
    if epochs % members:
        below = int(epochs // members) * members
        raise ValueError(
            f"{epochs:g} epochs cannot be divided equally among {members} boosted members; "
            f"take {below} or {below + members} epochs"
        )
    return Rounds(members=members, epochs_each=int(epochs) // members)
