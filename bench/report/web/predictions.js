// Files of predictions that the lessons save: bench/report/classroom/predictions.py again.
"use strict";

glyphbench.predictions = ((known, shared, wording) => {
  const KIND = "glyphbench predictions";
  const VERSION = 1;
  const MOST_ANSWERS = 200;
  const WORD = /^[a-z0-9]+(-[a-z0-9]+)*$/;

  /** The answers of a file's JSON; throws Refused with a sentence. */
  function read(json) {
    const { version, answers } = shared.formed(json, known.predictions, "a file of predictions");
    const must = (holds, sentence) =>
      shared.must(holds, () => `these cannot be predictions: ${sentence}`);
    must(version === VERSION, `version ${version}, wanted ${VERSION}`);
    must(
      answers.length > 0 && answers.length <= MOST_ANSWERS,
      `${answers.length} answers; wanted 1 to ${MOST_ANSWERS}`,
    );
    must(
      new Set(answers.map((answer) => answer.lesson)).size === answers.length,
      "a lesson is in it twice",
    );
    for (const { lesson, low, high, truth } of answers) {
      must(
        WORD.test(lesson) && lesson.length <= known.most_characters,
        "a lesson's name: wanted small letters and digits in words joined by hyphens",
      );
      must(
        [low, high, truth].every((value) => Math.abs(value) <= known.most),
        `${lesson}: a number beyond ${known.most}`,
      );
      must(low <= high, `${lesson}: the range ends at ${high}, below its ${low}`);
    }
    return answers;
  }

  const holds = ({ low, high, truth }) => low <= truth && truth <= high;

  /** Each lesson by its name, with the answers of all files by their truths and ranges. */
  function lessons(files) {
    const byName = new Map();
    for (const answer of files.flat())
      byName.set(answer.lesson, [...(byName.get(answer.lesson) ?? []), answer]);
    return [...byName.keys()].sort().map((name) => {
      const key = ({ truth, low, high }) => [truth, low, high];
      const order = (a, b) => glyphbench.runs.order(key(a), key(b));
      const answers = byName.get(name).sort(order);
      return { name, answers, sentence: sentence(name, answers) };
    });
  }

  function sentence(name, answers) {
    const many = wording.allOr(answers.filter(holds).length, answers.length);
    const truths = answers.map((answer) => answer.truth); // ascending
    const [low, high] = [truths[0], truths.at(-1)].map((truth) => wording.number(truth));
    const measured = low === high ? low : `${low} to ${high}`;
    return `${name}: ${many} had what was measured (${measured}) in their range.`;
  }

  return { KIND, read, lessons, holds };
})(glyphbench.content.class, glyphbench.shared, glyphbench.wording);
