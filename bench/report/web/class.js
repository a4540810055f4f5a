// Files that the reader drops on the page or chooses: one or two shared ones stand beside this
// folder's runs, three and more are a class; and what the class predicted.
"use strict";

glyphbench.classroom = (() => {
  const known = glyphbench.content.class;
  const { beside, chart, charts, element, laptops, page, predictions, shared, wording } =
    glyphbench;
  const $ = (id) => document.getElementById(id);
  const FEWEST = 3; // shared files that are a class
  const MOST_PANELS = 4;
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
        ? " Under Results the runs stand beside this folder's; three files are a class."
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
      ...subjects.map((each, i) =>
        element("option", { value: i, selected: i === subject }, each.heading),
      ),
    );
    return [
      element("h2", {}, `A class of ${many}`),
      list(subjects.slice(0, MOST_PANELS).map(laptops.finding)),
      ...subjects
        .slice(0, MOST_PANELS)
        .map((each) => picture((width) => charts.dots(each, width), laptops.title(each))),
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

  // What the class predicted

  function predictedOf(lessons) {
    return [
      element("h2", {}, "What the class predicted"),
      list(lessons.map((lesson) => lesson.sentence)),
      ...lessons.map((lesson) => picture((width) => charts.ranges(lesson, width), lesson.sentence)),
      element(
        "p",
        { class: "tools" },
        "A line is a student's range, the dot on it or beside it what was measured: filled, where it " +
          "lies in the range.",
      ),
    ];
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
