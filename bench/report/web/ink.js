// A drawing into the form of MNIST's images: datasets/ink.py and datasets/mnist_form.py again, with
// the parts of NumPy, SciPy and Pillow that they use, so that the same pixels give the same bytes.
//
// Arithmetic is float32 where Python's is: what is written into a Float32Array or goes through
// Math.fround is rounded once, as there. Names and constants are those of the Python files, which
// say why; a grey picture is { height, width, values }, brightness from 0 to 1, a mask has 0 and 1.
"use strict";

glyphbench.ink = (() => {
  const f32 = Math.fround;
  const SMOOTHING = 1 / 150;
  const [STROKE, THIN] = [0.4, 0.08];
  const [LEAST_CONTRAST, LEAST_NOISES, SURE_NOISES, SURE_TIMES] = [0.03, 5, 8, 1.4];
  const [EDGE, EDGE_NOISES] = [0.25, 3];
  const [SPECK, ALONG, SMALL, BROADER, TOGETHER, OTHER, HIGH] = [
    0.05, 0.5, 0.9, 1.5, 0.03, 0.3, 0.6,
  ];
  const AROUND = [0.5, 1, 2];
  const [SIDE, BOX, CENTRE, FULL] = [28, 20, 14, 0.75];
  const MOST_SIDE = 400; // WORKING_SIDE: larger pictures would be shrunk first, and none is here
  const UNSURE = "it is not plain whether ink is dark or light here; it was read as ";
  const SEVERAL = "there is more on it than one character; the one with the most ink was read";
  const SIDE_BY_SIDE = "it looks like several characters side by side; they were read as one";
  const CUT_OFF = "the ink touches the border of the picture; it may be cut off";

  class NoInk extends Error {}

  const longer = ({ height, width }) => Math.max(height, width);

  function grey(height, width, value = () => 0) {
    const values = new Float32Array(height * width);
    for (let i = 0; i < values.length; i++) values[i] = value(i);
    return { height, width, values };
  }

  const mapped = (picture, value) => ({ ...picture, values: picture.values.map(value) });

  /** What Python's round and NumPy's rint do: halves go to the even number. */
  function rounded(value) {
    const below = Math.floor(value);
    const rest = value - below;
    if (rest === 0.5) return below % 2 === 0 ? below : below + 1;
    return rest < 0.5 ? below : below + 1;
  }

  // NumPy

  function median(values) {
    const sorted = new Float32Array(values).sort();
    const half = sorted.length >> 1;
    return sorted.length % 2 ? sorted[half] : f32(f32(sorted[half - 1] + sorted[half]) / 2);
  }

  /** np.percentile, the linear method. */
  function percentile(values, share) {
    const sorted = new Float32Array(values).sort();
    const at = share * (sorted.length - 1);
    const [low, part] = [Math.floor(at), at % 1];
    const [a, b] = [sorted[low], sorted[Math.min(low + 1, sorted.length - 1)]];
    const step = f32(b - a);
    return part >= 0.5 ? f32(b - f32(step * (1 - part))) : f32(a + f32(step * part));
  }

  /** The sum of fewer than 129 float32 side by side: eight partial sums, as NumPy takes it. */
  function sum(values) {
    const blocks = values.length < 8 ? 0 : 8 * Math.floor(values.length / 8);
    let total = 0;
    if (blocks) {
      const r = Float32Array.from(values.slice(0, 8));
      for (let i = 8; i < blocks; i += 8) for (let j = 0; j < 8; j++) r[j] += values[i + j];
      const pair = (i) => f32(r[i] + r[i + 1]);
      total = f32(f32(pair(0) + pair(2)) + f32(pair(4) + pair(6)));
    }
    for (let i = blocks; i < values.length; i++) total = f32(total + values[i]);
    return total;
  }

  /** The threshold that parts values into two classes; np.histogram with 256 bins in float32. */
  function otsu(values) {
    const bins = 256;
    const least = values.reduce((a, b) => Math.min(a, b), Infinity);
    const greatest = values.reduce((a, b) => Math.max(a, b), -Infinity);
    if (least === greatest) return greatest;
    const range = f32(greatest - least);
    const edges = Float32Array.from(
      { length: bins + 1 },
      (_, i) => f32(i * f32(range / bins)) + least,
    );
    edges[bins] = greatest;
    const counts = new Float64Array(bins);
    for (const value of values) {
      let bin = Math.trunc(f32(f32(f32(value - least) / range) * bins));
      if (bin === bins) bin--;
      if (value < edges[bin]) bin--;
      if (value >= edges[bin + 1] && bin !== bins - 1) bin++;
      counts[bin]++;
    }
    const [below, mean] = [new Float64Array(bins), new Float64Array(bins)];
    let [count, amount] = [0, 0];
    for (let i = 0; i < bins; i++) {
      count += counts[i];
      amount += counts[i] * f32(f32(edges[i + 1] + edges[i]) / 2);
      below[i] = count / values.length;
      mean[i] = amount / values.length;
    }
    const between = below.map((share, i) => {
      const spread = share * (1 - share);
      return spread > 1e-9 ? (mean[bins - 1] * share - mean[i]) ** 2 / spread : 0;
    });
    const most = Math.max(...between);
    const best = [...between.keys()].filter((i) => between[i] >= most);
    return edges[1 + best[best.length >> 1]];
  }

  // SciPy

  /** A picture's lines along one axis, each handed on with its index, length and step. */
  function lines({ height, width }, down, act) {
    const [count, length, step] = down ? [width, height, width] : [height, width, 1];
    for (let line = 0; line < count; line++) act(down ? line : line * width, length, step);
  }

  /** The place in a line of so many pixels that goes on as its own mirror image. */
  function mirrored(i, length) {
    if (i >= 0 && i < length) return i;
    const at = ((i % (2 * length)) + 2 * length) % (2 * length);
    return at < length ? at : 2 * length - 1 - at;
  }

  /** One line's weighted means; it stands in ``line`` with its continuation at both ends. */
  function blur(line, length, weight, result, start, step) {
    const radius = weight.length - 1;
    for (let i = 0; i < length; i++) {
      const middle = i + radius;
      let mean = line[middle] * weight[0];
      for (let d = radius; d > 0; d--) mean += (line[middle - d] + line[middle + d]) * weight[d];
      result[start + step * i] = mean;
    }
  }

  /** ndimage.gaussian_filter, which continues a picture by its mirror image. */
  function smoothed(picture) {
    const sigma = longer(picture) * SMOOTHING;
    const radius = Math.trunc(4 * sigma + 0.5);
    const weights = Array.from({ length: 2 * radius + 1 }, (_, i) =>
      Math.exp((-0.5 / (sigma * sigma)) * (i - radius) ** 2),
    );
    const total = weights.reduce((a, b) => a + b);
    const weight = Float64Array.from(weights.slice(radius), (each) => each / total); // by distance
    const line = new Float64Array(longer(picture) + 2 * radius);
    let values = picture.values;
    for (const down of [true, false]) {
      const result = new Float32Array(values.length);
      lines(picture, down, (start, length, step) => {
        for (let i = -radius; i < length + radius; i++)
          line[i + radius] = values[start + step * mirrored(i, length)];
        blur(line, length, weight, result, start, step);
      });
      values = result;
    }
    return { ...picture, values };
  }

  /** The least in a square window around each pixel, where it lies in the picture.
   *
   * By lines, in blocks of the window's size (van Herk, 1992): three comparisons a pixel. */
  function eroded(picture, reach) {
    const values = picture.values.slice();
    const before = new Float32Array(longer(picture));
    const after = new Float32Array(longer(picture));
    for (const down of [false, true])
      lines(picture, down, (start, length, step) => {
        leastBefore(values, start, length, step, reach, before);
        leastAfter(values, start, length, step, reach, after);
        const half = reach >> 1;
        for (let i = half; i < length - half; i++)
          values[start + step * i] = Math.min(after[i - half], before[i + half]);
      });
    return { ...picture, values };
  }

  /** The least from the beginning of each pixel's block up to it. */
  function leastBefore(values, start, length, step, reach, least) {
    for (let i = 0, at = start; i < length; i++, at += step)
      least[i] = i % reach === 0 ? values[at] : Math.min(values[at], least[i - 1]);
  }

  /** The least from each pixel to the end of its block. */
  function leastAfter(values, start, length, step, reach, least) {
    let at = start + step * (length - 1);
    for (let i = length - 1; i >= 0; i--, at -= step) {
      const last = i === length - 1 || (i + 1) % reach === 0;
      least[i] = last ? values[at] : Math.min(values[at], least[i + 1]);
    }
  }

  /** What a grey opening takes away: all that is light and narrower than this share of a side. */
  function narrower(smooth, share) {
    const { height, width } = smooth;
    const reach = Math.max(3, Math.trunc(longer(smooth) * share)) | 1;
    const clamp = (i, size) => Math.min(Math.max(i - reach, 0), size - 1);
    const padded = grey(height + 2 * reach, width + 2 * reach);
    for (let row = 0, i = 0; row < padded.height; row++) {
      const start = clamp(row, height) * width;
      for (let column = 0; column < padded.width; column++, i++)
        padded.values[i] = smooth.values[start + clamp(column, width)];
    }
    const negative = mapped(eroded(padded, reach), (value) => -value);
    const opened = eroded(negative, reach); // the largest, with the other sign
    const inner = cut(opened, {
      top: reach,
      bottom: reach + height,
      left: reach,
      right: reach + width,
    });
    return mapped(smooth, (value, i) => value + inner.values[i]);
  }

  /** ndimage.label: patches numbered from 1 in the order of their first pixels. */
  function labelled(mask, { height, width }, corners = true) {
    const labels = new Int32Array(mask.length);
    let count = 0;
    for (let first = 0; first < mask.length; first++) {
      if (!mask[first] || labels[first]) continue;
      labels[first] = ++count;
      for (const stack = [first]; stack.length;) {
        const at = stack.pop();
        const [row, column] = [Math.floor(at / width), at % width];
        for (let r = Math.max(row - 1, 0); r <= Math.min(row + 1, height - 1); r++)
          for (let c = Math.max(column - 1, 0); c <= Math.min(column + 1, width - 1); c++) {
            const next = r * width + c;
            if (!mask[next] || labels[next] || !(corners || r === row || c === column)) continue;
            labels[next] = count;
            stack.push(next);
          }
      }
    }
    return { labels, count };
  }

  /** The sum of amounts in each patch, from the first. */
  function sums({ labels, count }, amount) {
    const totals = new Float64Array(count + 1);
    labels.forEach((label, i) => (totals[label] += amount(i)));
    return totals.subarray(1);
  }

  /** ndimage.binary_dilation with a cross, so many times. */
  function dilated(mask, { height, width }, times) {
    let grown = mask;
    for (let time = 0; time < times; time++) {
      const last = grown;
      grown = last.slice();
      for (let i = 0; i < last.length; i++) {
        if (!last[i]) continue;
        if (i >= width) grown[i - width] = 1;
        if (i < width * (height - 1)) grown[i + width] = 1;
        if (i % width > 0) grown[i - 1] = 1;
        if (i % width < width - 1) grown[i + 1] = 1;
      }
    }
    return grown;
  }

  // Pillow

  const box = (x) => (x > -0.5 && x <= 0.5 ? 1 : 0);

  function bicubic(x) {
    const far = Math.abs(x);
    if (far < 1) return (1.5 * far - 2.5) * far * far + 1;
    return far < 2 ? (((far - 5) * far + 8) * far - 4) * -0.5 : 0;
  }

  /** Image.resize along one axis: every new pixel is a weighted mean of those it covers. */
  function resampled(picture, down, size, filter, support) {
    const old = down ? picture.height : picture.width;
    if (size === old) return picture;
    const result = down ? grey(size, picture.width) : grey(picture.height, size);
    const scale = old / size;
    const reach = support * Math.max(scale, 1);
    for (let at = 0; at < size; at++) {
      const centre = (at + 0.5) * scale;
      const first = Math.max(Math.trunc(centre - reach + 0.5), 0);
      const last = Math.min(Math.trunc(centre + reach + 0.5), old);
      const weights = Array.from({ length: last - first }, (_, i) =>
        filter((i + first - centre + 0.5) * (1 / Math.max(scale, 1))),
      );
      const total = weights.reduce((a, b) => a + b, 0);
      const shares = weights.map((each) => (total === 0 ? each : each / total));
      const others = down ? picture.width : picture.height;
      for (let other = 0; other < others; other++) {
        const index = (i) => (down ? i * picture.width + other : other * picture.width + i);
        const mean = shares.reduce(
          (a, share, i) => a + picture.values[index(first + i)] * share,
          0,
        );
        result.values[down ? at * result.width + other : other * result.width + at] = mean;
      }
    }
    return result;
  }

  /** Scaled so that the longer side is ``side``, the aspect kept: pictures.fitted. */
  function fitted(picture, side) {
    const { height, width } = picture;
    const short = Math.max(1, rounded((Math.min(height, width) / Math.max(height, width)) * side));
    const [tall, wide] = height > width ? [side, short] : [short, side];
    const filter = longer(picture) > 2 * side ? [box, 0.5] : [bicubic, 2];
    return resampled(resampled(picture, false, wide, ...filter), true, tall, ...filter);
  }

  // datasets/ink.py

  function levelAndNoise(values) {
    const level = median(values);
    return [level, 1.4826 * median(values.map((value) => Math.abs(f32(value - level))))];
  }

  const lightened = (picture, dark) => (dark ? mapped(picture, (value) => 1 - value) : picture);

  function above(values, least) {
    const mask = new Uint8Array(values.length);
    for (let i = 0; i < mask.length; i++) if (values[i] > f32(least)) mask[i] = 1;
    return mask;
  }

  const some = (mask) => mask.includes(1);

  /** Top, bottom, left and right: the indices of each side's pixels. */
  function sidesOf({ height, width }) {
    const across = [...Array(width).keys()];
    const down = [...Array(height).keys()];
    return [
      across,
      across.map((i) => (height - 1) * width + i),
      down.map((i) => i * width),
      down.map((i) => i * width + width - 1),
    ];
  }

  /** The patches that touch ALONG of a side of the picture and more. */
  function alongBorder(mask, picture) {
    const { labels, count } = labelled(mask, picture);
    const along = new Set();
    for (const side of sidesOf(picture)) {
      const touching = new Int32Array(count + 1);
      for (const i of side) touching[labels[i]]++;
      touching.forEach(
        (pixels, label) => label && pixels >= ALONG * side.length && along.add(label),
      );
    }
    return mask.map((_, i) => (along.has(labels[i]) ? 1 : 0));
  }

  function groundIsLight(picture) {
    const threshold = otsu(picture.values);
    const border = sidesOf(picture)
      .flat()
      .map((i) => picture.values[i]);
    const light = median(border) > threshold;
    return [light, light === median(picture.values) > threshold];
  }

  function boxOf(mask, { width }) {
    const found = { top: Infinity, bottom: 0, left: Infinity, right: 0 };
    mask.forEach((inside, i) => {
      if (!inside) return;
      const [row, column] = [Math.floor(i / width), i % width];
      found.top = Math.min(found.top, row);
      found.bottom = Math.max(found.bottom, row + 1);
      found.left = Math.min(found.left, column);
      found.right = Math.max(found.right, column + 1);
    });
    return found;
  }

  function cut({ width, values }, { top, bottom, left, right }) {
    const part = grey(bottom - top, right - left);
    for (let row = top; row < bottom; row++)
      part.values.set(
        values.subarray(row * width + left, row * width + right),
        (row - top) * part.width,
      );
    return part;
  }

  /** What stands out most among all that is thin and light; null: nothing does. */
  function thinCharacter(picture) {
    const smooth = smoothed(picture);
    const thin = narrower(smooth, THIN).values;
    const [level, noise] = levelAndNoise(thin);
    const least = level + Math.max(LEAST_CONTRAST, SURE_NOISES * noise);
    const bright = above(thin, least);
    const along = alongBorder(bright, picture);
    const strokes = bright.map((inside, i) => inside && 1 - along[i]);
    if (!some(strokes)) return null;
    const reach = Math.max(1, rounded(TOGETHER * longer(picture)));
    const patches = labelled(dilated(strokes, picture, reach), picture, false);
    const amounts = sums(patches, (i) => f32(thin[i] * thin[i]) * strokes[i]);
    const amount = Math.max(...amounts);
    const largest = amounts.indexOf(amount);
    const character = strokes.map((inside, i) =>
      inside && patches.labels[i] === 1 + largest ? 1 : 0,
    );
    const typical = median(thin.filter((_, i) => character[i]));
    return {
      strokes: character,
      amount,
      least: Math.max(least, typical / 2),
      smooth,
      notes: amounts.filter((each) => each > OTHER * amount).length > 1 ? [SEVERAL] : [],
    };
  }

  /** Whether strokes go over into broader ones that are as light as they are. */
  function isPartOfBroader({ smooth, least, strokes }) {
    const { labels } = labelled(above(narrower(smooth, STROKE).values, least), smooth);
    const own = new Set(labels.filter((label, i) => label && strokes[i]));
    const connected = labels.filter((label) => own.has(label)).length;
    return connected > BROADER * strokes.filter(Boolean).length;
  }

  /** The ink of a small character, cut out; null of one that fills the picture. */
  function fromNear(around, picture, dark) {
    const { height, width } = picture;
    for (const share of AROUND) {
      const size = Math.max(around.bottom - around.top, around.right - around.left);
      const margin = 2 + rounded(share * size);
      const near = {
        top: Math.max(0, around.top - margin),
        bottom: Math.min(height, around.bottom + margin),
        left: Math.max(0, around.left - margin),
        right: Math.min(width, around.right + margin),
      };
      const nearSize = Math.max(near.bottom - near.top, near.right - near.left);
      if (nearSize > SMALL * longer(picture)) return null;
      let found;
      try {
        found = broad(lightened(cut(picture, near), dark));
      } catch (error) {
        if (error instanceof NoInk) return null;
        throw error;
      }
      const inner = [near.top > 0, near.bottom < height, near.left > 0, near.right < width];
      if (!inner.some((side, i) => side && found.touches[i])) return found;
    }
    return null;
  }

  /** The ink of a picture of light on dark, of which a character is a large part. */
  function broad(picture) {
    const smooth = smoothed(picture);
    const flat = narrower(smooth, STROKE);
    let [keep, level] = patchesOf(flat);
    const along = alongBorder(keep, picture);
    if (some(along)) {
      const near = dilated(along, picture, Math.max(2, rounded(0.01 * longer(flat))));
      try {
        [keep, level] = patchesOf(mapped(flat, (value, i) => (near[i] ? level : value)));
      } catch (error) {
        if (!(error instanceof NoInk)) throw error; // all that is written lies along the border
      }
    }
    const found = boxOf(keep, picture);
    const amounts = mapped(picture, (value, i) => {
      const background = f32(smooth.values[i] - flat.values[i]);
      return keep[i] ? Math.max(f32(f32(value - background) - level), 0) : 0;
    });
    const touches = sidesOf(picture).map((side) => side.some((i) => keep[i]));
    const notes = [];
    if (isSideBySide(keep, picture, found)) notes.push(SIDE_BY_SIDE);
    if (touches.some(Boolean)) notes.push(CUT_OFF);
    return { amounts: cut(amounts, found), touches, notes };
  }

  /** Whether patches that are nearly as high as all together stand beside each other. */
  function isSideBySide(keep, picture, whole) {
    const { labels, count } = labelled(keep, picture);
    const high = [];
    for (let label = 1; label <= count; label++) {
      const part = boxOf(
        labels.map((each) => (each === label ? 1 : 0)),
        picture,
      );
      if (part.bottom - part.top > HIGH * (whole.bottom - whole.top)) high.push(part);
    }
    high.sort((a, b) => a.left - b.left);
    return high.some((part, i) => i > 0 && high[i - 1].right <= part.left);
  }

  /** Where ink is, specks left out, and the level of what has none. */
  function patchesOf(flat) {
    const values = flat.values;
    const ink = above(values, otsu(values));
    if (!some(ink)) throw new NoInk();
    const [level, noise] = levelAndNoise(values.filter((_, i) => !ink[i]));
    const contrast = median(values.filter((_, i) => ink[i])) - level;
    if (contrast < Math.max(LEAST_CONTRAST, LEAST_NOISES * noise)) throw new NoInk();
    const edge = level + Math.max(EDGE * contrast, EDGE_NOISES * noise);
    const patches = labelled(above(values, edge), flat);
    const amounts = sums(patches, (i) => values[i] * ink[i]);
    const least = SPECK * Math.max(...amounts);
    return [
      Uint8Array.from(patches.labels, (label) => (amounts[label - 1] > least ? 1 : 0)),
      level,
    ];
  }

  /** The ink of a picture: its amounts, cut out, and what may be wrong with it. Throws NoInk. */
  function find(picture) {
    if (longer(picture) > MOST_SIDE) throw new RangeError(`wanted ${MOST_SIDE} pixels at most`);
    const [onLight, onDark] = [true, false].map((dark) => thinCharacter(lightened(picture, dark)));
    const [darkInk, lightInk] = [onLight?.amount ?? 0, onDark?.amount ?? 0];
    let dark = darkInk > lightInk;
    let sure = Math.max(darkInk, lightInk) > SURE_TIMES * Math.min(darkInk, lightInk);
    let character = sure ? (dark ? onLight : onDark) : null;
    let broader = character && isPartOfBroader(character);
    if (!character || broader) {
      let light;
      [light, sure] = groundIsLight(picture);
      if (sure) dark = light;
      const other = dark ? onLight : onDark;
      if (other !== character) broader = other && isPartOfBroader(other);
      character = other;
    }
    const notes = sure ? [] : [UNSURE + (dark ? "dark on light" : "light on dark")];
    if (character && !broader) {
      const near = fromNear(boxOf(character.strokes, picture), picture, dark);
      if (near)
        return { amounts: near.amounts, notes: [...notes, ...character.notes, ...near.notes] };
    }
    const whole = broad(lightened(picture, dark));
    return { amounts: whole.amounts, notes: [...notes, ...whole.notes] };
  }

  // datasets/mnist_form.py

  /** 28x28 bytes, the ink white on black; ``form``: 'mnist' or 'letters'. */
  function inForm(amounts, form) {
    const small = fitted(amounts, BOX);
    const most = small.values.reduce((a, b) => Math.max(a, b));
    const white = percentile(
      small.values.filter((value) => value > most / 2),
      FULL,
    );
    const scaled = mapped(small, (value) => Math.min(Math.max(f32(value / white), 0), 1));
    const [top, left] = corner(scaled, form);
    const image = new Uint8Array(SIDE * SIDE);
    scaled.values.forEach((value, i) => {
      const [row, column] = [Math.floor(i / scaled.width), i % scaled.width];
      image[(top + row) * SIDE + left + column] = rounded(f32(value * 255));
    });
    return image;
  }

  function corner({ height, width, values }, form) {
    if (form === "letters") return [(SIDE - height) >> 1, (SIDE - width) >> 1];
    const rows = Float32Array.from({ length: height }, (_, i) =>
      sum(values.subarray(i * width, (i + 1) * width)),
    );
    const columns = new Float32Array(width);
    values.forEach((value, i) => (columns[i % width] += value));
    const middle = (amounts) => amounts.reduce((a, amount, i) => a + amount * i, 0) / sum(amounts);
    const within = (at, size) => Math.min(Math.max(rounded(CENTRE - middle(at)), 0), SIDE - size);
    return [within(rows, height), within(columns, width)];
  }

  /** The brightness of a canvas's pixels, four bytes each, none of them transparent. */
  function brightness(pixels, height, width) {
    const [red, green, blue] = [19595, 38470, 7471]; // as Pillow: ITU-R 601-2 in sixteen bits
    return grey(height, width, (i) => {
      const weighed = red * pixels[4 * i] + green * pixels[4 * i + 1] + blue * pixels[4 * i + 2];
      return ((weighed + 0x8000) >> 16) / 255;
    });
  }

  /** What ``predict`` makes of a picture: its 28x28 bytes and notes; null where nothing is on it. */
  function prepare(picture, form) {
    try {
      const { amounts, notes } = find(picture);
      return { image: inForm(amounts, form), notes };
    } catch (error) {
      if (error instanceof NoInk) return null;
      throw error;
    }
  }

  return { brightness, prepare, SIDE };
})();
