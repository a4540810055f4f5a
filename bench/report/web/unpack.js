// Unpacks the page's data and scripts, and runs the scripts in their order. The data of a tab is
// then ``glyphbench.content[key]``.
"use strict";

const glyphbench = { content: {} };

/** The bytes of what was deflated and written in base64. */
glyphbench.unpacked = (text) => {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return glyphbench.inflated(bytes, "deflate");
};

/** What bytes in a format of DecompressionStream unpack to; RangeError where it is too much. */
glyphbench.inflated = async (bytes, format, most = Infinity) => {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream(format));
  const reader = stream.getReader();
  const parts = [];
  let length = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
    length += part.value.length;
    if (length > most) throw new RangeError("too large");
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
};

(async () => {
  const packed = [...document.querySelectorAll("script.packed")];
  try {
    const bytes = await Promise.all(packed.map((each) => glyphbench.unpacked(each.textContent)));
    packed.forEach((element, i) => {
      const text = new TextDecoder().decode(bytes[i]);
      element.textContent = ""; // what is unpacked need not be kept twice
      if (element.dataset.tab) {
        glyphbench.content[element.dataset.tab] = JSON.parse(text);
        return;
      }
      const script = document.createElement("script");
      script.textContent = text;
      document.body.append(script);
    });
    document.dispatchEvent(new Event("unpacked"));
  } catch (error) {
    const failed = document.getElementById("failed");
    failed.textContent =
      `This browser cannot unpack the page (${error.message}); a newer one can, and README.md has ` +
      "the tables.";
    failed.hidden = false;
  }
})();
