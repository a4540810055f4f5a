// A sheet to draw on, what the models see of it, what they answer while one draws, and what they
// compute on the way.
"use strict";

glyphbench.drawing = (() => {
  const { ink, networks } = glyphbench;
  const drawn = glyphbench.content.draw;
  const $ = (id) => document.getElementById(id);
  const sheet = $("sheet");
  const pen = sheet.getContext("2d", { willReadFrequently: true });
  const TOP = 3; // labels that an answer names, as predict does
  const WAIT_MS = 120; // between two readings while one draws, and twice what a reading takes
  const THICK = 18; // pixels of 280: the strokes of MNIST are about so broad in their box
  const COLUMNS = { maps: 8, units: 32 }; // of a picture of what a layer computes
  let loaded = null; // the networks, once they are unpacked
  let waiting = false;
  let took = 0; // ms, the last reading

  function clear() {
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, sheet.width, sheet.height);
    read();
  }

  /** Where a pointer is, in the sheet's own pixels. */
  function place(event) {
    const frame = sheet.getBoundingClientRect();
    const scale = sheet.width / frame.width;
    return [(event.clientX - frame.left) * scale, (event.clientY - frame.top) * scale];
  }

  const last = new Map(); // pointer -> where it was

  function begin(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    sheet.setPointerCapture(event.pointerId);
    last.set(event.pointerId, place(event));
    $("answers").setAttribute("aria-busy", "true"); // to be read out when the stroke is done
    move(event);
  }

  function move(event) {
    if (!last.has(event.pointerId)) return;
    const steps = event.getCoalescedEvents?.() ?? [];
    for (const step of steps.length ? steps : [event]) {
      const [from, to] = [last.get(event.pointerId), place(step)];
      stroke([from, to]);
      last.set(event.pointerId, to);
    }
    soon();
  }

  function end(event) {
    if (!last.delete(event.pointerId)) return;
    read();
    $("answers").setAttribute("aria-busy", "false");
  }

  /** A line through points of the sheet; one point twice is a dot. */
  function stroke([first, ...others]) {
    Object.assign(pen, {
      lineWidth: THICK,
      lineCap: "round",
      lineJoin: "round",
      strokeStyle: "#000",
    });
    pen.beginPath();
    pen.moveTo(...first);
    for (const point of others) pen.lineTo(...point);
    pen.stroke();
  }

  function soon() {
    if (waiting) return;
    waiting = true;
    setTimeout(
      () => {
        waiting = false;
        const begun = performance.now();
        read();
        took = performance.now() - begun;
      },
      Math.max(WAIT_MS, 2 * took),
    ); // so that the pen is not held up
  }

  function prepared() {
    const { data } = pen.getImageData(0, 0, sheet.width, sheet.height);
    return ink.prepare(ink.brightness(data, sheet.height, sheet.width), drawn.form);
  }

  function element(tag, text, name = "") {
    const made = document.createElement(tag);
    made.textContent = text;
    made.className = name;
    return made;
  }

  /** Read the sheet and say so. */
  function read() {
    const seen = prepared();
    showSeen(seen?.image ?? new Uint8Array(ink.SIDE ** 2));
    if (!seen) {
      $("answers").replaceChildren(element("p", "Nothing is drawn, so nothing is recognised."));
      loaded?.forEach(({ stages }) => stages.replaceChildren());
      return;
    }
    if (!loaded) return; // read again when they are
    const notes = seen.notes.map((note) => element("p", `Note: ${note}.`, "notice"));
    if (!loaded.length) notes.push(element("p", "Nothing answers yet: train a network below."));
    $("answers").replaceChildren(...loaded.map((network) => answer(network, seen.image)), ...notes);
    loaded.filter(({ inside }) => inside.open).forEach(showInside);
  }

  function showSeen(image) {
    const shown = $("seen").getContext("2d");
    const pixels = shown.createImageData(ink.SIDE, ink.SIDE);
    image.forEach((byte, i) => pixels.data.set([byte, byte, byte, 255], 4 * i));
    shown.putImageData(pixels, 0, 0);
  }

  function answer({ title, network }, image) {
    const probabilities = networks.softmax(networks.logits(network, image));
    const best = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
    const block = element("div", "", "answer");
    block.append(element("h3", title), element("p", drawn.labels[best[0]], "label-read"));
    for (const label of best.slice(0, TOP)) {
      const line = element("p", "", "guess");
      const bar = element("span", "", "bar");
      bar.style.width = `${100 * probabilities[label]}%`;
      const track = element("span", "", "track");
      track.setAttribute("aria-hidden", "true");
      track.append(bar);
      const percent = `${(100 * probabilities[label]).toFixed(1)} %`;
      line.append(element("b", drawn.labels[label]), track, element("span", percent));
      block.append(line);
    }
    return block;
  }

  // What a network computes on the way

  /** A network with its title, and a place, folded at first, for what it computes. */
  function entry(title, network) {
    const inside = element("details", "", "inside");
    const stages = element("div", "");
    inside.append(element("summary", `What the ${title}, computes on the way`), stages);
    inside.addEventListener("toggle", read);
    $("inside").append(inside);
    return { title, network, inside, stages };
  }

  function showInside({ network, stages }) {
    const figures = networks.stages(network).map((stage, i) => {
      const figure = document.createElement("figure");
      const canvas = element("canvas", "", stage.side > 1 ? "maps" : "units");
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `Values ${stage.side > 1 ? "of the maps" : "of the units"}`);
      picture(canvas, stage);
      figure.append(canvas, element("figcaption", sentence(stage, i)));
      return figure;
    });
    stages.replaceChildren(...figures);
  }

  function sentence({ kind, size, side, channels }, i) {
    if (kind === "dense")
      return `${channels} units, each a weighted sum of everything before it; black ones are silent, since ReLU makes what is negative 0.`;
    if (kind === "pooling")
      return `Of every 2×2 values the largest is kept, which leaves ${side}×${side} of each picture.`;
    const on = i ? "all these pictures together" : "the image";
    return `${channels} filters look at every ${size}×${size} patch of ${on}; a picture is light where its filter finds what it has learned to look for.`;
  }

  /** All channels of a stage side by side; the largest value of all is white, 0 black. */
  function picture(canvas, { side, channels, values }) {
    const columns = side > 1 ? COLUMNS.maps : COLUMNS.units;
    const step = side > 1 ? side + 1 : 1; // a line between two maps
    canvas.width = columns * step;
    canvas.height = Math.ceil(channels / columns) * step;
    const pen = canvas.getContext("2d");
    const pixels = pen.createImageData(canvas.width, canvas.height);
    const most = values.reduce((a, b) => Math.max(a, b), 0) || 1;
    for (let c = 0; c < channels; c++)
      for (let i = 0; i < side; i++)
        for (let j = 0; j < side; j++) {
          const grey = (255 * values[(i * side + j) * channels + c]) / most;
          const row = Math.floor(c / columns) * step + i;
          const at = row * canvas.width + (c % columns) * step + j;
          pixels.data.set([grey, grey, grey, 255], 4 * at);
        }
    pen.putImageData(pixels, 0, 0);
  }

  /** Let one more network answer, in the place of one of this title. */
  function join(title, network) {
    const there = loaded.find((each) => each.title === title);
    if (there) there.network = network;
    else loaded.push(entry(title, network));
    read();
  }

  async function load() {
    try {
      const unpacked = await Promise.all(drawn.networks.map(networks.unpacked));
      loaded = unpacked.map((network, i) => entry(drawn.networks[i].title, network));
      read();
    } catch (error) {
      $("answers").replaceChildren(
        element("p", `This browser cannot unpack the models (${error.message}); a newer one can.`),
      );
    }
    return loaded;
  }

  sheet.addEventListener("pointerdown", begin);
  sheet.addEventListener("pointermove", move);
  sheet.addEventListener("pointerup", end);
  sheet.addEventListener("pointercancel", end);
  $("clear").addEventListener("click", clear);
  clear();
  return { ready: load(), stroke, clear, read, prepared, join };
})();
