"""Images as graphs, and what the graph network learned of them.

``graph_examples`` shows the graphs; here are the learning curves of the graph network, and its
accuracy beside those of the MLP and the CNN.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bench import run_statistics as stats
from bench.record import Measurement
from bench.report import wording
from bench.report.plots import style
from bench.report.plots.curves import Curve, mean
from bench.run_statistics import Replicates
from bench.study import graph_examples
from bench.study.artifact import Picture, Sheet, Study

TITLE = "Graphs of superpixels"
NEEDS = "a run of architecture gnn"

BESIDE = ("mlp", "cnn", "gnn")


def make(study: Study) -> Iterator[Picture | Sheet]:
    """Two pictures and two tables; nothing where no graph network was trained to the end."""
    groups = [group for group in study.groups if group.measured]
    own = [group for group in groups if group.experiment.architecture == "gnn"]
    if not own:
        return
    subject = wording.images(own[0].data)
    yield graph_examples.examples(study.dataset, subject)
    yield graph_examples.sizes(study.dataset, subject)
    yield _learning_curves(own, subject)
    yield _accuracy([g for g in groups if g.experiment.architecture in BESIDE], subject)


def _learning_curves(groups: Sequence[Replicates], subject: str) -> Picture:
    title = f"The graph network's learning curves: {subject}"
    with style.applied():
        figure, (accuracy, loss) = style.page(2)
        for look, group in zip(style.LOOKS, groups, strict=False):
            measured = [record.measurement for record in group.measured if record.measurement]
            label = _label(group)
            _lines(accuracy, [_validation(m, group, "accuracy") for m in measured], look, label)
            _lines(loss, [_validation(m, group, "loss") for m in measured], look, label)
            _lines(loss, [_training(m, group) for m in measured], look, None)
        accuracy.set(xlabel="epochs", ylabel="validation accuracy (%)", title="Accuracy")
        loss.set(xlabel="epochs", ylabel="loss (cross-entropy, nats)", title="Loss", yscale="log")
        style.log_ticks(loss.yaxis)
        for axes in (accuracy, loss):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        style.frame(figure, (accuracy, loss), title, _notes(groups))
    return Picture(
        name="graphs_learning_curves",
        title=title,
        caption=(
            "Left the validation accuracy, right the loss after every stretch of training: solid "
            "with filled markers the validation loss, dotted and hollow the mean training loss of "
            "the stretch, of a network that changes meanwhile and drops units at random. With "
            "several seeds the thick line is their mean and each thin line is one seed."
        ),
        figure=figure,
    )


def _label(group: Replicates) -> str:
    experiment = group.experiment
    return f"{wording.framework(experiment)}, batch size {experiment.batch_size:,}"


def _notes(groups: Sequence[Replicates]) -> list[str]:
    seeds = sorted({record.seed for group in groups for record in group.measured})
    said = f"Seeds {', '.join(map(str, seeds))}." if len(seeds) > 1 else f"Seed {seeds[0]}, alone."
    return [*wording.notices(group.data for group in groups), said]


def _validation(measurement: Measurement, group: Replicates, name: str) -> Curve:
    """Epochs, and the accuracy in percent or the loss."""
    scale = 100 if name == "accuracy" else 1
    return [
        (seen.images_seen / group.data.train_images, scale * getattr(seen, name))
        for seen in measurement.evaluations
    ]


def _training(measurement: Measurement, group: Replicates) -> Curve:
    """Epochs at the end of each stretch, and its mean training loss."""
    ends = np.cumsum([segment.images for segment in measurement.segments])
    return [
        (float(end) / group.data.train_images, segment.train_loss)
        for end, segment in zip(ends, measurement.segments, strict=True)
    ]


def _lines(axes: Axes, curves: Sequence[Curve], look: style.Look, label: str | None) -> None:
    """Each seed thin, their mean thick; dotted and hollow where it has no label."""
    for curve in curves if len(curves) > 1 and label else ():
        axes.plot(*zip(*curve, strict=True), color=look.colour, linewidth=0.9, alpha=0.45)
    axes.plot(
        *mean(curves),
        color=look.colour,
        marker=look.marker,
        markerfacecolor=look.colour if label else "white",
        linestyle=look.line if label else ":",
        markevery=1 + len(curves[0]) // style.MARKERS,
        label=label,
    )


def _accuracy(groups: Sequence[Replicates], subject: str) -> Sheet:
    frame = pd.DataFrame([_row(group) for group in groups])
    return Sheet(
        name="graphs_accuracy",
        title=f"The graph network beside the MLP and the CNN: {subject}",
        caption=(
            "Test accuracy of the checkpoint with the lowest validation loss; mean and sample "
            "standard deviation over the runs. Training seconds are those of all epochs, without "
            "building the graphs; the latency of one image has it, since an answer begins with "
            "pixels. The MLP and the CNN see all 784 pixels, the graph network about 75 nodes."
        ),
        frame=frame,
        formats={
            "batch_size": ",d",
            "epochs": "g",
            "parameters": ",d",
            "test_accuracy": ".2%",
            "test_accuracy_std": ".2%",
            "train_s": ",.1f",
            "latency_ms": ",.2f",
        },
    )


def _row(group: Replicates) -> dict[str, object]:
    one = group.experiment
    accuracy = group.summary(stats.test_accuracy)
    train_s = group.summary(stats.train_s)
    latency_s = group.summary(lambda record: stats.latency_s(record, 0.5))
    counts = [record.measurement.parameter_count for record in group.measured if record.measurement]
    return {
        "architecture": wording.architecture(one.architecture),
        "framework": wording.framework(one),
        "device": wording.device(one.device),
        "batch_size": one.batch_size,
        "epochs": one.epochs,
        "runs": len(group.measured),
        "parameters": counts[0],
        "test_accuracy": accuracy and accuracy.mean,
        "test_accuracy_std": accuracy and accuracy.std,
        "train_s": train_s and train_s.mean,
        "latency_ms": latency_s and 1000 * latency_s.mean,
    }
