// Networks in plain JavaScript, forward and backward: models/layers_numpy.py again, and the
// optimisers of bench/trainers/optimizers_numpy.py.
//
// Images are (height, width, channel), dense kernels (in, out), convolutions (height, width, in,
// out): the neutral layout. Values are float32; each sum of products, and all arithmetic of loss
// and optimiser, is float64 and rounded once, where it is stored. Arrays are made with a network,
// none in a step. All of it is one function that needs nothing from outside: its text runs in a
// Worker too.
"use strict";

glyphbench.engine = () => {
  const SIDE = 28;
  const ROOM = 1 << 18; // numbers of a left factor that are packed at a time: 2 MB
  let left = new Float64Array(ROOM);
  let right = new Float64Array(1 << 12);
  const sums = new Float64Array(8);

  /** out (m, n) = a (m, k) · b (k, n) + bias (n), the bias if there is one.
   *
   * ``a`` and ``b`` are read by the strides of their rows and columns, and so may be transposed.
   * Blocks of 2x4 sums stay in registers; what they need is packed in its order before. */
  function product(out, m, n, k, a, aRow, aColumn, b, bRow, bColumn, bias) {
    const block = Math.max(2, Math.floor(ROOM / k) & ~1);
    if (left.length < 2 * k) left = new Float64Array(2 * k);
    if (right.length < 4 * k) right = new Float64Array(4 * k);
    for (let first = 0; first < m; first += block) {
      const last = Math.min(first + block, m);
      for (let i = first, at = 0; i < last; i += 2)
        for (let p = 0; p < k; p++) {
          left[at++] = a[i * aRow + p * aColumn];
          left[at++] = i + 1 < m ? a[(i + 1) * aRow + p * aColumn] : 0;
        }
      for (let j = 0; j < n; j += 4) {
        const columns = Math.min(4, n - j);
        for (let p = 0, at = 0; p < k; p++)
          for (let c = 0; c < 4; c++)
            right[at++] = c < columns ? b[p * bRow + (j + c) * bColumn] : 0;
        for (let i = first; i < last; i += 2) {
          multiply((i - first) * k, k);
          for (let r = 0; r < 2 && i + r < last; r++)
            for (let c = 0; c < columns; c++)
              out[(i + r) * n + j + c] = sums[4 * r + c] + (bias ? bias[j + c] : 0);
        }
      }
    }
  }

  /** Two packed rows, from a place on, times four packed columns. */
  function multiply(from, k) {
    const a = left;
    const b = right;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    let t0 = 0;
    let t1 = 0;
    let t2 = 0;
    let t3 = 0;
    for (let at = 0; at < 4 * k; at += 4, from += 2) {
      const x = a[from];
      const y = a[from + 1];
      s0 += x * b[at];
      s1 += x * b[at + 1];
      s2 += x * b[at + 2];
      s3 += x * b[at + 3];
      t0 += y * b[at];
      t1 += y * b[at + 1];
      t2 += y * b[at + 2];
      t3 += y * b[at + 3];
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
    sums[4] = t0;
    sums[5] = t1;
    sums[6] = t2;
    sums[7] = t3;
  }

  // The layers. ``forward(x, count)`` has images or windows x, returns y; ``backward(dy, count)``
  // has ∂L/∂y and returns ∂L/∂x; ``learn(dy, count)`` leaves ∂L/∂kernel and ∂L/∂bias.

  /** y = x·W + b: a row an image or, inside a convolution, a row a window. */
  function dense([inputs, outputs], { kernel, bias }, most, training) {
    const y = new Float32Array(most * outputs);
    const dx = new Float32Array(training ? most * inputs : 0);
    const parameters = [kernel, bias].map((values) => ({
      values,
      gradient: new Float32Array(training ? values.length : 0),
    }));
    const columns = new Float64Array(outputs);
    let x;
    return {
      parameters,
      width: outputs,
      forward(rows, count) {
        x = rows;
        product(y, count, outputs, inputs, x, inputs, 1, kernel, outputs, 1, bias);
        return y;
      },
      learn(dy, count) {
        product(parameters[0].gradient, inputs, outputs, count, x, 1, inputs, dy, outputs, 1);
        columns.fill(0);
        for (let at = 0; at < count * outputs; ) {
          for (let o = 0; o < outputs; o++) columns[o] += dy[at++];
        }
        parameters[1].gradient.set(columns);
      },
      backward(dy, count) {
        product(dx, count, inputs, outputs, dy, outputs, 1, kernel, 1, outputs);
        return dx;
      },
    };
  }

  /** y[i, j] = Σ x[i + u, j + v] · W[u, v] + b, no padding, stride 1: a product of windows. */
  function convolution([size, , channels, filters], weights, side, most, training) {
    const [places, run] = [side - size + 1, size * channels];
    const windows = new Float32Array(most * places * places * size * run);
    const rows = dense([size * run, filters], weights, most * places * places, training);
    const dx = new Float32Array(training ? most * side * side * channels : 0);

    /** Each row of each window: where it lies in the images, and where among the windows. */
    function everyRow(count, visit) {
      let at = 0;
      for (let n = 0; n < count; n++)
        for (let i = 0; i < places; i++)
          for (let j = 0; j < places; j++)
            for (let u = 0; u < size; u++, at += run)
              visit(((n * side + i + u) * side + j) * channels, at);
    }

    return {
      parameters: rows.parameters,
      width: places * places * filters,
      forward(x, count) {
        everyRow(count, (from, to) => {
          for (let r = 0; r < run; r++) windows[to + r] = x[from + r];
        });
        return rows.forward(windows, count * places * places);
      },
      learn: (dy, count) => rows.learn(dy, count * places * places),
      backward(dy, count) {
        const gradients = rows.backward(dy, count * places * places);
        dx.fill(0);
        everyRow(count, (to, from) => {
          for (let r = 0; r < run; r++) dx[to + r] += gradients[from + r];
        });
        return dx;
      },
    };
  }

  /** y = max(x, 0), in the place of x: nobody asks for it again. */
  function relu(width) {
    let y;
    return {
      forward(x, count) {
        y = x;
        for (let i = 0; i < count * width; i++) if (y[i] < 0) y[i] = 0;
        return y;
      },
      backward(dy, count) {
        for (let i = 0; i < count * width; i++) if (!(y[i] > 0)) dy[i] = 0;
        return dy;
      },
    };
  }

  /** The largest of each 2x2 block, of several the first; an odd last row or column is dropped. */
  function pooling(side, channels, most, training) {
    const half = side >> 1;
    const y = new Float32Array(most * half * half * channels);
    const largest = new Int32Array(y.length); // where in x
    const dx = new Float32Array(training ? most * side * side * channels : 0);
    return {
      forward(x, count) {
        let at = 0;
        for (let n = 0; n < count; n++)
          for (let i = 0; i < 2 * half; i += 2)
            for (let j = 0; j < 2 * half; j += 2)
              for (let c = 0; c < channels; c++, at++) {
                const corner = ((n * side + i) * side + j) * channels + c;
                const below = corner + side * channels;
                let best = corner;
                if (x[corner + channels] > x[best]) best = corner + channels;
                if (x[below] > x[best]) best = below;
                if (x[below + channels] > x[best]) best = below + channels;
                y[at] = x[best];
                largest[at] = best;
              }
        return y;
      },
      backward(dy, count) {
        dx.fill(0);
        for (let at = 0; at < count * half * half * channels; at++) dx[largest[at]] = dy[at];
        return dx;
      },
    };
  }

  /** In training zero each value with probability ``rate`` and divide the rest by 1 - rate. */
  function dropout(rate, random, width, most) {
    const kept = new Uint8Array(most * width);
    let on = false;
    const scaled = (values, count) => {
      for (let i = 0; i < count * width; i++) values[i] = kept[i] ? values[i] / (1 - rate) : 0;
      return values;
    };
    return {
      forward(x, count, training) {
        on = training && rate > 0;
        if (!on) return x;
        for (let i = 0; i < count * width; i++) kept[i] = random() >= rate ? 1 : 0;
        return scaled(x, count);
      },
      backward: (dy, count) => (on ? scaled(dy, count) : dy),
    };
  }

  /** A chain of ``weights``: [{ shape, kernel, bias }], whose arrays are used and not copied.
   *
   * A kernel of four axes is a convolution's, and ReLU and pooling follow; ReLU and dropout follow
   * every other layer but the last. ``most``: images of a batch. ``stages`` are what lies between
   * the image and the answer; their values are those of the last ``forward``. */
  function network(weights, { most = 1, training = false, rate = 0, random = Math.random } = {}) {
    const [layers, stages] = [[], []];
    let side = SIDE;
    const add = (layer, stage) => {
      layers.push(layer);
      stages.push(stage);
    };
    weights.forEach((each, i) => {
      const { shape } = each;
      if (shape.length === 4) {
        const [size, filters] = [shape[0], shape[3]];
        const layer = convolution(shape, each, side, most, training);
        side -= size - 1;
        add(layer, { kind: "convolution", size, side, channels: filters });
        add(relu(layer.width), null);
        layers.push(pooling(side, filters, most, training));
        side >>= 1;
        stages.push({ kind: "pooling", side, channels: filters });
        return;
      }
      add(dense(shape, each, most, training), null);
      if (i === weights.length - 1) return;
      add(relu(shape[1]), { kind: "dense", side: 1, channels: shape[1] });
      add(dropout(rate, random, shape[1], most), null);
    });
    const first = layers.findIndex((layer) => layer.parameters);
    const parameters = layers.flatMap((layer) => layer.parameters ?? []);

    /** Logits (count, classes) of images (count, 28, 28), overwritten by the next call. */
    function forward(images, count, on = false) {
      return layers.reduce((values, layer, i) => {
        const y = layer.forward(values, count, on);
        if (stages[i]) stages[i].values = y;
        return y;
      }, images);
    }

    /** From ∂L/∂logits to the gradients of all parameters. */
    function backward(gradient, count) {
      for (let i = layers.length - 1; i >= first; i--) {
        layers[i].learn?.(gradient, count);
        if (i > first) gradient = layers[i].backward(gradient, count);
      }
    }

    return { forward, backward, parameters, stages: stages.filter(Boolean) };
  }

  /** The mean loss of a batch; ``logits`` become its gradient with respect to them. */
  function crossEntropy(logits, labels, count, classes) {
    let loss = 0;
    for (let n = 0; n < count; n++) {
      const row = n * classes;
      let [most, total] = [-Infinity, 0];
      for (let c = 0; c < classes; c++) most = Math.max(most, logits[row + c]);
      for (let c = 0; c < classes; c++) total += Math.exp(logits[row + c] - most);
      loss += Math.log(total) - (logits[row + labels[n]] - most);
      for (let c = 0; c < classes; c++) {
        const right = c === labels[n] ? 1 : 0;
        logits[row + c] = (Math.exp(logits[row + c] - most) / total - right) / count;
      }
    }
    return loss / count;
  }

  const [BETA_1, BETA_2] = [0.9, 0.999]; // Adam's

  // Each returns what changes the parameters by one step.
  const optimizers = {
    /** v ← μ·v + g, w ← w - rate·v. */
    sgd({ rate, momentum }, parameters) {
      const velocities = parameters.map(({ values }) => new Float32Array(values.length));
      return () =>
        parameters.forEach(({ values, gradient }, which) => {
          const v = velocities[which];
          for (let i = 0; i < values.length; i++) {
            v[i] = momentum * v[i] + gradient[i];
            values[i] -= rate * v[i];
          }
        });
    },

    /** Adam in its 'epsilon hat' form. */
    adam({ rate, epsilon }, parameters) {
      const means = parameters.map(({ values }) => new Float32Array(values.length));
      const squares = parameters.map(({ values }) => new Float32Array(values.length));
      let steps = 0;
      return () => {
        steps += 1;
        const scale = (rate * Math.sqrt(1 - BETA_2 ** steps)) / (1 - BETA_1 ** steps);
        parameters.forEach(({ values, gradient }, which) => {
          const [m, v] = [means[which], squares[which]];
          for (let i = 0; i < values.length; i++) {
            const g = gradient[i];
            m[i] += (1 - BETA_1) * (g - m[i]);
            v[i] += (1 - BETA_2) * (g * g - v[i]);
            values[i] -= (scale * m[i]) / (Math.sqrt(v[i]) + epsilon);
          }
        });
      };
    },
  };

  /** Trains ``weights`` in their place.
   *
   * ``images`` (n, 784) float32 with ``labels``; ``batch``: images a step; ``optimizer``: its name
   * and numbers; ``rate`` of dropout, which draws from ``random``. */
  function trainer({ weights, images, labels, batch, optimizer, rate, random }) {
    const pixels = SIDE * SIDE;
    const classes = weights.at(-1).bias.length;
    const made = network(weights, { most: batch, training: true, rate, random });
    const update = optimizers[optimizer.name](optimizer, made.parameters);
    const batchImages = new Float32Array(batch * pixels);
    const batchLabels = new Uint8Array(batch);

    function gather(rows, from, count) {
      for (let n = 0; n < count; n++) {
        const start = rows[from + n] * pixels;
        batchLabels[n] = labels[rows[from + n]];
        for (let p = 0; p < pixels; p++) batchImages[n * pixels + p] = images[start + p];
      }
    }

    /** One step on the images rows[from], rows[from + 1], ...; their mean loss before it. */
    function step(rows, from, count) {
      gather(rows, from, count);
      const logits = made.forward(batchImages, count, true);
      const loss = crossEntropy(logits, batchLabels, count, classes);
      made.backward(logits, count);
      update();
      return loss;
    }

    /** Logits (n, classes) of images (n, 784) float32, dropout off. */
    function logits(others) {
      const all = new Float32Array((others.length / pixels) * classes);
      for (let n = 0; n < others.length / pixels; n += batch) {
        const part = others.subarray(n * pixels, (n + batch) * pixels);
        const count = part.length / pixels;
        all.set(made.forward(part, count).subarray(0, count * classes), n * classes);
      }
      return all;
    }

    return { step, logits };
  }

  /** Image bytes as a network's input: datasets.normalise. */
  function normalised(bytes, mean, std) {
    const f32 = Math.fround;
    return Float32Array.from(bytes, (byte) => f32(f32(byte / 255) - f32(mean)) / f32(std));
  }

  return { network, trainer, crossEntropy, normalised };
};

glyphbench.networks = (() => {
  const { network: build, normalised } = glyphbench.engine();
  const built = new WeakMap(); // network -> its layers

  /** The layers of a network { mean, std, layers: [{ shape, kernel, bias }] }, made once. */
  function made(network) {
    if (!built.has(network)) built.set(network, build(network.layers));
    return built.get(network);
  }

  /** The logits of one image of 28x28 bytes. */
  function logits(network, bytes) {
    const image = normalised(bytes, network.mean, network.std);
    return made(network).forward(image, 1).slice();
  }

  /** What lies between image and answer, as the last ``logits`` left it. */
  const stages = (network) => made(network).stages;

  function softmax(values) {
    const most = Math.max(...values);
    const odds = Array.from(values, (value) => Math.exp(value - most));
    const total = odds.reduce((a, b) => a + b);
    return odds.map((each) => each / total);
  }

  const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

  /** A network as it stands in the page (bench/report/web/drawn.py) with its weights as numbers. */
  async function unpacked(network) {
    const codes = new Int8Array((await glyphbench.unpacked(network.codes)).buffer);
    const numbers = new DataView(bytesOf(network.numbers).buffer);
    let [code, number] = [0, 0];
    const take = (count) =>
      Float32Array.from({ length: count }, () => numbers.getFloat32(4 * number++, true));
    const layers = network.shapes.map((shape) => {
      const outputs = shape.at(-1);
      const [scales, bias] = [take(outputs), take(outputs)];
      const kernel = Float32Array.from(
        { length: shape.reduce((a, b) => a * b) },
        (_, i) => codes[code++] * scales[i % outputs],
      );
      return { shape, kernel, bias };
    });
    return { mean: network.mean, std: network.std, layers };
  }

  return { logits, softmax, stages, unpacked, bytesOf };
})();
