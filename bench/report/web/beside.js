// The runs of other machines' files as rows of the page; and what 'python -m bench compare' says of
// one of them beside this folder: the same experiment of both, seed by seed.
"use strict";

glyphbench.beside = ((known, runs, statistics, wording) => {
  const { facets, groups, metrics } = glyphbench.content.results;
  const { element, selection } = glyphbench;
  const own = { groups: groups.length, values: facets.map((facet) => facet.values.length) };
  const machine = facets.findIndex((facet) => facet.key === "machine");
  const compared = known.fields.filter((name) => name !== "targets");
  let files = [];

  // What tells the values of a facet apart, and what is said of one: data.py's facets
  const KEYS = {
    task: (group) => [group.experiment.task, group.experiment.source, group.fingerprint],
    architecture: (group) => group.experiment.architecture,
    device: (group) => group.experiment.device,
    batch: (group) => group.experiment.batch_size,
    precision: (group) => group.experiment.precision,
    goal: (group) => group.experiment.goal === "train",
    machine: (group) => group.machine ?? null,
    others: (group) => runs.fieldsOf(group.experiment, known.others),
  };
  const WORDS = {
    task: ({ data }) => wording.images(data),
    architecture: ({ experiment }) => wording.architecture(experiment.architecture),
    device: ({ experiment }) => wording.device(experiment.device),
    batch: ({ experiment }) => wording.rounded(experiment.batch_size, 0),
    precision: ({ experiment }) => experiment.precision,
    goal: ({ experiment }) =>
      experiment.goal === "train" ? "trained and tested" : "training steps only",
    machine: (group) => group.machine,
    others: ({ experiment }) => wording.conditions(experiment, known.others) || "as usual",
  };

  /** Take these shared files' runs in place of those of others. */
  function set(shared) {
    files = shared;
    groups.length = own.groups;
    facets.forEach((facet, i) => (facet.values.length = own.values[i]));
    const keyOf = (facet, group) => JSON.stringify(KEYS[facet.key](group));
    const places = facets.map(
      (facet, i) => new Map(groups.map((each) => [keyOf(facet, each), each.at[i]])),
    );
    files.forEach((file, number) => {
      for (const made of runs.replicates(file)) {
        const cards = made.gpus.map(wording.gpu);
        const words = [wording.machine(made.host), ...cards].join("; ");
        const group = {
          ...made,
          fingerprint: made.data.fingerprint,
          machine: `file ${number + 1}: ${words}`,
        };
        const at = facets.map((facet, i) => {
          const key = keyOf(facet, group);
          if (!places[i].has(key)) places[i].set(key, added(facet, WORDS[facet.key](group)));
          return places[i].get(key);
        });
        groups.push({ ...runs.row(made, metrics, at), file: number });
      }
    });
  }

  /** A further value of a facet, told from those that read alike. */
  function added(facet, words) {
    const alike = facet.values.filter((value) => value.replace(/ \(\d+\)$/, "") === words).length;
    return facet.values.push(alike ? `${words} (${alike + 1})` : words) - 1;
  }

  const experimentOf = (row) => JSON.stringify(runs.fieldsOf(row.experiment, compared));

  /** The rows of this folder in view beside the same experiments of a file; why others are not. */
  function pairs(state, number) {
    const theirs = groups.filter((group) => group.file === number);
    const ours = groups.slice(0, own.groups);
    const at = state.at.map((value, i) =>
      i === machine && value >= own.values[i] ? glyphbench.content.results.start[i] : value,
    );
    const refused = [];
    const found = selection.rows({ ...state, at }).flatMap((row) => {
      const key = experimentOf(row);
      const [a, b] = [ours, theirs].map((all) => all.filter((each) => experimentOf(each) === key));
      if (!b.length) return [];
      const several = [a, b].findIndex((sets) => sets.length > 1);
      if (several >= 0) {
        const holder = several ? "the file" : "this folder";
        const sets = [a, b][several].length;
        refused.push(
          `${row.label}: ${holder} holds ${sets} sets of runs, of several machines or versions`,
        );
      } else if (a[0].fingerprint !== b[0].fingerprint)
        refused.push(`${row.label}: not the same images`);
      else return [{ row, other: b[0] }];
      return [];
    });
    return { found, refused };
  }

  /** What the table says: a row an experiment that both have. */
  function lines(state, number) {
    const metric = selection.metricOf(state);
    const { found, refused } = pairs(state, number);
    const ratio = metric.beside === "ratio";
    const isWhole = (row) => row.values[metric.key]?.complete;
    const whole = found.map(({ row, other }) => isWhole(row) && isWhole(other));
    const judged = statistics.judgePairs(
      found.filter((_, i) => ratio && whole[i]).map(({ row, other }) => [other, row]),
      metric,
      () => null, // each machine has a noise floor of its own
    );
    const said = found.map(({ row, other }, i) => {
      const shown = [row, other].map(
        (each) => each.values[metric.key]?.shown ?? wording.NOT_MEASURED,
      );
      return [
        row.label,
        ...shown,
        ...(ratio
          ? verdictOf(whole[i] && judged.shift(), metric)
          : differenceOf(row, other, metric)),
      ];
    });
    const heads = ratio
      ? ["file / folder", "p (Holm)", "the file's is"]
      : ["file - folder (points)"];
    const unit = `(${metric.unit})`;
    const head = ["framework and execution", `this folder ${unit}`, `file ${unit}`, ...heads];
    return { head, rows: said, refused };
  }

  function verdictOf(judged, metric) {
    if (!judged) return ["–", "–", "–"];
    const { ratio, interval } = judged.paired;
    return [
      wording.estimate(ratio, interval, " ×"),
      judged.p === null ? "–" : wording.pValue(judged.p),
      wording.verdict(judged, metric.higher, metric.lower),
    ];
  }

  function differenceOf(row, other, metric) {
    const found = statistics.difference(other, row, metric.key);
    return [found ? wording.points(found.mean, found.interval) : "–"];
  }

  // On the page

  const TERMS = {
    "file / folder": "ratio",
    "p (Holm)": "p",
    "the file's is": "verdict",
    "noise floor": "noise floor",
    "disturbed runs": "disturbed",
  };

  const header = (word) =>
    element("th", { scope: "col" }, TERMS[word] ? glyphbench.page.term(TERMS[word], word) : word);

  /** A table of words, the first row being the headers. */
  const table = ([head, ...rows]) =>
    element(
      "div",
      { class: "wide" },
      element(
        "table",
        {},
        element("thead", {}, element("tr", {}, ...head.map(header))),
        element(
          "tbody",
          {},
          ...rows.map(([first, ...others]) =>
            element(
              "tr",
              {},
              element("th", { scope: "row" }, first),
              ...others.map((text) =>
                element("td", { class: text.length < 45 ? "number" : "words" }, text),
              ),
            ),
          ),
        ),
      ),
    );

  function show({ state }) {
    const place = document.getElementById("beside");
    place.hidden = !files.length;
    place.replaceChildren(
      ...files.flatMap((file, number) => {
        const { head, rows, refused } = lines(state, number);
        const title = element("h2", {}, `This folder beside file ${number + 1} (${file.name})`);
        const not = refused.map((reason) =>
          element("p", { class: "notice" }, `Not compared: ${reason}.`),
        );
        if (!rows.length)
          return [
            title,
            ...not,
            element("p", {}, "None of the experiments in view is in the file on the same images."),
          ];
        return [title, table([head, ...rows]), ...not];
      }),
      element(
        "p",
        { class: "tools" },
        "Runs of different machines are never ranked together. Here each experiment stands beside the " +
          "same one in the file, seed by seed, without a noise floor, since each machine has its own; p " +
          "is corrected for the rows of a table. What differs in versions and settings: python -m bench compare.",
      ),
    );
  }

  document.addEventListener("viewed", (event) => show(event.detail));
  return { set, lines, table };
})(glyphbench.content.class, glyphbench.runs, glyphbench.statistics, glyphbench.wording);
