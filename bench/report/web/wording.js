// How numbers, names, conditions and verdicts are said: bench/report/wording.py again, for what the
// page computes.
"use strict";

glyphbench.wording = ((significance, known) => {
  const NOT_MEASURED = "not measured";

  /** Python's f"{round(value, decimals):,.{decimals}f}": exact, halves to the even digit. */
  function rounded(value, decimals) {
    const [whole, part] = Math.abs(value).toFixed(100).split(".");
    const digits = whole.padStart(25, "0") + part;
    const cut = 25 + decimals; // digits that stay
    const rest = digits.slice(cut);
    let kept = BigInt(digits.slice(0, cut));
    const half = "5".padEnd(rest.length, "0");
    if (rest > half || (rest === half && kept % 2n === 1n)) kept += 1n;
    const text = decimals < 0 && kept ? kept + "0".repeat(-decimals) : String(kept);
    const shown = Math.max(decimals, 0);
    const padded = text.padStart(shown + 1, "0");
    const before = padded.slice(0, padded.length - shown).replace(/\B(?=(\d{3})+$)/g, ",");
    const sign = value < 0 || Object.is(value, -0) ? "-" : "";
    return sign + before + (shown ? `.${padded.slice(padded.length - shown)}` : "");
  }

  function decimalsOf(value, digits) {
    return value ? digits - 1 - Math.floor(Math.log10(Math.abs(value))) : 0;
  }

  function decimalsToShow(value, spread) {
    const decimals = decimalsOf(value, 3);
    if (!spread) return decimals;
    return Math.min(Math.max(decimals, decimalsOf(spread, 1)), decimalsOf(value, 5));
  }

  /** So many significant digits, thousands apart: 12,300 or 0.0123. */
  function number(value, digits = 3) {
    if (value === 0 || !Number.isFinite(value)) return String(value);
    return rounded(value, decimalsOf(value, digits));
  }

  const percent = (fraction, decimals) => `${rounded(100 * fraction, decimals)} %`;

  function ends([low, high], decimals, scale = 1) {
    return `${rounded(low * scale, decimals)} to ${rounded(high * scale, decimals)}`;
  }

  /** Python's shortest 1e-07, or with so many digits after the point 1.2e-07. */
  function exponential(value, digits) {
    const [digit, power] = value.toExponential(digits).split("e");
    return `${digit}e${power[0]}${power.slice(1).padStart(2, "0")}`;
  }

  /** 'mean ± standard deviation (n)', of one value the value alone. */
  function spread(values, scale = 1, decimals = null) {
    const n = values.length;
    if (!n) return NOT_MEASURED;
    const mean = values.reduce((total, value) => total + value, 0) / n;
    const squares = values.reduce((total, value) => total + (value - mean) ** 2, 0);
    const deviation = n > 1 ? Math.sqrt(squares / (n - 1)) * scale : null;
    const digits = decimals ?? decimalsToShow(mean * scale, deviation);
    const shown = rounded(mean * scale, digits);
    return deviation === null ? shown : `${shown} ± ${rounded(deviation, digits)} (${n})`;
  }

  /** Of times to a target: the median with its interval, and the misses counted. */
  function timeToTarget({ times, censored }, middle) {
    const n = times.length + censored.length;
    const missed = censored.length ? `not reached in ${censored.length} of ${n}` : "";
    if (!times.length) return n === 1 ? "not reached" : missed;
    if (middle.time === null) return `${missed}; the soonest ${number(Math.min(...times))}`;
    const high = middle.high === null ? "∞" : number(middle.high);
    const interval = middle.low === null ? "" : ` [${number(middle.low)} to ${high}]`;
    return [`${number(middle.time)}${interval}`, missed].filter(Boolean).join("; ");
  }

  function estimateDecimals(value, interval) {
    return decimalsToShow(value, interval ? Math.abs(interval[1] - interval[0]) / 2 : null);
  }

  /** 'value [low to high]'; the sign follows the value. */
  function estimate(value, interval, sign = "") {
    const decimals = estimateDecimals(value, interval);
    const shown = rounded(value, decimals) + sign;
    return interval ? `${shown} [${ends(interval, decimals)}]` : shown;
  }

  /** A difference of accuracies in points: '+0.12 [-0.05 to 0.30]'. */
  function points(value, interval) {
    const shown = `${value > 0 ? "+" : ""}${rounded(100 * value, 2)}`;
    return interval ? `${shown} [${ends(interval, 2, 100)}]` : shown;
  }

  function pValue(p) {
    if (p === null) return NOT_MEASURED;
    return p < 0.001 ? "< 0.001" : rounded(p, p < 0.1 ? 3 : 2);
  }

  /** What may be said of the first beside the second, and why no more. */
  function verdict(judged, better, worse) {
    const floor = `the noise floor of ${percent(judged.floor ?? 0, 1)}`;
    if (judged.disturbed) return "undecided: disturbed";
    if (judged.outcome === "tie") return `tie: the whole interval lies within ${floor}`;
    if (judged.outcome !== "undecided") return judged.outcome === "higher" ? better : worse;
    const interval = judged.paired.interval;
    if (interval === null) return "undecided: one pair";
    if (interval[0] <= 1 && 1 <= interval[1]) return "not significant: the interval includes 1";
    if (judged.p === null || judged.p >= significance)
      return "not significant: p is not below 0.05 after Holm's correction";
    return `undecided: below ${floor}, but the interval reaches beyond it`;
  }

  /** Python's f"{value:g}", of numbers that need no more than six digits. */
  const general = (value) =>
    value !== 0 && Math.abs(value) < 1e-4
      ? exponential(Number(value.toPrecision(6)))
      : String(Number(value.toPrecision(6)));

  const counted = (amount, noun) => `${general(amount)} ${noun}${amount === 1 ? "" : "s"}`;

  const allOr = (part, whole) =>
    part === whole && whole > 1 ? `all ${whole}` : `${part} of ${whole}`;

  // Names and conditions

  const framework = (experiment) => `${experiment.framework} ${experiment.execution}`;

  // Words of other people's files are looked up: "constructor" is a property of every object
  const labels = new Map(Object.entries(known.labels));
  const devices = new Map(Object.entries(known.devices));

  const architecture = (name) => labels.get(name) ?? name.toUpperCase();

  function device(name) {
    const [kind, which] = name.split(":");
    const label = devices.get(kind) ?? kind.toUpperCase();
    return which ? `${label} ${which}` : label;
  }

  const images = (data) => `${data.task} (${data.source}${data.drawn ? ", drawn" : ""})`;

  const subject = (experiment, data) =>
    `${architecture(experiment.architecture)} on ${images(data)}`;

  const versions = (packages) =>
    Object.entries(packages)
      .map(([name, version]) => `${name} ${version}`)
      .join(", ") || "unknown";

  const machine = (host) =>
    `${host.cpu}, ${host.cores} cores, ${host.memory_gib} GiB memory, ${host.system}`;

  function gpu(card) {
    const memory =
      card.memory_bytes === null ? "" : `, ${rounded(card.memory_bytes / 2 ** 30, 0)} GiB`;
    return `${card.name}${memory}, driver ${card.driver}`;
  }

  const CONDITIONS = {
    device: ({ device: name }) => device(name),
    goal: ({ goal }) => (goal === "throughput" ? "training steps only" : ""),
    batch_size: ({ batch_size }) => `batch size ${rounded(batch_size, 0)}`,
    epochs: ({ epochs }) => counted(epochs, "epoch"),
    evaluations_per_epoch: ({ goal, evaluations_per_epoch: times }) =>
      goal === "train" ? `${counted(times, "evaluation")} an epoch` : "",
    optimizer: ({ optimizer }) => ({ sgd: "SGD", adam: "Adam" })[optimizer],
    learning_rate: ({ learning_rate }) => `learning rate ${general(learning_rate)}`,
    momentum: ({ optimizer, momentum }) =>
      optimizer === "sgd" ? `momentum ${general(momentum)}` : "",
    adam_epsilon: ({ optimizer, adam_epsilon }) =>
      optimizer === "adam" ? `ε ${general(adam_epsilon)}` : "",
    dropout: ({ dropout }) => (dropout ? "" : "no dropout"),
    threads: ({ threads }) => (threads === null ? "" : counted(threads, "thread")),
    replicas: ({ replicas }) => (replicas === 1 ? "" : counted(replicas, "replica")),
    validation_share: ({ validation_share: share }) =>
      share === null ? "" : `${rounded(100 * share, 0)}% of the training images for validation`,
    augmentation: ({ augmentation }) => (augmentation ? "augmented" : ""),
    training_accuracy: () => "", // read off the clock: it changes nothing
    native: ({ native }) => (native.length ? `own ${native.join(" and ")}` : "matched"),
  };

  /** The named fields of an experiment in words; those that have no effect on it are left out. */
  const conditions = (experiment, fields) =>
    fields
      .map((name) => CONDITIONS[name]?.(experiment) ?? String(experiment[name]))
      .filter(Boolean)
      .join(", ");

  /** ``conditions`` beside experiments that differ in these fields: what is off is said too. */
  function apart(experiment, fields) {
    const off = [
      ...(fields.includes("augmentation") && !experiment.augmentation ? ["not augmented"] : []),
      ...(fields.includes("dropout") && experiment.dropout ? ["dropout"] : []),
    ];
    return [conditions(experiment, fields), ...off].filter(Boolean).join(", ");
  }

  /** What runs are of, and on what: bench.report.comparison.Comparison.heading. */
  function heading(experiment, data, fields) {
    const unusual = known.unusual.filter(
      (name) => JSON.stringify(experiment[name]) !== JSON.stringify(known.usual[name]),
    );
    const told = conditions(experiment, ["device", "batch_size", "goal", ...unusual]);
    const parts = [subject(experiment, data), told, apart(experiment, fields)];
    return parts.filter(Boolean).join(", ");
  }

  /** What a verdict rests on: interval, pairs, and how many it was corrected for. */
  function evidence(judged) {
    const { ratio, interval, n } = judged.paired;
    if (interval === null) return "1 paired seed";
    const p = pValue(judged.p);
    const parts = [
      `95 % interval ${ends(interval, estimateDecimals(ratio, interval))}`,
      counted(n, "paired seed"),
      p.startsWith("<") ? `p ${p}` : `p = ${p}`,
    ];
    if (judged.family > 1) parts.push(`Holm-corrected over ${judged.family} pairs`);
    return parts.join(", ");
  }

  return {
    NOT_MEASURED,
    rounded,
    number,
    percent,
    estimate,
    points,
    pValue,
    verdict,
    evidence,
    counted,
    allOr,
    exponential,
    spread,
    timeToTarget,
    framework,
    architecture,
    device,
    images,
    subject,
    versions,
    machine,
    gpu,
    conditions,
    heading,
  };
})(glyphbench.content.results.constants.significance, glyphbench.content.class);
