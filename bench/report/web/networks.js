// The layers in plain JavaScript: models/layers_numpy.py again, forward alone, one image at a time.
//
// Images are (height, width, channel), dense kernels (in, out), convolutions (height, width, in,
// out): the neutral layout. Values are float32, each sum is taken in float64 and rounded once.
"use strict";

glyphbench.networks = (() => {
  /** y = x·W + b. */
  function dense(x, { kernel, bias }) {
    const outputs = bias.length;
    const y = Float64Array.from(bias);
    x.forEach((value, i) => {
      if (value === 0) return; // about half of what comes out of a ReLU
      for (let o = 0, at = i * outputs; o < outputs; o++, at++) y[o] += value * kernel[at];
    });
    return Float32Array.from(y);
  }

  /** y[i, j] = Σ x[i + u, j + v] · W[u, v] + b, no padding, stride 1; x is (side, side, in). */
  function convolution(x, { kernel, bias, shape: [size, , inputs, outputs] }, side) {
    const left = side - size + 1;
    const y = new Float32Array(left * left * outputs);
    const sums = new Float64Array(outputs);
    for (let i = 0; i < left; i++)
      for (let j = 0; j < left; j++) {
        sums.set(bias);
        for (let u = 0; u < size; u++)
          for (let v = 0; v < size; v++)
            for (let c = 0; c < inputs; c++) {
              const value = x[((i + u) * side + j + v) * inputs + c];
              if (value === 0) continue;
              let at = ((u * size + v) * inputs + c) * outputs;
              for (let o = 0; o < outputs; o++, at++) sums[o] += value * kernel[at];
            }
        y.set(sums, (i * left + j) * outputs);
      }
    return y;
  }

  /** The largest of each 2x2 block; an odd last row or column is dropped. */
  function pooled(x, side, channels) {
    const half = side >> 1;
    return Float32Array.from({ length: half * half * channels }, (_, at) => {
      const [c, place] = [at % channels, Math.floor(at / channels)];
      const [i, j] = [2 * Math.floor(place / half), 2 * (place % half)];
      const value = (row, column) => x[(row * side + column) * channels + c];
      return Math.max(value(i, j), value(i, j + 1), value(i + 1, j), value(i + 1, j + 1));
    });
  }

  const relu = (x) => x.map((value) => Math.max(value, 0));

  /** Image bytes as a network's input: datasets.normalise. */
  function normalised(bytes, mean, std) {
    const f32 = Math.fround;
    return Float32Array.from(bytes, (byte) => f32(f32(byte / 255) - f32(mean)) / f32(std));
  }

  /** The logits of one image of 28x28 bytes.
   *
   * A network is { mean, std, layers: [{ shape, kernel, bias }] }: a chain. A kernel of four axes
   * is a convolution's, and ReLU and pooling follow; ReLU follows every other layer but the last. */
  function logits({ mean, std, layers }, bytes) {
    let side = 28;
    return layers.reduce(
      (values, layer, i) => {
        if (layer.shape.length < 4) {
          const outputs = dense(values, layer);
          return i < layers.length - 1 ? relu(outputs) : outputs;
        }
        const outputs = relu(convolution(values, layer, side));
        const left = side - layer.shape[0] + 1;
        side = left >> 1;
        return pooled(outputs, left, layer.shape[3]);
      },
      normalised(bytes, mean, std),
    );
  }

  function softmax(values) {
    const most = Math.max(...values);
    const odds = Array.from(values, (value) => Math.exp(value - most));
    const total = odds.reduce((a, b) => a + b);
    return odds.map((each) => each / total);
  }

  const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

  async function inflated(base64) {
    const stream = new Blob([bytesOf(base64)]).stream();
    const unpacked = new Response(stream.pipeThrough(new DecompressionStream("deflate")));
    return unpacked.arrayBuffer();
  }

  /** A network as it stands in the page (bench/report/web/drawn.py) with its weights as numbers. */
  async function unpacked(network) {
    const codes = new Int8Array(await inflated(network.codes));
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

  return { logits, softmax, unpacked };
})();
