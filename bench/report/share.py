"""python -m bench share DIR: one small file of a results folder, to be handed on."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.report import wording
from bench.results import shared, write_atomically
from bench.results.folder import Results, ResultsError
from bench.results.sound import RecordError
from bench.run.door import parser_of


def main(argv: Sequence[str] | None = None) -> int:
    """Write the file and say what is in it; 2 where it cannot be done, or is there already."""
    options = _parser().parse_args(argv)
    try:
        path = _share(options.folder, options.out)
    except (ResultsError, RecordError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: the file cannot be written: {error}", file=sys.stderr)
        return 2
    print(
        f"{path}, {path.stat().st_size / 1000:,.0f} kB: what was measured, the machine's model, "
        "versions, threads and power mode; no names of people, hosts or paths, but for the file's "
        "own name, which you may change. 'python -m bench class DIR' reads a folder of such files."
    )
    return 0


def _share(folder: Path, out: Path | None) -> Path:
    results = Results(folder)
    records = results.require_records()
    content = shared.reduced(records, results.evidence())
    own = len(records) - len(content.records)
    if not content.records:
        raise ResultsError(
            f"{folder}: every run is on data of your own, whose names are not handed on; share a "
            "folder with runs on the suite's own tasks"
        )
    if own:
        print(f"Left out: {wording.counted(own, 'run')} on data of your own.")
    path = out or folder.resolve().with_name(f"{folder.resolve().name}{shared.ENDING}")
    if path.exists() or path.is_symlink():
        raise ResultsError(
            f"{path} exists already and is left as it is; remove it, or name another file with "
            "--out"
        )
    write_atomically(path, shared.packed(content))
    return path


def _file(text: str) -> Path:
    path = Path(text)
    if not path.name.endswith(shared.ENDING) or path.name == shared.ENDING:
        raise argparse.ArgumentTypeError(f"{text!r} must end in NAME{shared.ENDING}")
    return path


def _parser() -> argparse.ArgumentParser:
    parser = parser_of(
        "python -m bench share",
        "Write one small file of a results folder, without names of people, hosts or paths, to be "
        "handed to a teacher or a colleague.",
        "results/mine",
        f"results/mine --out laptop-7{shared.ENDING}",
    )
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help="a results folder, such as results/mine"
    )
    parser.add_argument(
        "--out",
        type=_file,
        metavar="FILE",
        help=f"where to (default: beside the folder, as DIR{shared.ENDING})",
    )
    return parser
