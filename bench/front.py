"""The front doors of a suite: ``run_all.py``, ``python -m bench study`` and ``ladder``.

Each plans, runs and reports, and all end alike: 0 all runs ended well; 1 some did not; 2 the
command line or the data cannot be used; 130 interrupted. What was measured is kept.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from bench import UsageError, cli
from bench.cli import Options
from bench.run import door, reading

if TYPE_CHECKING:
    from bench.plan import Plan

BENCH = "python -m bench"

STUDY = """\
Explore, train and evaluate a task, and leave a page with pictures. It is run_all.py --preset paper
--task TASK. With --resume and --out of a folder in which everything has run, only the study is
made again.
"""


def run_all(argv: Sequence[str]) -> int:
    """``python run_all.py``: the suite of a preset."""
    options = cli.parse(argv)
    return run_suite(options, name="run_all.py", command=("python", "run_all.py"), argv=argv)


def study(argv: Sequence[str]) -> int:
    """``python -m bench study TASK``: the preset of the paper, for one task."""
    own_data = "fruit --data-file fruit.npz --out results/fruit"
    parser = door.parser_of(f"{BENCH} study", STUDY, "digits --framework pytorch", own_data)
    parser.usage = "%(prog)s TASK [OPTION ...]"
    parser.add_argument("tasks", type=reading.words, metavar="TASK", help="such as digits")
    cli.add_options(parser, without=("tasks", "preset", *cli.FOR_SUITES))
    parser.set_defaults(preset="paper")
    return run_suite(cli.read(parser, argv), name="bench study", command=BENCH.split())


def ladder(argv: Sequence[str]) -> int:
    """``python -m bench ladder LADDER``: one thing changed at a time."""
    if argv[:1] == ["speed"]:
        from bench.ladder import speed

        return speed.main(argv[1:])
    from bench.ladder import defaults

    cnn = "defaults --framework pytorch --architecture cnn --seeds 5"
    again = "defaults --out results/mine --resume"
    parser = door.parser_of(f"{BENCH} ladder", defaults.DESCRIPTION, cnn, again)
    parser.usage = "%(prog)s LADDER [OPTION ...]"
    words = "'defaults'; 'speed' has a help of its own"
    parser.add_argument("ladder", choices=("defaults", "speed"), metavar="LADDER", help=words)
    cli.add_options(parser, without=("executions", "inits", *cli.FOR_SUITES))
    options = cli.read(parser, argv)
    return run_suite(options, name="bench ladder", command=BENCH.split(), plan=defaults.plan)


def run_suite(
    options: Options,
    *,
    name: str,
    command: Sequence[str],
    plan: Callable[[Options], Plan] | None = None,
    argv: Sequence[str] = (),
) -> int:
    """Plan, run and report; return the exit code.

    Args:
        options: what the user asked for.
        name: of the front door, before an error.
        command: how it is started, kept in the results folder with the words that follow.
        plan: makes the plan; None for the experiments of the preset.
        argv: the words that follow, which the jobs of a grid are made of.
    """
    # not before the command line is known to be right: --help answers at once
    from bench.plan import describe, make_plan
    from bench.results.folder import ResultsError
    from bench.suite import carry_out
    from datasets import DataError

    try:
        if options.on_many_machines:
            from bench.cluster import command as grid

            return grid.carry_out(options, argv, command)
        planned = (plan or make_plan)(options)
        if options.dry_run:
            print(describe(planned))
            return 0
        return carry_out(planned, options, command)
    except (UsageError, ResultsError, DataError) as error:
        print(f"{name}: error: {error}", file=sys.stderr)
    except OSError as error:  # a full disk, a folder that was taken away
        print(f"{name}: error: {door.explain(error)}; what was measured is kept", file=sys.stderr)
    except KeyboardInterrupt:
        print("interrupted; what was measured is kept", file=sys.stderr)
        return 130
    return 2
