// Reads the file that 'python -m bench share' writes, with the checks of bench/results/shared.py:
// its size, its checksum, the form of everything in it, and what has to fit together. What is
// refused is refused with a sentence. Texts in it are other people's: written as text alone.
"use strict";

glyphbench.shared = ((known, wording) => {
  class Refused extends Error {}
  const WORD = /^[a-z0-9]+(-[a-z0-9]+)*$/;
  const WORDS = ["task", "source", "architecture", "framework", "execution", "device"];
  const PLAIN = /^[A-Za-z0-9(][A-Za-z0-9 .,;+()@®™_-]{0,79}$/;
  const MOMENT = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/;
  const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;
  const CHECKSUM = /,\n "sha256": "([0-9a-f]{64})"\n\}\n$/;
  const AT_THE_END = 100; // bytes among which a checksum begins
  const MIB = 2 ** 20;

  function must(holds, sentence) {
    if (!holds) throw new Refused(sentence());
  }

  // The file

  /** The runs, the audit and the certificates of a file; throws Refused with a sentence. */
  async function read(name, bytes) {
    const { most_packed_bytes, version } = known;
    must(bytes.length <= most_packed_bytes, () => `larger than ${most_packed_bytes / MIB} MiB`);
    const content = await unpacked(bytes);
    must(
      !(await isChanged(content)),
      () => "it was changed after it was written: its checksum does not fit",
    );
    const json = parsed(content, "the file that 'python -m bench share' writes");
    must(
      Number.isInteger(json?.schema_version),
      () => "not a shared file: it has no version; 'python -m bench share' writes one",
    );
    must(
      json.schema_version === version,
      () =>
        `version ${json.schema_version} of shared files, wanted ${version}; share the folder again with this version of the project`,
    );
    const shared = formed(json, known.schema, "a shared file");
    await check(shared);
    const records = shared.records.filter((record) => isKnown(record.data)).map(named);
    must(records.length, () => "no run in it is of a task that is known here");
    return { name, records, audit: shared.audit, certificates: shared.certificates };
  }

  async function unpacked(bytes) {
    if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes; // some browsers unpack what they fetch
    try {
      return await glyphbench.inflated(bytes, "gzip", known.most_bytes);
    } catch (error) {
      if (error instanceof RangeError)
        throw new Refused(`unpacked, larger than ${known.most_bytes / MIB} MiB`);
      throw new Refused("damaged: it cannot be unpacked, or ends too early");
    }
  }

  /** Whether a file says by its checksum that it was changed; one that has none does not. */
  async function isChanged(content) {
    const end = String.fromCharCode(...content.subarray(-2 * AT_THE_END));
    const found = CHECKSUM.exec(end);
    if (!found) return end.slice(-AT_THE_END).includes('"sha256": ');
    const body = content.subarray(0, content.length - (end.length - found.index));
    return (await sha256(body)) !== found[1];
  }

  async function sha256(bytes) {
    must(
      crypto.subtle,
      () => "this browser computes checksums only for pages from a disk or by https",
    );
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  function parsed(content, wanted) {
    try {
      return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(content));
    } catch (error) {
      throw new Refused(`no JSON (${error.message}); wanted ${wanted}`);
    }
  }

  // The form of everything in it

  const TYPES = {
    string: (value) => typeof value === "string",
    number: (value) => typeof value === "number",
    integer: (value) => Number.isSafeInteger(value),
    boolean: (value) => typeof value === "boolean",
    array: Array.isArray,
    object: (value) => value !== null && typeof value === "object" && !Array.isArray(value),
  };

  /** What a JSON Schema of msgspec's says of a value, with defaults where something is left out. */
  function formed(value, schema, what) {
    const fit = (value, part, place) => {
      if (part.$ref) return fit(value, schema.$defs[part.$ref.split("/").at(-1)], place);
      if (part.anyOf) {
        if (value === null) return null; // msgspec's unions are of one form and null
        return fit(
          value,
          part.anyOf.find((each) => each.type !== "null"),
          place,
        );
      }
      const type = part.enum ? "string" : part.type;
      const came = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
      must(TYPES[type](value), () => `not ${what}: ${place} is ${came}, wanted ${type}`);
      if (part.enum)
        must(
          part.enum.includes(value),
          () =>
            `not ${what}: ${place} is ${JSON.stringify(value.slice(0, 64))}, wanted one of ${part.enum.join(", ")}`,
        );
      if (type === "array") return fitArray(value, part, place);
      return type === "object" ? fitObject(value, part, place) : value;
    };
    const fitArray = (value, part, place) => {
      must(
        value.length >= (part.minItems ?? 0) && value.length <= (part.maxItems ?? Infinity),
        () => `not ${what}: ${place} has ${value.length} items`,
      );
      return value.map((item, i) =>
        fit(item, part.prefixItems?.[i] ?? part.items, `${place}[${i}]`),
      );
    };
    const fitObject = (value, part, place) => {
      if (part.additionalProperties)
        return Object.fromEntries(
          Object.entries(value).map(([name, each]) => [
            name,
            fit(each, part.additionalProperties, place),
          ]),
        );
      for (const name of part.required ?? [])
        must(Object.hasOwn(value, name), () => `not ${what}: ${place} lacks ${name}`);
      return Object.fromEntries(
        Object.entries(part.properties).map(([name, each]) => [
          name,
          Object.hasOwn(value, name) ? fit(value[name], each, `${place}.${name}`) : each.default,
        ]),
      );
    };
    return fit(value, schema, "it");
  }

  /** Every number is 0 or one that sums and ratios can be made of; every text can be printed. */
  function sound(value, place) {
    if (typeof value === "number")
      must(
        value === 0 || (value >= 1 / known.most && value <= known.most),
        () => `${place} ${value}: wanted 0, or a number from ${1 / known.most} to ${known.most}`,
      );
    else if (typeof value === "string")
      must(!UNPRINTABLE.test(value), () => `${place}: it has characters that cannot be printed`);
    else if (value !== null && typeof value === "object")
      for (const [name, each] of Object.entries(value)) {
        sound(name, place);
        sound(each, `${place}.${name}`);
      }
  }

  // What has to fit together

  async function check({ records, audit, certificates }) {
    must(
      records.length > 0 && records.length <= known.most_records,
      () => `${records.length} runs; wanted 1 to ${known.most_records}`,
    );
    must(
      new Set(records.map((record) => record.run_id)).size === records.length,
      () => "a run is in it twice",
    );
    const ids = new Map(); // of experiments, each of which has several runs
    for (const record of records) {
      const experiment = JSON.stringify(record.experiment);
      checkRecord(record);
      if (!ids.has(experiment)) ids.set(experiment, await idOf(record.experiment));
      const id = `${ids.get(experiment)}_s${record.seed}`;
      must(
        record.run_id === id,
        () => `run_id ${record.run_id}: its experiment and seed make it ${id}`,
      );
    }
    sound([audit, certificates], "evidence");
    for (const certificate of certificates)
      must(
        certificate.checks.every((each) => each.tolerance > 0),
        () => "a certificate with a tolerance of 0",
      );
    if (audit) checkAudit(audit);
  }

  function checkRecord(record) {
    const { experiment, data, measurement } = record;
    const must_ = (holds, sentence) => must(holds, () => `this cannot be a record: ${sentence()}`);
    for (const name of WORDS) {
      const word = experiment[name];
      const plain = name === "device" ? word.replace(/:[0-9]+$/, "") : word;
      must_(
        WORD.test(plain) && word.length <= known.most_characters,
        () =>
          `${name} ${JSON.stringify(word.slice(0, known.most_characters))}: wanted small letters and digits in words joined by hyphens`,
      );
    }
    must_(
      data.task === experiment.task && data.source === experiment.source,
      () => "data of another task or source than the experiment",
    );
    must_(
      experiment.native.every((word) => known.native.includes(word)),
      () => `unknown in native; choose from ${known.native.join(", ")}`,
    );
    const { started_at } = record;
    const isDate = MOMENT.test(started_at) && !Number.isNaN(Date.parse(started_at));
    must_(isDate, () => "started_at is no date and time of ISO 8601");
    must_(
      (measurement !== null) === (record.status === "ok"),
      () => `status ${record.status} with ${measurement ? "a" : "no"} measurement`,
    );
    must_(experiment.batch_size >= 1 && experiment.epochs > 0, () => "nothing is run");
    sound(record, "record");
    if (measurement) checkMeasurement(measurement, must_);
  }

  function checkMeasurement({ segments, evaluations, test, inference }, must_) {
    must_(
      segments.length && segments.every((each) => each.images >= 1 && each.steps >= 1),
      () => "nothing was trained in a segment",
    );
    must_(
      evaluations.every((each) => each.accuracy <= 1 && (each.training_accuracy ?? 0) <= 1),
      () => "an accuracy above 1: wanted a fraction",
    );
    if (test) {
      must_(
        test.correct <= test.images && test.images >= 1,
        () => `test: ${test.correct} right of ${test.images} images`,
      );
      must_(
        test.evaluation < evaluations.length,
        () => `there is no evaluation ${test.evaluation}`,
      );
    }
    must_(
      inference.every((each) => each.batch_size >= 1),
      () => "a batch without images",
    );
  }

  function checkAudit({ arms, elsewhere, peaks }) {
    must(
      peaks.every((peak) => peak.flop_per_s > 0 && peak.bytes_per_s > 0),
      () => "an audit of a machine that does nothing",
    );
    for (const { a_s, same_s, delayed_s, injected_s } of [arms, ...elsewhere].filter(Boolean)) {
      const rounds = new Set([a_s.length, same_s.length, delayed_s.length || a_s.length]);
      must(
        rounds.size === 1 && injected_s.length === delayed_s.length,
        () => "an audit with not as many rounds in each arm",
      );
      must(
        [...a_s, ...same_s, ...delayed_s].every((seconds) => seconds > 0),
        () => "an audit with a run that took no time",
      );
    }
  }

  /** What a run's name begins with: bench.experiment.Experiment.id. */
  async function idOf(experiment) {
    const { properties } = known.schema.$defs.Experiment;
    const named = known.fields
      .filter((name) => !(name in known.later && known.later[name] === experiment[name]))
      .sort()
      .map((name) => `"${name}": ${asPython(experiment[name], properties[name])}`);
    const digest = await sha256(new TextEncoder().encode(`{${named.join(", ")}}`));
    const { task, source, architecture, framework, execution, device, batch_size, goal } =
      experiment;
    return (
      `${task}-${source}_${architecture}_${framework}-${execution}_${device.replaceAll(":", "-")}` +
      `_b${batch_size}_${goal}_${digest.slice(0, 8)}`
    );
  }

  /** As Python's json writes it. */
  function asPython(value, schema) {
    if (Array.isArray(value))
      return `[${value.map((each) => asPython(each, schema.items)).join(", ")}]`;
    if (typeof value !== "number") return JSON.stringify(value);
    const { type } = schema.anyOf?.find((each) => each.type !== "null") ?? schema;
    if (type === "integer") return String(value);
    if (value !== 0 && Math.abs(value) < 1e-4) return wording.exponential(value);
    return Number.isInteger(value) ? value.toFixed(1) : String(value);
  }

  const sources = new Map(Object.entries(known.sources));
  const isKnown = (data) => sources.get(data.task)?.includes(data.source) ?? false;

  /** A record whose machine is named in plain words. */
  function named(record) {
    const plain = (text, otherwise) => (PLAIN.test(text) ? text : otherwise);
    const { cpu, gpus } = record.machine;
    const machine = {
      ...record.machine,
      cpu: plain(cpu, "a processor"),
      gpus: gpus.map((gpu) => ({ ...gpu, name: plain(gpu.name, "a GPU") })),
    };
    return { ...record, machine };
  }

  return { Refused, read, parsed, formed, sound, must };
})(glyphbench.content.class, glyphbench.wording);
