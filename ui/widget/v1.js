/* The widget: a button on a page, behind it a conversation about that site's privacy policy, proof by proof.

   The service puts `given` behind this function: English words, other languages, style (v1.css), and from which
   confidence on an answer is called sure. It also takes out comments and spaces (ui/widget/__init__.py), for which every
   statement ends in a semicolon, and no template is within another. Whatever comes from the server or the page becomes text, never markup; nothing is fetched from
   anywhere but the script's own host; nothing is stored unless the page asks for data-remember="tab". */
(async function (given) {
  "use strict";
  const once = Symbol.for("fineprint");
  if (window[once]) return;
  const script = document.currentScript ?? [...document.scripts].find((each) => /\/widget\/v1\.js([?#]|$)/.test(each.src));
  if (!script) return;
  window[once] = true;
  const base = new URL("../", script.src).href;
  const options = { ...script.dataset };
  const page = options.form === "page"; /* fills its own page, which an iframe shows */
  const scope = (options.scope ?? "").trim();

  /* Words */
  const known = (tag) => given.languages.find((language) => String(tag ?? "").toLowerCase().split("-")[0] === language);
  const lang = known(options.lang) ?? known(document.documentElement.lang) ?? (navigator.languages ?? []).map(known).find(Boolean) ?? "en";
  const words = { ...given.words };
  if (lang !== "en") {
    /* A page without leave to ask gets none: then English has to do. */
    const found = await fetch(`${base}widget/v1/${lang}.json`, { credentials: "omit", referrerPolicy: "no-referrer" }).catch(() => null);
    if (found?.ok) Object.assign(words, await found.json().catch(() => ({})));
  }
  const foreign = lang === "en" ? null : "en"; /* questions, answers and policies are English whatever the page speaks */
  const t = (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
  const date = (iso) => {
    const day = new Date(`${iso}T00:00:00Z`);
    if (Number.isNaN(day.getTime())) return iso;
    return new Intl.DateTimeFormat(lang === "en" ? "en-GB" : lang, { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" }).format(day);
  };
  /* Other people's words: control characters and direction overrides are shown as what they are. */
  const shown = (text) => String(text ?? "").replace(/[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]|\p{Surrogate}/gu, "\ufffd");

  /* Elements */
  const make = (name, traits = {}, ...inside) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(traits)) {
      if (typeof value === "function") element.addEventListener(key, value);
      else if (value !== undefined && value !== null && value !== false) element.setAttribute(key, value === true ? "" : value);
    }
    element.append(...inside.filter((each) => each !== null && each !== undefined && each !== ""));
    return element;
  };
  const chip = (label, click, lang) => make("button", { type: "button", class: "chip", lang, click }, shown(label));
  const drawing = (...paths) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", "aria-hidden": "true", class: "icon" })) svg.setAttribute(key, value);
    for (const d of paths) {
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("d", d);
      svg.append(path);
    }
    return svg;
  };
  const SIGNS = {
    yes: ["M5 13l4 4L19 7"],
    no: ["M6 6l12 12", "M18 6L6 18"],
    conditional: ["M12 4a8 8 0 1 0 0 16z", "M12 4a8 8 0 1 1 0 16"],
    answered: ["M5 8h14", "M5 12h14", "M5 16h9"],
    not_stated: ["M5 12h14"],
    perhaps: ["M9 9a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.2-1.5 2.4", "M12 18v.01"],
  };
  const icon = { again: ["M20 12a8 8 0 1 1-2.5-5.8", "M20 3v4h-4"], paper: ["M6 3h9l4 4v14H6z", "M9 11h7", "M9 15h7"] };

  /* Telling the page what happens: never what is asked */
  const listeners = new Map();
  const tell = (event, detail = {}) => {
    for (const listener of [...(listeners.get(event) ?? [])]) {
      try { listener(detail); } catch (error) { reportError(error); }
    }
    document.dispatchEvent(new CustomEvent(`fineprint:${event}`, { detail }));
  };

  /* The service */
  const call = (path, body, signal) =>
    fetch(base + path, {
      method: body ? "POST" : "GET",
      headers: body ? { "Content-Type": "application/json" } : {},
      body: body && JSON.stringify(body),
      credentials: "omit",
      referrerPolicy: "no-referrer",
      signal,
    });
  const fetched = async (path, body) => {
    const response = await call(path, body);
    if (!response.ok) throw new Error(String(response.status));
    return response.json();
  };
  /* Server-sent events of a response, as [name, data]. */
  const events = async function* (response) {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (rest + value).split(/\r?\n\r?\n/);
      rest = blocks.pop();
      for (const block of blocks) {
        let name = "message";
        const data = [];
        for (const line of block.split(/\r?\n/)) {
          if (line.startsWith("event:")) name = line.slice(6).trim();
          if (line.startsWith("data:")) data.push(line.slice(5).replace(/^\u0020/, ""));
        }
        if (data.length) yield [name, JSON.parse(data.join("\n"))];
      }
    }
  };
  /* Why there is no answer, as { why, again }: whether it makes sense to ask again. */
  const refused = (status, code, detail, wait) => {
    const n = Math.max(1, Math.ceil(Number(wait) || 5));
    const when = new Intl.RelativeTimeFormat(lang).format(...(n > 99 ? [Math.ceil(n / 60), "minute"] : [n, "second"]));
    if (status === 401 || status === 403) return { why: t(code === "scope_forbidden" ? "forbidden_scope" : "forbidden") };
    if (status === 404) return { why: t("missing") };
    if (status === 429) return { why: t("too_many", { when }), again: true };
    if (status === 503) return { why: t("busy", { when }), again: true };
    if (code === "not_english") return { why: t("not_english") };
    if (status >= 400 && status < 500 && detail) return { why: shown(detail), english: true };
    return { why: t("broken"), again: true };
  };
  /* A browser does not say whether a host is away or does not want this page; its script may be had by any page. */
  const unreachable = async () => {
    try {
      await fetch(script.src, { mode: "no-cors", cache: "no-store", credentials: "omit" });
    } catch {
      return { why: t("unreachable"), again: true };
    }
    console.warn(`fineprint: ${location.origin} may not ask at ${base}: add it to FINEPRINT_ALLOWED_ORIGINS there.`);
    return { why: t("forbidden") };
  };

  /* What is on the page */
  const panelTitle = make("h2", { id: "title", class: "title" }, shown(options.title || t("title")));
  const about = make("p", { class: "about" });
  const log = make("div", { class: "log", role: "log", "aria-live": "off", "aria-label": t("conversation"), tabindex: "0" });
  const live = make("div", { class: "unseen", role: "status" });
  const field = make("textarea", {
    rows: "1", maxlength: "2000", "aria-label": t("question"), placeholder: t("placeholder"), autocomplete: "off", lang: foreign, enterkeyhint: "send",
    keydown: (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      ask(field.value);
    },
    input: () => fit(),
  });
  const send = make("button", { type: "submit", class: "go" }, t("ask"));
  const anew = make("button", { type: "button", class: "tool", "aria-label": t("new"), title: t("new"), hidden: true, click: () => restart() }, drawing(...icon.again));
  const shut = page ? null : make("button", { type: "button", class: "tool", "aria-label": t("close"), title: t("close"), click: () => close() }, drawing(...SIGNS.no));
  const form = make("form", {
    class: "form",
    submit: (event) => {
      event.preventDefault();
      if (working) working.abort();
      else ask(field.value);
    },
  }, field, send);
  const panel = make(page ? "main" : "section", { class: "panel", role: page ? null : "dialog", "aria-labelledby": "title", hidden: !page, tabindex: "-1" },
    make("div", { class: "head" }, make("div", { class: "named" }, panelTitle, about), anew, shut),
    log, form,
    make("p", { class: "small" }, t(options.remember === "tab" ? "in_tab" : "unstored")), live);
  const launcher = make("button", { type: "button", class: "launcher", "aria-haspopup": "dialog", "aria-expanded": "false", hidden: page, click: () => open() },
    drawing(...icon.paper), make("span", {}, shown(options.title || t("title"))));
  const root = make("div", { class: `root ${page ? "page" : ""} ${options.position === "bottom-left" ? "left" : ""}`, lang }, launcher, panel);
  const frame = make("fineprint-widget");
  const shadow = frame.attachShadow({ mode: "open" });
  const style = new CSSStyleSheet();
  style.replaceSync(given.style);
  shadow.adoptedStyleSheets = [style];
  shadow.append(root);
  /* No rule of the page is stronger than this; what is inside gets its own. */
  const kept = { all: "initial", display: "block", position: "fixed", inset: page ? "0" : "auto", "z-index": "2147483000" };
  for (const [name, value] of Object.entries(kept)) frame.style.setProperty(name, value, "important");
  /* Shortcuts of the page are not meant while somebody writes here. */
  for (const kind of ["keydown", "keypress", "keyup"]) shadow.addEventListener(kind, (event) => event.stopPropagation());

  const fit = () => {
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
  };
  const say = (text) => { live.textContent = text; };

  /* Light or dark, and the page's own colour, as far as it can be read on the ground it stands on */
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const channels = (colour) => (colour.match(/[\d.]+(e-?\d+)?/g) ?? []).slice(0, 3).map(Number);
  const mixed = (one, other, share) => one.map((value, i) => value * share + other[i] * (1 - share));
  const light = (colour) => colour.map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)).reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);
  const contrast = (one, other) => {
    const [less, more] = [light(one), light(other)].sort((a, b) => a - b);
    return (more + 0.05) / (less + 0.05);
  };
  const paint = () => {
    const isDark = options.theme === "dark" || (options.theme !== "light" && dark.matches);
    root.classList.toggle("dark", isDark);
    for (const name of ["--accent", "--accent-soft", "--on-accent"]) root.style.removeProperty(name);
    if (!options.accent || !CSS.supports("color", options.accent)) return;
    const probe = make("i");
    probe.style.color = `color-mix(in srgb, ${options.accent}, ${options.accent})`;
    root.append(probe);
    const wanted = channels(getComputedStyle(probe).color.replace(/^color\(srgb/, ""));
    probe.remove();
    if (wanted.length < 3) return;
    const [paper, ink, black] = isDark ? [[0.125, 0.114, 0.102], [1, 1, 1], [0.047, 0.078, 0.075]] : [[1, 0.992, 0.976], [0, 0, 0], [0, 0, 0]];
    let colour = wanted;
    const soft = () => mixed(colour, paper, 0.14);
    for (let share = 1; share > 0 && contrast(colour, soft()) < 4.6; share -= 0.05) colour = mixed(wanted, ink, share);
    const css = (value) => `rgb(${value.map((each) => Math.round(each * 255)).join(" ")})`;
    root.style.setProperty("--accent", css(colour));
    root.style.setProperty("--accent-soft", css(soft()));
    root.style.setProperty("--on-accent", css(contrast(colour, [1, 1, 1]) >= 4.5 ? [1, 1, 1] : black));
  };

  /* Answers */
  const MARKER = /\[(\d{1,3})\]/g;
  const certainty = ({ status, confidence }) => {
    const fairly = given.fairly[status]; /* where no policy was read it would say nothing */
    return fairly && (confidence >= given.sure ? "sure" : confidence >= fairly ? "fairly" : "unsure");
  };
  const verdict = (part, unsure) => {
    const what = part.verdict ?? part.status;
    const sign = unsure ? SIGNS.perhaps : (SIGNS[what] ?? SIGNS.not_stated);
    return make("p", { class: `verdict ${unsure ? "perhaps" : what}` }, drawing(...sign), t((unsure ? "perhaps_" : "is_") + what));
  };
  /* A text with a button for each [n] that has a proof; a number stays on the line of the word before it. */
  const claims = (text, proofs) =>
    shown(text).trim().split(/\n\s*\n|(?<=\d\]\.)\s+(?=\S)/).map((claim) => {
      const told = make("p", { lang: foreign });
      let at = 0;
      for (const match of claim.matchAll(MARKER)) {
        if (!proofs.has(Number(match[1]))) continue;
        const ending = /^[.,;:!?]/.exec(claim.slice(match.index + match[0].length))?.[0] ?? "";
        const before = claim.slice(at, match.index);
        const word = /\S{0,20}\s?$/.exec(before)[0];
        told.append(before.slice(0, before.length - word.length), make("span", { class: "kept" }, word, proofs.get(Number(match[1])).reference(), ending));
        at = match.index + match[0].length + ending.length;
      }
      told.append(claim.slice(at));
      return told;
    });
  const link = (url, label) => {
    if (!/^https?:\/\//i.test(url ?? "")) return null;
    return make("a", { href: url, target: "_blank", rel: "noopener noreferrer", "aria-label": `${label} (${t("new_tab")})` }, label);
  };

  /* A citation: its row, which opens on the quote in its passage, and the numbers in the text that lead to it. */
  let rows = 0;
  const proof = (citation) => {
    const id = `proof-${(rows += 1)}`;
    const references = [];
    const quote = make("mark", {}, shown(citation.quote));
    const passage = make("blockquote", { lang: foreign }, quote);
    const meta = make("p", { class: "meta" }, make("b", {}, shown(citation.company)), ` · ${t("as_of")} ${date(citation.archived_on)} `, link(citation.url, t("archived")));
    const body = make("div", { id, class: "body", hidden: true }, passage, meta);
    const row = make("button", { type: "button", class: "row", "aria-expanded": "false", "aria-controls": id, click: () => toggle() },
      make("span", { class: "number" }, String(citation.n)), make("span", { class: "section", lang: foreign }, shown(citation.section || citation.quote)));
    let asked = false;
    /* As little as shows all of it, from its row on. */
    const settle = () => {
      const top = Math.min(row.offsetTop - 12, body.offsetTop + body.offsetHeight + 12 - log.clientHeight);
      if (top > log.scrollTop || row.offsetTop < log.scrollTop) log.scrollTo({ top, behavior: calm() });
    };
    const toggle = (wanted = body.hidden) => {
      body.hidden = !wanted;
      for (const each of [row, ...references]) each.setAttribute("aria-expanded", String(wanted));
      if (wanted) settle();
      if (!wanted || asked) return;
      asked = true;
      fetched(`api/v1/policies/${encodeURIComponent(citation.policy_id)}/context?start=${citation.start}&end=${citation.end}`).then(
        (found) => {
          if (found.quote !== citation.quote) return; /* the policy has been replaced since */
          if (found.before) passage.prepend(shown(found.before), " ");
          if (found.after) passage.append(" ", shown(found.after));
          settle();
        },
        () => { asked = false; /* the quote stands by itself */ },
      );
    };
    const reference = () => {
      const button = make("button", {
        type: "button", class: "reference", "aria-expanded": String(!body.hidden), "aria-controls": id, "aria-label": t("show_proof", { n: citation.n }), "data-n": String(citation.n),
        click: () => {
          toggle(true);
          row.focus({ preventScroll: true });
        },
      }, String(citation.n));
      references.push(button);
      return button;
    };
    return { reference, item: make("li", {}, row, body) };
  };
  const proofsOf = (citations, label, known) => {
    const proofs = new Map(citations.map((citation) => [citation.n, known?.get(citation.n) ?? proof(citation)]));
    const list = proofs.size ? make("ol", { class: "proofs", "aria-label": label }, ...[...proofs.values()].map((each) => each.item)) : null;
    return { proofs, list };
  };
  /* Where several things were asked, nearest passages come only to those who ask one of them alone. */
  const doubt = (part, one) => {
    const silent = part.status === "not_stated";
    const means = !silent ? "means_unsure" : one ? "doubt_part" : "means_silent_unsure";
    const alone = silent && one?.question && chip(t("ask_alone"), () => ask(one.question));
    return make("div", { class: "doubt" }, make("b", {}, t(silent ? "doubt_silent_title" : "doubt_title")), ` ${t(means)} `, alone || "");
  };
  const howSure = (part) => {
    const kind = certainty(part);
    return kind && make("details", { class: "sure" }, make("summary", {}, t(kind)), t((part.status === "not_stated" ? "means_silent_" : "means_") + kind));
  };
  /* The verdict stands above it, and is said before it. */
  const bare = ({ text, verdict }) => (verdict ? text.trim().replace(/^(Yes|No)\.\s+/, "") : text);
  const told = (part, proofs, one) => {
    const unsure = certainty(part) === "unsure";
    const claimed = claims(bare(part), proofs);
    if (unsure && part.citations.length) claimed[0]?.prepend(make("span", { class: "guess", lang }, t("guess")), " ");
    return { top: verdict(part, unsure), said: make("div", { class: "words" }, ...claimed), below: unsure ? doubt(part, one) : howSure(part) };
  };
  const source = (citations) => {
    const sources = new Set(citations.map((each) => each.policy_id));
    if (sources.size !== 1) return null;
    return make("p", { class: "source" }, make("b", {}, shown(citations[0].company)), `, ${t("as_of")} ${date(citations[0].archived_on)}`);
  };
  const entry = (of, proofs) => {
    const { top, said, below } = told(of, proofs, of);
    const name = of.question ? make("h3", { lang: foreign }, shown(of.question)) : make("h3", {}, shown(of.company), make("small", {}, ` ${t("as_of")} ${date(of.archived_on)}`));
    return make("section", { class: "part" }, name, top, said, below);
  };
  const card = ({ question, answer }, known) => {
    const { proofs, list } = proofsOf(answer.citations, t("proof"), known);
    const nearest = answer.citations.length ? {} : proofsOf(answer.related, t("nearest"));
    const inside = [];
    const several = answer.parts.length ? answer.parts : answer.entries;
    if (several.length) inside.push(source(answer.citations), ...several.map((each) => entry(each, proofs)));
    else {
      const { top, said, below } = told(answer, proofs);
      inside.push(make("div", { class: "top" }, top, source([...answer.citations, ...answer.related])), said, below);
    }
    inside.push(list);
    if (nearest.list) inside.push(make("p", { class: "label", "aria-hidden": "true" }, t("nearest")), nearest.list);
    for (const warning of answer.warnings) inside.push(make("p", { class: "warning" }, make("b", {}, t("note"), " "), make("span", { lang: foreign }, shown(warning))));
    if (answer.engine !== "extractive") inside.push(make("p", { class: "label" }, t("worded", { name: shown(answer.engine) })));
    /* Another site's policy is no answer where the page is about one. */
    const choices = scope ? [] : answer.choices;
    if (choices.length) inside.push(make("div", { class: "choices" }, ...choices.map((choice) => chip(choice.label, () => ask(question, choice)))));
    return inside.filter(Boolean);
  };
  const spoken = (answer) => {
    const several = answer.parts.length ? answer.parts : answer.entries;
    const one = (part) => `${t((certainty(part) === "unsure" ? "perhaps_" : "is_") + (part.verdict ?? part.status))}. ${bare(part)}`.replace("?.", "?");
    const all = several.length ? several.map((part) => `${part.question ?? part.company}: ${one(part)}`) : [one(answer)];
    return shown([...all, ...answer.warnings].join(" ")).replace(/\s*\[\d{1,3}\]/g, "");
  };

  /* The conversation: in memory only */
  let turns = [];
  let working = null;
  const remembered = `fineprint:${base}:${scope}`;
  const earlier = () => turns.filter((turn) => turn.answer).map((turn) => turn.question).slice(-20);
  const remember = () => {
    if (options.remember !== "tab") return;
    try {
      sessionStorage.setItem(remembered, JSON.stringify(turns.filter((turn) => turn.answer).slice(-20)));
    } catch { /* not remembered */ }
  };
  const calm = () => (matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth");
  const reveal = (element) => log.scrollTo({ top: element.offsetTop - 12, behavior: calm() });
  const offered = async (body, into, label) => {
    const before = turns.length;
    const questions = await fetched("api/v1/suggestions", body).then((found) => found.questions, () => []);
    if (!questions.length || turns.length !== before || working) return;
    into.append(make("div", { class: "next" }, make("p", { class: "label" }, label),
      ...questions.map((question) => chip(question, () => ask(question), foreign))));
  };
  const stages = (data) => {
    const at = { waiting: 0, routing: 1, comparing: 2, retrieval: 2, reading: 2 }[data.name] ?? 3;
    if (at === 0) return t("waiting");
    if (at === 1) return t("finding");
    if (at === 3) return t("writing");
    if (data.policies?.length > 1) return t("reading_policies", { n: data.policies.length });
    return data.sentences ? t("reading_sentences", { n: data.sentences }) : t("reading");
  };
  const place = (turn) => {
    const asked = make("p", { class: "asked", lang: foreign }, shown(turn.chosen ?? turn.question));
    const reply = make("article", { class: "reply", "aria-label": asked.textContent, tabindex: "-1" });
    log.append(asked, reply);
    anew.hidden = false;
    field.placeholder = t("placeholder_more");
    return { asked, reply };
  };
  const stir = (busy) => {
    send.textContent = t(busy ? "stop" : "ask");
    send.classList.toggle("stop", busy);
    log.setAttribute("aria-busy", String(busy));
  };

  /* Where a company was chosen, the same question is asked about that one; the conversation shows the choice. */
  const ask = async (text, choice) => {
    const question = String(text ?? "").trim();
    if (!question) return field.focus();
    working?.abort();
    const control = new AbortController();
    working = control;
    for (const each of log.querySelectorAll(".next, .hello .chip")) each.remove();
    const history = earlier();
    const turn = { question: choice ? `${choice.label}: ${question}` : question, chosen: choice?.label, answer: null };
    turns.push(turn);
    if (field.value.trim() === question) field.value = "";
    const { asked, reply } = place(turn);
    fit();
    const stage = make("p", { class: "stage" }, t("finding"));
    reply.append(stage);
    reveal(asked);
    if (!shadow.activeElement && document.activeElement === document.body) reply.focus({ preventScroll: true }); /* what was pressed is gone */
    stir(true);
    say(t("reading"));
    tell("ask");
    const fail = ({ why, again, english }) => {
      reply.replaceChildren(make("p", { class: "problem", lang: english && foreign }, why));
      if (again) reply.append(chip(t("retry"), () => { asked.remove(); reply.remove(); turns = turns.filter((each) => each !== turn); ask(question, choice); }));
      say(why);
    };
    let response;
    try {
      response = await call("api/v1/ask/stream", { question, history, scope: choice?.scope || scope || undefined }, control.signal);
      if (!response.ok) {
        const { code, detail } = await response.json().catch(() => ({}));
        fail(refused(response.status, code, detail, response.headers.get("Retry-After")));
        tell("error", { status: response.status, code: code ?? "" });
        return;
      }
      const proofs = new Map();
      const words = make("div", { class: "words" });
      const list = make("ol", { class: "proofs" });
      let written = "";
      /* A number that has the focus keeps it. */
      const redo = (element, inside) => {
        const held = shadow.activeElement;
        element.replaceChildren(...inside());
        (held?.dataset.n ? reply.querySelector(`.reference[data-n="${held.dataset.n}"]`) : reply.contains(held) && held)?.focus?.({ preventScroll: true });
      };
      for await (const [name, data] of events(response)) {
        if (control.signal.aborted) break;
        if (name === "stage") stage.textContent = stages(data);
        else if (name === "citation") {
          proofs.set(data.n, proof(data));
          list.append(proofs.get(data.n).item);
        } else if (name === "token") {
          if (!written) reply.append(words, list);
          written += data.text;
          redo(words, () => claims(written, proofs)); /* a piece is a whole word, and a number whole */
        } else if (name === "error") {
          fail(refused(data.status, data.code, data.detail));
          tell("error", { status: data.status, code: data.code });
          return;
        } else if (name === "answer") turn.answer = data;
      }
      if (!turn.answer) throw new Error("the answer did not come whole");
      redo(reply, () => card(turn, proofs));
      say(spoken(turn.answer));
      remember();
      const { status, verdict: said, citations, policies } = turn.answer;
      tell("answer", { status, verdict: said, citations: citations.length, policies });
    } catch (error) {
      if (control.signal.aborted) {
        if (reply.isConnected) fail({ why: t("stopped"), again: true });
      } else if (!response) {
        fail(await unreachable());
        tell("error", { status: 0, code: "unreachable" });
      } else {
        fail({ why: t("broken"), again: true });
        tell("error", { status: 0, code: "broken" });
      }
      return;
    } finally {
      if (working === control) {
        working = null;
        stir(false);
      }
    }
    followed(turn, reply);
  };
  const followed = (turn, reply) => {
    const { policies, citations } = turn.answer;
    if (policies.length !== 1) return;
    offered({ scope: policies[0], asked: earlier(), citations: citations.map(({ start, end }) => [start, end]) }, reply, t("next"));
  };
  const greet = () => {
    const hello = make("div", { class: "hello" }, make("p", {}, shown(options.greeting || t("greeting"))));
    log.replaceChildren(hello);
    field.placeholder = t("placeholder");
    anew.hidden = true;
    if (scope) offered({ scope }, hello, t("try"));
  };
  const restart = () => {
    working?.abort();
    turns = [];
    if (options.remember === "tab") remember();
    greet();
    say("");
    field.focus();
  };
  /* Whose policy it is, and of when; asked for when the panel is first opened. */
  let begun = false;
  const begin = () => {
    if (begun) return;
    begun = true;
    try {
      const before = options.remember === "tab" ? JSON.parse(sessionStorage.getItem(remembered) ?? "null") : null;
      if (before?.length) {
        turns = before;
        log.replaceChildren();
        for (const turn of turns) place(turn).reply.append(...card(turn));
        const last = log.querySelector(".reply:last-child").previousSibling;
        requestAnimationFrame(() => reveal(last));
      }
    } catch { turns = []; /* what was remembered is not ours */ }
    if (!turns.length) greet();
    fit(); /* a placeholder may need two lines */
    if (!scope) return;
    fetched(`api/v1/sites?scope=${encodeURIComponent(scope)}`).then(({ sites: [site] }) => {
      if (!site) return;
      const version = site.versions.find((each) => each.id === scope) ?? site.versions[0];
      about.replaceChildren(make("b", {}, shown(site.company)), `, ${t("as_of")} ${date(version.archived_on)}`);
    }).catch(() => { /* an answer says it, too */ });
  };

  /* Open and closed */
  const whole = matchMedia("(max-width: 640px), (max-height: 480px)");
  let opener = null;
  const open = () => {
    if (page || !panel.hidden) return;
    opener = shadow.activeElement === launcher || document.activeElement === document.body ? launcher : document.activeElement;
    panel.hidden = false;
    launcher.hidden = true;
    launcher.setAttribute("aria-expanded", "true");
    begin();
    sized();
    (matchMedia("(pointer: coarse)").matches ? panel : field).focus({ preventScroll: true });
    tell("open");
  };
  const close = () => {
    if (page || panel.hidden) return;
    const inside = shadow.activeElement;
    panel.hidden = true;
    launcher.hidden = false;
    launcher.setAttribute("aria-expanded", "false");
    const back = opener?.isConnected && opener !== frame ? opener : launcher;
    if (inside || document.activeElement === document.body) back.focus({ preventScroll: true });
    tell("close");
  };
  /* Nothing behind a full screen can be reached; beside a page the panel is only a part of it. */
  const sized = () => {
    panel.setAttribute("aria-modal", String(whole.matches && !page));
    const seen = window.visualViewport;
    if (seen?.scale === 1) root.style.setProperty("--seen", `${seen.height}px`); /* less than the window while a keyboard is there */
  };
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.isComposing) {
      close();
    } else if (event.key === "Tab" && whole.matches && !page) {
      const stops = [...panel.querySelectorAll("button, a[href], textarea, summary, [tabindex='0']")].filter((each) => each.getClientRects().length);
      const [first, last] = [stops[0], stops.at(-1)];
      const now = shadow.activeElement;
      if (event.shiftKey ? now === first || now === panel : now === last) {
        event.preventDefault();
        (event.shiftKey ? last : first).focus();
      }
    }
  });
  whole.addEventListener("change", sized);
  window.visualViewport?.addEventListener("resize", sized);
  dark.addEventListener("change", paint);

  window.Fineprint = Object.freeze({
    version: given.version,
    open,
    close,
    ask: (question) => { open(); return ask(question); },
    on: (event, listener) => { listeners.set(event, (listeners.get(event) ?? new Set()).add(listener)); },
    off: (event, listener) => { listeners.get(event)?.delete(listener); },
  });

  const start = () => {
    document.body.append(frame);
    /* In the top layer nothing of the page clips, moves or fades it. */
    if (frame.showPopover) {
      frame.popover = "manual";
      frame.showPopover();
    }
    paint();
    if (page) {
      begin();
      sized();
    } else if ("open" in options && !whole.matches) {
      /* Not asked for by whoever reads: their place on the page stays theirs. */
      panel.hidden = false;
      launcher.hidden = true;
      begin();
      sized();
      tell("open");
    }
    tell("ready");
  };
  if (document.body) start();
  else document.addEventListener("DOMContentLoaded", start, { once: true });
})
