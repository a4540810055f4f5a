// The chart: one line a row, a point where its runs lie together with the 95 % interval, a tick a
// run. Vega-Lite draws it as SVG; ``draw`` promises Vega's view, which saves and reports clicks.
// Other charts of the page take ``base`` and ``embed``.
"use strict";

glyphbench.chart = (() => {
  const NARROW = 560; // pixels: below, a label takes two lines

  function colours() {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(name).trim();
    return { text: of("--text"), quiet: of("--quiet"), line: of("--line"), page: of("--page") };
  }

  /** A framework's black on a dark page would not be seen: there it has a light outline. */
  const outline = (colour, theme) => (colour === "#000000" ? theme.text : colour);

  /** Sizes of letters and lines for a chart so many pixels wide. */
  function sizes(width) {
    const letters = Math.round(0.82 * parseFloat(getComputedStyle(document.body).fontSize));
    return { letters, narrow: width < NARROW, fitting: Math.floor(width / (0.56 * letters)) };
  }

  /** What every chart has: its title, colours and letters. */
  function base(headline, subtitle, width) {
    const theme = colours();
    const { letters, narrow, fitting } = sizes(width);
    return {
      $schema: "https://vega.github.io/schema/vega-lite/v6.json", // a name; nothing is fetched
      title: {
        text: wrapped(headline, 0.72 * fitting),
        subtitle: wrapped(subtitle, fitting),
        anchor: "start",
        color: theme.text,
        subtitleColor: theme.quiet,
        fontSize: narrow ? letters + 1 : letters + 4,
        subtitleFontSize: narrow ? letters - 1 : letters,
        offset: 12,
      },
      width: "container",
      autosize: { type: "fit-x", contains: "padding" },
      background: theme.page,
      config: {
        font: "system-ui, sans-serif",
        axis: {
          labelColor: theme.text,
          titleColor: theme.text,
          gridColor: theme.line,
          domainColor: theme.quiet,
          tickColor: theme.quiet,
          labelFontSize: letters,
          titleFontSize: letters,
        },
        view: { stroke: null },
      },
    };
  }

  function specification(view, subtitle, width) {
    const theme = colours();
    const { metric, relative } = view;
    const ratio = relative && metric.beside === "ratio";
    const { letters, narrow, fitting } = sizes(width); // fitting: characters in a line
    const lines = view.rows.some((line) => line.row.label.includes(", ")) ? 3 : 2; // of a label
    const rows = view.rows.map((line) => ({
      label: line.row.label,
      middle: line.middle,
      low: line.interval?.[0] ?? null,
      high: line.interval?.[1] ?? null,
      missing: line.middle === null ? line.shown : null,
      colour: line.row.colour,
      outline: outline(line.row.outline, theme),
      shape: line.row.shape,
    }));
    const runs = view.rows.flatMap((line) =>
      line.middle === null ? [] : line.runs.map(([, value]) => ({ label: line.row.label, value })),
    );
    const title = relative
      ? `${metric.label}, ${metric.beside === "ratio" ? "ratio to" : "points more than"} ${view.base.label}`
      : `${metric.label} (${metric.unit})`;
    const scale = ratio
      ? { type: "log", nice: false, padding: 14 }
      : !relative && metric.beside === "ratio"
        ? { zero: true, nice: true }
        : { zero: false, nice: false, padding: 14 };
    const y = {
      field: "label",
      type: "nominal",
      sort: rows.map((row) => row.label),
      axis: {
        title: null,
        labelLimit: narrow ? 130 : 320,
        labelPadding: 8,
        ticks: false,
        domain: false,
        ...(narrow && {
          labelExpr: "split(replace(replace(datum.label, ' ', '\\n'), ', ', ',\\n'), '\\n')",
        }),
      },
    };
    const x = (field) => ({
      field,
      type: "quantitative",
      scale,
      axis: {
        title: wrapped(title, (narrow ? 0.6 : 0.8) * fitting),
        grid: true,
        tickCount: narrow ? 4 : 7,
        labelExpr: "format(datum.value, ',')",
        labelOverlap: "greedy",
        labelSeparation: 10,
      },
    });
    const marks = [
      {
        data: { values: runs },
        mark: { type: "tick", thickness: 1.5, size: 14, opacity: 0.7, color: theme.quiet },
        encoding: { y, x: x("value") },
      },
      {
        mark: { type: "rule", strokeWidth: 3, color: theme.quiet },
        encoding: { y, x: x("low"), x2: { field: "high" } },
      },
      {
        mark: {
          type: "point",
          filled: true,
          size: 170,
          opacity: 1,
          strokeWidth: 2,
          cursor: "pointer",
        },
        encoding: {
          y,
          x: x("middle"),
          shape: { field: "shape", type: "nominal", scale: null },
          fill: { field: "colour", type: "nominal", scale: null },
          stroke: { field: "outline", type: "nominal", scale: null },
        },
      },
      {
        transform: [{ filter: "datum.missing !== null" }],
        mark: { type: "text", align: "left", color: theme.quiet, limit: width * 0.55 },
        encoding: { y, x: { value: 6 }, text: { field: "missing" } },
      },
    ];
    if (relative)
      marks.unshift({
        data: { values: [{ one: ratio ? 1 : 0 }] },
        mark: { type: "rule", strokeDash: [5, 4], color: theme.text },
        encoding: { x: x("one") },
      });
    const floor = metric.of_time && ratio ? view.base.noise_floor : null;
    if (floor !== null)
      marks.unshift({
        data: { values: [{ low: 1 / (1 + floor), high: 1 + floor }] },
        mark: { type: "rect", color: theme.line, opacity: 0.7 },
        encoding: { x: x("low"), x2: { field: "high" } },
      });
    return {
      ...base(view.headline, subtitle, width),
      height: rows.length * letters * (narrow ? 1.1 + lines : 2.6),
      data: { values: rows },
      layer: marks,
    };
  }

  /** Words in lines of at most so many characters. */
  function wrapped(words, most) {
    const lines = [""];
    for (const word of words.split(" ")) {
      const longer = `${lines.at(-1)} ${word}`.trim();
      if (longer.length > most && lines.at(-1)) lines.push(word);
      else lines[lines.length - 1] = longer;
    }
    return lines;
  }

  /** Put a specification into an element, as an image that bears these words. */
  async function embed(element, specification, label) {
    const { view } = await vegaEmbed(element, specification, {
      mode: "vega-lite",
      actions: false,
      renderer: "svg",
      hover: false,
      tooltip: () => {},
    });
    const svg = element.querySelector("svg");
    svg?.setAttribute("role", "img");
    svg?.setAttribute("aria-label", label);
    return view;
  }

  /**
   * Draw a view of selection.js into an element.
   *
   * on.click(label) and on.over(label or null) are told where the reader points.
   */
  async function draw(element, view, subtitle, on) {
    const drawn = await embed(
      element,
      specification(view, subtitle, element.clientWidth),
      `${view.headline}. The table below has the same numbers.`,
    );
    drawn.addEventListener("click", (_, item) => item?.datum?.label && on.click(item.datum.label));
    drawn.addEventListener("mousemove", (event, item) =>
      on.over(item?.datum?.label ?? null, event),
    );
    drawn.addEventListener("mouseout", (event) => on.over(null, event));
    return drawn;
  }

  return { draw, embed, base, colours, sizes };
})();
