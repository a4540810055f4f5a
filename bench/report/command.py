"""python -m bench report DIR: tables, plots and page again, from the records alone."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench import report
from bench.evidence import read_price
from bench.results import Results, ResultsError


def main(argv: Sequence[str] | None = None) -> int:
    """Make the report of a results folder and print its summary; 2 where it cannot be done."""
    options = _parser().parse_args(argv)
    try:
        results = Results(options.folder)
        results.require_records()  # before anything is written
        if options.price_per_h is not None:
            facts = results.evidence().suite
            results.save_evidence(replace(facts, price_per_h=options.price_per_h))
        print(report.write(results))
    except ResultsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: the report cannot be written: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench report",
        description="Make the tables, plots and page of a results folder from its records alone.",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="such as results/quick")
    parser.add_argument(
        "--price",
        dest="price_per_h",
        type=read_price,
        metavar="AMOUNT/h",
        help="what the machine costs an hour, such as 2.50/h; kept in the folder",
    )
    return parser
