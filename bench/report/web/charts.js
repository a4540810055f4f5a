// The charts of a class: a dot a laptop, and a line a student's prediction. Specifications of Vega-Lite.
"use strict";

glyphbench.charts = ((known, chart, laptops, predictions, wording) => {
  const GOLDEN = 0.618; // its multiples spread dots evenly, however many there are
  const SPREAD = 0.5; // of a row's height, over which they are
  const TICKS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 20, 50, 100];

  /** The class's picture: bench/report/classroom/picture.py. */
  function dots(about, width) {
    const { text, quiet, page: ground } = chart.colours();
    const { letters, narrow } = chart.sizes(width);
    const names = about.fastestFirst;
    const places = names.flatMap((name, row) =>
      about.ratios.get(name).map((ratio, i) => {
        const [colour, , shape] = known.looks[name] ?? ["#808080", "#808080", "circle"];
        const odd = laptops.isOdd(ratio);
        return {
          ratio: ratio.paired.ratio,
          row: row + SPREAD * (((i * GOLDEN) % 1) - 0.5),
          colour,
          shape,
          edge: odd || colour === "#000000" ? text : ground,
          letter: odd ? ratio.laptop.letter : "",
          told: `${ratio.laptop.name}: ${name} at ${wording.estimate(ratio.paired.ratio, ratio.paired.interval, " ×")} its PyTorch`,
        };
      }),
    );
    const medians = names
      .map((name, row) => ({ middle: about.median(name), low: row - 0.36, high: row + 0.36 }))
      .filter((_, row) => about.ratios.get(names[row]).length > 2);
    const ends = [
      0.68,
      1.55,
      ...places.map((each) => each.ratio * 1.03),
      ...places.map((each) => each.ratio / 1.03),
    ];
    const x = (field) => ({
      field,
      type: "quantitative",
      scale: { type: "log", nice: false, domain: [Math.min(...ends), Math.max(...ends)] },
      axis: {
        title: "times as fast as the laptop's own PyTorch",
        values: TICKS,
        labelExpr: "format(datum.value, '~r')",
        labelOverlap: "greedy",
      },
    });
    const y = (field) => ({
      field,
      type: "quantitative",
      scale: { domain: [names.length - 0.4, -0.6], nice: false, zero: false },
      axis: {
        title: null,
        values: names.map((_, row) => row),
        labelExpr: `${JSON.stringify(names.map((name) => (narrow ? name.split(" ") : name)))}[datum.value]`,
        grid: false,
        ticks: false,
        domain: false,
      },
    });
    const title = chart.base(
      laptops.title(about),
      `${about.heading}, ${wording.counted(about.laptops.size, "laptop")}`,
      width,
    );
    return {
      ...title,
      height: names.length * letters * 5,
      layer: [
        {
          data: { values: [{ one: 1 }] },
          mark: { type: "rule", strokeDash: [5, 4], color: text },
          encoding: { x: x("one") },
        },
        {
          data: { values: medians },
          mark: { type: "rule", strokeWidth: 3, color: quiet },
          encoding: { x: x("middle"), y: y("low"), y2: { field: "high" } },
        },
        {
          data: { values: places },
          mark: { type: "point", filled: true, size: 90, opacity: 1, strokeWidth: 1.6 },
          encoding: {
            x: x("ratio"),
            y: y("row"),
            shape: { field: "shape", type: "nominal", scale: null },
            fill: { field: "colour", type: "nominal", scale: null },
            stroke: { field: "edge", type: "nominal", scale: null },
          },
        },
        {
          data: { values: places },
          mark: { type: "text", align: "left", dx: 8, fontWeight: "bold", color: text },
          encoding: { x: x("ratio"), y: y("row"), text: { field: "letter" } },
        },
      ],
    };
  }

  function ranges({ name, answers }, width) {
    const { text, page: ground } = chart.colours();
    const values = answers.flatMap(({ low, high, truth }) => [low, high, truth]);
    const log = Math.min(...values) > 0 && Math.max(...values) / Math.min(...values) > 10;
    const rows = answers.map((answer, row) => ({
      ...answer,
      row,
      fill: predictions.holds(answer) ? text : ground,
      told: `${wording.number(answer.low)} to ${wording.number(answer.high)} was predicted, ${wording.number(answer.truth)} measured`,
    }));
    const x = (field) => ({
      field,
      type: "quantitative",
      scale: { ...(log ? { type: "log" } : { zero: false }), nice: false, padding: 14 },
      axis: { title: name, tickCount: 7, labelExpr: "format(datum.value, ',~r')" },
    });
    const y = { field: "row", type: "ordinal", axis: null };
    return {
      ...chart.base(
        `${name}: predicted, and measured`,
        wording.counted(answers.length, "student"),
        width,
      ),
      height: Math.max(40, 12 * rows.length),
      data: { values: rows },
      layer: [
        {
          mark: { type: "rule", strokeWidth: 4, color: "#0072B2", opacity: 0.6 },
          encoding: { y, x: x("low"), x2: { field: "high" } },
        },
        {
          mark: {
            type: "point",
            filled: true,
            size: 60,
            opacity: 1,
            stroke: text,
            strokeWidth: 1.6,
          },
          encoding: { y, x: x("truth"), fill: { field: "fill", type: "nominal", scale: null } },
        },
      ],
    };
  }

  return { dots, ranges };
})(
  glyphbench.content.class,
  glyphbench.chart,
  glyphbench.laptops,
  glyphbench.predictions,
  glyphbench.wording,
);
