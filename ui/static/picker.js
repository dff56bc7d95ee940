/* Choosing a policy: a combobox with a list (WAI-ARIA APG), filled by the service as somebody types. */
(() => {
  "use strict";

  const { settings, t, date } = window.fineprint;
  const SHOWN = 20;   // sites at a time
  const FEW = 12;     // so many sites are all shown before anything is typed
  const INLINE = 6;   // up to so many sites found, older versions are shown at once
  const RECENT = 6;
  const LONGEST_ID = 300;  // what is longer names no policy, and is not asked for
  const FRESH_MS = 30_000;

  /* What the service says, kept for a moment: taking back a letter asks nothing again. */
  const kept = new Map();
  const read = async (path, signal) => {
    const known = kept.get(path);
    if (known && performance.now() - known.at < FRESH_MS) return known.data;
    const response = await fetch(path, { signal, headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error(String(response.status));
    const data = await response.json();
    if (kept.size > 200) kept.clear();
    kept.set(path, { at: performance.now(), data });
    return data;
  };
  const sitesAt = (filter, signal) => {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries({ limit: SHOWN, ...filter }))
      for (const one of [value].flat()) query.append(name, one);
    return read(`api/v1/sites?${query}`, signal);
  };

  const make = (name, classes = "", text = "") => {
    const element = document.createElement(name);
    if (classes) element.className = classes;
    if (text) element.textContent = text;
    return element;
  };

  /* Policies of the reader's own, which the index does not have: { id, company, archived_on }. */
  const own = new Map();

  /* Which version of which site an id means; null where it is not indexed. */
  const cardOf = (site, id) => {
    const version = site.versions.find((each) => each.id === id) ?? site.versions[0];
    return { id: version.id, company: site.company, domain: site.domain, archived_on: version.archived_on };
  };
  const resolve = async (ids) => {
    const asked = ids.filter((id) => !own.has(id) && id.length <= LONGEST_ID).slice(0, 20);
    const sites = asked.length ? (await sitesAt({ scope: asked, limit: asked.length })).sites : [];
    return ids.map((id) => {
      if (own.has(id)) return own.get(id);
      const site = sites.find((each) => each.domain === id || each.versions.some((version) => version.id === id));
      return site ? cardOf(site, id) : null;
    });
  };

  /* Recent choices: ids only, in this browser only. */
  const recent = {
    ids() {
      try {
        const ids = JSON.parse(settings.get("recent") ?? "[]");
        return Array.isArray(ids) ? ids.filter((id) => typeof id === "string" && id.length <= LONGEST_ID).slice(0, RECENT) : [];
      } catch { return []; }
    },
    add(id) {
      if (own.has(id)) return;
      settings.set("recent", JSON.stringify([id, ...recent.ids().filter((each) => each !== id)].slice(0, RECENT)));
    },
    clear() { settings.set("recent", null); },
  };

  class Picker {
    constructor(root) {
      this.root = root;
      this.id = root.dataset.picker;
      this.most = Number(root.dataset.most);
      this.only = root.dataset.only;
      this.input = root.querySelector(".fp-pick-input");
      this.popup = root.querySelector(".fp-pick-popup");
      this.list = root.querySelector(".fp-pick-list");
      this.note = root.querySelector(".fp-pick-note");
      this.said = root.querySelector(".fp-pick-said");
      this.clear = root.querySelector(".fp-pick-clear");
      this.chips = root.querySelector(".fp-pick-chosen");
      this.chosen = [];
      this.active = null;
      this.asking = null;
      this.path = [];  // which categories were opened
      this.listen();
      this.show(this.value());
      /* What the list begins with is there when it is opened. */
      (window.requestIdleCallback ?? setTimeout)(() => read("api/v1/catalogue").catch(() => {}));
    }

    /* The hidden text box that Gradio knows about. */
    box() { return document.querySelector(`#${CSS.escape(this.id)}-value textarea, #${CSS.escape(this.id)}-value input`); }
    value() { return this.box()?.value ?? ""; }
    several() { return this.most > 1; }

    listen() {
      const { input } = this;
      input.addEventListener("focus", () => { if (!this.several()) input.select(); });
      input.addEventListener("click", () => this.open());
      input.addEventListener("input", () => { this.path = []; this.open(input.value); });
      input.addEventListener("keydown", (event) => this.key(event));
      input.addEventListener("blur", () => this.close());
      /* A press within the list must not take the focus from the field. */
      this.popup.addEventListener("pointerdown", (event) => { if (event.pointerType === "mouse") event.preventDefault(); });
      this.popup.addEventListener("mousedown", (event) => event.preventDefault());
      this.list.addEventListener("click", (event) => {
        const option = event.target.closest('[role="option"]');
        if (option) this.take(option);
      });
      this.root.querySelector(".fp-pick-box").addEventListener("mousedown", (event) => {
        if (event.target.closest("input, button")) return;
        event.preventDefault();
        input.focus();
        if (this.isOpen()) this.close(); else this.open();
      });
      this.clear.addEventListener("click", () => { this.choose([]); input.focus(); });
      this.chips.addEventListener("click", (event) => {
        const button = event.target.closest("button");
        if (!button) return;
        this.choose(this.chosen.filter((card) => card.id !== button.dataset.id));
        input.focus();
      });
    }

    isOpen() { return !this.popup.hidden; }

    open(typed = "") {
      this.popup.hidden = false;
      this.input.setAttribute("aria-expanded", "true");
      this.fill(typed.trim());
    }

    close() {
      this.asking?.abort();
      this.popup.hidden = true;
      this.path = [];
      this.point(null);
      this.input.setAttribute("aria-expanded", "false");
      this.said.textContent = "";
      this.write();
    }

    /* What the list offers: for what was typed, for an opened category, or before either. */
    async fill(typed) {
      this.asking?.abort();
      const asking = (this.asking = new AbortController());
      this.wanted = typed;
      this.hasty = false;
      const at = this.path[this.path.length - 1];
      try {
        const groups = typed ? await this.found(typed, asking.signal)
          : at ? await this.category(at, asking.signal)
          : await this.start(asking.signal);
        /* What an older keystroke asked for never replaces what a newer one shows. */
        if (asking.signal.aborted || !this.isOpen()) return;
        this.draw(groups, typed);
        if (this.hasty && this.active) this.take(this.active);
      } catch (error) {
        if (error.name === "AbortError" || asking.signal.aborted) return;
        this.draw([{ note: t("picker.unreachable") }], typed);
      }
    }

    filter() { return this.only === "versions" ? { several: true } : {}; }

    async found(typed, signal) {
      const { sites, total } = await sitesAt({ ...this.filter(), q: typed }, signal);
      if (!total) return [{ note: t("picker.nothing") }];
      return [{ options: this.options(sites), total, more: total > sites.length && { q: typed } }];
    }

    async category(at, signal) {
      const back = { options: [{ act: "back", text: t("picker.back") }] };
      if (at.kind === "sites") {
        const { sites, total } = await sitesAt({ ...this.filter(), ...at.filter }, signal);
        return [back, { title: at.title, options: this.options(sites), total, more: total > sites.length && at.filter }];
      }
      const catalogue = await read("api/v1/catalogue", signal);
      const options = at.kind === "picker.letters"
        ? catalogue.letters.map(({ letter, sites }) => ({ act: "open", text: letter, count: sites, to: { kind: "sites", title: letter, filter: { letter } } }))
        : catalogue.years.map(({ year, policies }) => ({ act: "open", text: String(year), count: policies, to: { kind: "sites", title: String(year), filter: { year } } }));
      return [back, { title: t(at.kind), options }];
    }

    async start(signal) {
      const catalogue = await read("api/v1/catalogue", signal);
      if (!catalogue.policies) return [{ note: t("picker.none") }];
      const groups = [];
      if (!this.several() && this.chosen.length)
        groups.push({ options: [{ act: "none", text: t(this.root.dataset.empty) }] });
      if (own.size && !this.only)
        groups.push({ title: t("picker.yours"), options: [...own.values()].map((card) => ({ act: "choose", card })) });
      const few = (this.only ? catalogue.several : catalogue.sites) <= FEW;
      if (few) {
        const { sites, total } = await sitesAt(this.filter(), signal);
        groups.push({ title: groups.length ? t("picker.all") : "", options: this.options(sites), total });
        return groups;
      }
      const ids = this.root.hasAttribute("data-remember") ? recent.ids() : [];
      const cards = ids.length ? (await resolve(ids)).filter(Boolean) : [];
      if (cards.length)
        groups.push({
          title: t("picker.recent"),
          options: [...cards.map((card) => ({ act: "choose", card })), { act: "forget", text: t("picker.forget") }],
        });
      const open = (kind, count, filter) => ({
        act: "open", text: t(kind), count, to: filter ? { kind: "sites", title: t(kind), filter } : { kind },
      });
      const all = open("picker.all", this.only ? catalogue.several : catalogue.sites, {});
      const browse = [all, open("picker.letters"), open("picker.years")];
      if (catalogue.several) browse.push(open("picker.several", catalogue.several, { several: true }));
      groups.push({ title: t("picker.browse"), options: this.only ? [all] : browse });
      return groups;
    }

    /* A site as an option, and its older versions as further ones or behind one that opens them. */
    options(sites) {
      const options = [];
      for (const site of sites) {
        const [newest, ...older] = site.versions;
        options.push({ act: "choose", card: cardOf(site, newest.id), versions: site.versions.length });
        if (this.only || !older.length) continue;
        if (sites.length <= INLINE && older.length <= INLINE)
          options.push(...older.map((version) => ({ act: "choose", card: cardOf(site, version.id), older: true })));
        else options.push({ act: "versions", text: t("picker.older"), count: older.length, site });
      }
      return options;
    }

    draw(groups, typed) {
      this.drawn = typed;
      const note = groups.find((group) => group.note)?.note ?? "";
      const total = groups.find((group) => group.total !== undefined)?.total;
      this.note.textContent = note;
      this.note.hidden = !note;
      this.list.replaceChildren(...groups.filter((group) => group.options).map((group) => this.group(group, typed)));
      this.number();
      this.popup.scrollTop = 0;
      this.point(typed ? this.rows()[0] ?? null : null);
      this.said.textContent = note || (total === undefined ? "" : t("picker.found", { n: total }));
    }

    group({ title, options, more }, typed) {
      const rows = options.map((option) => this.row(option, typed));
      if (more) rows.push(this.row({ act: "more", text: t("picker.more"), filter: more, from: SHOWN }, ""));
      const group = make("div", "fp-pick-group");
      group.setAttribute("role", "group");
      if (title) {
        const shown = make("span", "fp-pick-title", title);
        shown.setAttribute("aria-hidden", "true");
        group.setAttribute("aria-label", title);
        group.append(shown);
      }
      group.append(...rows);
      return group;
    }

    row(option, typed) {
      const row = make("div", `fp-pick-option fp-pick-${option.act}`);
      row.setAttribute("role", "option");
      row.option = option;
      const { card } = option;
      if (!card) {
        row.append(make("span", "fp-pick-name", option.text));
        if (option.count !== undefined) row.append(" ", make("span", "fp-pick-count", String(option.count)));
        row.setAttribute("aria-selected", "false");
        return row;
      }
      row.classList.toggle("fp-pick-older", Boolean(option.older));
      row.setAttribute("aria-selected", String(this.chosen.some((each) => each.id === card.id)));
      const name = make("span", "fp-pick-name");
      name.append(...marked(card.company, typed));
      const about = make("span", "fp-pick-about");
      if (card.domain) {
        const domain = make("span", "fp-pick-domain");
        domain.append(...marked(card.domain, typed));
        about.append(domain, " ");
      }
      const when = make("time", "fp-pick-date", date(card.archived_on));
      when.dateTime = card.archived_on;
      about.append(when);
      if (option.versions > 1) about.append(" ", make("span", "fp-pick-versions", t("picker.versions", { n: option.versions })));
      row.append(name, " ", about);
      return row;
    }

    rows() { return [...this.list.querySelectorAll('[role="option"]')]; }
    number() { this.rows().forEach((row, n) => { row.id = `${this.id}-option-${n}`; }); }

    point(row) {
      this.active?.classList.remove("fp-pick-active");
      this.active = row;
      if (!row) {
        this.input.removeAttribute("aria-activedescendant");
        return;
      }
      row.classList.add("fp-pick-active");
      this.input.setAttribute("aria-activedescendant", row.id);
      row.scrollIntoView({ block: "nearest" });
    }

    key(event) {
      const { key } = event;
      if (event.isComposing || event.ctrlKey || event.metaKey) return;
      const rows = this.rows();
      const at = rows.indexOf(this.active);
      const to = (n) => { event.preventDefault(); if (rows.length) this.point(rows[Math.max(0, Math.min(rows.length - 1, n))]); };
      if (key === "ArrowDown" || key === "ArrowUp") {
        event.preventDefault();
        if (!this.isOpen()) this.open();
        else if (event.altKey && key === "ArrowUp") this.close();
        else if (rows.length) this.point(rows[(at + (key === "ArrowDown" ? 1 : at < 0 ? 0 : -1) + rows.length) % rows.length]);
      } else if (!this.isOpen()) {
        if (key === "Backspace" && this.several() && !this.input.value && this.chosen.length) this.choose(this.chosen.slice(0, -1));
        else if (key === "Enter") { event.preventDefault(); this.open(); }
      } else if (key === "Home" && at >= 0) to(0);
      else if (key === "End" && at >= 0) to(rows.length - 1);
      else if (key === "PageDown") to(at + 8);
      else if (key === "PageUp") to(at - 8);
      else if (key === "Enter") {
        event.preventDefault();
        /* Somebody who types faster than the list comes means its first entry. */
        if (this.drawn !== this.wanted) this.hasty = true;
        else if (this.active) this.take(this.active);
      }
      else if (key === "Escape") { event.preventDefault(); event.stopPropagation(); this.close(); }
      else if (key === "Backspace" && !this.input.value && this.path.length) { event.preventDefault(); this.back(); }
    }

    back() { this.path.pop(); this.fill(""); }

    take(row) {
      const { option } = row;
      if (option.act === "choose") this.pick(option.card);
      else if (option.act === "none") { this.choose([]); this.close(); }
      else if (option.act === "open") { this.path.push(option.to); this.input.value = ""; this.fill("").then(() => this.point(this.rows()[1] ?? this.rows()[0] ?? null)); }
      else if (option.act === "back") this.back();
      else if (option.act === "forget") { recent.clear(); this.fill(""); }
      else if (option.act === "versions") this.unfold(row);
      else if (option.act === "more") this.extend(row);
    }

    /* Puts the older versions of a site in the place of the option that offers them. */
    unfold(row) {
      const { site } = row.option;
      const older = site.versions.slice(1).map((version) => this.row({ act: "choose", card: cardOf(site, version.id), older: true }, ""));
      row.replaceWith(...older);
      this.number();
      this.point(older[0]);
    }

    async extend(row) {
      const { filter, from } = row.option;
      const asking = this.asking;
      try {
        const { sites, total } = await sitesAt({ ...this.filter(), ...filter, offset: from }, asking.signal);
        if (asking.signal.aborted) return;
        const rows = this.options(sites).map((option) => this.row(option, this.drawn));
        if (total > from + sites.length && sites.length) rows.push(this.row({ ...row.option, from: from + sites.length }, ""));
        row.replaceWith(...rows);
        this.number();
        this.point(rows[0] ?? null);
      } catch { /* the option stays, to be tried again */ }
    }

    pick(card) {
      if (!this.several()) {
        this.choose([card]);
        this.close();
        /* On a touch screen the keyboard goes, to show what was chosen; elsewhere the next letter looks for another. */
        if (matchMedia("(pointer: coarse)").matches) this.input.blur();
        else this.input.select();
      } else {
        const without = this.chosen.filter((each) => each.id !== card.id);
        const isNew = without.length === this.chosen.length;
        if (isNew && this.chosen.length >= this.most) {
          this.said.textContent = t("picker.full");
          return;
        }
        this.choose(isNew ? [...this.chosen, card] : without);
        this.input.value = "";
        this.path = [];
        this.open();
      }
      if (this.root.hasAttribute("data-remember")) recent.add(card.id);
    }

    /* Shows what is chosen and tells Gradio and whoever listens. */
    choose(cards) {
      this.chosen = cards;
      this.write();
      const box = this.box();
      const value = cards.map((card) => card.id).join("\n");
      if (box && box.value !== value) {
        box.value = value;
        box.dispatchEvent(new Event("input", { bubbles: true }));
      }
      document.dispatchEvent(new CustomEvent("fp:picked", { detail: { picker: this.id, policies: cards.map((card) => ({ ...card })) } }));
    }

    write() {
      const [card] = this.chosen;
      this.clear.hidden = !card;
      this.root.classList.toggle("fp-pick-has", Boolean(card));
      if (!this.several()) {
        this.input.value = card ? `${card.company} · ${date(card.archived_on)}` : "";
        return;
      }
      this.input.value = "";
      this.chips.hidden = !card;
      this.chips.replaceChildren(...this.chosen.map((each) => {
        const chip = make("li", "fp-pick-chip");
        chip.append(make("span", "", `${each.company} · ${date(each.archived_on)}`));
        const button = make("button", "", "×");
        button.type = "button";
        button.dataset.id = each.id;
        button.setAttribute("aria-label", t("picker.remove", { name: each.company }));
        chip.append(button);
        return chip;
      }));
    }

    /* Shows a value that Gradio, or an address, gave the picker. */
    async show(value) {
      const ids = value.split("\n").map((line) => line.trim()).filter(Boolean).slice(0, this.most);
      if (ids.join("\n") === this.chosen.map((card) => card.id).join("\n")) return;
      let cards = [];
      try { cards = (await resolve(ids)).filter(Boolean); } catch { return; }
      if (this.value() !== value) return;  // something newer was chosen meanwhile
      this.chosen = cards;
      if (document.activeElement !== this.input || !this.isOpen()) this.write();
    }
  }

  /* The text in pieces, with the part that was typed emphasised. */
  const marked = (text, typed) => {
    const at = typed ? text.toLowerCase().indexOf(typed.toLowerCase()) : -1;
    if (at < 0 || text.toLowerCase().length !== text.length) return [document.createTextNode(text)];
    return [
      document.createTextNode(text.slice(0, at)),
      make("b", "", text.slice(at, at + typed.length)),
      document.createTextNode(text.slice(at + typed.length)),
    ];
  };

  const pickers = new Map();
  const adopt = () => {
    for (const root of document.querySelectorAll(".fp-pick:not([data-ready])")) {
      const host = document.getElementById(root.dataset.picker);
      if (!host) continue;
      root.dataset.ready = "";
      pickers.set(root.dataset.picker, new Picker(root));
    }
  };
  new MutationObserver(adopt).observe(document.documentElement, { childList: true, subtree: true });
  adopt();
  document.addEventListener("fp:language", () => { for (const picker of pickers.values()) picker.write(); });

  window.fineprint.pickers = {
    /* Shows a value in a picker; Gradio calls this when its text box changes. */
    show(id, value) { pickers.get(id)?.show(value ?? ""); },
    /* Chooses policies by id or domain as if the reader had; what is not indexed is left out. Returns what was chosen. */
    async choose(id, ids) {
      const picker = pickers.get(id);
      if (!picker) return [];
      const cards = (await resolve(ids)).filter(Boolean).slice(0, picker.most);
      picker.choose(cards);
      return cards;
    },
    chosen(id) { return (pickers.get(id)?.chosen ?? []).map((card) => ({ ...card })); },
    focus(id) { pickers.get(id)?.input.focus(); },
    /* A policy of the reader's own: offered in every picker until it is withdrawn. */
    offer(card) { own.set(card.id, { domain: "", ...card }); },
    withdraw(id) {
      own.delete(id);
      for (const picker of pickers.values())
        if (picker.chosen.some((card) => card.id === id)) picker.choose(picker.chosen.filter((card) => card.id !== id));
    },
    forgetRecent() { recent.clear(); },
    resolve,
  };
})();
