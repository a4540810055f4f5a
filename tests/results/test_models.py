"""The files of a saved model: written whole, read without running anything, refused by name."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from bench.results.card import encode_card
from bench.results.folder import Results
from bench.results.models import (
    HEADER_ENTRY,
    read_card,
    sha256,
    write_model,
)
from bench.saved.model import SavedModelError, load
from tests import saved_models
from tests.saved_models import a_card, model_path, saver, weights_of

# A run leaves one


def test_a_good_run_leaves_a_model_with_its_whole_record() -> None:
    record = saved_models.record()
    card = read_card(model_path())
    assert card.record == record
    assert record.status == "ok"
    assert (card.task, card.architecture, card.framework) == ("digits", "mlp", "numpy")
    assert card.class_names == tuple("0123456789")
    assert (card.pixel_mean, card.pixel_std) == (record.data.pixel_mean, record.data.pixel_std)


def test_the_model_holds_the_best_weights_of_the_run() -> None:
    folder, record = saved_models.results_folder(), saved_models.record()
    best = load_file(Results(folder).checkpoint_path(record.run_id))
    saved = load_file(model_path())
    assert saved.keys() == best.keys()
    for name, array in best.items():
        np.testing.assert_array_equal(saved[name], array)


# Written whole or not at all


def test_a_failed_write_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    write_model(path, a_card(), saver(weights_of("mlp")))
    before = path.read_bytes()

    def half(part: Path) -> None:
        part.write_bytes(before[:100])
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space left"):
        write_model(path, a_card(), half)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


# What is refused


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SavedModelError, match=r"run\.safetensors: no such file; saved models lie"):
        load(tmp_path / "run.safetensors")


@pytest.mark.parametrize("ending", [".safetensors", ".keras"])
@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"])
def test_an_empty_file_and_a_picture_are_no_models(
    ending: str, content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / f"run{ending}"
    path.write_bytes(content)
    with pytest.raises(SavedModelError, match=r"no (safetensors|Keras) file: it (is empty|begins)"):
        load(path)


def test_another_ending_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "weights.pt").write_bytes(b"\x80\x04")
    with pytest.raises(SavedModelError, match=r"wanted a file that ends in \.safetensors or"):
        load(tmp_path / "weights.pt")


@pytest.mark.parametrize("keep", [60, 5000, -1])
def test_a_truncated_file_is_said_to_be_cut_off(keep: int, tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    path.write_bytes(model_path().read_bytes()[:keep])
    with pytest.raises(SavedModelError, match="cut off or damaged"):
        load(path)


def test_weights_of_somebody_else_lack_a_card(tmp_path: Path) -> None:
    save_file(weights_of("mlp"), tmp_path / "theirs.safetensors", metadata={"format": "pt"})
    with pytest.raises(SavedModelError, match="weights without a card: it lacks task, classes"):
        load(tmp_path / "theirs.safetensors")


def test_a_card_of_a_later_version_names_both(tmp_path: Path) -> None:
    path = _with_card(tmp_path, {"card_version": 9, "anything": "else"})
    with pytest.raises(SavedModelError, match="its card is of version 9, wanted 1"):
        load(path)


def test_a_card_with_a_wrong_field_is_damaged(tmp_path: Path) -> None:
    fields = json.loads(msgspec.json.encode(a_card())) | {"pixel_std": "broad"}
    with pytest.raises(SavedModelError, match=r"damaged .*pixel_std"):
        load(_with_card(tmp_path, fields))


def _with_card(folder: Path, fields: object) -> Path:
    path = folder / "run.safetensors"
    save_file(weights_of("mlp"), path, metadata={HEADER_ENTRY: json.dumps(fields)})
    return path


# What is no file of bounded size is not opened


@pytest.mark.parametrize("ending", [".safetensors", ".keras", ".onnx"])
def test_what_is_no_regular_file_is_refused_without_a_wait(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"pipe{ending}"
    os.mkfifo(path)
    with pytest.raises(SavedModelError, match="this is a pipe, a device or a socket; wanted a fil"):
        load(path)
    with pytest.raises(SavedModelError, match="this is a pipe"):
        sha256(path)
    device = tmp_path / f"device{ending}"
    device.symlink_to("/dev/zero")
    with pytest.raises(SavedModelError, match="this is a pipe, a device or a socket"):
        load(device)
    folder = tmp_path / f"folder{ending}"
    folder.mkdir()
    with pytest.raises(SavedModelError, match="this is a folder; wanted a file"):
        load(folder)


@pytest.mark.parametrize("ending", [".safetensors", ".keras", ".onnx"])
def test_a_link_is_followed_to_a_file_and_to_nothing_else(ending: str, tmp_path: Path) -> None:
    nowhere, circle = tmp_path / f"nowhere{ending}", tmp_path / f"circle{ending}"
    nowhere.symlink_to(tmp_path / "not there")
    circle.symlink_to(circle)
    with pytest.raises(SavedModelError, match="no such file"):
        load(nowhere)
    with pytest.raises(SavedModelError, match="cannot be read: Too many levels of symbolic links"):
        load(circle)
    (tmp_path / "link.safetensors").symlink_to(model_path())
    assert load(tmp_path / "link.safetensors").card == read_card(model_path())


@pytest.mark.parametrize("ending", [".safetensors", ".keras", ".onnx"])
def test_a_file_larger_than_any_network_is_refused(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"run{ending}"
    with path.open("wb") as file:
        file.truncate(5 << 30)  # without a byte on the disk
    with pytest.raises(SavedModelError, match=r"a file of 5,120\.0 MB; 64 MB are the most"):
        load(path)


# Safetensors


def test_a_header_of_any_length_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    path.write_bytes((60_000_000).to_bytes(8, "little") + b"{" + b" " * 60_000_000)
    with pytest.raises(SavedModelError, match=r"a header of 57\.2 MB; 9 MB are the most"):
        load(path)


def with_weights(folder: Path, weights: dict[str, NDArray[Any]]) -> Path:
    """A file with a card of an MLP and these weights instead of its own."""
    path = folder / "run.safetensors"
    save_file(weights, path, metadata={HEADER_ENTRY: encode_card(a_card()).decode()})
    return path


@pytest.mark.parametrize("framework", ["numpy", "pytorch"])
def test_weights_of_another_type_or_no_numbers_are_refused(framework: str, tmp_path: Path) -> None:
    if framework == "pytorch":
        pytest.importorskip("torch")
    weights: dict[str, NDArray[Any]] = dict(weights_of("mlp"))
    halves = {name: array.astype(np.float16) for name, array in weights.items()}
    with pytest.raises(SavedModelError, match="is of the type F16, wanted F32"):
        load(with_weights(tmp_path, halves), framework)
    weights["logits/bias"][3] = np.nan
    with pytest.raises(SavedModelError, match="weights logits/bias are not all finite numbers"):
        load(with_weights(tmp_path, weights), framework)


def test_a_changed_weight_is_noticed_by_the_checksum(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    write_model(path, a_card(), saver(weights_of("mlp")))
    assert load(path, "numpy").card == a_card()
    content = bytearray(path.read_bytes())
    content[-1000] ^= 1
    path.write_bytes(content)
    with pytest.raises(SavedModelError, match="its weights were changed after they were written"):
        load(path, "numpy")


def test_shapes_are_compared_before_values_are_read(tmp_path: Path) -> None:
    """A header that promises 10^13 numbers is refused for their shape, or for their want."""
    weights = {name: [*array.shape] for name, array in weights_of("mlp").items()}
    weights["dense_1/kernel"] = [784, 1_000_000_000_0]
    header: dict[str, Any] = {"__metadata__": {HEADER_ENTRY: encode_card(a_card()).decode()}}
    end = 0
    for name, shape in weights.items():
        start, end = end, end + 4 * int(np.prod(shape))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    path = tmp_path / "run.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(SavedModelError, match="cut off or damaged"):
        load(path, "numpy")


def test_many_unknown_weights_are_counted_and_not_all_named(tmp_path: Path) -> None:
    more = {f"more/{number}": np.zeros(1, np.float32) for number in range(1000)}
    with pytest.raises(SavedModelError, match=r"unknown \[.*\] and 990 more"):
        load(with_weights(tmp_path, weights_of("mlp") | more), "numpy")


# Keras's zip


def zipped(folder: Path, **members: bytes) -> Path:
    """A zip that ends as Keras's do; ``config_json`` is its member ``config.json``."""
    path = folder / "run.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name.replace("_", "."), content)
    return path


