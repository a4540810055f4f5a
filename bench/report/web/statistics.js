// What bench/stats/uncertainty.py and bench/stats/verdict.py compute of pairs of runs, again: for
// the rows that the reader has chosen. The same numbers to the last digit that is shown; a test in
// a browser compares hundreds of selections with Python's answers.
//
// A row is a group of data.py: { name, seeds, values: { metric: { by_run, complete, … } } }.
"use strict";

glyphbench.statistics = ((constants) => {
  // NumPy's order of adding fewer than 128 numbers, so that equal values give equal means.
  function sum(values) {
    const n = values.length;
    if (n < 8) return values.reduce((total, value) => total + value, 0);
    const r = values.slice(0, 8);
    const whole = n - (n % 8);
    for (let i = 8; i < whole; i++) r[i % 8] += values[i];
    let total = r[0] + r[1] + (r[2] + r[3]) + (r[4] + r[5] + (r[6] + r[7]));
    for (let i = whole; i < n; i++) total += values[i];
    return total;
  }

  const mean = (values) => sum(values) / values.length;

  /** The standard error of the mean of two or more values. */
  function standardError(values) {
    const middle = mean(values);
    const squares = values.map((value) => (value - middle) ** 2);
    return Math.sqrt(sum(squares) / (values.length - 1)) / Math.sqrt(values.length);
  }

  // Intervals

  /** [low, high] of the mean of two or more values; null of fewer. See uncertainty.of_mean. */
  function ofMean(values) {
    const n = values.length;
    if (n < 2) return null;
    const tail = constants.tail[n];
    if (n ** -n > tail) {
      const reach = constants.student[n] * standardError(values);
      return [mean(values) - reach, mean(values) + reach];
    }
    const resampled = n <= constants.all_up_to ? everyResample(values) : drawnResamples(values);
    return [quantile(resampled, tail), quantile(resampled, 1 - tail)];
  }

  /** The means of all n^n resamples as [mean, how many have it], ascending. */
  function everyResample(values) {
    const n = values.length;
    const found = [];
    // Which value is drawn how often; the order of drawing only decides how many resamples alike.
    (function draw(place, left, total, ways) {
      if (place === n - 1) {
        found.push([(total + left * values[place]) / n, Math.round(ways / factorial(left))]);
        return;
      }
      for (let times = 0; times <= left; times++)
        draw(place + 1, left - times, total + times * values[place], ways / factorial(times));
    })(0, n, 0, factorial(n));
    return found.sort((a, b) => a[0] - b[0]);
  }

  const factorial = (n) => (n < 2 ? 1 : n * factorial(n - 1));

  /** The means of the resamples that NumPy draws, each once, ascending. */
  function drawnResamples(values) {
    const n = values.length;
    const drawn = draws(n);
    const means = new Float64Array(constants.resamples);
    for (let i = 0; i < means.length; i++) {
      let total = 0;
      for (let j = 0; j < n; j++) total += values[drawn[i * n + j]];
      means[i] = total / n;
    }
    return Array.from(means.sort(), (value) => [value, 1]);
  }

  /** NumPy's default quantile (linear between neighbours) of [value, how many], ascending. */
  function quantile(counted, share) {
    const all = counted.reduce((total, [, times]) => total + times, 0);
    const place = (all - 1) * share;
    const below = Math.floor(place);
    let seen = 0;
    let i = 0;
    while (seen + counted[i][1] <= below) seen += counted[i++][1];
    const low = counted[i][0];
    const next = below + 1 < seen + counted[i][1] || i + 1 === counted.length ? i : i + 1;
    return low + (counted[next][0] - low) * (place - below);
  }

  /** [low, high] of the geometric mean of paired ratios; null of fewer than two. */
  function ofRatio(ratios) {
    const ends = ofMean(ratios.map(Math.log));
    return ends && ends.map(Math.exp);
  }

  // numpy.random.default_rng(seed).integers(0, n, (resamples, n)): PCG64 (O'Neill, 2014), of whose
  // 64 bits each half is brought below n by Lemire's method (2019).
  const known = new Map();
  function draws(n) {
    if (!known.has(n)) known.set(n, draw(n));
    return known.get(n);
  }

  function draw(n) {
    const bits = random32();
    const out = new Uint8Array(constants.resamples * n);
    const threshold = (2 ** 32 - n) % n;
    for (let i = 0; i < out.length; i++) {
      let product = BigInt(bits()) * BigInt(n);
      while (Number(product & 0xffffffffn) < threshold) product = BigInt(bits()) * BigInt(n);
      out[i] = Number(product >> 32n);
    }
    return out;
  }

  function random32() {
    const mask = (1n << 128n) - 1n;
    let [state, increment] = constants.stream.map(BigInt);
    let kept = null;
    return () => {
      if (kept !== null) {
        const high = kept;
        kept = null;
        return high;
      }
      state = (state * 0x2360ed051fc65da44385df649fccf645n + increment) & mask;
      const folded = (state >> 64n) ^ (state & 0xffffffffffffffffn);
      const by = state >> 122n;
      const word = ((folded >> by) | (folded << (64n - by))) & 0xffffffffffffffffn;
      kept = Number(word >> 32n);
      return Number(word & 0xffffffffn);
    };
  }

  // P values

  /** The p of Student's paired t test on the logs of the ratios; null of fewer than two. */
  function pairedT(ratios) {
    if (ratios.length < 2) return null;
    const logs = ratios.map(Math.log);
    const error = standardError(logs);
    if (error === 0) return logs.some((log) => log !== 0) ? 0 : 1;
    return student(Math.abs(mean(logs)) / error, logs.length - 1);
  }

  /**
   * The share of Student's distribution beyond ±t, of whole degrees of freedom: Abramowitz and
   * Stegun, Handbook of Mathematical Functions (1964), 26.7.3 and 26.7.4.
   */
  function student(t, freedom) {
    const angle = Math.atan(t / Math.sqrt(freedom));
    const cosine = Math.cos(angle);
    const odd = freedom % 2 === 1;
    let term = odd ? cosine : 1;
    let series = freedom === 1 ? 0 : term;
    for (let i = odd ? 3 : 2; i < freedom; i += 2) {
      term *= (cosine * cosine * (i - 1)) / i;
      series += term;
    }
    const within = Math.sin(angle) * series;
    return Math.max(odd ? 1 - (2 / Math.PI) * (angle + within) : 1 - within, 0);
  }

  /** Each p corrected for the others, in their order: Holm's method. */
  function holm(pValues) {
    const ascending = pValues.map((_, i) => i).sort((a, b) => pValues[a] - pValues[b]);
    const adjusted = new Array(pValues.length);
    let floor = 0;
    ascending.forEach((place, rank) => {
      floor = Math.max(floor, pValues[place] * (pValues.length - rank));
      adjusted[place] = Math.min(floor, 1);
    });
    return adjusted;
  }

  // Pairs

  /** [[seed, value, other]] of each seed that both rows have; empty where a run lacks the metric. */
  function pairs(first, second, key) {
    const ours = first.values[key];
    const theirs = second.values[key];
    if (!ours || !theirs || [...ours.by_run, ...theirs.by_run].includes(null)) return [];
    const bySeed = new Map(second.seeds.map((seed, i) => [seed, theirs.by_run[i]]));
    return first.seeds
      .map((seed, i) => [seed, ours.by_run[i], bySeed.get(seed)])
      .filter(([, , other]) => other !== undefined);
  }

  const compared = new WeakMap(); // a row's values -> another's -> what they came to

  /** The first's over the second's, seed by seed; null where no seed has both. */
  function compare(first, second, key) {
    const [ours, theirs] = [first.values[key], second.values[key]];
    if (!ours || !theirs) return null;
    if (!compared.has(ours)) compared.set(ours, new Map());
    const known = compared.get(ours);
    if (!known.has(theirs)) known.set(theirs, paired(first, second, key));
    return known.get(theirs);
  }

  function paired(first, second, key) {
    const found = pairs(first, second, key);
    if (!found.length) return null;
    const ratios = found.map(([, value, other]) => value / other);
    const logs = ratios.map(Math.log);
    return {
      ratio: Math.exp(mean(logs)),
      interval: ofRatio(ratios),
      p: pairedT(ratios),
      n: ratios.length,
      seeds: found.map(([seed]) => seed).join(),
      error: logs.length > 1 ? standardError(logs) : null,
    };
  }

  /** The first's less the second's, seed by seed; null where ``compare`` is. */
  function difference(first, second, key) {
    const values = pairs(first, second, key).map(([, value, other]) => value - other);
    if (!values.length) return null;
    return { mean: mean(values), interval: ofMean(values), n: values.length };
  }

  const factor = (ratio) => Math.max(ratio, 1 / ratio);

  /** 'higher', 'lower' (the first beside the second), 'tie' or 'undecided': verdict.outcome. */
  function outcome(paired, p, floor) {
    if (paired.interval === null || p === null) return "undecided";
    const farthest = Math.max(...paired.interval.map(factor)) - 1;
    if (floor !== null && farthest <= floor) return "tie";
    const includesOne = paired.interval[0] <= 1 && 1 <= paired.interval[1];
    const beyond = floor === null || factor(paired.ratio) - 1 > floor;
    if (p < constants.significance && !includesOne && beyond)
      return paired.ratio > 1 ? "higher" : "lower";
    return "undecided";
  }

  /** Every two rows judged, corrected for one another; pairs that cannot be compared left out. */
  function judge(rows, metric) {
    const pairs = rows.flatMap((first, i) => rows.slice(i + 1).map((second) => [first, second]));
    const beside = comparedBy(pairs, metric);
    const pValues = pooled(beside, rows.length);
    return verdicts(pairs, beside, pValues, metric, (first) => first.noise_floor).filter(Boolean);
  }

  /** Each of these pairs, corrected for one another; null for one that cannot be compared. */
  function judgePairs(pairs, metric, floorOf) {
    const beside = comparedBy(pairs, metric);
    return verdicts(pairs, beside, own(beside), metric, floorOf);
  }

  const comparedBy = (pairs, metric) =>
    pairs.map(([first, second]) => compare(first, second, metric.key));

  /** The p of each pair that has one, by its own noise. */
  const own = (beside) => beside.map((paired) => paired?.p ?? null).filter((p) => p !== null);

  /** The same of all pairs of so many rows, by the noise of all of them: verdict._pooled. */
  function pooled(beside, rows) {
    const known = beside.filter((paired) => paired && paired.error !== null);
    const alike = new Set(known.map((paired) => paired.seeds)).size === 1;
    if (rows < 3 || known.length < beside.length || !alike) return own(beside);
    const error = Math.sqrt(mean(known.map((paired) => paired.error ** 2)));
    const freedom = (rows - 1) * (known[0].n - 1);
    return known.map(({ ratio }) => {
      const middle = Math.abs(Math.log(ratio));
      if (error === 0) return middle ? 0 : 1;
      return student(middle / error, freedom);
    });
  }

  /** The pairs by what comparing them came to, p corrected for one another; never below its own. */
  function verdicts(pairs, beside, pValues, metric, floorOf) {
    const corrected = holm(pValues);
    const family = corrected.length;
    return pairs.map(([first, second], i) => {
      const paired = beside[i];
      if (!paired) return null;
      const p = paired.p === null ? null : Math.max(corrected.shift(), paired.p);
      const floor = metric.of_time ? floorOf(first) : null;
      const disturbed = metric.of_time && (first.disturbed || second.disturbed);
      const said = disturbed ? "undecided" : outcome(paired, p, floor);
      return { first, second, paired, p, family, floor, disturbed, outcome: said };
    });
  }

  /** The second beside the first. */
  function swapped(judged) {
    const { interval, ratio } = judged.paired;
    const turned = { higher: "lower", lower: "higher" };
    return {
      ...judged,
      first: judged.second,
      second: judged.first,
      paired: {
        ...judged.paired,
        ratio: 1 / ratio,
        interval: interval && [1 / interval[1], 1 / interval[0]],
      },
      outcome: turned[judged.outcome] ?? judged.outcome,
    };
  }

  /** The rows that every run has the metric of, the best first, and every two of them judged. */
  function ranking(rows, metric) {
    const complete = rows.filter((row) => row.values[metric.key]?.complete);
    const sign = metric.best === "highest" ? -1 : 1;
    const middle = (row) => row.values[metric.key].middle;
    const standings = [...complete].sort((a, b) => sign * (middle(a) - middle(b)));
    const judged = metric.beside === "ratio" ? judge(standings, metric) : [];
    return { standings, judged };
  }

  /** What may be said of a row beside another; null where they cannot be compared. */
  function between(ranked, first, second) {
    const found = ranked.judged.find(
      (each) =>
        (each.first === first && each.second === second) ||
        (each.first === second && each.second === first),
    );
    if (!found) return null;
    return found.first === first ? found : swapped(found);
  }

  return {
    compare,
    outcome,
    judge,
    judgePairs,
    ranking,
    between,
    difference,
    ofMean,
    ofRatio,
    holm,
    student,
    draws,
  };
})(glyphbench.content.results.constants);
