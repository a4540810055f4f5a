// How numbers and verdicts are said: bench/report/wording.py again, for what the page computes.
"use strict";

glyphbench.wording = ((significance) => {
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

  function estimateDecimals(value, interval) {
    return decimalsToShow(value, interval ? Math.abs(interval[1] - interval[0]) / 2 : null);
  }

  /** 'value [low to high]'. */
  function estimate(value, interval) {
    const decimals = estimateDecimals(value, interval);
    const shown = rounded(value, decimals);
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

  const counted = (amount, noun) => `${amount} ${noun}${amount === 1 ? "" : "s"}`;

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
  };
})(glyphbench.content.results.constants.significance);
