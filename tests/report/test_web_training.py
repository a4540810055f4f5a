"""The page's JavaScript passes the certificate of the frameworks, and with a fault it does not.

Then the page itself: the images that it trains on, and an MLP trained before the reader's eyes.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page

import datasets
import models
from bench.checks import trial
from bench.checks.examine import examine, weight_shapes
from bench.checks.trial import Sample, Subject
from bench.report.web import drawn, page, trained
from bench.results import images
from bench.results.folder import Results
from bench.results.record import Record
from bench.run import material
from bench.stats import tolerances
from bench.trainers import Images, Labels, Logits, Setup, Weights
from models.layers_numpy import Dropout, Network, softmax_cross_entropy
from tests.fakes import an_experiment
from tests.records import make_record
from tests.report.browser import NEEDS_CHROMIUM, browsing
from tests.report.test_web_drawn import paged, text_of
from tests.saved_models import data_folder, weights_of

RATES = {"mlp": 0.2, "cnn": 0.5}  # of dropout
GRADIENT_RATE = trial.GRADIENT_RATE

# In the page: arrays come and go in base64, one trainer at a time.
PREPARED = """() => {
window.numbers = (text) => {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let at = 0; at < letters.length; at++) bytes[at] = letters.charCodeAt(at);
  return new Float32Array(bytes.buffer);
};
window.text = ({ buffer }) => {
  const bytes = new Uint8Array(buffer);
  let letters = "";
  for (let at = 0; at < bytes.length; at += 32768)
    letters += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return btoa(letters);
};
}"""
CREATED = """([fault, planned, draws]) => {
const [from, to] = fault ?? ["", ""];
const faulty = `(${glyphbench.engine})`.replace(from, to);
const zeros = (shape) => new Float32Array(shape.reduce((a, b) => a * b));
window.weights = planned.shapes.map((shape) =>
  ({ shape, kernel: zeros(shape), bias: zeros(shape.slice(-1)) }));
const replayed = draws && numbers(draws);
let drawn = 0;
window.subject = eval(faulty)().trainer({ ...planned, weights,
  images: numbers(planned.images), labels: Uint8Array.from(planned.labels),
  random: replayed ? () => replayed[drawn++] : Math.random });
}"""
GIVEN = """(given) => weights.forEach(({ kernel, bias }, i) => {
kernel.set(numbers(given[2 * i]));
bias.set(numbers(given[2 * i + 1]));
})"""
TAKEN = "weights.flatMap(({ kernel, bias }) => [text(kernel), text(bias)])"
TRAINED = """([order, batch]) => {
let loss = 0;
for (let at = 0; at < order.length; at += batch) {
  const count = Math.min(batch, order.length - at);
  loss += count * subject.step(order, at, count);
}
return loss / order.length;
}"""
ASKED = "(images) => text(subject.logits(numbers(images)))"


def array_of(text: str) -> NDArray[np.float32]:
    return np.frombuffer(base64.b64decode(text), np.float32)


class BrowserTrainer:
    """What ``trial`` asks of a ``bench.trainers.Trainer``, done by the page.

    ``fault``: a piece of its code, and what stands there instead. ``draws``: of dropout, replayed.
    """

    def __init__(
        self,
        page: Page,
        setup: Setup,
        fault: tuple[str, str] | None = None,
        draws: NDArray[np.float32] | None = None,
    ) -> None:
        experiment = setup.experiment
        self._page, self._batch = page, experiment.batch_size
        self._like = weight_shapes(experiment.architecture, setup.classes)
        planned = {
            "shapes": [a.shape for name, a in self._like.items() if name.endswith("/kernel")],
            "images": text_of(setup.train_images),
            "labels": setup.train_labels.tolist(),
            "batch": self._batch,
            "rate": RATES[experiment.architecture] * experiment.dropout,
            "optimizer": {
                "name": experiment.optimizer,
                "rate": experiment.learning_rate,
                "momentum": experiment.momentum,
                "epsilon": experiment.adam_epsilon,
            },
        }
        page.evaluate(CREATED, [fault, planned, None if draws is None else text_of(draws)])

    def build(self) -> None:
        """Nothing: it was built as it was made."""

    transfer = warm_up = synchronize = build

    def load_weights(self, weights: Weights) -> None:
        self._page.evaluate(GIVEN, [text_of(weights[name]) for name in self._like])

    def weights(self) -> Weights:
        taken = map(array_of, self._page.evaluate(TAKEN))
        return {n: a.reshape(self._like[n].shape) for n, a in zip(self._like, taken, strict=True)}

    def arrange(self, order: NDArray[np.int64]) -> None:
        self._order = order.tolist()

    def train(self) -> None:
        self._loss = self._page.evaluate(TRAINED, [self._order, self._batch])

    def mean_loss(self) -> float:
        return float(self._loss)

    def logits(self, images: Images) -> Logits:
        return array_of(self._page.evaluate(ASKED, text_of(images))).reshape(len(images), -1)


def data() -> datasets.Dataset:
    return datasets.open_cached(data_folder())


def a_record(**changes: Any) -> Record:
    return replace(make_record(source="glyphs", **changes), data=material.describe(data()))


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    results = Results(tmp_path_factory.mktemp("training"))
    images.leave(results, {("digits", "glyphs"): (data_folder(), material.describe(data()))})
    records = [a_record(batch_size=64), a_record(batch_size=64, framework="jax")]
    file = results.folder / page.NAME
    file.write_bytes(paged(records, drawn.drawing(results, records)))
    with browsing(file) as browser_page:
        browser_page.locator("#tab-draw").click()
        browser_page.evaluate("async () => { await glyphbench.drawing.ready; }")
        browser_page.evaluate(PREPARED)
        yield browser_page


# The certificate


def subject(architecture: str) -> Subject:
    return trial.of(an_experiment(framework="javascript", architecture=architecture))


def sample() -> Sample:
    return trial.take(data())


def failed(
    browser: Page, architecture: str, fault: tuple[str, str] | None = None, **starts: Any
) -> set[str]:
    """The quantities that are further from the referee's than a framework's may be."""
    create: Any = partial(BrowserTrainer, browser, fault=fault)
    checks, _ = examine(create, subject(architecture), sample(), **starts)
    assert checks
    return {check.quantity for check in checks if not check.passed}


@NEEDS_CHROMIUM
def test_javascript_passes_the_certificate_of_the_frameworks(shown: Page) -> None:
    assert failed(shown, "mlp") == set()


@NEEDS_CHROMIUM
def test_the_cnn_passes_it_with_the_optimiser_that_the_page_trains_by(
    shown: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An optimiser takes one array after the other, whatever network they are of."""
    monkeypatch.delitem(trial.OPTIMIZERS, "SGD")
    monkeypatch.delitem(trial.OPTIMIZERS, "momentum")
    assert failed(shown, "cnn") == set()


