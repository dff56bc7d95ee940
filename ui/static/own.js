/* Policies of the reader's own. Files are read here and sent in a body, so that nothing is stored on the way. */
(() => {
  "use strict";

  const { t, date } = window.fineprint;
  const PICKER = "fp-picker";
  const STORED = "fineprint.own";
  const LONG = 60_000; // characters that take a while to read
  const ADDRESS = /^(?:https?:\/\/|www\.)\S+$|^(?:[a-z0-9-]+\.)+[a-z]{2,24}(?:\/\S*)?$/i;

  /* The tab remembers its session over a reload, and nothing else does. */
  const session = {
    get() { try { return sessionStorage.getItem(STORED); } catch { return this.kept ?? null; } },
    set(value) {
      this.kept = value;
      try { if (value) sessionStorage.setItem(STORED, value); else sessionStorage.removeItem(STORED); } catch { /* not over a reload */ }
    },
  };

  const cards = new Map();
  const part = () => document.querySelector(".fp-own");
  const nameOf = (card) => (card.named ? card.company : t("own.unnamed"));
  const make = (name, classes, text = "") => {
    const element = document.createElement(name);
    if (classes) element.className = classes;
    element.textContent = text;
    return element;
  };
  const post = (path, body, more = {}) =>
    fetch(`own/${path}`, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      ...more,
    });
  const problemOf = async (response) => {
    try { return (await response.json()).detail ?? t("own.unreachable"); } catch { return t("own.unreachable"); }
  };

  const tell = (text, { quietly = false } = {}) => {
    const line = part()?.querySelector(".fp-own-told");
    if (!line) return;
    line.textContent = text;
    line.classList.toggle("fp-sr", quietly); // what can be seen anyhow is said only to those who cannot
  };
  const complain = (text) => {
    const line = part().querySelector(".fp-own-problem");
    line.textContent = text ? `${t("own.not_added")} ${text}` : "";
    line.hidden = !text;
  };

  /* What the tab has: one line each. */
  const chosen = () => window.fineprint.pickers?.chosen(PICKER)[0]?.id ?? null;
  const draw = () => {
    const list = part()?.querySelector(".fp-own-list");
    if (!list) return;
    list.hidden = cards.size === 0;
    list.replaceChildren(...[...cards.values()].map((card) => {
      const line = make("li", "fp-own-line");
      const asked = chosen() === card.id;
      const name = make("span", "fp-own-name");
      name.append(make("span", "fp-own-kind", `${t("own.yours")} `), make("b", "", nameOf(card)), `${card.site ? ` · ${card.site}` : ""} · ${date(card.archived_on)}`);
      const scope = make("span", "fp-own-here", t("own.only_here"));
      const choose = make("button", "fp-own-choose", t(asked ? "own.chosen" : "own.choose"));
      choose.type = "button";
      choose.dataset.id = card.id;
      choose.setAttribute("aria-pressed", String(asked));
      const forget = make("button", "fp-own-forget", t("own.forget"));
      forget.type = "button";
      forget.dataset.id = card.id;
      forget.setAttribute("aria-label", t("own.forget_name", { name: nameOf(card) }));
      line.append(name, scope, choose, forget);
      line.classList.toggle("fp-own-asked", asked);
      for (const warning of card.warnings) line.append(make("span", "fp-own-warning", warning));
      return line;
    }));
  };

  const offer = (card) => {
    cards.set(card.id, card);
    window.fineprint.pickers?.offer({ id: card.id, company: nameOf(card), archived_on: card.archived_on });
  };
  const withdraw = (id) => {
    cards.delete(id);
    window.fineprint.pickers?.withdraw(id);
  };
  const choose = async (id) => {
    await window.fineprint.pickers?.choose(PICKER, id ? [id] : []);
    draw();
  };

  const base64 = (bytes) => {
    let binary = "";
    for (let at = 0; at < bytes.length; at += 0x8000) binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
    return btoa(binary);
  };
  const number = (value) => new Intl.NumberFormat(window.fineprint.language).format(value);
  const kilobytes = (bytes) => number(Math.ceil(bytes / 1024));

  let busy = false;
  let giveUp = null; // while an address is being opened
  const add = async (bytes, name, length) => {
    const most = Number(part().dataset.mostBytes);
    if (bytes.length > most) return complain(t("own.too_large", { size: kilobytes(bytes.length), most: kilobytes(most) }));
    await bring("add", () => ({ name: name.slice(-200), data: base64(bytes) }), t(length > LONG ? "own.reading_long" : "own.reading"));
  };
  const bring = async (path, body, progress) => {
    if (busy) return;
    const section = part();
    const form = section.querySelector("form");
    const cancel = section.querySelector(".fp-own-cancel");
    complain("");
    busy = true;
    giveUp = path === "fetch" ? new AbortController() : null;
    form.setAttribute("aria-busy", "true");
    form.querySelector(".fp-own-use").disabled = true;
    cancel.hidden = !giveUp;
    tell(progress);
    if (giveUp) cancel.scrollIntoView({ block: "nearest" }); // on a phone it is below what can be seen
    try {
      const facts = { company: form.elements.company.value.trim(), date: form.elements.date.value || null };
      const response = await post(path, { session: session.get(), ...body(), ...facts }, { signal: giveUp?.signal });
      if (!response.ok) { tell(""); return complain(await problemOf(response)); }
      const added = await response.json();
      if (added.session !== session.get()) {
        for (const id of [...cards.keys()]) withdraw(id);
        session.set(added.session);
      }
      for (const id of added.dropped) withdraw(id);
      offer(added.card);
      form.reset();
      section.querySelector("details").open = false;
      await choose(added.card.id);
      const ready = t("own.ready", { name: nameOf(added.card) });
      if (added.dropped.length) tell(`${ready} ${t("own.dropped")}`);
      else tell(ready, { quietly: true });
      document.querySelector("#fp-question textarea")?.focus();
    } catch {
      tell(giveUp?.signal.aborted ? t("own.cancelled") : "");
      if (giveUp?.signal.aborted) form.elements.url.focus();
      else complain(t("own.unreachable"));
    } finally {
      busy = false;
      giveUp = null;
      cancel.hidden = true;
      form.removeAttribute("aria-busy");
      form.querySelector(".fp-own-use").disabled = false;
    }
  };

  /* A file is not even opened where it is too large. */
  const addFile = async (file) => {
    const most = Number(part().dataset.mostBytes);
    if (file.size > most) return complain(t("own.too_large", { size: kilobytes(file.size), most: kilobytes(most) }));
    try { await add(new Uint8Array(await file.arrayBuffer()), file.name, file.size); }
    catch { complain(t("own.unreachable")); }
  };
  const addText = async (text) => {
    if (part().querySelector(".fp-own-web") && ADDRESS.test(text.trim())) return openAddress(text.trim());
    const most = Number(part().dataset.mostChars);
    if (!text.trim()) return complain(t("own.empty"));
    if (text.length > 2 * most) return complain(t("own.too_long", { size: number(text.length), most: number(most) }));
    await add(new TextEncoder().encode(text), "", text.length);
  };

  const openAddress = (url) => bring("fetch", () => ({ url }), t("own.opening"));

  const forget = async (id) => {
    const card = cards.get(id);
    try {
      const response = await post("forget", { scope: id });
      if (!response.ok) return tell(await problemOf(response));
    } catch { return tell(t("own.unreachable")); }
    withdraw(id);
    if (cards.size === 0) session.set(null);
    draw();
    tell(t("own.forgotten", { name: nameOf(card) }));
    part().querySelector("summary").focus();
  };

  document.addEventListener("submit", (event) => {
    if (!event.target.closest?.(".fp-own")) return;
    event.preventDefault();
    const url = event.target.elements.url?.value.trim();
    if (url) openAddress(url);
    else addText(event.target.querySelector("textarea").value);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target.closest?.(".fp-own")) giveUp?.abort();
  });
  document.addEventListener("change", (event) => {
    if (!event.target.matches?.('.fp-own input[type="file"]')) return;
    const [file] = event.target.files;
    if (file) addFile(file);
    event.target.value = "";
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest?.(".fp-own-cancel")) giveUp?.abort();
    const button = event.target.closest?.(".fp-own-choose, .fp-own-forget");
    if (!button) return;
    if (button.matches(".fp-own-forget")) forget(button.dataset.id);
    else choose(button.getAttribute("aria-pressed") === "true" ? "" : button.dataset.id);
  });

  /* Dropping: anywhere in the part; a file dropped beside it must not replace the page. */
  const carriesFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  for (const kind of ["dragover", "drop"])
    document.addEventListener(kind, (event) => {
      const inside = event.target.closest?.(".fp-own");
      if (!carriesFile(event)) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = inside ? "copy" : "none";
      inside?.querySelector(".fp-own-drop").classList.toggle("fp-own-over", kind === "dragover");
      if (kind !== "drop" || !inside) return;
      inside.querySelector("details").open = true;
      const [file] = event.dataTransfer.files;
      if (file) addFile(file);
    });
  document.addEventListener("dragleave", (event) => {
    event.target.closest?.(".fp-own-drop")?.classList.remove("fp-own-over");
  });

  document.addEventListener("fp:picked", (event) => { if (event.detail.picker === PICKER) draw(); });
  document.addEventListener("fp:language", draw);

  /* Coming back to a page, by reloading it or by the browser's history; leaving it. */
  const resume = async () => {
    if (!session.get()) return;
    try {
      const response = await post("resume", { session: session.get() });
      const found = response.ok ? (await response.json()).cards : [];
      for (const id of [...cards.keys()]) if (!found.some((card) => card.id === id)) withdraw(id);
      for (const card of found) offer(card);
      if (!found.length) session.set(null);
      draw();
      /* Who reloads the page goes on with what was just brought, unless its address says otherwise. */
      const last = found[found.length - 1];
      if (last && !chosen() && !new URLSearchParams(location.search).has("policy")) await choose(last.id);
    } catch { /* asking says that it is gone */ }
  };
  addEventListener("pagehide", () => {
    if (session.get()) post("leave", { session: session.get() }, { keepalive: true }).catch(() => {});
  });
  addEventListener("pageshow", (event) => { if (event.persisted) resume(); });

  /* Gradio makes the page after this script has run, and may make parts of it anew. */
  let resumed = false;
  new MutationObserver(() => {
    const section = part();
    if (!section || section.dataset.ready !== undefined || !window.fineprint.pickers) return;
    section.dataset.ready = "";
    if (resumed) draw();
    else { resumed = true; resume(); }
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
