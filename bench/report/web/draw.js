// A sheet to draw on, what the models see of it, and what they answer while one draws.
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
      return;
    }
    if (!loaded) return; // read again when they are
    const notes = seen.notes.map((note) => element("p", `Note: ${note}.`, "notice"));
    $("answers").replaceChildren(...loaded.map((network) => answer(network, seen.image)), ...notes);
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

  async function load() {
    try {
      const unpacked = await Promise.all(drawn.networks.map(networks.unpacked));
      loaded = unpacked.map((network, i) => ({ title: drawn.networks[i].title, network }));
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
  return { ready: load(), stroke, clear, read, prepared };
})();
