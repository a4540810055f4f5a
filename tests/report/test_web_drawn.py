"""What is drawn on the page is prepared as ``predict`` does and read as the referee does."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from playwright.sync_api import Page

import datasets
import models
from bench.report.web import drawn, page
from bench.results import images
from bench.results.card import Card, card_of
from bench.results.folder import Results
from bench.results.models import write_model
from bench.results.record import Record
from bench.stats import runs, tolerances
from datasets import mnist_form
from datasets.ink import NoInk
from models.layers_numpy import Network
from models.weights import Arrays
from tests.records import EVIDENCE, make_record
from tests.report.browser import NEEDS_CHROMIUM, browsing
from tests.report.test_web import MOST_BYTES
from tests.saved_models import data_folder, saver, weights_of

SIDE = 280  # of the page's sheet, pixels
DRAWINGS = 12
CLASSES = tuple(f"{digit}<img src=x></script>" for digit in range(10))  # as a stranger names them
PREPARE = """([pixels, form]) => {
const bytes = Uint8Array.from(atob(pixels), (letter) => letter.charCodeAt(0));
const { ink } = glyphbench;
const prepared = ink.prepare(ink.brightness(bytes, 280, 280), form);
return prepared && [Array.from(prepared.image), prepared.notes];
}"""
NETWORK = """
const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const numbers = (text) => new Float32Array(bytesOf(text).buffer);
const layers = network.layers.map(({ shape, kernel, bias }) =>
  ({ shape, kernel: numbers(kernel), bias: numbers(bias) }));
