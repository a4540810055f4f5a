"""What each model of a study says of the test images, seed by seed, under a name for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bench.experiment import Experiment
from bench.report import wording
from bench.report.plots import style
from bench.results.predictions import Predictions
from bench.results.record import Record
from bench.study.artifact import Study


@dataclass(frozen=True, kw_only=True)
class Answered:
    """One network and recipe, with what its runs answer."""

    name: str  # of files: 'cnn_keras-tensorflow_augmented'
    title: str  # 'CNN in keras-tensorflow, augmented'
    experiment: Experiment
    records: Mapping[int, Record]  # by seed
    said: Mapping[int, Predictions]  # by seed; at least one

    @property
    def seed(self) -> int:
        """The lowest: the run that is shown where one has to do."""
        return min(self.said)

    @property
    def shown(self) -> Predictions:
        """What the run of the lowest seed says."""
        return self.said[self.seed]

    @property
    def certainty(self) -> NDArray[np.float64]:
        """(n,) the probability that the run of the lowest seed gives to what it says."""
        return np.asarray(self.shown.probabilities.max(axis=1))

    def wrong(self, seed: int) -> NDArray[np.bool_]:
        """(n,) which test images the run of a seed gets wrong."""
        said = self.said[seed]
        return np.asarray(said.predicted != said.labels)


def answered(study: Study) -> list[Answered]:
    """Every group with predictions, in the order of the groups; names are distinct."""
    found: list[Answered] = []
    for group in study.groups:
        records = {r.seed: r for r in group.measured if r.run_id in study.predictions}
        if not records:
            continue
        name = _name(group.experiment)
        taken = sum(one.name == name or one.name.startswith(f"{name}_") for one in found)
        found.append(
            Answered(
                name=f"{name}_{taken + 1}" if any(o.name == name for o in found) else name,
                title=title(group.experiment),
                experiment=group.experiment,
                records=records,
                said={seed: study.predictions[r.run_id] for seed, r in records.items()},
            )
        )
    return found


def title(experiment: Experiment) -> str:
    """'CNN in keras-tensorflow, augmented'."""
    ending = ", augmented" if experiment.augmentation else ""
    return f"{wording.architecture(experiment.architecture)} in {experiment.framework}{ending}"


def _name(experiment: Experiment) -> str:
    ending = "_augmented" if experiment.augmentation else ""
    return f"{experiment.architecture}_{experiment.framework}{ending}"


# Grids of small images, each with a line below it: drawn alike in all steps.


WRONG = "#D55E00"  # Okabe and Ito's vermilion; the frame and a cross say the same without colour
CHARACTER = 0.62  # mean width of a letter, as a share of the font's size
SIDE, GAP = 28, 2  # pixels of an image, and white ones between two of a mosaic
TITLE_SHARE, NOTE_SHARE = 0.985, 0.925  # heights of title and note on the slide


def slide(title: str, note: str) -> Figure:
    """An empty slide with its title and a line below it. To be called within ``style.applied``."""
    figure = Figure(figsize=(style.WIDTH, style.HEIGHT))
    FigureCanvasAgg(figure)
    figure.text(0.5, TITLE_SHARE, title, ha="center", va="top", fontsize=20, fontweight="bold")
    figure.text(0.5, NOTE_SHARE, note, ha="center", va="top", fontsize=13)
    return figure


def grid(
    figure: Figure,
    images: Sequence[NDArray[np.uint8]],
    lines: Sequence[str],
    *,
    columns: int,
    wrong: Sequence[bool] | None = None,
    size: float = 12,
) -> None:
    """Images in rows of ``columns`` below the note, each with its line; wrong ones are framed."""
    rows = -(-len(images) // columns)
    size = fitting(lines, 0.93 * 72 * style.WIDTH / columns, size)
    deepest = max((line.count("\n") for line in lines), default=0)  # below the last row
    cells = figure.subplots(
        rows,
        columns,
        squeeze=False,
        gridspec_kw={
            "left": 0.02,
            "right": 0.98,
            "bottom": 0.045 + style.LINE * deepest,
            "top": 0.87,
            "hspace": 0.35,
            "wspace": 0.1,
        },
    )
    for place, axes in enumerate(cells.flat):
        if place >= len(images):
            axes.set_axis_off()
            continue
        show(axes, images[place])
        axes.set_xlabel(lines[place], fontsize=size)
        if wrong is not None and wrong[place]:
            frame(axes)


def mosaic(
    figure: Figure,
    area: tuple[float, float, float, float],
    images: Sequence[Sequence[NDArray[np.uint8] | None]],
    *,
    rows: int,
    columns: int,
    left: Sequence[str] = (),
    below: Sequence[str] = (),
    size: float = 16,
) -> None:
    """Many images close together: one picture, with words left of rows or below columns.

    ``area``: left, bottom, width and height on the slide, without the words. Places without an
    image stay white. ``size``: of words, at most; they shrink with rows and columns.
    """
    cell = SIDE + GAP
    canvas = np.full((rows * cell - GAP, columns * cell - GAP), 255, np.uint8)
    for row, strip in enumerate(images):
        for column, image in enumerate(strip):
            if image is not None:
                canvas[row * cell :, column * cell :][:SIDE, :SIDE] = image
    axes = figure.add_axes(area, anchor="N")
    show(axes, canvas)
    for side in axes.spines.values():
        side.set_visible(False)
    size = min(size, 0.6 * 72 * style.HEIGHT * area[3] / rows)
    size = fitting(below, 72 * style.WIDTH * area[2] / columns, size)
    middle = np.arange(max(rows, columns)) * cell + SIDE / 2
    axes.set_yticks(middle[: len(left)], left, fontsize=size)
    axes.set_xticks(middle[: len(below)], below, fontsize=size)
    axes.tick_params(length=0)


def fitting(words: Sequence[str], width: float, size: float) -> float:
    """The font size, at most ``size``, at which all lines of the words are no wider than that.

    Points, both. Words of a user's own classes can be long.
    """
    longest = max((len(line) for word in words for line in word.splitlines()), default=0)
    return min(size, width / (CHARACTER * longest)) if longest else size


def show(axes: Axes, image: NDArray[np.uint8]) -> None:
    """One image, white on black as the data has it, without axes."""
    axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.grid(False)


def frame(axes: Axes) -> None:
    """Mark an image as got wrong: a thick frame, and a cross in its corner."""
    for side in axes.spines.values():
        side.set(visible=True, color=WRONG, linewidth=4)
    axes.text(26, 4, "✗", color=WRONG, fontsize=17, ha="right", va="center", fontweight="bold")
