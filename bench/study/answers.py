"""What each model of a study says of the test images, seed by seed; and images drawn alike."""

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
from bench.results.models import Predictions
from bench.results.record import Record
from bench.study.artifact import Study, numbered


@dataclass(frozen=True, kw_only=True)
class Answered:
    """One network and recipe, with what its runs answer."""

    name: str  # of files: 'cnn_keras-tensorflow_augmented'
    title: str  # 'CNN in keras-tensorflow, augmented'
    experiment: Experiment
    records: Mapping[int, Record]  # by seed
    predictions: Mapping[int, Predictions]  # by seed; at least one

    @property
    def seed(self) -> int:
        """The lowest: the run that is shown where one has to do."""
        return min(self.predictions)

    @property
    def shown(self) -> Predictions:
        """What the run of the lowest seed says."""
        return self.predictions[self.seed]

    @property
    def certainty(self) -> NDArray[np.float64]:
        """(n,) the probability that the run of the lowest seed gives to what it says."""
        return np.asarray(self.shown.probabilities.max(axis=1))

    def wrong(self, seed: int) -> NDArray[np.bool_]:
        """(n,) which test images the run of a seed gets wrong."""
        run = self.predictions[seed]
        return np.asarray(run.predicted != run.labels)


def answered(study: Study) -> list[Answered]:
    """Every group with predictions, in the order of the groups; names are distinct."""
    groups: list[tuple[Experiment, dict[int, Record]]] = []
    for group in study.groups:
        records = {r.seed: r for r in group.measured if r.run_id in study.predictions}
        if records:
            groups.append((group.experiment, records))
    names = numbered([_name(experiment) for experiment, _ in groups], "_")
    return [
        Answered(
            name=name,
            title=_title(experiment),
            experiment=experiment,
            records=records,
            predictions={seed: study.predictions[r.run_id] for seed, r in records.items()},
        )
        for name, (experiment, records) in zip(names, groups, strict=True)
    ]


def _title(experiment: Experiment) -> str:
    ending = ", augmented" if experiment.augmentation else ""
    return f"{wording.architecture(experiment.architecture)} in {experiment.framework}{ending}"


def _name(experiment: Experiment) -> str:
    ending = "_augmented" if experiment.augmentation else ""
    return f"{experiment.architecture}_{experiment.framework}{ending}"


# Slides of small images, drawn alike in all steps

WRONG = "#D55E00"  # Okabe and Ito's vermilion; the frame and a cross say the same without colour
LETTERS = 110  # that fit side by side below a slide-wide axis
CHARACTER = 0.62  # mean width of a letter, as a share of the font's size
SIDE, GAP = 28, 2  # pixels of an image, and white ones between two of a mosaic


def slide(title: str, note: str) -> Figure:
    """An empty slide with its title and a line below it. To be called within ``style.applied``."""
    figure = Figure(figsize=(style.WIDTH, style.HEIGHT))
    FigureCanvasAgg(figure)
    figure.text(0.5, 0.985, title, ha="center", va="top", fontsize=20, fontweight="bold")
    figure.text(0.5, 0.925, note, ha="center", va="top", fontsize=13)
    return figure


def image_slide(
    title: str,
    note: str,
    images: Sequence[NDArray[np.uint8]],
    lines: Sequence[str],
    *,
    columns: int,
    wrong: Sequence[bool] = (),
    size: float = 15,
) -> Figure:
    """A slide of images in rows of ``columns``, each above its line; wrong ones are framed.

    ``size``: of the lines' letters, at most, in points. ``wrong``: empty: none is.
    """
    rows = -(-len(images) // columns)
    size = fitting(lines, 0.93 * 72 * style.WIDTH / columns, size)
    deepest = max((line.count("\n") for line in lines), default=0)  # below the last row
    with style.applied():
        figure = slide(title, note)
        cells = figure.subplots(rows, columns, squeeze=False).ravel()
        figure.subplots_adjust(
            left=0.02,
            right=0.98,
            bottom=0.045 + style.LINE * deepest,
            top=0.87,
            hspace=0.35,
            wspace=0.1,
        )
        for axes, image, line in zip(cells, images, lines, strict=False):
            show(axes, image)
            axes.set_xlabel(line, fontsize=size)
        for axes in cells[len(images) :]:
            axes.set_axis_off()
        for axes in cells[np.flatnonzero(wrong)]:
            _mark_as_wrong(axes)
    return figure


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
    axes.spines[:].set_visible(False)
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


def _mark_as_wrong(axes: Axes) -> None:
    """A thick frame, and a cross in the corner."""
    axes.spines[:].set(visible=True, color=WRONG, linewidth=4)
    axes.text(26, 4, "✗", color=WRONG, fontsize=17, ha="right", va="center", fontweight="bold")


def crowded(names: Sequence[str], share: float = 1) -> bool:
    """Whether names side by side below an axis of this share of a slide's width would touch."""
    return max(map(len, names)) > LETTERS * share // len(names)


def name_classes(axes: Axes, names: Sequence[str]) -> None:
    """Name the classes below a slide-wide axis; upright where they would touch."""
    axes.set_xticks(range(len(names)), names, rotation=90 if crowded(names) else 0)
