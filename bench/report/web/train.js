// Trains an MLP in the reader's browser, in a Worker, and shows how it goes: loss, accuracy, images
// a second beside those of the folder's runs. What it has learned answers on the sheet.
"use strict";

glyphbench.training = (() => {
  const plan = glyphbench.content.draw.training;
  if (!plan) return null;
  const { drawing, networks } = glyphbench;
  const SIDE = 28;
  const NOT_COUNTED = 2; // steps: the browser compiles while it takes them
  const TITLE = "MLP, trained here";
  const $ = (id) => document.getElementById(id);
  const validation = plan.labels.length - plan.train;

  // In the Worker

  /** Trains: a step for each message, and after each epoch an examination. */
  function work({ trainer, normalised }) {
    const pixels = 28 * 28;
    let [plan, random, weights, made, images, order, at] = [];

    /** Numbers in [0, 1) from a seed: Mulberry32 by Tommy Ettinger, in the public domain. */
    const generator = (state) => () => {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), state | 1);
      t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };

    /** Glorot-uniform kernels and zero biases, as models/weights.py draws them. */
    function initial([inputs, outputs]) {
      const bound = Math.sqrt(6 / (inputs + outputs));
      const draw = () => bound * (2 * random() - 1);
      const kernel = Float32Array.from({ length: inputs * outputs }, draw);
      return { shape: [inputs, outputs], kernel, bias: new Float32Array(outputs) };
    }

    function begin(given) {
      plan = given;
      random = generator(plan.seed);
      weights = plan.shapes.map(initial);
      images = normalised(plan.bytes, plan.mean, plan.std);
      made = trainer({
        weights,
        images,
        labels: plan.labels,
        batch: plan.batch,
        optimizer: { name: "adam", rate: plan.learning_rate, epsilon: plan.epsilon },
        rate: plan.dropout,
        random,
      });
      order = Int32Array.from({ length: plan.train }, (_, i) => i);
      at = plan.train;
    }

    /** A new order of the images: Fisher and Yates. */
    function shuffle() {
      for (let i = order.length - 1; i > 0; i--) {
        const j = Math.floor(random() * (i + 1));
        [order[i], order[j]] = [order[j], order[i]];
      }
      at = 0;
    }

    function step() {
      if (at === plan.train) shuffle();
      const count = Math.min(plan.batch, plan.train - at);
      const began = performance.now();
      const loss = made.step(order, at, count);
      const seconds = (performance.now() - began) / 1000;
      at += count;
      const epoch = at === plan.train ? examined() : null;
      postMessage({ loss, count, seconds, epoch });
    }

    /** The share of the validation images that is read rightly, and a copy of the weights. */
    function examined() {
      const labels = plan.labels.subarray(plan.train);
      const logits = made.logits(images.subarray(plan.train * pixels));
      const classes = logits.length / labels.length;
      const right = labels.filter((label, n) => {
        const row = logits.subarray(n * classes, (n + 1) * classes);
        return row.indexOf(Math.max(...row)) === label;
      });
      return { accuracy: right.length / labels.length, layers: weights };
    }

    self.onmessage = ({ data }) => (data ? begin(data) : step());
  }

  // On the page

  let worker = null; // a promise of it, once it is wanted
  let running = false;
  let asked = false; // for a step that is not heard of yet
  let epochs = plan.epochs; // where it stops by itself
  const losses = []; // [epoch, loss] of each batch
  const accuracies = []; // [epoch, accuracy]
  const measured = { steps: 0, images: 0, counted: 0, seconds: 0 };

  /** The bytes of all images of the picture, one after the other. */
  async function decoded() {
    const blob = new Blob([networks.bytesOf(plan.png)], { type: "image/png" });
    const picture = await createImageBitmap(blob, { colorSpaceConversion: "none" });
    const canvas = new OffscreenCanvas(picture.width, picture.height);
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    pen.drawImage(picture, 0, 0);
    const { data } = pen.getImageData(0, 0, picture.width, picture.height);
    return Uint8Array.from({ length: plan.labels.length * SIDE * SIDE }, (_, at) => {
      const [image, pixel] = [Math.floor(at / SIDE ** 2), at % SIDE ** 2];
      const row = Math.floor(image / plan.columns) * SIDE + Math.floor(pixel / SIDE);
      const column = (image % plan.columns) * SIDE + (pixel % SIDE);
      return data[4 * (row * picture.width + column)];
    });
  }

  async function begun() {
    await drawing.ready;
    const text = `"use strict";(${work})((${glyphbench.engine})());`;
    const made = new Worker(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
    made.onmessage = ({ data }) => hear(data);
    made.onerror = (event) => fail(event.message);
    const labels = Uint8Array.from(plan.labels, Number);
    made.postMessage({ ...plan, png: null, bytes: await decoded(), labels, seed: 0 });
    return made;
  }

  async function ask() {
    try {
      worker ??= begun();
      const made = await worker;
      if (asked || !running) return;
      asked = true;
      made.postMessage(null);
    } catch (error) {
      fail(error.message);
    }
  }

  function toggle() {
    running = !running;
    showState();
    ask();
  }

  function fail(message) {
    running = false;
    showState();
    $("trained").textContent = `This browser cannot train here: ${message}`;
  }

  /** What a step found out; asks for the next one. */
  function hear({ loss, count, seconds, epoch }) {
    asked = false;
    measured.steps += 1;
    measured.images += count;
    losses.push([measured.images / plan.train, loss]);
    if (measured.steps > NOT_COUNTED) {
      measured.counted += count;
      measured.seconds += seconds;
    }
    if (epoch) learned(epoch);
    show();
    ask();
  }

  function learned({ accuracy, layers }) {
    accuracies.push([accuracies.length + 1, accuracy]);
    const percent = (100 * accuracy).toFixed(1);
    $("trained").textContent =
      `After epoch ${accuracies.length}: ${percent} % of ${validation} validation images read rightly.`;
    drawing.join(TITLE, { mean: plan.mean, std: plan.std, layers });
    if (accuracies.length < epochs) return;
    running = false;
    epochs += plan.epochs;
    showState();
  }

  // How it looks

  function showState() {
    $("train").textContent = running ? "stop" : measured.steps ? "train on" : "train";
    $("answers").setAttribute("aria-busy", String(running)); // they change with every epoch
  }

  function svg(tag, attributes, text = "") {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.textContent = text;
    return made;
  }

  /** Points [epoch, value] as a line between axes; ``ticks``: ascending, each [value, text]. */
  function curve(id, points, ticks) {
    const [left, right, top, bottom] = [40, 310, 10, 115];
    const [least, most] = [ticks[0][0], ticks.at(-1)[0]];
    const width = Math.max(plan.epochs, Math.ceil(points.at(-1)?.[0] ?? 0));
    const x = (epoch) => left + ((right - left) * epoch) / width;
    const y = (value) => bottom - ((bottom - top) * (Math.min(value, most) - least)) / (most - least);
    const axes = ticks.flatMap(([value, text]) => [
      svg("line", { x1: left, x2: right, y1: y(value), y2: y(value) }),
      svg("text", { x: left - 5, y: y(value) + 4, "text-anchor": "end" }, text),
    ]);
    for (const [epoch, text] of [
      [0, "0"],
      [width / 2, "epoch"],
      [width, width],
    ])
      axes.push(svg("text", { x: x(epoch), y: bottom + 16, "text-anchor": "middle" }, text));
    const line = points.map(([epoch, value]) => `${x(epoch).toFixed(1)},${y(value).toFixed(1)}`);
    if (line.length === 1) line.push(line[0]); // a dot
    $(id).replaceChildren(...axes, svg("polyline", { points: line.join(" ") }));
  }

  /** A bar with its name and its number; null: not measured yet. */
  function rate(name, perSecond, most, kind) {
    const made = (tag, className, ...children) => {
      const element = document.createElement(tag);
      element.className = className;
      element.append(...children);
      return element;
    };
    const number = perSecond === null ? "not yet" : Math.round(perSecond).toLocaleString("en");
    const bar = made("span", "bar");
    bar.style.width = `${(100 * (perSecond ?? 0)) / most}%`;
    const track = made("span", "track", bar);
    track.setAttribute("aria-hidden", "true");
    return made("p", kind, made("span", "", made("b", "", name), number), track);
  }

  function show() {
    curve("losses", losses, [0, 1, 2, 3].map((tick) => [tick, String(tick)]));
    const lowest = Math.min(1, ...accuracies.map(([, accuracy]) => accuracy));
    const floor = [0.8, 0.5].find((each) => accuracies.length && each < lowest) ?? 0;
    const shares = [floor, (floor + 1) / 2, 1];
    curve("accuracies", accuracies, shares.map((share) => [share, `${Math.round(100 * share)} %`]));
    const own = measured.seconds ? measured.counted / measured.seconds : null;
    const most = Math.max(own ?? 0, ...plan.rates.map((each) => each.images_per_s), 1);
    const caption = document.createElement("figcaption");
    caption.textContent = "Training images a second";
    $("rates").replaceChildren(
      rate("this browser", own, most, "rate own"),
      ...plan.rates.map((each) => rate(each.name, each.images_per_s, most, "rate")),
      caption,
    );
  }

  $("train").addEventListener("click", toggle);
  show();
  return { decoded, losses, accuracies, measured };
})();
