"""What the page's scripts compute of chosen rows is what ``bench.stats`` does, in a browser."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from bench.report import wording
from bench.report.comparison import FRAMEWORK, comparisons, ranking
from bench.report.web import data
from bench.report.web.page import page
from bench.results.folder import Results
from bench.results.record import Record
from bench.stats import runs, survival, uncertainty, verdict
from bench.stats.runs import Replicates
from bench.stats.verdict import Judged
from tests.imports import ROOT
from tests.records import EVIDENCE, make_record
from tests.report.browser import NEEDS_CHROMIUM, browsing

pytestmark = NEEDS_CHROMIUM
REFERENCE = ROOT / "results/reference/cpu-2core"
SELECTIONS = 400
RATIO = "ratio"
JUDGE = """(asked) => {
const said = (judged, metric) => [
  glyphbench.wording.estimate(judged.paired.ratio, judged.paired.interval),
  glyphbench.wording.verdict(judged, metric.higher, metric.lower),
];
return asked.map(([key, chosen]) => {
  const { statistics, wording, content: { results: data } } = glyphbench;
  const metric = data.metrics.find((each) => each.key === key);
  const rows = chosen.map((i) => ({ ...data.groups[i], place: i }));
  const { standings, judged } = statistics.ranking(rows, metric);
  const differences = metric.beside === "ratio" ? [] : rows.flatMap((first, i) =>
    rows.slice(i + 1).map((second) => {
      const found = statistics.difference(first, second, key);
      return found && [first.place, second.place, wording.points(found.mean, found.interval)];
    }).filter(Boolean));
  return {
    order: standings.map((row) => row.place),
    differences,
    judged: judged.map((each) => [
      each.first.place,
      each.second.place,
      each.family,
      each.outcome,
      wording.estimate(each.paired.ratio, each.paired.interval),
      wording.pValue(each.p),
      wording.verdict(each, metric.higher, metric.lower),
      wording.evidence(each),
      said(statistics.between({ judged }, each.second, each.first), metric),
    ]),
  };
}); }"""


def replicated(folder: Path) -> list[Replicates]:
    results = Results(folder)
    return runs.replicates(results.require_records(), results.evidence())


@pytest.fixture(scope="module")
def groups() -> list[Replicates]:
    """Of the reference; beside them few and many seeds, misses, failures, disturbed runs."""
    return [*replicated(REFERENCE), *made()]


def made() -> list[Replicates]:
    draw = random.Random(3)
    records = [
        record
        for seeds, task in ((1, "one"), (2, "two"), (3, "three"), (4, "four"), (6, "six"))
        for record in drawn_records(draw, task, seeds)
    ]
    records += drawn_records(draw, "seven", 7) + drawn_records(draw, "twelve", 12)
    records += near_the_noise_floor()
    return runs.replicates(records, EVIDENCE)


def near_the_noise_floor() -> list[Record]:
    """Two frameworks that differ for certain, by about as much as an experiment from itself."""
    return [
        make_record(
            source="near", framework=framework, versions={framework: "1"}, seed=seed, train_s=(s,)
        )
        for framework, seconds in (
            ("pytorch", (1.0,) * 5),
            ("numpy", (1.004, 1.009, 1.0135, 1.006, 1.0125)),
        )
        for seed, s in enumerate(seconds)
    ]


def drawn_records(draw: random.Random, source: str, seeds: int) -> list[Record]:
    """Three frameworks: some seeds missing, some targets missed, some runs disturbed."""
    return [
        make_record(
            source=source,
            framework=framework,
            execution=execution,
            seed=seed,
            train_s=(draw.lognormvariate(0, 0.05) * pace, draw.lognormvariate(0, 0.05) * pace),
            accuracies=(0.95, draw.choice((0.98, 0.99, 0.995))),
            correct=draw.randrange(960, 990),
            others_share=draw.choice((0.0,) * 9 + (0.3,)) if source == "six" else 0.0,
            versions={"python": "3.11.7", framework: "1"},
        )
        for framework, execution, pace in (
            ("pytorch", "eager", 1.0),
            ("keras-jax", "compiled", 1.01),
            ("numpy", "eager", 1.5),
        )
        for seed in range(seeds)
        if seeds < 3 or not (framework == "numpy" and seed == 1)
    ]


@pytest.fixture(scope="module")
def browser_page(
    groups: list[Replicates], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    records = [record for group in groups for record in group.records]
    file = tmp_path_factory.mktemp("web") / "index.html"
    file.write_bytes(page("all", groups, records))
    with browsing(file) as shown:
        yield shown


def selections(groups: Sequence[Replicates], metrics: Sequence[data.Measured]) -> list[Any]:
    """Each metric with parts of what may stand side by side, drawn with a fixed seed."""
    draw = random.Random(7)
    side_by_side = [
        [groups.index(group) for group in comparison.groups]
        for varying in (FRAMEWORK, (*FRAMEWORK, "batch_size"))
        for comparison in comparisons(groups, varying)
        if len(comparison.groups) > 1
    ]
    asked = [(m.metric.key, part) for m in metrics for part in side_by_side]
    while len(asked) < SELECTIONS + len(metrics) * len(side_by_side):
        whole = draw.choice(side_by_side)
        part = sorted(draw.sample(whole, draw.randint(2, len(whole))))
        asked.append((draw.choice(metrics).metric.key, part))
    return asked


def answer(groups: Sequence[Replicates], measured: data.Measured, places: Sequence[int]) -> Any:
    """What the tables would say of these groups."""
    metric, statistic = measured
    chosen = [groups[place] for place in places]
    if metric.target is not None:
        target = metric.target
        chosen = [
            group
            for group in chosen
            if target in group.experiment.targets and survival.all_reached(group, target)
        ]
    place = {id(groups[each]): each for each in places}
    if metric.beside != RATIO:
        known = [g for g in chosen if g.summary(statistic)]
        found = [(a, b, verdict.difference(a, b, statistic)) for a, b in combinations(known, 2)]
        return {
            "differences": [
                [
                    place[id(a)],
                    place[id(b)],
                    wording.estimate(d.mean, d.interval, scale=100, decimals=2, signed=True),
                ]
                for a, b, d in found
                if d
            ],
            "judged": [],
        }
    ranked = ranking(chosen, statistic, best=metric.best)
    standings = [standing.group for standing in ranked.standings]
    judged = verdict.judge(standings, statistic, of_time=metric.of_time)
    return {
        "order": [place[id(group)] for group in standings],
        "differences": [],
        "judged": [
            [
                place[id(each.first)],
                place[id(each.second)],
                each.family,
                each.outcome,
                wording.estimate(each.paired.ratio, each.paired.interval),
                wording.p_value(each.p),
                wording.verdict(each, metric.higher, metric.lower),
                wording.evidence(each),
                said(each.swapped, metric),
            ]
            for each in judged
        ],
    }


def said(judged: Judged, metric: data.Metric) -> list[str]:
    return [
        wording.estimate(judged.paired.ratio, judged.paired.interval),
        wording.verdict(judged, metric.higher, metric.lower),
    ]


def test_hundreds_of_selections_are_judged_as_python_judges_them(
    groups: list[Replicates], browser_page: Page
) -> None:
    metrics = {measured.metric.key: measured for measured in data.metrics(groups)}
    asked = selections(groups, list(metrics.values()))
    answers = browser_page.evaluate(JUDGE, asked)
    outcomes = set()
    for (key, places), told in zip(asked, answers, strict=True):
        wanted = answer(groups, metrics[key], places)
        assert {name: told[name] for name in wanted} == wanted, (key, places)
        outcomes |= {words for each in wanted["judged"] for words in (each[6], each[8][1])}
    assert len(asked) >= SELECTIONS
    assert any("tie" in words for words in outcomes)  # every kind of verdict was among them
    assert {"faster", "slower", "sooner", "more", "less"} <= outcomes
    assert {"undecided: disturbed", "undecided: one pair"} <= outcomes
    assert any(words.startswith("undecided: below the noise floor") for words in outcomes)


def test_intervals_are_pythons_beyond_the_digits_that_are_shown(browser_page: Page) -> None:
    draw = random.Random(11)
    samples = [[draw.gauss(0, 1) for _ in range(n)] for n in (2, 3, 4, 5, 6, 7, 8, 9, 12, 30)]
    shown = browser_page.evaluate(
        "samples => samples.map((sample) => glyphbench.statistics.ofMean(sample))", samples
    )
    wanted = [(i.low, i.high) for sample in samples if (i := uncertainty.of_mean(sample))]
    np.testing.assert_allclose(shown, wanted, rtol=1e-12)


def test_the_page_draws_the_resamples_that_numpy_draws(browser_page: Page) -> None:
    for n in (7, 12):
        drawn = browser_page.evaluate("n => Array.from(glyphbench.statistics.draws(n))", n)
        generator = np.random.default_rng(uncertainty.SEED)
        assert drawn == generator.integers(0, n, uncertainty.RESAMPLES * n).tolist()


def test_numbers_are_rounded_as_python_rounds_them(browser_page: Page) -> None:
    draw = random.Random(5)
    values = [draw.lognormvariate(0, 6) for _ in range(2000)] + [k / 8 for k in range(1, 4000)]
    values += [50.0 * k for k in range(1, 999)] + [10.0**k for k in range(-6, 9)]
    shown = browser_page.evaluate(
        "values => values.map((value) => glyphbench.wording.number(value))", values
    )
    assert shown == [wording.number(value) for value in values]


def test_students_distribution_is_scipys(browser_page: Page) -> None:
    from scipy.special import stdtr

    asked = [(t, freedom) for t in (0.1, 0.7, 1.9, 2.8, 5.0, 12.0) for freedom in range(1, 31)]
    shares = browser_page.evaluate(
        "asked => asked.map(([t, freedom]) => glyphbench.statistics.student(t, freedom))", asked
    )
    wanted = [float(2 * stdtr(freedom, -t)) for t, freedom in asked]
    np.testing.assert_allclose(shares, wanted, rtol=1e-9, atol=1e-14)
