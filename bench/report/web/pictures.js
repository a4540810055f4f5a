// The folder's plots, as images: texts in an SVG come from records, and an image runs no scripts.
"use strict";

(() => {
  const places = document.querySelectorAll("#pictures img");
  let begun = false;

  function load() {
    if (begun) return;
    begun = true;
    glyphbench.content.pictures.forEach(async ({ kind, content }, i) => {
      const image = new Blob([await glyphbench.unpacked(content)], { type: kind });
      places[i].src = URL.createObjectURL(image);
    });
  }

  document.getElementById("pictures").addEventListener("shown", load);
  setTimeout(load, 3000); // after the chart, which comes first; they are printed too
})();
