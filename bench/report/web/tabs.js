// Elements of the page; and its parts, of which one is shown: by click, by the arrow keys, by the
// address. ``show(key)`` shows one and tells its section by the event "shown".
"use strict";

/** An element with attributes and children; strings become text. */
glyphbench.element = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false)
      made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
};

glyphbench.tabs = (() => {
  const tabs = [...document.querySelectorAll('[role="tab"]')];
  const keys = tabs.map((tab) => tab.getAttribute("aria-controls"));
  const panel = (key) => document.getElementById(key);

  function show(key) {
    tabs.forEach((tab, i) => {
      const chosen = keys[i] === key;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      panel(keys[i]).hidden = !chosen;
    });
    panel(key).dispatchEvent(new Event("shown"));
  }

  /** Call choose(key) when the reader chooses a tab. */
  function listen(choose) {
    tabs.forEach((tab, i) => {
      tab.addEventListener("click", () => choose(keys[i]));
      tab.addEventListener("keydown", (event) => {
        const to = { ArrowLeft: i - 1, ArrowRight: i + 1, Home: 0, End: -1 }[event.key];
        if (to === undefined) return;
        event.preventDefault();
        const next = (to + tabs.length) % tabs.length;
        tabs[next].focus();
        choose(keys[next]);
      });
    });
  }

  return { keys, show, listen };
})();