const whole = { ...network, layers };
const bytes = bytesOf(images);
"""
LOGITS = f"""([network, images]) => {{{NETWORK}
return Array.from({{ length: bytes.length / 784 }}, (_, i) => Array.from(
  glyphbench.networks.logits(whole, bytes.subarray(784 * i, 784 * (i + 1)))));
}}"""
STAGES = f"""([network, images]) => {{{NETWORK}
glyphbench.networks.logits(whole, bytes);
return glyphbench.networks.stages(whole).map(({{ values }}) => Array.from(values));
}}"""
UNPACKED = """async ([images]) => {
const bytes = Uint8Array.from(atob(images), (letter) => letter.charCodeAt(0));
return (await glyphbench.drawing.ready).map(({ network }) => Array.from(
  { length: bytes.length / 784 },
  (_, i) => Array.from(
    glyphbench.networks.logits(network, bytes.subarray(784 * i, 784 * (i + 1))))));
}"""


def text_of(array: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def record_of(architecture: str, **changes: Any) -> Record:
    record = make_record(architecture=architecture, **changes)
    return replace(record, data=replace(record.data, class_names=CLASSES))


def folder_with(folder: Path, *records: Record) -> Results:
    results = Results(folder)
    for record in records:
        path = results.model_path(record.run_id, ".safetensors")
        path.parent.mkdir(parents=True, exist_ok=True)
        weights = weights_of(record.experiment.architecture)
        write_model(path, card_of(record), saver(weights))
    return results


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, list[Record]]:
    records = [record_of("mlp"), record_of("cnn")]
    return folder_with(tmp_path_factory.mktemp("drawn"), *records), records


@pytest.fixture(scope="module")
def shown(both: tuple[Results, list[Record]]) -> Iterator[Page]:
    results, records = both
    file = results.folder / page.NAME
    file.write_bytes(paged(records, drawn.drawing(results, records)))
    with browsing(file) as browser_page:
        browser_page.locator("#tab-draw").click()
        browser_page.evaluate("async () => { await glyphbench.drawing.ready; }")
        yield browser_page


@pytest.fixture
def fresh(shown: Page) -> Page:
    shown.evaluate("glyphbench.drawing.clear()")
    return shown


def paged(records: list[Record], drawing: drawn.Drawing | None) -> bytes:
    return page.page("made", runs.replicates(records, EVIDENCE), records, drawing)


# Which networks, and how they are made small


def test_the_best_network_of_each_architecture_is_taken_and_a_damaged_file_passed_over(
    tmp_path: Path,
) -> None:
    worse, better = (record_of("mlp", seed=s, accuracies=(a,)) for s, a in ((0, 0.9), (1, 0.95)))
    damaged, letters = record_of("cnn"), record_of("mlp", task="letters")
    results = folder_with(tmp_path, worse, better, damaged, letters)
    file = results.model_path(damaged.run_id, ".safetensors")
    file.write_bytes(file.read_bytes()[:-9])
    made = drawn.drawing(results, [letters, worse, damaged, better])
    assert made
    assert (made.task, made.form) == ("letters", "letters")  # both tasks have one: the first
    made = drawn.drawing(results, [worse, damaged, better])
    assert made
    assert [network.run_id for network in made.networks] == [better.run_id]
    assert "The best saved MLP of this folder answers" in made.asked


def test_a_folder_without_saved_models_has_the_page_it_had(tmp_path: Path) -> None:
    records = [record_of("mlp")]
    assert drawn.drawing(Results(tmp_path), records) is None
    html = paged(records, None).decode()
    assert 'id="sheet"' not in html
    assert "tab-draw" not in html


def test_models_of_keras_are_spoken_of_where_they_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlp, cnn = record_of("mlp"), record_of("cnn", framework="keras-jax")
    results = folder_with(tmp_path, mlp)
    results.model_path(cnn.run_id, ".keras").write_bytes(b"PK")
    monkeypatch.setattr(drawn, "find_spec", lambda name: None)
    made = drawn.drawing(results, [mlp, cnn])
    assert made
    assert [network.architecture for network in made.networks] == ["mlp"]
    assert "Models that Keras saved are not among them: h5py" in made.doubts


def test_own_images_are_prepared_otherwise_and_have_no_sheet(tmp_path: Path) -> None:
    own = record_of("mlp", source="own")
    assert drawn.drawing(folder_with(tmp_path, own), [own]) is None


def test_a_rounded_kernel_is_within_half_a_level_of_the_exact_one() -> None:
    kernel = weights_of("cnn")["conv_2/kernel"]
    kernel[..., 3] = 0
    codes, scales = drawn.rounded(kernel, 31)
    assert np.abs(codes).max() == 31
    assert not codes[..., 3].any()
    assert (np.abs(codes * scales - kernel) <= 0.5001 * scales).all()


def test_a_page_has_room_for_both_networks_and_for_images(
    both: tuple[Results, list[Record]],
) -> None:
    drawing = drawn.drawing(*both)
    assert drawing
    assert len(drawing.networks) == 2
    assert len(paged(both[1], drawing)) + 4 / 3 * images.MOST_BYTES < MOST_BYTES


# What the models see


def drawing(seed: int) -> Image.Image:
    """Strokes as a pen leaves them: thin or broad, small or large, on light or dark or noise."""
    random = np.random.default_rng(seed)
    sheet = Image.new("L", (2 * SIDE, 2 * SIDE), 255)
    tiny = seed % 6 == 2  # so that Pillow resamples it otherwise
    reach = 20.0 if tiny else random.uniform(60, 2 * SIDE / 2.2)
    room = abs(SIDE - reach)
    middle = SIDE + random.uniform(-room, room, 2)
    if seed % 6 == 1:
        middle[0] = reach / 2  # over the border
    pen = ImageDraw.Draw(sheet)
    for _ in range(random.integers(1, 4)):
        points = middle + random.uniform(-reach, reach, (random.integers(2, 6), 2))
        width = 8 if tiny else int(random.integers(10, 60))
        shade = int(random.integers(0, 90))
        pen.line([(float(x), float(y)) for x, y in points], shade, width, joint="curve")
    grey = np.asarray(sheet.resize((SIDE, SIDE), Image.Resampling.LANCZOS), np.float64)
    if seed % 3 == 0:
        grey = 255 - grey
    if seed % 4 == 0:
        grey = grey + random.normal(0, 6, grey.shape)
    return Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))


@NEEDS_CHROMIUM
def test_the_page_prepares_drawings_to_the_byte_as_predict_does(fresh: Page) -> None:
    notes = set()
    for seed in range(DRAWINGS):
        picture = drawing(seed)
        form: mnist_form.Form = "letters" if seed % 5 == 0 else "mnist"
        wanted = mnist_form.character(picture, form)
        told = fresh.evaluate(PREPARE, [text_of(np.asarray(picture.convert("RGBA"))), form])
        assert told == [wanted.image.ravel().tolist(), list(wanted.notes)], seed
        notes |= set(wanted.notes)
    assert notes  # some drawings were doubtful, and the page doubted them too


@NEEDS_CHROMIUM
def test_what_is_drawn_with_the_mouse_is_seen_as_predict_sees_it_and_answered(fresh: Page) -> None:
    sheet = fresh.locator("#sheet")
    sheet.scroll_into_view_if_needed()
    frame = sheet.bounding_box()
    assert frame
    fresh.mouse.move(frame["x"] + 90, frame["y"] + 60)
    fresh.mouse.down()
    fresh.mouse.move(frame["x"] + 190, frame["y"] + 70, steps=4)
    fresh.mouse.move(frame["x"] + 120, frame["y"] + 220, steps=4)
    fresh.mouse.up()
    png = fresh.evaluate("document.getElementById('sheet').toDataURL().split(',')[1]")
    wanted = mnist_form.prepare(Image.open(BytesIO(base64.b64decode(png))))
    seen = fresh.evaluate("Array.from(glyphbench.drawing.prepared().image)")
    assert seen == wanted.ravel().tolist()
    shades = fresh.evaluate(
        "Array.from(document.getElementById('seen').getContext('2d').getImageData(0,0,28,28).data)"
    )
    assert shades[::4] == seen
    titles = fresh.locator("#answers h3").all_inner_texts()
    assert titles == ["MLP, pytorch eager", "CNN, pytorch eager"]
    assert fresh.locator("#answers .guess").count() == 2 * 3
    assert fresh.locator("#answers[aria-live=polite]").count() == 1


@NEEDS_CHROMIUM
def test_an_empty_sheet_is_not_recognised_and_the_keyboard_empties_it(fresh: Page) -> None:
    nothing = "Nothing is drawn, so nothing is recognised."
    assert fresh.locator("#answers").inner_text() == nothing
    with pytest.raises(NoInk):
        mnist_form.prepare(Image.new("L", (SIDE, SIDE), 255))
    fresh.evaluate("glyphbench.drawing.stroke([[80, 60], [90, 200]]); glyphbench.drawing.read()")
    assert fresh.locator("#answers .answer").count() == 2
    fresh.locator("#clear").focus()
    fresh.keyboard.press("Enter")
    assert fresh.locator("#answers").inner_text() == nothing


@NEEDS_CHROMIUM
def test_a_doubt_is_said_as_predict_says_it(fresh: Page) -> None:
    fresh.evaluate("glyphbench.drawing.stroke([[140, 0], [140, 200]]); glyphbench.drawing.read()")
    assert "Note: the ink touches the border of the picture" in fresh.inner_text("#answers")


# What the networks compute


def digits() -> NDArray[np.uint8]:
    return datasets.open_cached(data_folder()).test.images[:20]


def numpy_network(weights: Arrays, architecture: str) -> Network:
    network: Network = models.load(architecture, "numpy").build(10, dtype=np.float64)
    for name, array in network.parameters.items():
        array[...] = weights[name]
    return network


def referee(weights: Arrays, architecture: str, card: Card) -> NDArray[np.float64]:
    scaled = (digits() / 255 - card.pixel_mean) / card.pixel_std
    return np.asarray(numpy_network(weights, architecture).forward(scaled))


def browser_network(weights: Arrays, card: Card) -> dict[str, Any]:
    """A network as ``networks.js`` has it, its arrays in base64."""
    layers = [
        {
            "shape": weights[name].shape,
            "kernel": text_of(weights[name]),
            "bias": text_of(weights[name.replace("kernel", "bias")]),
        }
        for name in weights
        if name.endswith("/kernel")
    ]
    return {"mean": card.pixel_mean, "std": card.pixel_std, "layers": layers}


@NEEDS_CHROMIUM
@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
def test_javascripts_forward_pass_is_the_referees(fresh: Page, architecture: str) -> None:
    weights, card = weights_of(architecture), card_of(record_of(architecture))
    logits = fresh.evaluate(LOGITS, [browser_network(weights, card), text_of(digits())])
    deviation = tolerances.deviation(logits, referee(weights, architecture, card))
    assert deviation <= tolerances.of("logits", "fp32").value


@NEEDS_CHROMIUM
def test_the_page_computes_with_the_rounded_weights_that_were_embedded(fresh: Page) -> None:
    told = fresh.evaluate(UNPACKED, [text_of(digits())])
    for architecture, logits in zip(drawn.ARCHITECTURES, told, strict=True):
        weights, card = weights_of(architecture), card_of(record_of(architecture))
        for name, kernel in weights.items():
            if name.endswith("/kernel"):
                codes, scales = drawn.rounded(kernel, drawn.LEVELS)
                weights[name] = codes * scales
        deviation = tolerances.deviation(logits, referee(weights, architecture, card))
        assert deviation <= tolerances.of("logits", "fp32").value


@NEEDS_CHROMIUM
@pytest.mark.parametrize(
    ("architecture", "layers"),
    [
        ("mlp", ("relu_1", "relu_2")),
        ("cnn", ("relu_1", "pool_1", "relu_2", "pool_2", "relu_3")),
    ],
)
def test_what_is_shown_of_the_way_is_what_the_layers_compute(
    fresh: Page, architecture: str, layers: tuple[str, ...]
) -> None:
    weights, card = weights_of(architecture), card_of(record_of(architecture))
    shown = fresh.evaluate(STAGES, [browser_network(weights, card), text_of(digits()[:1])])
    network = numpy_network(weights, architecture)
    values = (digits()[:1] / 255 - card.pixel_mean) / card.pixel_std
    wanted = {}
    for name, layer in network.layers.items():
        values = layer.forward(values, False)
        wanted[name] = values.copy()
    for name, own in zip(layers, shown, strict=True):
        deviation = tolerances.deviation(own, wanted[name].ravel())
        assert deviation <= tolerances.of("logits", "fp32").value, name


@NEEDS_CHROMIUM
def test_the_way_is_folded_until_it_is_opened_and_follows_the_drawing(fresh: Page) -> None:
    assert fresh.locator("#inside summary").all_inner_texts() == [
        f"What the {name}, pytorch eager, computes on the way" for name in ("MLP", "CNN")
    ]
    fresh.evaluate("glyphbench.drawing.stroke([[80, 60], [90, 200]]); glyphbench.drawing.read()")
    assert fresh.locator("#inside canvas").count() == 0
    fresh.locator("#inside summary").nth(1).click()
    fresh.wait_for_selector("#inside canvas")
    sizes = fresh.evaluate(
        "[...document.querySelectorAll('#inside canvas')].map((each) => [each.width, each.height])"
    )
    assert sizes == [[8 * 27, 4 * 27], [8 * 14, 4 * 14], [8 * 12, 8 * 12], [8 * 6, 8 * 6], [32, 4]]
    before = fresh.evaluate("document.querySelector('#inside canvas').toDataURL()")
    fresh.evaluate("glyphbench.drawing.stroke([[90, 200], [220, 90]]); glyphbench.drawing.read()")
    assert fresh.evaluate("document.querySelector('#inside canvas').toDataURL()") != before
    fresh.evaluate("glyphbench.drawing.clear()")
    assert fresh.locator("#inside canvas").count() == 0
    fresh.locator("#inside summary").nth(1).click()


# How it looks


@NEEDS_CHROMIUM
def test_a_telephone_shows_the_sheet_and_the_answers_without_scrolling_sideways(
    fresh: Page,
) -> None:
    fresh.set_viewport_size({"width": 360, "height": 740})
    fresh.evaluate("glyphbench.drawing.stroke([[80, 60], [90, 200]]); glyphbench.drawing.read()")
    fresh.wait_for_function("document.documentElement.scrollWidth <= 360", timeout=10_000)
    fresh.set_viewport_size({"width": 1280, "height": 800})


@NEEDS_CHROMIUM
def test_hostile_class_names_are_shown_as_text(
    fresh: Page, both: tuple[Results, list[Record]]
) -> None:
    fresh.evaluate("glyphbench.drawing.stroke([[80, 60], [90, 200]]); glyphbench.drawing.read()")
    assert fresh.locator("#answers img").count() == 0
    assert set(fresh.locator("#answers b").all_inner_texts()) <= set(CLASSES)
    html = (both[0].folder / page.NAME).read_text(encoding="utf-8")
    shown = [tab.scripts for tab in page.TABS if tab.key in ("results", "draw", "class")]
    packed = len(shown) + 1 + sum(map(len, shown))  # the tabs' data, Vega, and the scripts
    assert html.count("</script>") == html.count("<script") == packed + 1
