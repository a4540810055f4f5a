// The page itself: controls, chart, table and words, drawn again from the state whenever it changes.
// All that comes out of records is written as text, never as HTML.
"use strict";

(() => {
  const { element, selection, tabs } = glyphbench;
  const data = glyphbench.content.results;
  const $ = (id) => document.getElementById(id);
  let state = selection.fromAddress(location.hash);
  let drawn = Promise.resolve(null); // the chart, once it stands

  const term = (word, shown = word) =>
    element("dfn", { tabindex: 0, "data-term": word, role: "term" }, shown);

  function change(changes) {
    state = selection.settled({ ...state, ...changes }, "metric" in changes);
    const names = selection.names(state);
    state.without = state.without.filter((name) => names.includes(name));
    if (!selection.rows(state).some((row) => row.label === state.base)) state.base = null;
    remember();
    show();
  }

  /** Put the state into the address, without a step back for each change where that can be had. */
  function remember() {
    const address = selection.toAddress(state);
    try {
      history.replaceState(null, "", address ? `#${address}` : location.pathname + location.search);
    } catch {
      location.hash = address; // a browser that lets no local file change its history
    }
  }

  // Controls

  function option(label, pressed, act, { faint = false, title = null } = {}) {
    return element(
      "button",
      {
        type: "button",
        "aria-pressed": String(pressed),
        class: faint ? "faint" : null,
        title,
        onclick: act,
      },
      label,
    );
  }

  function field(word, label, ...options) {
    return element(
      "div",
      { class: "field", role: "group", "aria-label": label },
      element("span", { class: "label" }, term(word, label)),
      element("span", { class: "options" }, ...options),
    );
  }

  function controls() {
    const metric = selection.metricOf(state);
    const choose = element(
      "select",
      {
        id: "metric",
        "aria-label": "Metric",
        onchange: (event) => change({ metric: event.target.value, sort: null }),
      },
      ...data.metrics.map((each) =>
        element("option", { value: each.key, selected: each.key === metric.key }, each.label),
      ),
    );
    const facets = data.facets.flatMap((facet, i) => {
      if (facet.values.length < 2) return [];
      const near = selection.reachable(state, i);
      const follows = facet.key === "others"; // what the settings above leave open
      if (follows && near.size < 2) return [];
      const offered = facet.values.map((value, index) => [value, index]);
      const options = offered
        .filter(([, index]) => !follows || near.has(index))
        .map(([value, index]) =>
          option(
            value,
            state.at[i] === index,
            () => change({ at: selection.moved(state.at, i, index) }),
            {
              faint: !near.has(index),
              title: near.has(index) ? null : "changes other settings too",
            },
          ),
        );
      if (facet.comparable)
        options.push(
          option(
            "all",
            state.at[i] === null,
            () => change({ at: selection.moved(state.at, i, null) }),
            {
              title: "side by side",
            },
          ),
        );
      return [field(facet.term, facet.label, ...options)];
    });
    const names = selection.names(state).map((name) =>
      option(name, !state.without.includes(name), () => {
        const without = state.without.includes(name)
          ? state.without.filter((each) => each !== name)
          : [...state.without, name];
        change({ without });
      }),
    );
    const label = element("span", { class: "label" }, term(metric.term, "Metric"));
    return [
      element("div", { class: "field" }, label, choose),
      ...facets,
      field("execution", "Frameworks in view", ...names),
    ];
  }

  // Table

  const COLUMNS = ["row", "value", "beside", "p", "verdict", "runs", "work"];

  /** The columns that say something: p and verdict are of ratios, work is of interest if unlike. */
  function columns(view) {
    const judged = view.metric.beside === "ratio";
    const alike = view.rows.every((line) => line.row.work === "matched");
    return COLUMNS.filter(
      (name) => !(["p", "verdict"].includes(name) && !judged) && !(name === "work" && alike),
    );
  }

  function headers(view) {
    const { metric, base } = view;
    const beside = metric.beside === "ratio" ? "ratio" : "difference";
    return {
      row: "framework and execution",
      value: `${metric.label.toLowerCase()} (${metric.unit})`,
      beside: base ? `${beside} to ${base.label}` : beside,
      p: "p (Holm)",
      verdict: "it is",
      runs: "runs",
      work: "work",
    };
  }

  const CELLS = {
    row: (line) => line.row.label,
    value: (line) => line.shown,
    beside: (line) => line.beside,
    p: (line) => line.p,
    verdict: (line) => line.verdict,
    runs: (line) => line.row.outcome,
    work: (line) => line.row.work,
  };

  const cells = (line, names) => names.map((name) => CELLS[name](line));

  /** What a column is sorted by: numbers where it has numbers; null: by its words. */
  function number(line, name, view) {
    if (name === "value") return line.row.values[view.metric.key]?.middle ?? Infinity;
    if (name !== "beside" && name !== "p") return null;
    if (line.beside === "baseline") return view.metric.beside === "ratio" ? 1 : 0;
    const shown = Number.parseFloat(CELLS[name](line).replace(/[,\s]/g, "").replace("<", "-"));
    return Number.isNaN(shown) ? Infinity : shown;
  }

  /** The rows as the table shows them: sorted and filtered. */
  function listed(view) {
    const wanted = state.find.toLowerCase();
    const names = columns(view);
    const lines = view.rows.filter((line) =>
      cells(line, names).join(" ").toLowerCase().includes(wanted),
    );
    if (!state.sort || !names.includes(state.sort.column)) return lines;
    const { column, down } = state.sort;
    const order = (a, b) => {
      const [one, other] = [number(a, column, view), number(b, column, view)];
      return one === null
        ? CELLS[column](a).localeCompare(CELLS[column](b), "en")
        : one - other || 0;
    };
    return [...lines].sort((a, b) => (down ? order(b, a) : order(a, b)));
  }

  function table(view) {
    const words = headers(view);
    const terms = {
      value: view.metric.term,
      beside: "ratio",
      p: "p",
      verdict: "verdict",
      runs: "seed",
      work: "work",
    };
    const names = columns(view);
    const head = names.map((name) => {
      const sorted = state.sort?.column === name;
      const arrow = sorted ? (state.sort.down ? " ▼" : " ▲") : "";
      const act = () => change({ sort: { column: name, down: sorted && !state.sort.down } });
      return element(
        "th",
        {
          scope: "col",
          "aria-sort": sorted ? (state.sort.down ? "descending" : "ascending") : null,
        },
        element(
          "button",
          { type: "button", onclick: act, "data-term": terms[name] ?? "baseline" },
          words[name] + arrow,
        ),
      );
    });
    const body = listed(view).map((line) => {
      const base = line.row.label === view.base?.label;
      const act = () => change({ base: state.base === line.row.label ? null : line.row.label });
      const label = line.row.label;
      const over = (event) => hint(event.currentTarget, behind(line, view));
      const row = element(
        "tr",
        { class: base ? "base" : null, onclick: act, onmouseenter: over, onmouseleave: unhint },
        element(
          "th",
          { scope: "row" },
          element(
            "button",
            {
              type: "button",
              "aria-pressed": String(state.base === label),
              "aria-describedby": "hint",
              onfocus: over,
              onblur: unhint,
            },
            mark(line),
            label,
          ),
        ),
        ...names.slice(1).map((name) =>
          element(
            "td",
            {
              class:
                name === "verdict" ? "words" : ["runs", "work"].includes(name) ? null : "number",
            },
            CELLS[name](line),
          ),
        ),
      );
      return row;
    });
    return [element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body)];
  }

  /** What is true of all rows, below the table. */
  function note(view) {
    const work = columns(view).includes("work")
      ? []
      : [term("work", "Work"), ": matched in all rows. "];
    if (view.metric.beside === "ratio") return work;
    return [
      ...work,
      "Whether two models differ is told by ",
      term("McNemar's test"),
      ", in the folder's table of models.",
    ];
  }

  /** A row's colour, beside its name. */
  function mark(line) {
    const made = element("span", { class: "mark", "aria-hidden": "true" });
    made.style.background = line.row.colour;
    made.style.borderColor = line.row.outline === "#000000" ? "currentColor" : line.row.outline;
    return made;
  }

  /** The runs behind a point, in words. */
  function behind(line, view) {
    const unit = view.relative
      ? view.metric.beside === "ratio"
        ? ""
        : " points"
      : ` ${view.metric.unit}`;
    const runs = line.runs.map(
      ([seed, value]) => `seed ${seed}: ${glyphbench.wording.number(value, 4)}${unit}`,
    );
    return [
      `${line.row.label}: ${line.shown} ${view.metric.unit}`,
      ...runs,
      line.evidence && `beside the baseline: ${line.evidence}`,
      line.row.disturbed && "disturbed by other programs",
      line.row.versions,
    ]
      .filter(Boolean)
      .join("\n");
  }

  const cell = (text) =>
    text.replaceAll("\\", "\\\\").replaceAll("|", "\\|").replaceAll(/\s+/g, " ");
  const quoted = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

  /** The table as it is shown, as 'markdown' or 'csv'. */
  function text(kind) {
    const view = selection.view(state);
    const names = columns(view);
    const words = headers(view);
    const lines = [
      names.map((name) => words[name]),
      ...listed(view).map((line) => cells(line, names)),
    ];
    if (kind === "csv") return lines.map((line) => line.map(quoted).join(",")).join("\n") + "\n";
    const [head, ...rest] = lines.map((line) => `| ${line.map(cell).join(" | ")} |`);
    return [head, `|${" --- |".repeat(names.length)}`, ...rest].join("\n") + "\n";
  }

  async function copy(kind) {
    const copied = text(kind);
    try {
      await navigator.clipboard.writeText(copied);
    } catch {
      const area = element("textarea", {}, copied);
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    $("said").textContent = `The table is copied as ${kind === "csv" ? "CSV" : "Markdown"}.`;
  }

  const svgOf = async () => (await drawn).toSVG();

  async function save() {
    const svg = await svgOf();
    const address = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
    element("a", { href: address, download: "glyphbench.svg" }).click();
    URL.revokeObjectURL(address);
  }

  // What is explained where the reader points

  function hint(target, words) {
    const box = $("hint");
    box.textContent = words;
    box.hidden = false;
    const at = target.getBoundingClientRect ? target.getBoundingClientRect() : target;
    const left = Math.min(at.left, document.documentElement.clientWidth - box.offsetWidth - 8);
    const below = at.bottom + 6 + box.offsetHeight < innerHeight;
    box.style.left = `${Math.max(left, 8)}px`;
    box.style.top = `${below ? at.bottom + 6 : Math.max(at.top - box.offsetHeight - 6, 8)}px`;
  }

  const unhint = () => ($("hint").hidden = true);

  function explain(event) {
    const word = event.target.closest?.("[data-term]");
    if (!word || !data.glossary[word.dataset.term]) return;
    word.setAttribute("aria-describedby", "hint");
    hint(word, data.glossary[word.dataset.term]);
  }

  // Words of the sentences above and of the checks, and what the glossary has them under
  const SPOKEN = {
    "noise floor": "noise floor",
    "95 % interval": "95 % interval",
    "injected delay": "injected delay",
    steadiness: "steadiness",
    peak: "peak",
    disturbed: "disturbed",
    mean: "mean",
    median: "median",
    seed: "seed",
    seeds: "seed",
    referee: "work",
    "equal work": "work",
    audited: "noise floor",
    Holm: "p",
  };

  /** Mark such words in an element's own text, each once. */
  function explainIn(target) {
    for (const [word, key] of Object.entries(SPOKEN)) {
      const found = new RegExp(`\\b${word}\\b`, "i");
      const texts = [...target.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
      const text = texts.find((node) => found.test(node.data));
      if (!text) continue;
      const spoken = text.splitText(text.data.search(found));
      spoken.splitText(word.length);
      spoken.replaceWith(term(key, spoken.data));
    }
  }

  // All of it

  function subtitle(view) {
    const chosen = data.facets.flatMap((facet, i) => {
      const alone = facet.key === "machine" && facet.values.length === 1;
      if (state.at[i] === null || alone) return [];
      const value = facet.values[state.at[i]];
      return facet.key === "batch" ? [`batch size ${value}`] : [value];
    });
    const family = view.ranked.judged[0]?.family ?? 0;
    const holm = family > 1 ? `; p corrected over the ${family} pairs in view` : "";
    return `${chosen.join(", ")}${holm}`;
  }

  function show() {
    const view = selection.view(state);
    const focused = document.activeElement?.textContent;
    unhint();
    $("controls").replaceChildren(...controls());
    $("rows").replaceChildren(...table(view));
    $("absolute").hidden = state.base === null;
    $("note").replaceChildren(...note(view));
    const over = (label, event) => {
      const line = view.rows.find((each) => each.row.label === label);
      if (line)
        hint(
          { left: event.clientX + 12, top: event.clientY, bottom: event.clientY + 8 },
          behind(line, view),
        );
      else unhint();
    };
    const click = (label) => change({ base: state.base === label ? null : label });
    document.dispatchEvent(new CustomEvent("viewed", { detail: { state, view } }));
    if (!$("chart").clientWidth) return; // hidden: drawn when its tab is shown
    // One after the other: a chart that is still being drawn would land in the next one's place.
    drawn = drawn.then((last) => {
      last?.finalize();
      return glyphbench.chart.draw($("chart"), view, subtitle(view), { click, over });
    });
    const again = [...document.querySelectorAll("#controls button, #rows button")];
    if (focused) again.find((button) => button.textContent === focused)?.focus();
  }

  function theme(name) {
    if (name) document.documentElement.dataset.theme = name;
    else delete document.documentElement.dataset.theme;
    show();
  }

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () =>
    (document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";
  $("theme").addEventListener("click", () => theme(isDark() ? "light" : "dark"));
  dark.addEventListener("change", show);
  let before;
  addEventListener("beforeprint", () => {
    before = document.documentElement.dataset.theme;
    $("results").hidden = false; // the results are printed, whatever tab is shown
    theme("light");
  });
  addEventListener("afterprint", () => {
    tabs.show(state.tab);
    theme(before);
  });
  addEventListener("hashchange", () => {
    if (location.hash.replace(/^#/, "") === selection.toAddress(state)) return;
    state = selection.fromAddress(location.hash);
    $("find").value = state.find;
    tabs.show(state.tab);
    show();
  });
  function open(tab) {
    tabs.show(tab);
    change({ tab });
  }

  tabs.listen(open);
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth !== width) show();
    width = innerWidth;
  });
  document.addEventListener("mouseover", explain);
  document.addEventListener(
    "mouseout",
    (event) => event.target.closest?.("[data-term]") && unhint(),
  );
  document.addEventListener("focusin", explain);
  document.addEventListener("focusout", unhint);
  document.addEventListener("keydown", (event) => event.key === "Escape" && unhint());
  $("markdown").addEventListener("click", () => copy("markdown"));
  $("csv").addEventListener("click", () => copy("csv"));
  $("svg").addEventListener("click", save);
  $("absolute").addEventListener("click", () => change({ base: null }));
  document.querySelectorAll("header p, #results details li").forEach(explainIn);
  $("find").value = state.find;
  $("find").addEventListener("input", (event) => {
    state.find = event.target.value;
    remember();
    $("rows").replaceChildren(...table(selection.view(state)));
  });
  glyphbench.page = { text, change, open, hint, unhint, term, state: () => state, svg: svgOf };
  document.addEventListener("unpacked", () => {
    tabs.show(state.tab); // now that every tab listens
    show();
  });
})();