def test_a_member_that_unpacks_into_too_much_is_not_unpacked(tmp_path: Path) -> None:
    with pytest.raises(SavedModelError, match=r"glyphbench\.json of 19\.1 MB; 8 MB are the most"):
        read_card(zipped(tmp_path, glyphbench_json=b" " * 20_000_000))


def test_a_member_that_unpacks_into_more_than_it_says_is_not_read_on(tmp_path: Path) -> None:
    path = zipped(tmp_path, glyphbench_json=b" " * 20_000_000)
    said = (20_000_000).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(said, (1000).to_bytes(4, "little")))
    with pytest.raises(SavedModelError, match="cut off or damaged"):
        read_card(path)


def test_other_members_and_too_many_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        SavedModelError, match=r"it holds 'assets\.py'; wanted nothing but metadata"
    ):
        read_card(zipped(tmp_path, glyphbench_json=b"{}", assets_py=b""))
    many = {f"member{number}": b"" for number in range(2000)}
    with pytest.raises(SavedModelError, match="lists more members than are ever written"):
        read_card(zipped(tmp_path, **many))


def test_a_member_twice_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path, glyphbench_json=b"{}")
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate name"):
        file.writestr("glyphbench.json", b"{}")
    with pytest.raises(SavedModelError, match="lists a member twice"):
        read_card(path)
