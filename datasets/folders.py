"""Where data is looked for and where parsed data is kept."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from datasets.errors import DataError

DATA_VARIABLE = "GLYPHBENCH_DATA"
CACHE_VARIABLE = "GLYPHBENCH_CACHE"


@dataclass(frozen=True, kw_only=True)
class SearchFolder:
    """A folder that is searched for data."""

    path: Path
    named_by: str  # how the user knows it: 'the data folder', 'GLYPHBENCH_DATA', 'the cache'


def cache_folder(cache_dir: Path | None = None) -> Path:
    """The folder for downloads and parsed data: ``cache_dir``, GLYPHBENCH_CACHE or the user's."""
    named = cache_dir or os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    import platformdirs

    return platformdirs.user_cache_path("glyphbench", appauthor=False)


def download_folder(cache: Path) -> Path:
    """Where downloads go, inside the cache folder; searched like a data folder."""
    return cache / "data"


def search_folders(data_dir: Path | None, cache: Path) -> tuple[SearchFolder, ...]:
    """The folders to search, in this order: ``data_dir``, GLYPHBENCH_DATA, the cache.

    Raises DataError where the user named a folder that is not there.
    """
    named = [
        (data_dir, "the data folder"),
        (os.environ.get(DATA_VARIABLE) or None, DATA_VARIABLE),
    ]
    folders: dict[Path, str] = {}
    for path, named_by in named:
        if path is not None:
            folders.setdefault(_existing(Path(path), named_by), named_by)
    downloads = download_folder(cache)
    if downloads.is_dir():
        folders.setdefault(downloads, "the cache")
    return tuple(SearchFolder(path=path, named_by=name) for path, name in folders.items())


def _existing(path: Path, named_by: str) -> Path:
    folder = path.expanduser().absolute()
    if folder.is_dir():
        return folder
    what = "is a file, not a folder" if folder.exists() else "does not exist"
    raise DataError(f"{folder} ({named_by}) {what}; name the folder that holds the data files")
