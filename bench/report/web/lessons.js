// Lessons: a range is asked for, locked, and only then the measured number is shown; then it is
// asked again. Answers are kept in memory and, where the browser allows it, for this folder.
// All that comes out of records is written as text, never as HTML.
"use strict";

glyphbench.lessons = (() => {
  const lessons = glyphbench.content.lessons;
  const $ = (id) => document.getElementById(id);
  const key = `glyphbench lessons ${glyphbench.content.results.name}`;
  const SURE = 0.9; // how sure one is to be of a range
  const every = lessons.flatMap((lesson) => lesson.questions);
  const measured = every.filter((question) => question.truth);
  let answers = remembered(); // question's id -> { low, high, truth }
  let at = Math.max(lessons.findIndex((lesson) => open(lesson)), 0);

  /** The answers of an earlier visit, to questions whose truth is still the same. */
  function remembered() {
    try {
      const kept = JSON.parse(localStorage.getItem(key)) ?? {};
      const still = measured.filter(({ id, truth }) => kept[id]?.truth === truth.value);
      return Object.fromEntries(still.map(({ id }) => [id, kept[id]]));
    } catch {
      return {}; // a browser that keeps nothing for a local file, or keeps something else
    }
  }

  function remember() {
    try {
      localStorage.setItem(key, JSON.stringify(answers));
    } catch {
      // in memory they still are
    }
  }

  /** Whether a question of the lesson is still to be answered. */
  function open(lesson) {
    return lesson.questions.some(({ id, truth }) => truth && !answers[id]);
  }

  const within = ({ low, high, truth }) => low <= truth && truth <= high;
  const number = (value) => glyphbench.wording.number(value, 3);
  const from = (low, high) => `${number(low)} to ${number(high)}`;
  const bare = (value) => number(value).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, ""); // 2, not 2.00
  const fromBare = (low, high) => `${bare(low)} to ${bare(high)}`;

  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (value !== null) made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  }

  // A question, asked and answered

  function form(question) {
    const input = (label) =>
      element("input", { type: "number", step: "any", required: "", "aria-label": label });
    const [low, high] = [input("at least"), input("at most")];
    const wrong = element("span", { role: "alert" });
    const lock = (event) => {
      event.preventDefault();
      const [least, most] = [low.valueAsNumber, high.valueAsNumber];
      if (!(least <= most)) {
        wrong.textContent = "Two numbers are wanted, the smaller one first.";
        return;
      }
      answers[question.id] = { low: least, high: most, truth: question.truth.value };
      remember();
      show();
      $(`truth-${question.id}`).focus();
    };
    return element(
      "form",
      { class: "range", novalidate: "", onsubmit: lock },
      element("span", {}, "from"),
      low,
      element("span", {}, "to"),
      high,
      element("span", {}, question.unit),
      element("button", {}, "lock it and look"),
      wrong,
    );
  }

  /** Places on the picture's axis, 0 to 100, of values; and values to write below it. */
  function axis(question, values) {
    const positive = values.filter((value) => value > 0);
    const log = question.logarithmic && positive.length > 0;
    const least = log ? Math.min(...positive) / 1.3 : 0;
    const most = Math.max(...values, log ? least * 1.7 : Number.MIN_VALUE) * (log ? 1.3 : 1.08);
    const along = log ? Math.log : (value) => value;
    const place = (value) => {
      const share = (along(Math.max(value, least)) - along(least)) / (along(most) - along(least));
      return 100 * Math.min(Math.max(share, 0), 1);
    };
    const decade = 10 ** Math.floor(Math.log10(log ? least : most));
    const steps = log
      ? Array.from({ length: 12 }, (_, i) => decade * 10 ** Math.floor(i / 3) * [1, 2, 5][i % 3])
      : Array.from({ length: 10 }, (_, i) => decade * (most / decade < 3 ? 0.5 : 2) * i);
    const ticks = steps.filter((value) => value >= least && value <= most);
    const thin = Math.ceil(ticks.length / 6); // a telephone has room for six
    return { place, ticks: ticks.filter((_, i) => i % thin === 0) };
  }

  /** The range beside the truth with its interval, and what the textbook expects. */
  function picture(question, answer) {
    const { truth, textbook, unit } = question;
    const interval = truth.interval ?? { low: truth.value, high: truth.value };
    const { place, ticks } = axis(question, [
      ...[answer.low, answer.high, truth.value, interval.low, interval.high],
      ...[textbook.low, textbook.high],
    ]);
    const bar = (name, low, high) => {
      const made = element("i", { class: name });
      made.style.left = `${place(low)}%`;
      if (name !== "point") made.style.width = `${place(high) - place(low)}%`;
      return made;
    };
    const row = (label, ...bars) => [
      element("span", {}, label),
      element("span", { class: "track" }, ...bars),
    ];
    const marks = ticks.map((value) => {
      const made = element("span", {}, bare(value));
      made.style.left = `${place(value)}%`;
      return made;
    });
    const said = `${unit}: textbook ${fromBare(textbook.low, textbook.high)}, you ${fromBare(answer.low, answer.high)}, measured ${shown(question)}`;
    return element(
      "div",
      { class: "scale", role: "img", "aria-label": said },
      ...row("textbook", bar("book", textbook.low, textbook.high)),
      ...row("you", bar("yours", answer.low, answer.high)),
      ...row(
        "measured",
        ...(truth.interval ? [bar("interval", interval.low, interval.high)] : []),
        bar("point", truth.value, truth.value),
      ),
      element("span", {}, unit),
      element("span", { class: "ticks" }, ...marks),
    );
  }

  /** The truth with its interval: '1.25 [1.11 to 1.40]'. */
  function shown({ truth }) {
    const ends = truth.interval ? ` [${from(truth.interval.low, truth.interval.high)}]` : "";
    return `${number(truth.value)}${ends}`;
  }

  function revealed(question) {
    const answer = answers[question.id];
    const inside = within(answer);
    return [
      element(
        "p",
        { id: `truth-${question.id}`, tabindex: "-1" },
        element("strong", {}, `Measured here: ${shown(question)} ${question.unit}. `),
        element(
          "span",
          { class: inside ? "within" : "outside" },
          `${inside ? "Within" : "Outside"} your range, ${fromBare(answer.low, answer.high)}.`,
        ),
      ),
      picture(question, answer),
      element("p", {}, question.truth.evidence),
      element("p", {}, element("strong", {}, "The textbook: "), question.textbook.says),
      element("p", {}, question.beside),
    ];
  }

  function parts(question) {
    const asked = element("p", { class: "asked" }, question.asked);
    if (!question.truth)
      return [asked, element("p", { class: "notice" }, `Not asked: ${question.missing}`)];
    return [asked, ...(answers[question.id] ? revealed(question) : [form(question)])];
  }

  // A lesson

  function lessonParts(lesson) {
    const [first, again] = lesson.questions;
    const looked = first.truth ? answers[first.id] : answers[again.id] || !again.truth;
    const explained = [
      element("h3", {}, "Why"),
      element("p", {}, lesson.explanation),
    ];
    const asks = [element("h3", {}, first.truth ? "Asked again" : "Asked instead"), ...parts(again)];
    const next = lessons.findIndex((each, i) => i > at && open(each));
    const further = element("button", { type: "button", onclick: () => go(next) }, "next lesson");
    return [
      element("h2", {}, `${at + 1}. ${lesson.title}`),
      ...parts(first),
      ...(first.truth && looked ? [...explained, ...asks] : []),
      ...(first.truth ? [] : [...asks, ...(looked ? explained : [])]),
      ...(!open(lesson) && next > 0 ? [element("p", {}, further)] : []),
    ];
  }

  function entry(lesson, i) {
    const asked = lesson.questions.filter(({ truth }) => truth);
    const done = asked.filter(({ id }) => answers[id]).length;
    const state = asked.length ? `${done} of ${asked.length}` : "not measured";
    const current = i === at ? "true" : null;
    const button = element(
      "button",
      { type: "button", "aria-current": current, onclick: () => go(i) },
      lesson.title,
    );
    return element("li", {}, button, " ", element("span", {}, state));
  }

  function go(to) {
    at = to;
    show();
    $("lesson").querySelector("input, button")?.focus();
  }

  // How often the truth was in the range

  /** The chance that of n ranges of which one is so sure k or fewer hold the truth. */
  function chance(k, n) {
    let [term, sum] = [(1 - SURE) ** n, 0];
    for (let i = 0; i <= k; i++) {
      sum += term;
      term *= ((n - i) / (i + 1)) * (SURE / (1 - SURE));
    }
    return sum;
  }

  function score() {
    const given = measured.filter(({ id }) => answers[id]);
    if (!given.length) return "";
    const hits = (questions) => questions.filter(({ id }) => within(answers[id])).length;
    const [k, n] = [hits(given), given.length];
    const counted = `The truth was in your range in ${k} of ${n} (${Math.round((100 * k) / n)} %).`;
    const left = measured.length - n;
    if (left) return `So far: ${counted} ${left} to come.`;
    const again = given.filter(({ id }) => id.endsWith("-again"));
    const judged =
      chance(k, n) < 0.05
        ? "Of ranges that one is 90 % sure of, so few are hardly chance: yours were too narrow. Most people's are."
        : k === n
          ? "None was missed: of ranges that one is 90 % sure of, about one in ten is. Yours may be wider than need be."
          : "That is what ranges look like that one is 90 % sure of.";
    return `All answered. ${counted} Asked again: ${hits(again)} of ${again.length}. ${judged}`;
  }

  // Handing on, and forgetting

  /** What is saved: of every answer the lesson, the range and the truth. */
  function predictions() {
    const given = measured.filter(({ id }) => answers[id]);
    return {
      kind: "glyphbench predictions",
      version: 1,
      answers: given.map(({ id }) => ({ lesson: id, ...answers[id] })),
    };
  }

  function save() {
    const content = JSON.stringify(predictions(), null, 1);
    const address = URL.createObjectURL(new Blob([content], { type: "application/json" }));
    element("a", { href: address, download: "predictions.glyphbench.json" }).click();
    URL.revokeObjectURL(address);
  }

  function reset() {
    if (!confirm("Forget all answers in this browser?")) return;
    answers = {};
    remember();
    go(0);
  }

  function show() {
    $("lesson-list").replaceChildren(...lessons.map(entry));
    $("lesson").replaceChildren(...lessonParts(lessons[at]));
    $("lesson-score").textContent = score();
    $("lesson-save").disabled = !measured.some(({ id }) => answers[id]);
  }

  $("lesson-save").addEventListener("click", save);
  $("lesson-reset").addEventListener("click", reset);
  show();
  return { predictions, go };
})();
