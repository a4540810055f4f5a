"""``python -m bench audit``: is the clock right, and how quiet is this machine?

    python -m bench audit                                     # about a minute
    python -m bench audit --framework pytorch --device cuda --rounds 20
    python -m bench audit --repetitions 20                    # how often chance names a winner
    python -m bench audit --out results/NAME                  # audit.json beside the records

Exit code 0 where the injected delay was found and no winner was named between equal arms, 1
where not, or where the arms could not be run; 2 for a mistake in the command line.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import UsageError
from bench.checks import auditing, peaks
from bench.cli import add_device, add_option
from bench.experiment import Precision, kind_of
from bench.machine import hardware
from bench.machine.devices import choose_devices, with_precision
from bench.machine.pulse import steadiness
from bench.report.audit import findings, steadiness_sentence
from bench.results.evidence import Audit
from bench.results.folder import Results, ResultsError
from bench.results.record import Machine
from bench.run import interpreters
from bench.run.door import parser_of
from bench.run.reading import one_of, positive, whole_from
from bench.run.scheduler import Site
from bench.stats.verdict import delay_found, names_winner, winners_named
from bench.trainers import FRAMEWORKS

ROUNDS = 10
TOLERATED = 0.05  # of the repetitions may name a winner: what the rule allows chance


def main(argv: Sequence[str]) -> int:
    """Audit, print what was found, and return the exit code."""
    options = _parser().parse_args(argv)
    try:
        if options.out is not None:
            with Results(options.out).lock():
                pass  # what cannot be written is refused before minutes go into measuring it
        request, site = _asked(options, hardware.observe())
        audit, pulses = auditing.audit(request, site)
        if options.out is not None:
            _save(Results(options.out), audit)
    except (UsageError, ResultsError) as error:
        print(f"bench audit: error: {error}", file=sys.stderr)
        return 2
    for line in findings(audit):
        print(line)
    steady = steadiness(pulses)
    if steady is not None:
        print(steadiness_sentence(steady))
    for warning in audit.warnings:
        print(f"Warning: {warning}")
    return 0 if passed(audit) else 1


def passed(audit: Audit) -> bool:
    """Whether the delay was found, and equal arms were called equal often enough."""
    every = audit.every_arms
    if not every or any(not delay_found(arms).found or names_winner(arms) for arms in every):
        return False
    if audit.repeated is None:
        return True
    named = winners_named(audit.repeated, audit.repetitions)
    return named <= TOLERATED * len(audit.repetitions)


def _parser() -> argparse.ArgumentParser:
    parser = parser_of(
        "python -m bench audit",
        "Try the clock: the same experiment as two arms, a delay of known size, a reading that "
        "does not wait for the device; and the machine's noise and peaks.",
        "--rounds 20 --out results/mine",
        "--framework pytorch --device cuda",
    )
    parser.add_argument(
        "--framework",
        type=one_of("framework", FRAMEWORKS),
        help=f"of {', '.join(FRAMEWORKS)}, to be run as arms (default: numpy on the CPU, which "
        "starts fastest; elsewhere pytorch)",
    )
    add_device(parser)
    parser.add_argument(
        "--rounds",
        type=whole_from(2),
        default=ROUNDS,
        metavar="N",
        help=f"how often each arm is run, 2 at least (default: {ROUNDS})",
    )
    parser.add_argument(
        "--inject",
        type=positive,
        metavar="S",
        help="seconds that are put into each delayed run (default: 5 %% of what it takes)",
    )
    parser.add_argument(
        "--repetitions",
        type=whole_from(0),
        default=0,
        metavar="K",
        help=f"further comparisons of two equal arms, {auditing.REPEATED_ROUNDS} pairs each",
    )
    add_option(parser, "out", help="write audit.json there")
    add_option(parser, "pythons")
    return parser


def _asked(options: argparse.Namespace, here: Machine) -> tuple[auditing.Request, Site]:
    """Raises UsageError for a device that is not there or that the framework does not use."""
    choose_devices((options.device,), here)
    framework = options.framework or ("numpy" if options.device == "cpu" else "pytorch")
    offered = FRAMEWORKS[framework].devices
    if kind_of(options.device) not in offered:
        raise UsageError(
            f"--device {options.device}: {framework} runs on {', '.join(offered)}; choose one of "
            "these, or another --framework"
        )
    accelerators = choose_devices(None, here)[1:] if options.device == "cpu" else (options.device,)
    used = ("cpu", *accelerators)
    request = auditing.Request(
        framework=framework,
        device=options.device,
        rounds=options.rounds,
        injected_s=options.inject,
        repetitions=options.repetitions,
        peaks=tuple(with_precision([k for device in used for k in _kinds(device)], (), here)[0]),
        devices=used,
    )
    return request, _site(framework, options.pythons, here)


def _kinds(device: str) -> list[peaks.Kind]:
    precisions: tuple[Precision, ...] = ("fp32", "tf32", "bf16")
    offered = [each for each in precisions if FRAMEWORKS["pytorch"].offers(each, device)]
    return [peaks.Kind(device, precision, None) for precision in offered]


def _site(framework: str, pythons: dict[str, Path], here: Machine) -> Site:
    return Site(
        results=Results(Path()),  # every run is given a folder of its own
        data={},  # and the drawn images
        machine=here,
        timeout_s=auditing.RUN_TIMEOUT_S,
        pythons=pythons,
        versions={framework: interpreters.versions_of(framework, pythons)},
    )


def _save(results: Results, audit: Audit) -> None:
    with results.lock():
        path = results.save_evidence(auditing.joined(results.evidence().audit, audit))
    print(f"written to {path}")
