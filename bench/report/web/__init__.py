"""``index.html`` of a results folder: one file that shows its runs and recomputes what is chosen.

``page`` puts it together from ``page.html``, a template and scripts for each tab, and ``data``;
``top`` has its first three sentences, ``glossary`` its words, ``pictures`` the folder's plots;
``vega`` brings the library that draws charts. ``unpack.js`` unpacks data and scripts, ``tabs.js``
shows one tab of several. The results: ``statistics.js`` (what ``bench.stats`` computes of pairs),
``wording.js`` (what ``bench.report.wording`` says of them), ``selection.js`` (which runs stand side
by side), ``chart.js``, ``view.js``.

Shared files are dropped on it: ``known`` tells the scripts their form, ``shared.js`` reads them,
``runs.js`` and ``laptops.js`` are ``bench.stats`` and ``bench.report.classroom`` again,
``beside.js`` is ``bench compare``; ``predictions.js``, ``charts.js`` and ``class.js`` show it all.

Where the folder has saved models, a digit is drawn by hand: ``drawn`` chooses the networks and
makes them small, ``ink.js`` prepares the drawing (``datasets.ink``, ``datasets.mnist_form``),
``networks.js`` computes the layers (``models.layers_numpy``), ``draw.js`` has the sheet.
"""
