"""Fetching the A-Z letters from Kaggle through kagglehub, an optional package."""

from __future__ import annotations

import importlib
import os
import shutil
from contextlib import suppress
from pathlib import Path

from datasets.errors import DataError, Unreachable

HANDLE = "sachinpatel21/az-handwritten-alphabets-in-csv-format"
ADDRESS = f"https://www.kaggle.com/datasets/{HANDLE}"
CSV_NAME = "A_Z Handwritten Data.csv"
ARCHIVE_NAME = "archive.zip"  # what the button on that page saves


def fetch_letters(folder: Path) -> None:
    """Bring the CSV (700 MB) into ``folder``.

    Raises Unreachable where kagglehub is not installed or Kaggle does not deliver, DataError
    where the folder cannot be written to.
    """
    by_hand = (
        f"or download it in a browser from {ADDRESS} and put {ARCHIVE_NAME} or {CSV_NAME!r} "
        f"into {folder}"
    )
    try:
        kagglehub = importlib.import_module("kagglehub")
    except ModuleNotFoundError as error:
        raise Unreachable(
            "fetching the letters needs the package kagglehub: python -m pip install "
            f"-e '.[kaggle]'; {by_hand}"
        ) from error
    try:
        downloaded = Path(kagglehub.dataset_download(HANDLE))
    except Exception as error:  # its many kinds have no common class
        raise Unreachable(
            f"Kaggle did not deliver {HANDLE} ({error}); try later, {by_hand}"
        ) from error
    _place(_only_file(downloaded), folder)


def _only_file(downloaded: Path) -> Path:
    found = sorted(downloaded.rglob(CSV_NAME))
    if not found:
        raise Unreachable(f"{downloaded}: what Kaggle sent holds no {CSV_NAME!r}")
    return found[0]


def _place(path: Path, folder: Path) -> None:
    """Link the file, or copy it where the disks differ, so that kagglehub's copy also serves."""
    target, partial = folder / CSV_NAME, folder / (CSV_NAME + ".partial")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        try:
            os.link(path, partial)
        except OSError:
            shutil.copyfile(path, partial)
        partial.replace(target)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        raise DataError(f"{folder}: cannot be written to ({error.strerror or error})") from error
