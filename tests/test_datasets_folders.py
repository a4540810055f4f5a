"""Where data is searched and where it is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from datasets.errors import DataError
from datasets.folders import SearchFolder, cache_folder, search_folders


def test_the_named_folder_comes_first_then_the_variable_then_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("named", "variable", "cache/data"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("GLYPHBENCH_DATA", str(tmp_path / "variable"))
    assert search_folders(tmp_path / "named", tmp_path / "cache") == (
        SearchFolder(path=tmp_path / "named", named_by="the data folder"),
        SearchFolder(path=tmp_path / "variable", named_by="GLYPHBENCH_DATA"),
        SearchFolder(path=tmp_path / "cache/data", named_by="the cache"),
    )


def test_a_folder_named_twice_is_searched_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLYPHBENCH_DATA", str(tmp_path))
    (found,) = search_folders(tmp_path, tmp_path / "cache")
    assert found.named_by == "the data folder"


def test_nothing_named_and_nothing_downloaded_is_nothing_to_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLYPHBENCH_DATA", "")
    assert search_folders(None, tmp_path / "cache") == ()


@pytest.mark.parametrize("by_variable", [False, True])
def test_a_named_folder_that_is_missing_is_an_error(
    by_variable: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = tmp_path / "missing"
    monkeypatch.setenv("GLYPHBENCH_DATA", str(missing) if by_variable else "")
    with pytest.raises(DataError, match="does not exist") as caught:
        search_folders(None if by_variable else missing, tmp_path)
    assert str(missing) in str(caught.value)


def test_a_file_in_the_place_of_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="is a file, not a folder"):
        search_folders(tmp_path / "file", tmp_path)


def test_the_cache_is_where_the_argument_or_the_variable_or_the_system_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLYPHBENCH_CACHE", str(tmp_path / "variable"))
    assert cache_folder(tmp_path / "argument") == tmp_path / "argument"
    assert cache_folder() == tmp_path / "variable"
    monkeypatch.delenv("GLYPHBENCH_CACHE")
    assert cache_folder().name == "glyphbench"
    assert cache_folder().is_absolute()
