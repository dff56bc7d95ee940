/* What all views share: the header's switches, the address, keyboard shortcuts, and links to an answer. */
(() => {
  "use strict";

  const { settings, t } = window.fineprint;
  const VIEWS = ["ask", "compare", "lookback", "about"];
  const PICKER = "fp-picker";
  const LONGEST_QUESTION = 2000;
  const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  const behavior = () => (calm() ? "auto" : "smooth");
  const box = () => document.querySelector("#fp-question textarea");
  const tab = (view) => document.querySelector(`#fp-views [role="tab"][data-tab-id="${view}"]`);
  const shownView = () => document.querySelector('#fp-views [role="tab"][aria-selected="true"]')?.dataset.tabId ?? "ask";
  const isOwn = (id) => id.startsWith("own:");

  /* Waits for something that Gradio is still making; null when it does not come. */
  const soon = (find, wait = 10_000) => new Promise((resolve) => {
    const found = find();
    if (found) { resolve(found); return; }
    let timer = 0;
    const watching = new MutationObserver(() => {
      const late = find();
      if (late) { watching.disconnect(); clearTimeout(timer); resolve(late); }
    });
    watching.observe(document.documentElement, { childList: true, subtree: true, attributes: true, attributeFilter: ["disabled", "aria-selected"] });
    timer = setTimeout(() => { watching.disconnect(); resolve(null); }, wait);
  });

  /* One line that says what happened, read out by screen readers. */
  const tell = (text) => {
    const line = document.getElementById("fp-said");
    if (!line) return;
    line.textContent = text;
    line.classList.add("fp-shown");
    clearTimeout(tell.timer);
    tell.timer = setTimeout(() => { line.classList.remove("fp-shown"); line.textContent = ""; }, 8000);
  };

  /* --- The header: language, light or dark, shortcuts ------------------------------------------------------------- */

  const dress = () => {
    const language = document.getElementById("fp-language");
    const theme = document.getElementById("fp-theme");
    if (!language || language.dataset.ready !== undefined) return;
    language.dataset.ready = "";
    language.value = window.fineprint.language;
    theme.value = window.fineprint.theme;
    document.getElementById("fp-keys-on").checked = settings.get("shortcuts") !== "off";
  };
  document.addEventListener("change", (event) => {
    const { id, value, checked } = event.target;
    if (id === "fp-language") window.fineprint.language = value;
    else if (id === "fp-theme") window.fineprint.theme = value;
    else if (id === "fp-keys-on") settings.set("shortcuts", checked ? null : "off");
  });
  const showKeys = () => {
    const dialog = document.getElementById("fp-keys-dialog");
    if (dialog && !dialog.open) dialog.showModal();
  };
  document.addEventListener("click", (event) => {
    const target = event.target;
    if (target.closest?.("#fp-keys")) showKeys();
    else if (target.closest?.("#fp-keys-close") || target.id === "fp-keys-dialog") document.getElementById("fp-keys-dialog").close();
    else if (target.closest?.("#fp-forget")) {
      for (const name of ["language", "theme", "shortcuts", "recent"]) settings.set(name, null);
      window.fineprint.theme = document.getElementById("fp-theme").value = "system";
      document.getElementById("fp-keys-on").checked = true;
      tell(t("about.forgotten"));
    }
  });

  /* --- Shortcuts -------------------------------------------------------------------------------------------------- */

  const open = async (view) => {
    const button = tab(view);
    if (button && button.getAttribute("aria-selected") !== "true") button.click();
    return soon(() => tab(view)?.getAttribute("aria-selected") === "true" || null, 3000);
  };
  const toQuestion = async () => {
    await open("ask");
    const field = await soon(() => (box()?.offsetParent ? box() : null), 3000);
    field?.focus();
    field?.scrollIntoView({ block: "nearest" });
  };
  /* One can type at once, but a field that takes the focus late must not take it from a reader who was faster. (The
     attribute "autofocus" is acted on at some later frame.) */
  let touched = false;
  for (const kind of ["keydown", "pointerdown"]) addEventListener(kind, () => { touched = true; }, { capture: true, once: true });
  soon(() => (box()?.offsetParent ? box() : null)).then((field) => {
    if (!touched && document.activeElement === document.body) field?.focus({ preventScroll: true });
  });
  const isTyping = (target) =>
    target.closest?.('input:not([type="checkbox"]):not([type="radio"]):not([type="button"]), textarea, select, [contenteditable=""], [contenteditable="true"]');
  document.addEventListener("keydown", async (event) => {
    if (event.defaultPrevented || event.isComposing || event.altKey || event.repeat) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
    const { key } = event;
    if (event.ctrlKey || event.metaKey) {
      if (key.toLowerCase() !== "k" || event.shiftKey) return;
      event.preventDefault();
      toQuestion();
      return;
    }
    if (settings.get("shortcuts") === "off") return;
    if (key === "/") { event.preventDefault(); toQuestion(); }
    else if (key === "?") { event.preventDefault(); showKeys(); }
    else if (key === "p") { event.preventDefault(); await open("ask"); window.fineprint.pickers.focus(PICKER); }
    else if (/^[1-4]$/.test(key)) {
      event.preventDefault();
      await open(VIEWS[key - 1]);
      tab(VIEWS[key - 1])?.focus();
    }
  });

  /* --- The address ------------------------------------------------------------------------------------------------ */
  /* It says which view and which policy are shown. A question is in it only if it came with a link that somebody made
     with "Copy link": what people ask is theirs, and a browser's history is kept and synchronised. */

  let following = false;  // an address is being followed: nothing is written to it meanwhile
  const asked = () => new URLSearchParams(location.search);
  const go = (query, state = {}) => {
    const text = query.toString().replaceAll("%40", "@");
    const address = location.pathname + (text ? `?${text}` : "");
    if (address !== location.pathname + location.search || state.answer) history.pushState(state, "", address);
  };
  const write = (change, state = {}) => {
    const query = asked();
    for (const [name, value] of Object.entries(change)) {
      if (value) query.set(name, value);
      else query.delete(name);
    }
    go(query, state);
  };

  /* What belongs to one view's address does not follow into another's. */
  let view = null;
  const follow = () => {
    const now = shownView();
    if (now === view) return;
    const first = view === null;
    view = now;
    if (first || following) return;
    const query = new URLSearchParams();
    if (asked().has("lang")) query.set("lang", asked().get("lang"));
    if (now !== "ask") query.set("view", now);
    const chosen = window.fineprint.pickers.chosen(PICKER)[0]?.id ?? "";
    if (now === "ask" && chosen && !isOwn(chosen)) query.set("policy", chosen);
    go(query);
  };

  document.addEventListener("fp:picked", ({ detail }) => {
    if (detail.picker !== PICKER || following) return;
    const id = detail.policies[0]?.id ?? "";
    write({ policy: isOwn(id) ? "" : id, scope: "", q: "" });
  });

  /* Each answer is a step that "back" returns from, as long as it is in the conversation. */
  const known = new Set();
  let linked = false;  // the next answer is that of the link that was followed
  const note = () => {
    for (const answer of document.querySelectorAll("#fp-conversation .fp-answer[data-key]:not([data-noted])")) {
      answer.dataset.noted = "";
      const { key } = answer.dataset;
      if (known.has(key)) continue;  // Gradio made it anew
      known.add(key);
      if (linked) history.replaceState({ answer: key }, "");
      else if (!following) write({ q: "" }, { answer: key });
      linked = false;
    }
  };

  const showAnswer = (key) => {
    const answer = [...document.querySelectorAll(".fp-answer[data-key]")].find((each) => each.dataset.key === key);
    if (!answer) return;
    (questionElement(answer) ?? answer).scrollIntoView({ block: "start", behavior: behavior() });
    document.dispatchEvent(new CustomEvent("fp:show", { detail: { answer } }));
  };

  /* What the address says becomes what is shown. */
  const apply = async ({ ask }) => {
    const query = asked();
    const scope = query.get("policy") ?? query.get("scope") ?? "";
    const question = query.get("q") ?? "";
    const wanted = VIEWS.includes(query.get("view")) ? query.get("view") : "ask";
    following = true;
    try {
      await open(wanted);
      view = wanted;
      if (wanted !== "ask") return;
      const chosen = window.fineprint.pickers.chosen(PICKER)[0]?.id ?? "";
      if (!scope && chosen && !ask && !isOwn(chosen)) await window.fineprint.pickers.choose(PICKER, []);
      let found = true;
      if (scope && scope !== chosen) {
        if (scope.length > 300 || isOwn(scope)) found = false;
        else {
          try { found = (await window.fineprint.pickers.choose(PICKER, [scope])).length > 0; }
          catch { tell(t("picker.unreachable")); return; }
        }
        if (!found) tell(t("page.no_such_policy", { name: scope.length > 80 ? `${scope.slice(0, 80)}…` : scope }));
      }
      if (!ask || !question.trim()) return;
      if (question.length > LONGEST_QUESTION) { tell(t("page.question_too_long")); return; }
      const field = await soon(() => (box() && !box().disabled ? box() : null));
      if (!field) return;
      field.value = question;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      if (!found) return;  // about another policy than the link means, it would be another question
      linked = true;
      await settled();
      document.querySelector("#fp-question .submit-button")?.click();
    } finally {
      following = false;
    }
  };
  /* Gradio has taken over what was put into its fields. */
  const settled = () => new Promise((resolve) => setTimeout(resolve, 60));

  addEventListener("popstate", async (event) => {
    await apply({ ask: false });
    if (event.state?.answer) showAnswer(event.state.answer);
  });

  /* --- A link to an answer ---------------------------------------------------------------------------------------- */

  /* The message with the question that an answer answers. */
  const questionElement = (answer) => {
    let question = null;
    for (const each of document.querySelectorAll("#fp-conversation .user-row, #fp-conversation .fp-answer")) {
      if (each === answer) return question;
      if (each.matches(".user-row")) question = each;
    }
    return null;
  };
  const linkTo = (answer) => {
    const data = JSON.parse(answer.querySelector("template.fp-data")?.content.textContent || "null");
    if (!data || data.question.length > LONGEST_QUESTION || isOwn(answer.dataset.policy)) return null;
    const query = new URLSearchParams();
    if (answer.dataset.policy) query.set("policy", answer.dataset.policy);
    query.set("q", data.question);
    return `${location.origin}${location.pathname}?${query.toString().replaceAll("%40", "@")}`;
  };
  const copy = async (text) => {
    try { await navigator.clipboard.writeText(text); return true; } catch { /* not allowed, or not over https */ }
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "fp-sr";
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.(".fp-link");
    if (!button) return;
    const link = linkTo(button.closest(".fp-answer"));
    if (!link) tell(t("page.no_link"));
    else if (await copy(link)) tell(t("page.link_copied"));
    else {
      history.replaceState(history.state, "", link);
      tell(t("page.link_shown"));
    }
    button.focus();
  });

  /* --- Starting --------------------------------------------------------------------------------------------------- */

  let live = false;  // Gradio listens to its fields: what was put into them before would be lost
  document.addEventListener("fp:live", () => { live = true; look(); });
  let started = false;
  const start = async () => {
    started = true;
    const query = asked();
    if (query.has("policy") || query.has("scope") || query.has("q") || query.has("view")) await apply({ ask: true });
    else history.replaceState({}, "");
  };
  const look = () => {
    dress();
    if (!started && live && tab("ask") && document.querySelector(`.fp-pick[data-picker="${PICKER}"][data-ready]`)) start();
    if (!started) return;
    follow();
    note();
  };
  new MutationObserver(look).observe(document.documentElement, { childList: true, subtree: true, attributes: true, attributeFilter: ["aria-selected"] });
  look();

  Object.assign(window.fineprint, { tell, copy, linkTo, open });
})();