@NEEDS_CHROMIUM
@pytest.mark.parametrize(
    ("code", "instead", "quantity"),
    [
        ("+ epsilon)", "+ epsilon / 10)", "first update by Adam"),
        ("if (!(y[i] > 0)) dy[i] = 0;", "", "gradients at step 1"),
        (  # of many steps in one call the first is left out
            "update();",
            "if (from > 0 || rows.length < 99) update();",
            "mean loss of one call of 20 steps by Adam",
        ),
    ],
)
def test_a_planted_fault_does_not_pass(
    shown: Page, code: str, instead: str, quantity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(trial.OPTIMIZERS, "SGD")  # Adam shows all three, in less time
    monkeypatch.delitem(trial.OPTIMIZERS, "momentum")
    assert shown.evaluate("(code) => `${glyphbench.engine}`.split(code).length", code) == 2
    assert quantity in failed(shown, "mlp", (code, instead), starts=(1,))


@NEEDS_CHROMIUM
@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
def test_with_the_same_masks_dropout_s_gradients_are_the_referee_s(
    shown: Page, architecture: str
) -> None:
    weights, batch = weights_of(architecture), np.arange(16)
    experiment = an_experiment(
        architecture=architecture, batch_size=16, optimizer="sgd", learning_rate=GRADIENT_RATE
    )
    chosen = sample()
    inputs, labels = chosen.train_images, chosen.train_labels
    setup = Setup(
        experiment=experiment,
        seed=5,
        classes=10,
        train_images=inputs,
        train_labels=labels,
        validation_images=inputs,
        test_size=1,
    )
    wanted = referee_gradients(architecture, weights, inputs[batch], labels[batch])
    trainer = BrowserTrainer(shown, setup, draws=masks(architecture))
    trainer.load_weights(weights)
    trainer.arrange(batch)
    trainer.train()
    after = trainer.weights()
    own = {
        name: (array.astype(np.float64) - after[name]) / GRADIENT_RATE
        for name, array in weights.items()
    }
    assert tolerances.largest(own, wanted) <= tolerances.of("gradients", "fp32").value


def seeded(architecture: str) -> Network:
    network: Network = models.load(architecture, "numpy").build(10, dtype=np.float64)
    network.seed(5)
    return network


def masks(architecture: str) -> NDArray[np.float32]:
    """What the network's own generator draws for the Dropout layers of one batch."""
    network = seeded(architecture)
    rates = [layer.rate for layer in network.layers.values() if isinstance(layer, Dropout)]
    assert set(rates) == {RATES[architecture]}
    width = {"mlp": 512, "cnn": 128}[architecture]
    return network.random.random((len(rates), 16, width), dtype=np.float32)


def referee_gradients(
    architecture: str, weights: Weights, inputs: Images, labels: Labels
) -> Mapping[str, NDArray[Any]]:
    network = seeded(architecture)
    for name, array in network.parameters.items():
        array[...] = weights[name]
    _, gradient = softmax_cross_entropy(network.forward(inputs, training=True), labels)
    network.backward(gradient)
    return network.gradients


# What is trained on, and with what


def test_the_page_trains_the_network_of_the_frameworks() -> None:
    origin = images.Origin(
        task="digits", source="mnist", fingerprint="f", train=400, labels="0" * 500
    )
    some = images.Sample(origin=origin, images=np.zeros((500, 28, 28), np.uint8), png=b"")
    sizes = (20, 96, 1024)
    records = [make_record(batch_size=size, train_s=(2.0,)) for size in sizes]
    planned = trained.training(some, records[0].data, records)
    assert planned.batch == 96  # the nearest to 128 of which an epoch has a few
    assert planned.shapes == [(784, 512), (512, 512), (512, 10)]
    assert planned.dropout == RATES["mlp"]
    assert planned.epsilon == records[0].experiment.adam_epsilon
    assert planned.learning_rate == records[0].experiment.learning_rate
    assert [(rate.name, rate.images_per_s) for rate in planned.rates] == [("pytorch eager", 500.0)]
    assert "on Testium 9000, 2 cores" in planned.doubts
    (busy,) = trained.training(
        some, records[0].data, [make_record(batch_size=96, others_share=0.5)]
    ).rates
    assert busy.name == "pytorch eager, disturbed"
    alone = trained.training(some, records[0].data, [])
    assert (alone.batch, alone.rates) == (128, [])
    assert "frameworks' numbers" not in alone.doubts
    assert "as the frameworks" not in alone.asked


def test_images_of_other_data_are_not_trained_on(tmp_path: Any) -> None:
    results = Results(tmp_path)
    images.leave(results, {("digits", "glyphs"): (data_folder(), material.describe(data()))})
    assert drawn.drawing(results, [make_record(source="glyphs")]) is None
    made = drawn.drawing(results, [a_record()])
    assert made
    assert (made.task, made.networks) == ("digits", [])
    assert made.training
    assert made.asked.endswith("The network that you train below answers.")


@NEEDS_CHROMIUM
def test_every_byte_of_the_images_arrives(shown: Page) -> None:
    told = shown.evaluate("async () => text(await glyphbench.training.decoded())")
    exact, _ = images.draw(data())
    wanted = (exact.astype(int) + 8) // 17 * 17
    assert base64.b64decode(told) == wanted.astype(np.uint8).tobytes()


# Before the reader's eyes


@NEEDS_CHROMIUM
def test_the_page_trains_and_what_it_has_learned_answers(shown: Page) -> None:
    shown.evaluate("glyphbench.drawing.stroke([[140, 60], [140, 220]]); glyphbench.drawing.read()")
    assert shown.locator("#answers").inner_text() == "Nothing answers yet: train a network below."
    names = shown.locator("#rates b").all_inner_texts()
    assert names == ["this browser", "pytorch eager", "jax eager"]
    assert "not yet" in shown.locator("#rates p").first.inner_text()
    shown.locator("#train").click()
    assert shown.locator("#train").inner_text() == "stop"
    shown.wait_for_function("glyphbench.training.accuracies.length >= 1")
    shown.locator("#train").click()
    assert shown.locator("#train").inner_text() == "train on"
    shown.locator("#train").click()
    shown.wait_for_function("document.getElementById('train').textContent === 'train on'")
    losses = [loss for _, loss in shown.evaluate("glyphbench.training.losses")]
    accuracies = [right for _, right in shown.evaluate("glyphbench.training.accuracies")]
    assert len(accuracies) == trained.EPOCHS
    assert len(losses) == trained.EPOCHS * math.ceil(images.draw(data())[1].train / 64)
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])
    assert accuracies[-1] > 0.3  # of ten classes, after fifty steps
    assert shown.locator("#answers h3").all_inner_texts() == ["MLP, trained here"]
    assert shown.locator("#trained").inner_text().startswith("After epoch 10: ")
    assert shown.evaluate("glyphbench.training.measured.seconds") > 0
    assert "not yet" not in shown.locator("#rates p").first.inner_text()
    points = shown.locator("#losses polyline").get_attribute("points") or ""
    assert len(points.split()) == len(losses)
