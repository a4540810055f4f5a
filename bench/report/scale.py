"""``python -m bench scale``: what more GPUs would give, reckoned from what is supposed of them.

    python -m bench scale                                     # both networks on 1, 8, 64, 512 GPUs
    python -m bench scale --architecture cnn --batch-size 8192 --tflops 40

Nothing here is measured: every figure follows from the options by ``bench.stats.scaling``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.presets import SCALINGS
from bench.report import wording
from bench.report.tables.table import markdown_line
from bench.run import reading
from bench.run.door import parser_of
from bench.stats.scaling import Cluster, Link, all_reduce_s, reckoned_step_s
from models import COMPARED, cost

CLASSES = 10
# option -> what it is without being asked for, and what it says
SUPPOSED: dict[str, tuple[float, str]] = {
    "tflops": (20.0, "TFLOP/s that a GPU reaches in a step"),
    "launch": (0.4, "ms of the smallest step, which launching its kernels takes"),
    "latency": (5.0, "µs of a message between two GPUs of a node"),
    "bandwidth": (200.0, "GB/s between two GPUs of a node"),
    "node-latency": (15.0, "µs of a message between two nodes"),
    "node-bandwidth": (25.0, "GB/s of each GPU between two nodes"),
}
HEADERS = ("network", "scaling", "GPUs", "batch size", "step (ms)", "of it all-reduce (ms)")
RESULTS = ("images/s", "over one GPU", "efficiency")


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step on so many GPUs."""

    replicas: int
    batch: int  # images of all together
    seconds: float
    exchange_s: float  # of these

    @property
    def images_per_s(self) -> float:
        """Throughput of all."""
        return self.batch / self.seconds


def main(argv: Sequence[str]) -> int:
    """Print what is supposed, what follows, and where more GPUs stop to help."""
    options = _parser().parse_args(argv)
    sys.stdout.write("\n".join(lines(options)) + "\n")
    return 0


def lines(options: argparse.Namespace) -> Iterator[str]:
    """A sentence of what is supposed, a table of Markdown, a sentence a network and scaling."""
    given = {name: getattr(options, name.replace("-", "_")) for name in SUPPOSED}
    told = "; ".join(f"{given[name]:g} {what}" for name, (_, what) in SUPPOSED.items())
    yield f"Supposed: {told}; {options.node} GPUs a node."
    yield ""
    yield markdown_line((*HEADERS, *RESULTS))
    yield markdown_line(["---"] * 2 + ["---:"] * 7)
    stops = []
    for network in options.architecture:
        for scaling in options.scaling:
            counts = sorted({1, *options.replicas})
            steps = [_step(network, scaling, count, given, options) for count in counts]
            yield from (markdown_line(_row(network, scaling, step, steps[0])) for step in steps)
            stops.append(f"{wording.architecture(network)}, {scaling}: {_stop(steps)}")
    yield ""
    yield from stops


def _step(
    network: str,
    scaling: str,
    replicas: int,
    given: dict[str, float],
    options: argparse.Namespace,
) -> Step:
    cluster = Cluster(
        flop_per_s=1e12 * given["tflops"],
        launch_s=1e-3 * given["launch"],
        within=_link(given["latency"], given["bandwidth"]),
        between=_link(given["node-latency"], given["node-bandwidth"]),
        node=options.node,
    )
    batch = options.batch_size * (replicas if scaling == "weak" else 1)
    size = 4 * sum(layer.weights for layer in cost.layers(network, CLASSES) or ())
    flop = cost.training_flop(network, CLASSES) or 0
    return Step(
        replicas=replicas,
        batch=batch,
        seconds=reckoned_step_s(cluster, flop, size, batch, replicas),
        exchange_s=all_reduce_s(cluster, replicas, size),
    )


def _link(latency_us: float, gigabytes_per_s: float) -> Link:
    return Link(latency_s=1e-6 * latency_us, bytes_per_s=1e9 * gigabytes_per_s)


def _row(network: str, scaling: str, step: Step, one: Step) -> tuple[str, ...]:
    times = step.images_per_s / one.images_per_s
    return (
        wording.architecture(network),
        scaling,
        f"{step.replicas:,}",
        f"{step.batch:,}",
        wording.number(1e3 * step.seconds),
        wording.number(1e3 * step.exchange_s),
        wording.number(step.images_per_s),
        f"{wording.number(times)} ×",
        wording.percent(times / step.replicas, 1),
    )


def _stop(steps: Sequence[Step]) -> str:
    """Where more GPUs give no more images a second, or how many of them are lost."""
    best = max(steps, key=lambda step: step.images_per_s)
    times = best.images_per_s / steps[0].images_per_s
    reached = f"most images/s with {wording.counted(best.replicas, 'GPU')}"
    if best is steps[-1]:
        return f"{reached}, {wording.number(times)} times those of one."
    return f"{reached}, {wording.number(times)} times those of one; more of them give less."


def _parser() -> argparse.ArgumentParser:
    parser = parser_of(
        "python -m bench scale",
        "Reckon what more GPUs would give for data-parallel training of these networks. Nothing is "
        "measured: every figure follows from what is supposed here.",
        "--replicas 8,64,512 --scaling weak",
        "--architecture cnn --batch-size 8192 --tflops 40 --node-bandwidth 50",
    )
    for name, known in (("architecture", COMPARED), ("scaling", SCALINGS)):
        parser.add_argument(
            f"--{name}",
            type=reading.list_of(name, known),
            default=known,
            metavar=name.upper(),
            help=f"of {', '.join(known)} (default: both)",
        )
    parser.add_argument(
        "--replicas",
        type=reading.wholes,
        default=(1, 8, 64, 512),
        metavar="N",
        help="GPUs, such as 8,64 (default: 1,8,64,512)",
    )
    parser.add_argument(
        "--batch-size",
        type=reading.whole,
        default=1024,
        metavar="N",
        help="images a step of all GPUs; weak: of each (default: 1024)",
    )
    parser.add_argument(
        "--node", type=reading.whole, default=8, metavar="N", help="GPUs of a node (default: 8)"
    )
    for name, (default, what) in SUPPOSED.items():
        parser.add_argument(
            f"--{name}",
            type=reading.positive,
            default=default,
            metavar="X",
            help=f"{what} (default: {default:g})",
        )
    return parser
