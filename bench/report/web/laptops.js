// bench/report/classroom/laptops.py and page.py, again: the machines of several shared files, each
// beside its own PyTorch, and which of them are odd, and why. Machines are never put together.
"use strict";

glyphbench.laptops = ((known, runs, statistics, wording) => {
  const BASELINE = known.baseline.join(" ");
  const FRAMEWORKS = new Set(Object.keys(known.looks).map((name) => name.split(" ")[0]));
  const { number, counted, allOr, percent } = wording;

  function median(values) {
    const sorted = [...values].sort((a, b) => a - b);
    const half = sorted.length >> 1;
    return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }

  /** Put what has the same key together, in the order in which the keys come. */
  function grouped(values, keyOf) {
    const found = new Map();
    for (const value of values) {
      const key = keyOf(value);
      if (!found.has(key)) found.set(key, []);
      found.get(key).push(value);
    }
    return found;
  }

  // The laptops

  /** Files without those that hold runs of a larger one, and a sentence for each that is left out. */
  function eachOnce(files) {
    const owner = new Map();
    const leftOut = [];
    const larger = (a, b) => runs.order([-a.records.length, a.name], [-b.records.length, b.name]);
    const kept = [...files].sort(larger).filter((file) => {
      const ids = file.records.map((r) => JSON.stringify([r.run_id, r.started_at, r.wall_s]));
      const earlier = ids.map((id) => owner.get(id)).find(Boolean);
      if (earlier) leftOut.push(`${file.name}: the same runs as in ${earlier}, of the same laptop`);
      else ids.forEach((id) => owner.set(id, file.name));
      return !earlier;
    });
    return { kept, leftOut };
  }

  /** Each machine of each file, in an order that tells nothing of the files' names. */
  function laptops(files) {
    const machines = files.flatMap((file) => {
      const usable = file.records.filter((each) => FRAMEWORKS.has(each.experiment.framework));
      const byHost = grouped(usable, (each) => JSON.stringify(runs.host(each.machine)));
      return [...byHost.values()].map((records) => ({ file, records }));
    });
    const place = ({ records }) => {
      const { cpu, cores, memory_gib, system } = runs.host(records[0].machine);
      const begun = records.map((each) => each.started_at).sort();
      return [cpu, cores, memory_gib, system, begun[0]];
    };
    return machines.sort((a, b) => runs.order(place(a), place(b))).map(laptop);
  }

  function laptop({ file, records }, place) {
    const groups = runs.replicates({ ...file, records });
    const floors = groups
      .map((group) => [group.experiment.device, group.noise_floor])
      .filter(([, floor]) => floor !== null);
    const measured = groups.flatMap((group) => group.measured);
    const { host } = groups[0];
    return {
      letter: letter(place),
      name: `${letter(place)} (${host.cpu}, ${counted(host.cores, "core")})`,
      file: file.name,
      host,
      gpus: groups[0].gpus.map((gpu) => gpu.name).join("; "),
      groups,
      measured,
      disturbed: measured.filter(runs.disturbed).length,
      noiseFloors: new Map(floors),
      facts: new Map(),
    };
  }

  /** A, B, ... Z, AA, AB and so on, of 0, 1 and so on. */
  function letter(place) {
    const before = Math.floor(place / 26);
    return (before ? letter(before - 1) : "") + String.fromCharCode(65 + (place % 26));
  }

  // Their ratios

  /** What was run on the laptops, first what most of them ran; without PyTorch there is none. */
  function subjects(class_) {
    const conditions = new Map();
    for (const one of class_) {
      const comparisons = grouped(one.groups, conditionOf);
      const experiments = [...comparisons.values()].map(([first]) => first.experiment);
      for (const [condition, groups] of comparisons) {
        const measured = groups.filter((group) => group.measured.length);
        const baseline = measured.find((group) => contender(group.experiment) === BASELINE);
        if (!baseline) continue;
        const { experiment, data } = groups[0];
        const heading = wording.heading(experiment, data, apart(experiment, experiments));
        if (!conditions.has(condition)) conditions.set(condition, []);
        conditions
          .get(condition)
          .push({ laptop: one, experiment, data, heading, measured, baseline });
      }
    }
    const places = Object.keys(known.labels);
    const place = ({ experiment, heading, laptops: all, ratios }) => [
      -all.size,
      experiment.goal !== "train",
      -ratios.size,
      experiment.task,
      places.includes(experiment.architecture)
        ? places.indexOf(experiment.architecture)
        : places.length,
      heading,
    ];
    return [...conditions.values()]
      .map(subject)
      .filter((each) => each.ratios.size)
      .sort((a, b) => runs.order(place(a), place(b)));
  }

  const contender = (experiment) => wording.framework(experiment);

  const conditionOf = ({ experiment, data }) =>
    JSON.stringify([experiment.goal, ...runs.fieldsOf(experiment, known.held), data.fingerprint]);

  /** The fields that tell a comparison from those of its laptop whose headings would be alike. */
  function apart(experiment, others) {
    const usual = ["task", "source", "architecture", "device", "batch_size", "goal"];
    const keyOf = (each, names) => JSON.stringify(runs.fieldsOf(each, names));
    const alike = others.filter(
      (other) =>
        keyOf(other, [...usual, ...known.unusual]) ===
        keyOf(experiment, [...usual, ...known.unusual]),
    );
    return known.held.filter((name) => new Set(alike.map((each) => keyOf(each, [name]))).size > 1);
  }

  /** As ``statistics`` takes a row. */
  const rated = ({ seeds, measured }) => ({
    seeds,
    values: { throughput: { by_run: measured.map((each) => runs.throughput(each.measurement)) } },
  });

  function subject(entries) {
    const ratios = new Map();
    for (const { laptop: one, measured, baseline } of entries)
      for (const group of measured) {
        const name = contender(group.experiment);
        const paired = statistics.compare(rated(group), rated(baseline), "throughput");
        if (name === BASELINE || !paired) continue;
        if (!ratios.has(name)) ratios.set(name, []);
        const found = ratios.get(name);
        if (!found.some((ratio) => ratio.laptop === one))
          found.push({ laptop: one, contender: name, group, baseline, paired, z: null });
      }
    const { experiment, data, heading } = entries[0];
    const scored = new Map([...ratios].map(([name, found]) => [name, score(found)]));
    const middle = (name) => median(scored.get(name).map((ratio) => ratio.paired.ratio));
    return {
      experiment,
      data,
      heading,
      laptops: new Map(entries.map((entry) => [entry.laptop.letter, entry.baseline])),
      ratios: scored,
      median: middle,
      fastestFirst: [...scored.keys()].sort((a, b) => middle(b) - middle(a)),
    };
  }

  /** With how far each is from the class's median, where there are enough. */
  function score(ratios) {
    if (ratios.length < known.fewest) return ratios;
    const logs = ratios.map((ratio) => Math.log(ratio.paired.ratio));
    const middle = median(logs);
    const scores = modifiedZ(logs);
    return ratios.map((ratio, i) => {
      const floor = floorOf(ratio) ?? 0;
      const near = Math.log(Math.max(1 + floor, known.smallest));
      return { ...ratio, z: Math.abs(logs[i] - middle) > near ? scores[i] : 0 };
    });
  }

  const floorOf = ({ laptop: one, group }) => one.noiseFloors.get(group.experiment.device) ?? null;

  const isOdd = ({ z }) => z !== null && Math.abs(z) > known.outlying;

  /** Iglewicz and Hoaglin (1993): bench.stats.uncertainty.modified_z. */
  function modifiedZ(values) {
    const middle = median(values);
    const away = values.map((value) => value - middle);
    const distances = away.map(Math.abs);
    const mean = distances.reduce((sum, each) => sum + each, 0) / distances.length;
    const deviation = median(distances) / known.quartile || mean * Math.sqrt(Math.PI / 2);
    return deviation ? away.map((each) => each / deviation) : away;
  }

  function outcomeOf(ratio) {
    const { group, baseline, paired } = ratio;
    if (group.disturbed || baseline.disturbed) return "undecided";
    return statistics.outcome(paired, paired.p, floorOf(ratio));
  }

  // Who is odd, and why

  /** Every odd laptop once, with what may explain it, in the order of the letters. */
  function oddities(class_, made) {
    const far = made.flatMap((about) =>
      [...about.ratios.values()]
        .flat()
        .filter(isOdd)
        .map((ratio) => ({ about, ratio })),
    );
    return class_.flatMap((one) => {
      const own = far.filter(({ ratio }) => ratio.laptop === one);
      if (!own.length) return [];
      const farther = (a, b) => (Math.abs(b.ratio.z) > Math.abs(a.ratio.z) ? b : a);
      const { about, ratio } = own.reduce(farther);
      return [{ ...ratio, about, others: own.length - 1, reasons: explain(class_, ratio) }];
    });
  }

  function explain(class_, ratio) {
    const reasons = [ratio.contender, BASELINE].flatMap((name) =>
      unlikeMost(class_, ratio.laptop, name),
    );
    return [...new Set([...reasons, ...unsteady(class_, ratio.laptop)])];
  }

  function unlikeMost(class_, one, name) {
    const told = class_.map((other) => factsOf(other, name));
    return [...factsOf(one, name)].flatMap(([fact, value]) => {
      const all = told.filter((facts) => facts.has(fact)).map((facts) => facts.get(fact));
      const counts = [...grouped(all, (each) => each)].map(([each, times]) => [each, times.length]);
      const [usual, count] = counts.reduce((a, b) => (b[1] > a[1] ? b : a));
      if (value === usual || 2 * count <= all.length || all.length < known.fewest) return [];
      const of = known.common.includes(fact) ? "" : ` of ${name}`;
      return [`${fact}${of}: ${value}, on most laptops ${usual}`];
    });
  }

  /** What may explain how fast a framework is on a laptop: fact -> its value, in words. */
  function factsOf(one, name) {
    if (!one.facts.has(name)) {
      const of = one.measured.filter((record) => contender(record.experiment) === name);
      const told = grouped(of.flatMap(facts), ([fact]) => fact);
      const values = [...told].map(([fact, all]) => [
        fact,
        [...new Set(all.map(([, value]) => value))].sort().join(" and "),
      ]);
      one.facts.set(name, new Map(values));
    }
    return one.facts.get(name);
  }

  function facts({ machine, settings, versions }) {
    const told = [["system", machine.system.split(" ")[0]]];
    if (/^[0-9]+$/.test(settings.threads ?? ""))
      told.push(["threads", threads(Number(settings.threads), machine.cores)]);
    for (const [setting, name] of Object.entries(known.settings))
      if (Object.hasOwn(settings, setting)) told.push([name, settings[setting]]);
    for (const [name, version] of Object.entries(versions))
      told.push([`version of ${name}`, version.split(".").slice(0, 2).join(".")]);
    return told;
  }

  function threads(many, cores) {
    if (many === cores) return "one for each processor";
    return 2 * many === cores ? "one for every two processors" : `${many} for ${cores} processors`;
  }

  function* unsteady(class_, one) {
    if (one.disturbed)
      yield `disturbed: other programs or heat held up ${one.disturbed} of its ${one.measured.length} runs`;
    for (const [device, floor] of one.noiseFloors) {
      const floors = class_
        .map((other) => other.noiseFloors.get(device))
        .filter((f) => f !== undefined);
      if (floor > known.noisy * median(floors) && floors.length >= known.fewest)
        yield `noise floor: ${percent(floor, 1)}, the class's median ${percent(median(floors), 1)}`;
    }
  }

  // In words

  /** What a subject shows, in one line: bench.report.classroom.picture.finding. */
  function title(about) {
    const [fastest] = about.fastestFirst;
    const ratios = about.ratios.get(fastest);
    const ahead = ratios.filter((ratio) => ratio.paired.ratio > 1).length;
    const [first, second] = 2 * ahead >= ratios.length ? [fastest, BASELINE] : [BASELINE, fastest];
    const most = allOr(Math.max(ahead, ratios.length - ahead), ratios.length);
    const what = wording.subject(about.experiment, about.data);
    return `${first} is ahead of ${second} on ${most} laptops: ${what}`;
  }

  function finding(about) {
    const [fastest] = about.fastestFirst;
    const ratios = about.ratios.get(fastest);
    const factors = ratios.map((ratio) => ratio.paired.ratio).sort((a, b) => a - b);
    const ahead = allOr(factors.filter((factor) => factor > 1).length, factors.length);
    return (
      `${about.heading}: beside PyTorch, ${fastest} trains at ${number(about.median(fastest))} × in ` +
      `the class's median (${number(factors[0])} to ${number(factors.at(-1))} ×), and is ahead on ` +
      `${ahead} laptops. ${shown(ratios)}`
    );
  }

  /** On how many laptops its own runs show it, which takes several seeds. */
  function shown(ratios) {
    const outcomes = ratios.filter((ratio) => ratio.paired.n > 1).map(outcomeOf);
    if (!outcomes.length)
      return "With one seed a laptop, no laptop shows it by itself: their number does.";
    const many = (wanted) => outcomes.filter((each) => each === wanted).length;
    return (
      `That it is faster is shown by the runs of ${allOr(many("higher"), outcomes.length)} by ` +
      `themselves, that it is slower by those of ${many("lower")}.`
    );
  }

  function sentence({ laptop: one, about, contender: name, paired, others, reasons }) {
    const more = others
      ? ` ${counted(others, "more ratio")} of it ${others === 1 ? "is" : "are"} odd too.`
      : "";
    const why = reasons.length
      ? `Unlike most: ${reasons.join("; ")}.`
      : "Its threads, versions and power mode are those of most: look at its cooling and power " +
        "supply, and at what else was running.";
    return (
      `${one.name} is odd: ${name} trains at ${number(paired.ratio)} × its PyTorch, the class's ` +
      `median is ${number(about.median(name))} × (${about.heading}).${more} ${why}`
    );
  }

  /** A row a laptop that ran it, the first row being the headers. */
  function table(class_, about) {
    const { device } = about.experiment;
    const rated_ = (baseline) =>
      wording.spread(baseline.measured.map((each) => runs.throughput(each.measurement)));
    const ratioOf = (one, name) => {
      const ratio = about.ratios.get(name).find((each) => each.laptop === one);
      return ratio
        ? wording.estimate(ratio.paired.ratio, ratio.paired.interval, " ×")
        : wording.NOT_MEASURED;
    };
    const floor = (one) =>
      one.noiseFloors.has(device) ? percent(one.noiseFloors.get(device), 1) : "";
    return [
      [
        ...["laptop", "processor", "cores", "GPU", `${BASELINE} (images/s)`],
        ...about.fastestFirst,
        ...["noise floor", "disturbed runs"],
      ],
      ...class_
        .filter((one) => about.laptops.has(one.letter))
        .map((one) => [
          ...[one.letter, one.host.cpu, String(one.host.cores), one.gpus],
          rated_(about.laptops.get(one.letter)),
          ...about.fastestFirst.map((name) => ratioOf(one, name)),
          ...[floor(one), `${one.disturbed} of ${one.measured.length}`],
        ]),
    ];
  }

  return { eachOnce, laptops, subjects, oddities, isOdd, median, title, finding, sentence, table };
})(glyphbench.content.class, glyphbench.runs, glyphbench.statistics, glyphbench.wording);
