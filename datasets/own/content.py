"""What is read from a user's files, before it is brought into the project's form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.pictures import Numbers

Texts = NDArray[np.str_]


@dataclass(frozen=True, kw_only=True)
class Part:
    """Images and what each is called."""

    images: Numbers  # (n, height, width)
    labels: Numbers | Texts  # (n,)


@dataclass(frozen=True, kw_only=True)
class Content:
    """All that a user's files hold."""

    rest: Part  # to train and validate on, and to test on where there is no ``test``
    test: Part | None = None  # the official test part
    notes: tuple[str, ...] = ()  # how the files were read, where that was a choice: sentences
