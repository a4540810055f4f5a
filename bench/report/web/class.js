// Files that the reader drops on the page or chooses: one or two shared ones stand beside this folder's
// runs, three and more are a class; and what the class predicted. Its pictures and its table.
"use strict";

glyphbench.classroom = (() => {
  const known = glyphbench.content.class;
  const { beside, chart, element, laptops, page, predictions, shared, wording } = glyphbench;
  const $ = (id) => document.getElementById(id);
  const FEWEST = 3; // shared files that are a class
  const MOST_PANELS = 4;
  const GOLDEN = 0.618; // its multiples spread dots evenly, however many there are
  const SPREAD = 0.5; // of a row's height, over which they are
  const TICKS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 20, 50, 100];
  let files = { shared: [], predictions: [], refused: [] };
  let made = null; // the class, its subjects and its odd ones
  let subject = 0; // whose table is shown

  // Files

  /** Read files, [{ name, size, arrayBuffer() }], and show what they come to. */
  async function add(chosen) {
    for (const file of chosen)
      try {
        shared.must(
          file.size <= known.most_packed_bytes,
          () => `larger than ${known.most_packed_bytes / 2 ** 20} MiB`,
        );
        await take(file.name, new Uint8Array(await file.arrayBuffer()));
      } catch (error) {
        if (!(error instanceof shared.Refused)) throw error;
        files.refused.push(`${file.name}: ${error.message}`);
      }
    const { kept, leftOut } = laptops.eachOnce(files.shared);
    files.refused.push(...leftOut);
    files.shared = kept;
    show(true);
  }

  async function take(name, bytes) {
    const json = bytes[0] === 0x1f ? null : shared.parsed(bytes, "a shared file, or predictions");
    if (json?.kind === predictions.KIND) {
      files.predictions.push(predictions.read(json));
      return;
    }
    shared.must(
      files.shared.length < known.most_files,
      () => `one too many; ${known.most_files} files are taken at most`,
    );
    const file = await shared.read(name, bytes);
    const seeds = Math.max(...glyphbench.runs.replicates(file).map((group) => group.seeds.length));
    shared.must(
      seeds <= known.most_seeds,
      () => `${seeds} seeds of an experiment; this page compares up to ${known.most_seeds}`,
    );
    files.shared.push(file);
  }

  function forget() {
    files = { shared: [], predictions: [], refused: [] };
    $("files").value = "";
    show(false);
  }

  function show(added) {
    const { facets, start } = glyphbench.content.results;
    const few = files.shared.length < FEWEST;
    beside.set(few ? files.shared : []);
    made = few ? null : ofClass(files.shared);
    subject = 0;
    $("forget").hidden = !files.shared.length && !files.predictions.length && !files.refused.length;
    $("read").replaceChildren(...told());
    const at = page
      .state()
      .at.map((value, i) => (value < facets[i].values.length ? value : start[i]));
    page.change({ at });
    const here = files.refused.length || files.predictions.length || !few;
    if (added) page.open(here ? "class" : "results");
  }

  function ofClass(all) {
    const class_ = laptops.laptops(all);
    const subjects = laptops.subjects(class_);
    return { class_, subjects, odd: laptops.oddities(class_, subjects) };
  }

  const list = (sentences) =>
    element("ul", {}, ...sentences.map((each) => element("li", {}, each)));

  /** What was read, and what was left out and why. */
  function told() {
    const { shared: taken, predictions: predicted, refused } = files;
    const counts = [
      taken.length && wording.counted(taken.length, "shared file"),
      predicted.length && wording.counted(predicted.length, "file") + " of predictions",
    ].filter(Boolean);
    const where =
      taken.length && taken.length < FEWEST
        ? " Under Results their runs stand beside this folder's; three files are a class."
        : "";
    return [
      ...(counts.length ? [element("p", {}, `Read: ${counts.join(" and ")}.${where}`)] : []),
      ...(refused.length ? [element("p", {}, "Left out:"), list(refused)] : []),
    ];
  }

  // The class

  let turn = 0; // of drawing: an earlier one that is still at it gives way

  async function draw() {
    if ($("class").hidden) return; // drawn when its tab is shown
    const own = ++turn;
    pending.length = 0;
    $("laptops").replaceChildren(...(made ? classOf(made) : []));
    const lessons = predictions.lessons(files.predictions);
    $("predicted").replaceChildren(...(lessons.length ? predictedOf(lessons) : []));
    for (const [place, chartOf, label] of [...pending]) {
      const drawn = await chart.embed(place, chartOf(place.clientWidth), label);
      if (own !== turn) return;
      drawn.addEventListener("mousemove", (event, item) => point(item?.datum?.told, event));
      drawn.addEventListener("mouseout", () => page.unhint());
    }
  }

  const pending = []; // [place, specification of a width, label] of charts to be drawn

  function point(words, event) {
    if (!words) page.unhint();
    else
      page.hint({ left: event.clientX + 12, top: event.clientY, bottom: event.clientY + 8 }, words);
  }

  function picture(specification, label) {
    const place = element("div", { class: "picture" });
    pending.push([place, specification, label]);
    return place;
  }

  function classOf({ class_, subjects, odd }) {
    const many = wording.counted(class_.length, "laptop");
    if (!subjects.length)
      return [
        element(
          "p",
          {},
          `Of ${many} none ran ${known.baseline.join(" ")} beside another framework in the same ` +
            "experiment, so there is no ratio to show; run_all.py without --framework does.",
        ),
      ];
    const choose = element(
      "select",
      { id: "subject", onchange: (event) => tabled(Number(event.target.value)) },
      ...subjects.map((each, i) => element("option", { value: i }, each.heading)),
    );
    return [
      element("h2", {}, `A class of ${many}`),
      list(subjects.slice(0, MOST_PANELS).map(laptops.finding)),
      ...subjects
        .slice(0, MOST_PANELS)
        .map((each) => picture((width) => dots(each, width), laptops.title(each))),
      element(
        "p",
        { class: "tools" },
        element(
          "span",
          {},
          "A dot is a laptop, the bar the class's ",
          page.term("median"),
          "; right of the line at 1 a framework is faster than PyTorch on the same laptop. Ringed, " +
            "with its letter: odd.",
        ),
      ),
      element("h2", {}, "Who is ", page.term("odd"), ", and why"),
      whoIsOdd(class_, subjects, odd),
      element("h2", {}, "The laptops"),
      element("p", { class: "tools" }, element("label", {}, "comparison ", choose)),
      element("div", { id: "of-laptops" }, beside.table(laptops.table(class_, subjects[subject]))),
      element(
        "details",
        {},
        element("summary", {}, "Which file is which laptop"),
        list(class_.map((one) => `${one.name}: ${one.file}`)),
      ),
    ];
  }

  function tabled(place) {
    subject = place;
    $("of-laptops").replaceChildren(beside.table(laptops.table(made.class_, made.subjects[place])));
  }

  function whoIsOdd(class_, subjects, odd) {
    if (Math.max(...subjects.map((each) => each.laptops.size)) < known.fewest) {
      const many = wording.counted(class_.length, "laptop");
      return element(
        "p",
        {},
        `Of ${many} none can be called odd: it takes ${known.fewest} that ran the same.`,
      );
    }
    return odd.length ? list(odd.map(laptops.sentence)) : element("p", {}, "No laptop is odd.");
  }

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
      height: names.length * letters * 4,
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

  // What the class predicted

  function predictedOf(lessons) {
    return [
      element("h2", {}, "What the class predicted"),
      list(lessons.map((lesson) => lesson.sentence)),
      ...lessons.map((lesson) => picture((width) => ranges(lesson, width), lesson.sentence)),
      element(
        "p",
        { class: "tools" },
        "A line is a student's range, the dot on it or beside it what was measured: filled, where it " +
          "lies in the range.",
      ),
    ];
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
      scale: { type: log ? "log" : "linear", nice: false, zero: false, padding: 14 },
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

  // Dropping and choosing

  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  const mark = (over) => document.body.classList.toggle("dropping", over);
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    mark(true);
  });
  addEventListener("dragleave", (event) => event.relatedTarget === null && mark(false));
  addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    mark(false);
    add([...event.dataTransfer.files]);
  });
  $("files").addEventListener("change", (event) => add([...event.target.files]));
  $("forget").addEventListener("click", forget);
  $("other").addEventListener("click", () => $("files").click());
  document.addEventListener("viewed", draw); // by tab, theme and width too
  return { add, forget, made: () => made, lessons: () => predictions.lessons(files.predictions) };
})();
