"""Files that a command makes anew from records: tables, plots, pictures, in a folder of theirs.

What an earlier command made and this one does not would be taken for this one's, so it is removed:
by the list that the earlier one left, and only while a file is what that list says. A note that
somebody put beside the tables, a picture that was drawn over, and whatever lies elsewhere stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from bench.results import write_atomically

LIST = ".made"  # of sha256sum's form: a checksum and a name a line
_LINE = re.compile(r"([0-9a-f]{64})  ([^/\\\0.][^/\\\0]*)")


class Made:
    """What has been made so far in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._checksums: dict[str, str] = {}

    def write(self, name: str, content: bytes) -> None:
        """Write a file of the folder, whole or not at all; ``name`` is one without a folder."""
        write_atomically(self._folder / name, content)
        self._checksums[name] = sha256(content).hexdigest()


@contextmanager
def making(folder: Path) -> Iterator[Made]:
    """What is written to it is what the folder holds afterwards, beside files of other people.

    Where an error ends it, nothing is removed, and the list still names what was made.
    """
    made = Made(folder)
    earlier = _listed(folder)
    remaining = earlier
    try:
        yield made
        for name in earlier.keys() - made._checksums.keys():
            _remove(folder / name, earlier[name])
        remaining = {}
    finally:
        listed = remaining | made._checksums
        if listed or earlier:
            lines = (f"{checksum}  {name}\n" for name, checksum in sorted(listed.items()))
            write_atomically(folder / LIST, "".join(lines).encode())


def _listed(folder: Path) -> dict[str, str]:
    """Name -> checksum, as the last command left them; empty where it left no list."""
    try:
        lines = (folder / LIST).read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    matches = (_LINE.fullmatch(line) for line in lines)
    return {match[2]: match[1] for match in matches if match}


def _remove(path: Path, checksum: str) -> None:
    ours = path.is_file() and not path.is_symlink()
    if ours and sha256(path.read_bytes()).hexdigest() == checksum:
        path.unlink()
