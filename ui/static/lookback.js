/* Look back: the state is the address (?view=lookback&site=…&from=…&to=…&about=…); what it means is fetched as safe
   HTML that the server made, and put into place as parsed nodes. */
(() => {
  "use strict";

  const PICKER = "fp-lb-site";
  const NAMES = ["site", "from", "to", "about"];
  const at = (id) => document.getElementById(id);
  const isShown = () => document.querySelector('#fp-views [role="tab"][aria-selected="true"]')?.dataset.tabId === "lookback";

  const read = () => {
    const query = new URLSearchParams(location.search);
    const looking = query.get("view") === "lookback";
    return Object.fromEntries(NAMES.map((name) => [name, (looking && query.get(name)) || ""]));
  };
  let state = read();
  let begun = false;
  let waiting = null;
  let shown = null;  // the request that is shown, or on its way
  let asking = null;

  const write = () => {
    if (!isShown()) return;
    const query = new URLSearchParams(location.search);
    for (const name of [...query.keys()]) if (!["view", "lang"].includes(name)) query.delete(name);
    query.set("view", "lookback");
    for (const name of NAMES) if (state[name]) query.set(name, state[name]);
    history.replaceState(history.state, "", `${location.pathname}?${query}`);
  };

  const say = (text) => { if (at("fp-lb-said")) at("fp-lb-said").textContent = text; };

  const place = (text) => {
    const parsed = new DOMParser().parseFromString(text, "text/html");
    const focused = document.activeElement?.id ?? "";
    for (const name of ["head", "body"]) {
      const part = parsed.querySelector(`[data-part="${name}"]`);
      at(`fp-lb-${name}`).replaceChildren(...(part ? [...part.childNodes].map((node) => document.importNode(node, true)) : []));
    }
    const times = document.querySelector("#fp-lb-head .fp-lb-times");
    at("fp-lb-form").hidden = !times;
    if (times) {
      state.site = times.dataset.site;
      state.from = times.querySelector('input[name="fp-lb-from"]:checked')?.value ?? "";
      state.to = times.querySelector('input[name="fp-lb-to"]:checked')?.value ?? "";
    }
    if (focused.startsWith("fp-lb-from-") || focused.startsWith("fp-lb-to-")) at(focused)?.focus({ preventScroll: true });
    const counted = document.querySelector("#fp-lb-body .fp-lb-sum ul");
    say(counted ? [...counted.children].map((each) => each.textContent.trim()).join(", ") : "");
  };

  const fail = async (response) => {
    let detail = "";
    try { detail = (await response.json()).detail ?? ""; } catch { /* not from us */ }
    return detail;
  };

  const show = async () => {
    const query = new URLSearchParams(NAMES.filter((name) => state[name]).map((name) => [name, state[name]]));
    const wanted = `/view/changes?${query}`;
    if (!at("fp-lb-head") || wanted === shown) return;
    shown = wanted;
    asking?.abort();
    asking = new AbortController();
    const { signal } = asking;
    at("fp-lb").setAttribute("aria-busy", "true");
    let problem = "";
    try {
      const response = await fetch(wanted, { credentials: "same-origin", signal });
      if (response.ok) { place(await response.text()); write(); }
      else problem = (await fail(response)) || window.fineprint.t("lookback.failed");
    } catch (error) {
      if (error.name === "AbortError") return;
      problem = window.fineprint.t("lookback.failed");
    }
    at("fp-lb").removeAttribute("aria-busy");
    dress();
    if (!problem) return;
    shown = null;
    if (!at("fp-lb-head").firstChild) place(await fetch("/view/changes", { credentials: "same-origin" }).then((each) => each.text()).catch(() => ""));
    const line = document.createElement("p");
    line.className = "fp-lb-problem";
    line.setAttribute("role", "alert");
    line.textContent = problem;
    at("fp-lb-body").replaceChildren(line);
  };

  const change = (values) => { state = { ...state, ...values }; show(); };

  /* From an answer in the chat to all changes between its versions; the conversation stays as it is. The view is made
     when its tab is opened first: it then shows what waits for it. */
  const open = (values) => {
    waiting = values;
    begun = false;
    document.querySelector('#fp-views [role="tab"][data-tab-id="lookback"]')?.click();
  };

  /* The topic field and its buttons say what is filtered by. */
  const dress = () => {
    const field = at("fp-lb-topic");
    if (!field) return;
    if (document.activeElement !== field) field.value = state.about;
    for (const chip of document.querySelectorAll(".fp-lb-chip"))
      chip.setAttribute("aria-pressed", String(chip.dataset.topic === state.about.trim().toLowerCase()));
  };

  document.addEventListener("fp:picked", ({ detail }) => {
    if (detail.picker !== PICKER) return;
    const site = (detail.policies[0]?.id ?? "").split("@")[0];
    if (site !== state.site) change({ site, from: "", to: "", about: site ? state.about : "" });
  });
  document.addEventListener("change", ({ target }) => {
    if (!target.matches?.('input[name="fp-lb-from"], input[name="fp-lb-to"]')) return;
    const end = target.name === "fp-lb-from" ? "from" : "to";
    const other = end === "from" ? "to" : "from";
    const values = { from: state.from, to: state.to, [end]: target.value };
    if (values[end] === values[other]) values[other] = state[end];  // they change places
    if (values.from > values.to) [values.from, values.to] = [values.to, values.from];
    change(values);
  });
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "fp-lb-form") return;
    event.preventDefault();
    change({ about: at("fp-lb-topic").value.trim() });
  });
  document.addEventListener("click", (event) => {
    const { target } = event;
    const chip = target.closest?.(".fp-lb-chip");
    const offer = target.closest?.(".fp-lb-offer");
    const more = target.closest?.(".fp-lb-more");
    const link = target.closest?.("a.fp-lb-open");
    if (link) {
      event.preventDefault();
      const { site, from, to } = link.dataset;
      open({ site, from, to, about: "" });
    } else if (chip) {
      at("fp-lb-topic").value = chip.dataset.topic;
      change({ about: chip.dataset.topic });
    } else if (offer) {
      window.fineprint.pickers.choose(PICKER, [offer.dataset.site]);
    } else if (more) {
      const rest = more.nextElementSibling;
      rest.hidden = false;
      more.remove();
      const first = rest.querySelector("h4");
      first?.setAttribute("tabindex", "-1");
      first?.focus({ preventScroll: true });
    }
  });

  /* What the address says is shown as soon as there is a place for it, and in the picker. */
  const follow = async () => {
    state = waiting ?? read();
    waiting = null;
    await show();
    if (!document.querySelector("#fp-lb-body .fp-lb-problem")) write();
    if (!document.querySelector("#fp-lb-head .fp-lb-times")) return;
    const chosen = window.fineprint.pickers?.chosen(PICKER)[0]?.id?.split("@")[0];
    if (chosen !== state.site) await window.fineprint.pickers?.choose(PICKER, [state.site]).catch(() => {});
  };
  addEventListener("popstate", () => { if (new URLSearchParams(location.search).get("view") === "lookback") follow(); });

  const begin = () => {
    if (!isShown()) return;
    if (!begun && at("fp-lb-head") && document.querySelector(`#${PICKER} .fp-pick[data-ready]`)) { begun = true; follow(); }
    else if (begun && !new URLSearchParams(location.search).has("site") && state.site) write();
  };
  new MutationObserver(begin).observe(document.documentElement, {
    childList: true, subtree: true, attributes: true, attributeFilter: ["aria-selected"],
  });
})();
