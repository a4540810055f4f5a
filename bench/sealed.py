"""The test set under seal: opened once a run, by the clock's ``measure``, and counted.

Everything else of a run is given the training and validation images alone. Reading test
images earlier, or twice, would let a choice depend on them, and a test accuracy that
choices depend on is no longer one.
"""

from __future__ import annotations

from bench.trainers import Images, Labels


class SealBroken(Exception):
    """The test set was to be opened a second time."""


class SealedTest:
    """Test images and labels that can be had once."""

    def __init__(self, images: Images, labels: Labels) -> None:
        self.__images, self.__labels = images, labels
        self.size = len(labels)
        self.reads = 0

    def open(self) -> tuple[Images, Labels]:
        """(n, 28, 28) float32 images and (n,) int64 labels. Raises SealBroken the second time."""
        if self.reads:
            raise SealBroken("the test set has been read in this run; it may be read once")
        self.reads += 1
        return self.__images, self.__labels
