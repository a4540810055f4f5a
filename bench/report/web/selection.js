// Which rows stand side by side: the reader's choice as a state, the state in the address, and what
// is to be shown of it. Nothing here touches the document.
//
// A state: { tab, metric, at, without, base, sort, find }. ``at`` has the index of the chosen value
// of each facet, null where all its values stand side by side; ``without`` the names left out; ``base``
// the label of the baseline, null for the best row.
"use strict";

glyphbench.selection = ((data, statistics, wording, tabs) => {
  const { facets, groups, metrics } = data;

  const start = () => ({
    tab: tabs[0],
    metric: metrics[0]?.key ?? "",
    at: [...data.start],
    without: [],
    base: null,
    sort: null,
    find: "",
  });

  const metricOf = (state) => metrics.find((metric) => metric.key === state.metric) ?? metrics[0];

  const fits = (group, at) => at.every((value, i) => value === null || group.at[i] === value);

  /** The names that can be left out of what is chosen. */
  function names(state) {
    return [...new Set(groups.filter((group) => fits(group, state.at)).map((each) => each.name))];
  }

  /** The chosen groups, each with a label that no other has. */
  function rows(state) {
    const chosen = groups.filter(
      (group) => fits(group, state.at) && !state.without.includes(group.name),
    );
    const named = chosen.map((group) =>
      [
        group.name,
        ...state.at.flatMap((value, i) => (value === null ? [said(i, group)] : [])),
      ].join(", "),
    );
    return chosen.map((group, i) => {
      const twice = named.filter((name) => name === named[i]).length > 1;
      return { ...group, label: twice ? `${named[i]} (${group.versions})` : named[i] };
    });
  }

  function said(i, group) {
    const value = facets[i].values[group.at[i]];
    return facets[i].key === "batch" ? `batch ${value}` : value;
  }

  /** The facets after one of them is set: the others stay as near as there are runs. */
  function moved(at, facet, value) {
    const wanted = at.map((old, i) => (i === facet ? value : old));
    return nearest(wanted, (group) => value === null || group.at[facet] === value);
  }

  /** The facets of the group, of those that are allowed, that agrees with the most of these. */
  function nearest(wanted, allowed) {
    const agreeing = (group) =>
      wanted.filter((each, i) => each === null || each === group.at[i]).length;
    const best = groups.filter(allowed).reduce((a, b) => (agreeing(b) > agreeing(a) ? b : a));
    return wanted.map((each, i) => (each === null ? null : best.at[i]));
  }

  const measured = (at, key) => groups.some((group) => fits(group, at) && group.values[key]);

  /** A state in which what is asked for was measured: where a metric is chosen the runs follow, ... */
  function settled(state, byMetric) {
    if (measured(state.at, state.metric)) return state;
    if (byMetric) return { ...state, at: nearest(state.at, (group) => group.values[state.metric]) };
    // ... and where the runs are chosen the metric does, to another of its kind if there is one.
    const here = metrics.filter((metric) => measured(state.at, metric.key));
    const kin = here.find((metric) => metric.term === metricOf(state).term) ?? here[0];
    return kin ? { ...state, metric: kin.key } : state;
  }

  /** The values of a facet that have runs while the others stay; the other settings follow. */
  function reachable(state, facet) {
    const others = state.at.map((value, i) =>
      i === facet || facets[i].key === "others" ? null : value,
    );
    return new Set(groups.filter((group) => fits(group, others)).map((group) => group.at[facet]));
  }

  // The address

  function toAddress(state) {
    const usual = start();
    const words = new URLSearchParams();
    if (state.tab !== usual.tab) words.set("tab", state.tab);
    if (state.metric !== usual.metric) words.set("metric", state.metric);
    state.at.forEach((value, i) => {
      if (value !== usual.at[i])
        words.set(facets[i].key, value === null ? "*" : facets[i].values[value]);
    });
    state.without.forEach((name) => words.append("without", name));
    if (state.base !== null) words.set("baseline", state.base);
    if (state.sort) words.set("sort", `${state.sort.down ? "-" : ""}${state.sort.column}`);
    if (state.find) words.set("find", state.find);
    return words.toString();
  }

  /** The state that an address says; what it names that is not there is left out. */
  function fromAddress(address) {
    const words = new URLSearchParams(address.replace(/^#/, ""));
    const state = start();
    if (tabs.includes(words.get("tab"))) state.tab = words.get("tab");
    if (metrics.some((metric) => metric.key === words.get("metric")))
      state.metric = words.get("metric");
    facets.forEach((facet, i) => {
      const value = words.get(facet.key);
      const index = facet.values.indexOf(value);
      if (value === "*" && facet.comparable) state.at = moved(state.at, i, null);
      else if (index >= 0) state.at = moved(state.at, i, index);
    });
    if (!words.has("metric")) state.metric = settled(state, false).metric;
    state.without = words.getAll("without").filter((name) => names(state).includes(name));
    if (rows(state).some((row) => row.label === words.get("baseline")))
      state.base = words.get("baseline");
    const sort = /^(-?)([a-z]+)$/.exec(words.get("sort") ?? "");
    if (sort) state.sort = { column: sort[2], down: sort[1] === "-" };
    state.find = words.get("find") ?? "";
    return state;
  }

  // What is shown

  /** The rows, the best first and then those that cannot be ranked, with all that is said of each. */
  function view(state) {
    const metric = metricOf(state);
    const chosen = rows(state).filter((row) => row.values[metric.key] || row.outcome);
    const ranked = statistics.ranking(chosen, metric);
    const { standings } = ranked;
    const base = standings.find((row) => row.label === state.base) ?? standings[0] ?? null;
    const relative = state.base !== null && base?.label === state.base;
    const others = chosen.filter((row) => !standings.includes(row));
    const shown = [...standings, ...others].map((row) =>
      shownRow(row, base, ranked, metric, relative),
    );
    return { metric, base, relative, ranked, rows: shown, headline: headline(ranked, metric) };
  }

  function shownRow(row, base, ranked, metric, relative) {
    const known = row.values[metric.key];
    const scaled = (value) => (value === null || value === undefined ? null : value * metric.scale);
    const runs = row.seeds.map((seed, i) => [seed, scaled(known?.by_run[i])]);
    const line = {
      row,
      runs: runs.filter(([, value]) => value !== null),
      middle: known?.complete ? scaled(known.middle) : null,
      interval:
        known?.complete && known.low !== null ? [scaled(known.low), scaled(known.high)] : null,
      shown: known?.shown ?? wording.NOT_MEASURED,
      beside: "",
      p: "",
      verdict: "",
      evidence: "",
    };
    if (row === base)
      return { ...line, ...(relative ? onItself(line, metric) : {}), beside: "baseline" };
    if (base === null || !known?.complete) return { ...line, ...(relative ? NOTHING : {}) };
    if (metric.beside === "difference") return beside(line, base, metric, relative);
    const judged = statistics.between(ranked, row, base);
    if (!judged) return { ...line, ...(relative ? NOTHING : {}), beside: "no seed in common" };
    const bySeed = new Map(base.seeds.map((seed, i) => [seed, base.values[metric.key].by_run[i]]));
    const ratios = row.seeds.map((seed, i) => [seed, known.by_run[i] / bySeed.get(seed)]);
    return {
      ...line,
      ...(relative && {
        middle: judged.paired.ratio,
        interval: judged.paired.interval,
        runs: ratios.filter(([, ratio]) => Number.isFinite(ratio)),
      }),
      beside: wording.estimate(judged.paired.ratio, judged.paired.interval),
      p: wording.pValue(judged.p),
      verdict: wording.verdict(judged, metric.higher, metric.lower),
      evidence: wording.evidence(judged),
    };
  }

  const NOTHING = { middle: null, interval: null, runs: [] };

  function onItself(line, metric) {
    const itself = metric.beside === "difference" ? 0 : 1;
    return { middle: itself, interval: null, runs: line.runs.map(([seed]) => [seed, itself]) };
  }

  function beside(line, base, metric, relative) {
    const found = statistics.difference(line.row, base, metric.key);
    if (!found) return { ...line, ...(relative ? NOTHING : {}), beside: "no seed in common" };
    const bySeed = new Map(base.seeds.map((seed, i) => [seed, base.values[metric.key].by_run[i]]));
    const values = line.row.seeds.map((seed, i) => [
      seed,
      (line.row.values[metric.key].by_run[i] - bySeed.get(seed)) * metric.scale,
    ]);
    return {
      ...line,
      ...(relative && {
        middle: found.mean * metric.scale,
        interval: found.interval?.map((end) => end * metric.scale) ?? null,
        runs: values.filter(([, value]) => Number.isFinite(value)),
      }),
      beside: wording.points(found.mean, found.interval),
    };
  }

  /** What is found, in one line: the winner and by how much, or that there is none. */
  function headline(ranked, metric) {
    const [best, next] = ranked.standings;
    if (!best) return `${metric.label}: nothing to rank here`;
    const label = best.label;
    if (!next) return `${label}: ${best.values[metric.key].shown} ${metric.unit}`;
    if (metric.beside === "difference")
      return `${metric.label}: ${label} has the highest mean, ${best.values[metric.key].shown}`;
    const wanted = metric.best === "highest" ? "higher" : "lower";
    const rivals = ranked.standings.slice(1).filter((other) => {
      return statistics.between(ranked, best, other)?.outcome !== wanted;
    });
    if (rivals.length)
      return `Undecided: ${label} and ${rivals[0].label}${
        rivals.length > 1 ? ` and ${rivals.length - 1} more` : ""
      } cannot be told apart`;
    const { ratio } = statistics.between(ranked, best, next).paired;
    return metric.best === "highest"
      ? `${label} is first, ${wording.number(ratio)} times the next, ${next.label}`
      : `${label} is first, with ${wording.number(ratio)} of the next, ${next.label}`;
  }

  return { start, rows, names, moved, settled, reachable, toAddress, fromAddress, view, metricOf };
})(glyphbench.content.results, glyphbench.statistics, glyphbench.wording, glyphbench.tabs.keys);
