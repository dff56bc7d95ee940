/* What must stand before anything is painted: light or dark, the language, and the words of all other scripts. */
(() => {
  "use strict";

  const PREFIX = "fineprint.";
  /* What this browser remembers for the reader; a browser that forbids it remembers nothing. */
  const settings = {
    get(name) {
      try { return localStorage.getItem(PREFIX + name); } catch { return null; }
    },
    set(name, value) {
      try {
        if (value === null) localStorage.removeItem(PREFIX + name);
        else localStorage.setItem(PREFIX + name, value);
      } catch { /* not remembered */ }
    },
  };

  /* Gradio has parameters of its own in the address (its settings, its theme); here they mean nothing. */
  const address = new URL(location.href);
  address.searchParams.delete("__theme");
  if (["settings", "api", "api-recorder"].includes(address.searchParams.get("view"))) address.searchParams.delete("view");
  if (address.search.length < location.search.length) history.replaceState(history.state, "", address);

  /* Light or dark */
  const THEMES = ["system", "light", "dark"];
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  let theme = THEMES.includes(settings.get("theme")) ? settings.get("theme") : "system";
  const paint = () => {
    const dark = theme === "dark" || (theme === "system" && prefersDark.matches);
    const root = document.documentElement;
    root.classList.toggle("fp-dark", dark);
    root.style.colorScheme = dark ? "dark" : "light";
    if (document.body && document.body.classList.contains("dark") !== dark) document.body.classList.toggle("dark", dark);
  };
  paint();
  prefersDark.addEventListener("change", paint);
  /* Gradio follows the system when it starts: what the reader chose is put back before the next frame. */
  new MutationObserver((_, waiting) => {
    if (!document.body) return;
    waiting.disconnect();
    paint();
    new MutationObserver(paint).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  }).observe(document.documentElement, { childList: true });

  /* Language */
  const words = window.gradio_config?.i18n_translations ?? {};
  const languages = Object.keys(words);
  const known = (tag) => languages.find((language) => String(tag ?? "").toLowerCase().split("-")[0] === language);
  const asked = new URLSearchParams(location.search).get("lang");
  let lang = [asked, settings.get("language"), ...(navigator.languages ?? [navigator.language])].map(known).find(Boolean) ?? "en";
  document.documentElement.lang = lang;
  /* Gradio's own labels follow what the browser says; it asks once, when it starts. */
  try {
    Object.defineProperty(navigator, "language", { get: () => lang, configurable: true });
  } catch { /* Gradio's labels stay in the browser's language */ }

  const t = (key, values = {}) =>
    (words[lang]?.[key] ?? words.en?.[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));

  /* A date of a policy, which has no time of day and so no time zone. */
  const date = (iso) => {
    const day = new Date(`${iso}T00:00:00Z`);
    if (Number.isNaN(day.getTime())) return iso;
    const form = { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" };
    return new Intl.DateTimeFormat(lang === "en" ? "en-GB" : lang, form).format(day);
  };

  const ATTRIBUTES = ["aria-label", "title", "placeholder"];
  const MARKED = ["[data-t]", ...ATTRIBUTES.map((name) => `[data-t-${name}]`), "time[data-t-date]"].join(",");
  const valuesOf = (element) => {
    try { return JSON.parse(element.dataset.tValues ?? "{}"); } catch { return {}; }
  };
  const put = (element) => {
    const key = element.getAttribute("data-t");
    if (key !== null) {
      const said = t(key, valuesOf(element));
      if (element.textContent !== said) element.textContent = said;
      /* Interface words within an answer, whose own words are English. */
      if (element.closest('[lang="en"]:not(html)') || element.hasAttribute("lang")) element.lang = lang;
    }
    for (const name of ATTRIBUTES) {
      const wanted = element.getAttribute(`data-t-${name}`);
      if (wanted === null) continue;
      const said = t(wanted, valuesOf(element));
      if (element.getAttribute(name) !== said) element.setAttribute(name, said);
    }
    if (element.localName === "time" && element.hasAttribute("data-t-date")) {
      const said = date(element.dateTime);
      if (element.textContent !== said) element.textContent = said;
    }
  };
  /* Answers, policies and questions are English whatever the page speaks: a screen reader is told so. */
  const ENGLISH = ".fp-words, .fp-text, .fp-warning, .fp-problem, .fp-compare td, blockquote, q, .example-text, .option";
  const translate = (root) => {
    if (lang !== "en") {
      if (root.matches?.(ENGLISH)) root.lang = "en";
      for (const element of root.querySelectorAll?.(ENGLISH) ?? []) element.lang = "en";
    }
    if (root.matches?.(MARKED)) put(root);
    for (const element of root.querySelectorAll?.(MARKED) ?? []) put(element);
  };
  /* Gradio's labels, which have no key: one that is a word of ours in the language before is said in the one now. */
  const LABELS = "button, label, legend, span, input, textarea";
  const THEIRS = "[data-t], [lang]:not(html), .fp-answer, .fp-panel, .fp-pick, #fp-conversation .message";
  const keysOf = (language) => new Map(Object.entries(words[language] ?? {}).map(([key, said]) => [said, key]));
  const english = keysOf("en");
  const relabel = (root, keys) => {
    for (const element of [...(root.matches?.(LABELS) ? [root] : []), ...root.querySelectorAll(LABELS)]) {
      if (element.closest(THEIRS)) continue;
      for (const name of ATTRIBUTES) {
        const key = keys.get(element.getAttribute(name));
        if (key && !element.hasAttribute(`data-t-${name}`)) element.setAttribute(name, t(key));
      }
      for (const node of element.childNodes) {
        const said = node.nodeType === Node.TEXT_NODE ? node.data.trim() : "";
        const key = said && keys.get(said);
        if (key) node.data = node.data.replace(said, t(key));
      }
    }
  };
  new MutationObserver((changes) => {
    for (const change of changes) {
      /* Gradio changes the steps of an answer at work in place, back to the English that the service sends. */
      const holder = change.target.nodeType === Node.TEXT_NODE ? change.target.parentElement : change.target;
      if (holder?.matches(MARKED)) put(holder);
      for (const node of change.addedNodes) {
        if (node.nodeType !== Node.ELEMENT_NODE) continue;
        translate(node);
        if (lang !== "en") relabel(node, english);
      }
    }
  }).observe(document.documentElement, {
    childList: true, subtree: true, characterData: true, attributeFilter: ["data-t", "data-t-values"],
  });

  window.fineprint = {
    settings,
    languages,
    t,
    date,
    get language() { return lang; },
    set language(wanted) {
      const from = lang;
      lang = known(wanted) ?? lang;
      settings.set("language", lang);
      if (lang === from) return;
      document.documentElement.lang = lang;
      translate(document.documentElement);
      relabel(document.body, keysOf(from));
      document.dispatchEvent(new CustomEvent("fp:language", { detail: { language: lang } }));
    },
    get theme() { return theme; },
    set theme(wanted) {
      theme = THEMES.includes(wanted) ? wanted : "system";
      settings.set("theme", theme === "system" ? null : theme);
      paint();
    },
  };
})();
