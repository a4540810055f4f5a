// What bench/stats/runs.py, survival.py and bench/report/web/data.py make of records, again: of the
// runs of a file that the reader drops on the page. A group here is bench.stats.runs.Replicates.
"use strict";

glyphbench.runs = ((known, statistics, wording) => {
  const GIB = 2 ** 30;
  const DEFAULTS = known.schema.$defs.Experiment.properties;
  const total = (parts, name) => parts.reduce((sum, part) => sum + part[name], 0);

  // Groups

  /** A machine as far as runs can be compared on it. */
  const host = ({ cpu, cores, memory_bytes, system }) => ({
    cpu,
    cores,
    memory_gib: Math.round(memory_bytes / GIB),
    system,
  });

  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

  /** Below 0, 0 or above: values as Python orders them, None after all others. */
  function order(one, other) {
    if (Array.isArray(one)) {
      const places = one.map((each, i) => (i < other.length ? order(each, other[i]) : 1));
      return places.find((place) => place) ?? one.length - other.length;
    }
    if (one === null || other === null) return (one === null) - (other === null);
    return one < other ? -1 : Number(one > other);
  }

  /** The values of these fields; what stands in the page has no field that is as it is by default. */
  const fieldsOf = (experiment, names) =>
    names.map((name) => experiment[name] ?? DEFAULTS[name]?.default ?? null);

  const disturbed = ({ measurement }) => {
    const gpu = measurement?.gpu;
    const throttled = gpu?.samples ? gpu.throttled / gpu.samples : 0;
    return Math.max(measurement?.others_share ?? 0, throttled) > known.disturbed;
  };

  /** The runs of a shared file in groups that differ in their seed alone, by their experiments. */
  function replicates({ records, audit, certificates }) {
    const groups = new Map();
    const failed = (record) => record.status !== "ok";
    for (const record of [...records].sort((a, b) => failed(a) - failed(b))) {
      const { machine, versions } = record;
      const gpus = machine.gpus.map((gpu) => gpu.name);
      const kin = JSON.stringify([record.experiment, record.data.fingerprint, host(machine), gpus]);
      const own = kin + JSON.stringify(Object.entries(versions).sort(order));
      const found = failed(record) && [...groups.keys()].find((key) => key.startsWith(kin));
      const key = found || own;
      groups.set(key, [...(groups.get(key) ?? []), record]);
    }
    return [...groups.values()]
      .map((members) => group(members, audit, certificates))
      .sort((a, b) =>
        order(fieldsOf(a.experiment, known.fields), fieldsOf(b.experiment, known.fields)),
      );
  }

  function group(members, audit, certificates) {
    const records = members.sort((a, b) => order([a.seed, a.run_id], [b.seed, b.run_id]));
    const measured = records.filter((record) => record.status === "ok");
    const { experiment, data, machine } = records[0];
    const made = {
      experiment,
      data,
      host: host(machine),
      gpus: machine.gpus,
      records,
      measured,
      seeds: measured.map((record) => record.seed),
      versions: (measured[0] ?? records[0]).versions,
      disturbed: measured.some(disturbed),
    };
    return {
      ...made,
      noise_floor: noiseFloor(made, audit),
      certificate: certificates.find((each) => covers(each, made)) ?? null,
    };
  }

  /** How far an experiment may be from itself: the audit's, of the same machine and device. */
  function noiseFloor(made, audit) {
    if (!audit || !same(host(audit.machine), made.host)) return null;
    const arms = [audit.arms, ...audit.elsewhere]
      .filter(Boolean)
      .find((each) => each.experiment.device === made.experiment.device);
    if (!arms?.a_s.length) return null;
    const interval = statistics.ofRatio(arms.same_s.map((second, i) => second / arms.a_s[i]));
    return interval && Math.max(...interval.map((end) => Math.max(end, 1 / end))) - 1;
  }

  function covers(certificate, { experiment, versions }) {
    const axes = "framework execution architecture device precision threads replicas".split(" ");
    return (
      same(fieldsOf(certificate, axes), fieldsOf(experiment, axes)) &&
      same(
        Object.entries(certificate.versions).sort(order),
        Object.entries(versions).sort(order),
      ) &&
      !experiment.native.length
    );
  }

  /** Whether the work is shown to be equal: bench.report.trust.work. */
  function work({ experiment, certificate }) {
    if (experiment.native.length)
      return `not matched: left to the framework: ${experiment.native.join(", ")}`;
    if (!known.compared.includes(experiment.architecture))
      return "no other framework has this network";
    if (!certificate) return "not matched: certificate missing";
    const failing = certificate.checks.filter((each) => !(each.deviation <= each.tolerance));
    if (certificate.failure !== null)
      return `not matched: could not be checked: ${certificate.failure}`;
    if (!certificate.checks.length) return "not matched: nothing was checked";
    if (!failing.length) return "matched";
    const excess = ({ deviation, tolerance }) => deviation / tolerance;
    const worst = failing.reduce((a, b) => (excess(b) > excess(a) ? b : a));
    const more =
      failing.length > 1 ? `, and ${wording.counted(failing.length - 1, "more check")}` : "";
    const [found, allowed] = [worst.deviation, worst.tolerance].map((v) =>
      wording.exponential(v, 1),
    );
    return `not matched: ${worst.quantity} deviate by ${found}, tolerance ${allowed}${more}`;
  }

  function outcome({ records, measured }) {
    if (measured.length === records.length) return String(records.length);
    const failed = records.filter((record) => record.status !== "ok");
    const reasons = [...new Set(failed.map((record) => record.status))].join("; ");
    return `${measured.length} of ${records.length}; ${reasons}`;
  }

  // One run that ended well; null: it was not measured

  function throughput({ segments, sustained }) {
    const parts = sustained ? [sustained] : segments;
    const seconds = total(parts, "train_s");
    return seconds > 0 ? total(parts, "images") / seconds : null;
  }

  const startUp = ({ phases }) =>
    known.start_up.reduce((sum, name) => sum + (phases[name] ?? 0), 0);

  const accuracy = ({ test }) => (test?.images ? test.correct / test.images : null);

  const timeTo = ({ evaluations }, target) =>
    evaluations.find((each) => each.accuracy >= target)?.train_s ?? null;

  function inference({ inference: asked }) {
    const large = asked.filter((each) => each.batch_size > 1);
    if (!large.length) return null;
    const largest = large.reduce((a, b) => (b.batch_size > a.batch_size ? b : a));
    const seconds = largest.samples_s.reduce((sum, each) => sum + each, 0);
    return seconds > 0 ? (largest.batch_size * largest.samples_s.length) / seconds : null;
  }

  /** NumPy's default percentile; null of too few samples. */
  function latency({ inference: asked }, fraction) {
    const samples = asked
      .filter((each) => each.batch_size === 1)
      .flatMap((each) => each.samples_s)
      .sort((a, b) => a - b);
    if (!samples.length || samples.length * (1 - fraction) < 1 - 1e-9) return null;
    const place = (samples.length - 1) * fraction;
    const below = Math.floor(place);
    const above = Math.min(below + 1, samples.length - 1);
    return samples[below] + (samples[above] - samples[below]) * (place - below);
  }

  const energy = ({ energy: read }) =>
    read && read.joules !== null && read.images ? read.joules / read.images : null;

  const STATISTICS = {
    throughput,
    "start-up": startUp,
    accuracy,
    inference,
    "process memory": (measurement) => measurement.peak_process_memory_bytes,
    "device memory": (measurement) => measurement.peak_device_memory_bytes,
    energy,
    ...Object.fromEntries(
      Object.entries(known.latency).map(([name, fraction]) => [
        `latency ${name}`,
        (measurement) => latency(measurement, fraction),
      ]),
    ),
  };

  // A metric of data.py over the runs of a group

  /** What data.py's ``values`` gives; null where none of the runs has to do with it. */
  function values(metric, made) {
    if (metric.target !== null)
      return metric.key.startsWith("time") ? ofTarget(metric.target, made) : null;
    const byRun = made.measured.map(({ measurement }) => STATISTICS[metric.key](measurement));
    const found = byRun.filter((value) => value !== null);
    if (!found.length) return null;
    const positive = Math.min(...found) > 0;
    const of =
      metric.beside === "difference" ? wilsonOf : positive ? geometric : () => [null, null];
    const [middle, interval] = of(found, made);
    return {
      by_run: byRun,
      complete: found.length === byRun.length && middle !== null,
      middle,
      low: interval?.[0] ?? null,
      high: interval?.[1] ?? null,
      shown: wording.spread(found, metric.scale, metric.decimals),
    };
  }

  const mean = (numbers) => numbers.reduce((sum, each) => sum + each, 0) / numbers.length;

  const geometric = (found) => [Math.exp(mean(found.map(Math.log))), statistics.ofRatio(found)];

  /** The mean accuracy with Wilson's interval for the number of test images. */
  function wilsonOf(found, made) {
    const [share, n, z] = [mean(found), made.data.test_images, known.student_quantile];
    if (n < 1) return [share, null];
    const scale = 1 + (z * z) / n;
    const centre = (share + (z * z) / (2 * n)) / scale;
    const reach = (z / scale) * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n));
    return [share, [Math.max(centre - reach, 0), Math.min(centre + reach, 1)]];
  }

  function ofTarget(target, made) {
    const observed = observedOf(made, target);
    const { times, censored } = observed;
    if (!made.experiment.targets.includes(target) || !(times.length + censored.length)) return null;
    const byRun = made.measured.map(({ measurement }) => timeTo(measurement, target));
    const complete = times.length > 0 && !censored.length && !byRun.includes(null);
    const interval = complete ? statistics.ofRatio(byRun) : null;
    return {
      by_run: byRun,
      complete,
      middle: complete ? geometric(byRun)[0] : null,
      low: interval?.[0] ?? null,
      high: interval?.[1] ?? null,
      shown: wording.timeToTarget(observed, median(observed)),
    };
  }

  // Times to a target, in which misses count: bench.stats.survival

  function observedOf({ records, measured }, target) {
    const evaluated = measured
      .map((each) => each.measurement)
      .filter((each) => each.evaluations.length);
    const times = evaluated.map((each) => timeTo(each, target)).filter((time) => time !== null);
    const slowest = Math.max(0, ...times);
    const missed = evaluated
      .filter((each) => timeTo(each, target) === null)
      .map((each) => Math.max(each.evaluations.at(-1).train_s, slowest));
    const hopeless = records.filter(({ status }) => ["diverged", "timed out"].includes(status));
    return { times, censored: [...missed, ...hopeless.map(() => Infinity)] };
  }

  /** Kaplan and Meier's median, with Brookmeyer and Crowley's interval on the log(-log) scale. */
  function median({ times, censored }) {
    if (!times.length) return { time: null, low: null, high: null };
    const last = Math.max(...times);
    const ends = [
      ...times.map((time) => [time, 1]),
      ...censored.map((time) => [Math.min(time, last), 0]),
    ].sort((a, b) => a[0] - b[0]);
    let [surviving, variance] = [1, 0];
    const found = { time: null, low: null, high: null };
    for (let i = 0; i < ends.length;) {
      const [time] = ends[i];
      const atRisk = ends.length - i;
      let deaths = 0;
      for (; i < ends.length && ends[i][0] === time; i++) deaths += ends[i][1];
      surviving *= (atRisk - deaths) / atRisk;
      variance += deaths / (atRisk * (atRisk - deaths));
      const error = known.student_quantile * Math.sqrt((1 / Math.log(surviving) ** 2) * variance);
      const point = Math.log(-Math.log(surviving));
      const [low, high] = [error, -error].map((off) => Math.exp(-Math.exp(point + off)));
      if (surviving <= 0.5 + 1e-9) found.time ??= time;
      if (low <= 0.5) found.low ??= time;
      if (high <= 0.5) found.high ??= time;
    }
    return found;
  }

  /** A group as a row of the page; ``at``: the index of its value in each facet. */
  function row(made, metrics, at) {
    const { experiment, seeds, noise_floor } = made;
    const name = wording.framework(experiment);
    const [colour, outline, shape] = known.looks[name] ?? ["#808080", "#808080", "circle"];
    const valued = metrics.map((metric) => [metric.key, values(metric, made)]);
    return {
      name,
      versions: wording.versions(made.versions),
      colour,
      outline,
      shape,
      at,
      seeds,
      noise_floor,
      disturbed: made.disturbed,
      outcome: outcome(made),
      work: work(made),
      values: Object.fromEntries(valued.filter(([, value]) => value)),
      experiment,
      fingerprint: made.data.fingerprint,
    };
  }

  return {
    STATISTICS,
    replicates,
    row,
    values,
    order,
    same,
    host,
    disturbed,
    throughput,
    fieldsOf,
  };
})(glyphbench.content.class, glyphbench.statistics, glyphbench.wording);
