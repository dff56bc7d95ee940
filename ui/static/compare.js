/* Compares: sends what is chosen, and puts each cell that comes into the table, where it is sorted, filtered and saved. */
(() => {
  "use strict";

  const { t } = window.fineprint;
  const PICKER = "fp-cmp-picker";
  const KINDS = ["yes", "conditional", "no", "answered", "not_stated", "unclear", "failed"];
  const SPOKEN_MS = 3000;  // between two announcements of progress
  const narrow = matchMedia("(max-width: 860px)");

  const find = (selector) => document.querySelector(`#fp-cmp ${selector}`);
  const all = (selector) => [...document.querySelectorAll(`#fp-cmp ${selector}`)];
  const pickers = () => window.fineprint.pickers;

  /* Words that the page's language changes with. */
  const say = (element, key, values = {}) => {
    if (!key) {
      element.replaceChildren();
      return;
    }
    const said = document.createElement("span");
    said.dataset.t = key.includes(".") ? key : `compare.${key}`;
    said.dataset.tValues = JSON.stringify(values);
    said.textContent = t(said.dataset.t, values);
    element.replaceChildren(said);
  };

  /* --- what is asked ------------------------------------------------------------------------------------------------ */

  let ask = null;    // Gradio's ways to start and stop, from the component that receives the parts
  let halt = null;
  let running = false;

  const chosen = () => pickers().chosen(PICKER).map((card) => card.id);
  const most = () => Number(find(".fp-cmp-form").dataset.most);
  const isLabel = () => find('input[value="label"]').checked;

  const busy = (now) => {
    running = now;
    find(".fp-cmp-go").disabled = now;
    find(".fp-cmp-stop").hidden = !now;
    find(".fp-cmp-result").setAttribute("aria-busy", String(now));
  };

  const start = () => {
    const scopes = chosen();
    const question = isLabel() ? null : find("#fp-cmp-question").value.trim();
    const note = find(".fp-cmp-note");
    if (running) return;
    if (scopes.length < 2) {
      say(note, "say_few");
      pickers().focus(PICKER);
      return;
    }
    if (question === "") {
      say(note, "say_empty");
      find("#fp-cmp-question").focus();
      return;
    }
    say(note);
    busy(true);
    window.fineprintCompare.wanted = JSON.stringify({ scopes, question });
    remember(scopes, question);
    ask();
  };

  /* The address leads back to this comparison. A question is in it only where it came with a link: what people ask is
     theirs, and a browser's history is kept. A policy of the reader's own has no address. */
  const addressOf = (scopes, question) => {
    const address = new URL(location.href);
    for (const name of ["policy", "q", "question", "scope"]) address.searchParams.delete(name);
    address.searchParams.set("view", "compare");
    if (question !== null) address.searchParams.set("question", question);
    for (const scope of scopes.filter((id) => !id.startsWith("own:"))) address.searchParams.append("scope", scope);
    address.hash = "";
    return address;
  };
  const remember = (scopes, question) => {
    const linked = question === null || new URLSearchParams(location.search).get("question") === question;
    history.replaceState({ ...history.state, compared: question }, "", addressOf(scopes, linked ? question : ""));
  };
  const copyLink = async () => {
    const { scopes, question } = JSON.parse(window.fineprintCompare.wanted);
    const link = addressOf(scopes, question).href;
    const note = find(".fp-cmp-note");
    try {
      await navigator.clipboard.writeText(link);
      say(note, "copied");
    } catch {  // not allowed, or not over https
      history.replaceState(history.state, "", link);
      say(note, "page.link_shown");
    }
  };

  /* What an address asks for is chosen, and compared at once. */
  const restore = async () => {
    const asked = new URLSearchParams(location.search);
    const scopes = asked.getAll("scope");
    if (asked.get("view") !== "compare" || !scopes.length) return;
    const question = asked.get("question") || (asked.has("question") ? history.state?.compared ?? "" : null);
    find(`input[value="${question === null ? "label" : "question"}"]`).checked = true;
    find("#fp-cmp-question").value = question ?? "";
    mode();
    const cards = await add(scopes, []);
    if (cards.length === scopes.length && cards.length >= 2 && question !== "") start();
  };

  /* Chooses what is called so beside what is chosen already, and says what is not known or too much. */
  const add = async (names, before = chosen()) => {
    const cards = [];
    for (let at = 0; at < names.length; at += 20) cards.push(...(await pickers().resolve(names.slice(at, at + 20))));
    const unknown = names.filter((_, n) => !cards[n]);
    const ids = [...new Set([...before, ...cards.filter(Boolean).map((card) => card.id)])];
    const taken = await pickers().choose(PICKER, ids.slice(0, most()));
    const note = find(".fp-cmp-note");
    if (unknown.length) say(note, "say_unknown", { names: unknown.map((name) => name.slice(0, 60)).join(", ") });
    else if (ids.length > most()) say(note, "say_full", { n: most() });
    return taken;
  };

  const mode = () => { find("#fp-cmp-question").disabled = isLabel(); };

  /* Where few sites are indexed, the newest policies of all of them can be chosen at once. */
  const offerAll = async () => {
    try {
      const response = await fetch(`api/v1/sites?limit=${most()}`);
      const { sites, total } = await response.json();
      const button = find(".fp-cmp-all");
      if (!(total >= 2 && total <= most())) return;
      say(button, "all", { n: total });
      button.dataset.count = total;
      button.hidden = chosen().length >= total;
      button.onclick = () => { say(find(".fp-cmp-note")); pickers().choose(PICKER, sites.map((site) => site.versions[0].id)); };
    } catch { /* they can be chosen one by one */ }
  };

  document.addEventListener("fp:picked", ({ detail }) => {
    if (detail.picker !== PICKER || !find(".fp-cmp-note")) return;
    find(".fp-cmp-all").hidden = detail.policies.length >= Number(find(".fp-cmp-all").dataset.count ?? 0);
    if (detail.policies.length >= most()) say(find(".fp-cmp-note"), "say_full", { n: most() });
    else say(find(".fp-cmp-note"));
  });

  /* A pasted list of sites is chosen as a whole. */
  document.addEventListener("paste", (event) => {
    if (!event.target.closest?.(`#${PICKER}`)) return;
    const names = event.clipboardData.getData("text").split(/[,;\s]+/).map((name) => name.trim()).filter((name) => name.includes("."));
    if (names.length < 2) return;
    event.preventDefault();
    add([...new Set(names)].slice(0, 100)).catch(() => {});
  }, true);

  /* --- what comes --------------------------------------------------------------------------------------------------- */

  const table = { run: null, taken: 0, mode: "question", csv: "", sort: null, records: new WeakMap(), spoken: 0 };
  const rows = () => all("tbody tr");
  const cellsOf = (row) => [...row.querySelectorAll("td[data-column]")];
  const columns = () => all("th[data-column]");
  const cellAt = (row, column) => cellsOf(row).find((cell) => cell.dataset.column === column || cell.dataset.column === "*");

  /* A part is HTML that the server made safe; parsed apart from the page, nothing of it is loaded or run. */
  const parsed = (part) => new DOMParser().parseFromString(part, "text/html").body.children;
  const take = (parts) => {
    if (!parts?.length) return;
    const { run } = parsed(parts[0])[0].dataset;
    if (run !== table.run) Object.assign(table, { run, taken: 0 });
    const fresh = parts.slice(table.taken).flatMap((part) => [...parsed(part)]);
    table.taken = parts.length;
    for (const part of fresh) came[part.dataset.part]?.(part);
    if (fresh.length) refresh();
  };

  const came = {
    plan(part) {
      const planned = document.adoptNode(part.firstElementChild);
      if (part.dataset.mode !== table.mode) find(".fp-cmp-filter input").checked = false;
      Object.assign(table, { mode: part.dataset.mode, csv: part.dataset.csv, sort: null, spoken: performance.now() });
      find(".fp-cmp-scroll").replaceChildren(planned);
      find(".fp-cmp-result").dataset.mode = table.mode;
      const result = find(".fp-cmp-result");
      result.hidden = false;
      if (result.getBoundingClientRect().top > innerHeight * 0.7) result.scrollIntoView({ block: "start" });
    },
    cell(part) {
      const row = rows().find((each) => each.dataset.policy === part.dataset.policy);
      if (!row) return;
      let cell = cellAt(row, part.dataset.column);
      if (part.dataset.column === "*") {  // one reason instead of many answers
        const [first, ...others] = cellsOf(row);
        first.colSpan = others.length + 1;
        first.dataset.column = "*";
        for (const other of others) other.remove();
        cell = first;
      }
      if (!cell) return;
      const [title] = cell.children;
      cell.replaceChildren(title, ...part.childNodes);
      cell.dataset.kind = part.dataset.kind;
      const proof = cell.querySelector(".fp-cmp-proof");
      proof.id = `fp-cmp-${table.run}-${all("tbody td[data-kind]").indexOf(cell)}`;
      cell.querySelector(".fp-cmp-open").setAttribute("aria-controls", proof.id);
      table.records.set(cell, { csv: part.dataset.csv, md: part.dataset.md });
    },
    problem(part) {
      find(".fp-cmp-note").replaceChildren(...part.childNodes);
      if (!rows().some((row) => cellsOf(row).some((cell) => table.records.has(cell)))) find(".fp-cmp-result").hidden = true;
    },
    end() { finish(); },
  };

  document.addEventListener("fp:refused", ({ detail: { key, values } }) => {
    busy(false);
    say(find(".fp-cmp-note"), key, values);
  });

  const finish = () => {
    busy(false);
    for (const cell of all('td[data-kind="waiting"]')) {
      cell.dataset.kind = "unasked";
      say(cell.lastElementChild, "unasked");
    }
    table.spoken = 0;
    refresh();
  };

  /* --- what is shown ------------------------------------------------------------------------------------------------ */

  const isKnown = (cell) => KINDS.includes(cell.dataset.kind);
  const tally = (cells) => {
    const counts = new Map(KINDS.map((kind) => [kind, 0]));
    for (const cell of cells) if (isKnown(cell)) counts.set(cell.dataset.kind, counts.get(cell.dataset.kind) + 1);
    return [...counts].filter(([, count]) => count);
  };
  const draw = (bar, counts) => {
    bar.replaceChildren(...counts.map(([kind, count]) => {
      const piece = document.createElement("i");
      piece.dataset.kind = kind;
      piece.style.flexGrow = count;
      return piece;
    }));
  };

  const refresh = () => {
    order();
    filter();
    summarise();
  };

  const summarise = () => {
    const every = rows();
    const done = every.filter((row) => cellsOf(row).every(isKnown)).length;
    const progress = find(".fp-cmp-progress progress");
    progress.max = every.length || 1;
    progress.value = done;
    progress.hidden = !running;
    say(find(".fp-cmp-progress span"), "progress", { done, all: every.length });
    find(".fp-cmp-progress").hidden = !running && done === every.length;
    const single = table.mode === "question";
    const counts = single ? tally(every.flatMap(cellsOf)) : [];
    find(".fp-cmp-counts").replaceChildren(...counts.map(([kind, n]) => {
      const count = document.createElement("span");
      count.className = `fp-verdict fp-is-${kind === "failed" ? "failure" : kind.replace("_", "-")}`;
      say(count, `n_${kind}`, { n });
      return count;
    }));
    draw(find(".fp-cmp-sum .fp-cmp-bar"), counts);
    if (!single)
      for (const head of columns())
        draw(head.querySelector(".fp-cmp-bar"), tally(every.map((row) => cellAt(row, head.dataset.column)).filter(Boolean)));
    for (const button of all(".fp-cmp-tools button")) button.disabled = !done;
    speak(done, every.length);
  };

  /* A screen reader hears how far it is now and then, and what came out at the end. */
  const speak = (done, of) => {
    if (performance.now() - table.spoken < SPOKEN_MS && table.spoken) return;
    table.spoken = running ? performance.now() : 0;
    const heard = [t("compare.progress", { done, all: of })];
    if (!running) heard.push(...[...find(".fp-cmp-counts").children].map((count) => count.textContent));
    find('[role="status"]').textContent = heard.join(", ");
  };

  /* Only what differs: the policies that do not give the most common answer, or the topics with more than one. */
  const filter = () => {
    const on = find(".fp-cmp-filter input").checked;
    const how = find("#fp-cmp-how");
    let hidden = 0;
    const show = (element, shown) => { element.hidden = !shown; };
    if (table.mode === "question") {
      const counts = tally(rows().flatMap(cellsOf)).filter(([kind]) => kind !== "failed").sort((a, b) => b[1] - a[1]);
      const common = counts.length && counts[0][1] !== counts[1]?.[1] ? counts[0][0] : null;
      for (const row of rows()) {
        const out = on && common !== null && cellsOf(row)[0].dataset.kind === common;
        hidden += out;
        show(row, !out);
      }
      say(how, on && common === null ? "differs_tie" : "differs_rows");
    } else {
      for (const head of columns()) {
        const { column } = head.dataset;
        const cells = rows().map((row) => cellAt(row, column)).filter((cell) => cell && cell.dataset.column === column);
        const kinds = tally(cells).filter(([kind]) => kind !== "failed");
        const out = on && column !== "*" && kinds.length < 2;
        hidden += out;
        show(head, !out);
        for (const cell of cells) show(cell, !out);
      }
      say(how, "differs_columns");
    }
    if (on && hidden) {
      const count = document.createElement("span");
      say(count, "hidden", { n: hidden });
      how.append(" ", count);
    }
  };

  /* Sorting keeps the order of choice between equals, and the place of the focus. */
  const keyOf = (row, by) => {
    if (by === "company") return [row.dataset.company, row.dataset.date];
    if (by === "date") return [row.dataset.date];
    const at = KINDS.indexOf(cellAt(row, by.slice("column:".length))?.dataset.kind);
    return [at < 0 ? KINDS.length : at];
  };
  const order = () => {
    const body = find("tbody");
    if (!body || !table.sort) return;
    const { by, down } = table.sort;
    const keyed = rows().map((row) => [keyOf(row, by), row]);
    const compare = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b));
    keyed.sort(([a], [b]) => {
      for (let n = 0; n < a.length; n += 1) if (compare(a[n], b[n])) return (down ? -1 : 1) * compare(a[n], b[n]);
      return 0;
    });
    if (keyed.every(([, row], n) => body.children[n] === row)) return;
    const focused = body.contains(document.activeElement) ? document.activeElement : null;
    body.append(...keyed.map(([, row]) => row));
    focused?.focus({ preventScroll: true });
  };
  const sortBy = (button) => {
    const { sort } = button.dataset;
    table.sort = { by: sort, down: table.sort?.by === sort && !table.sort.down };
    for (const each of all(".fp-cmp-sort"))
      each.closest("th").setAttribute("aria-sort", each === button ? (table.sort.down ? "descending" : "ascending") : "none");
    order();
  };

  /* --- the proof of a cell ------------------------------------------------------------------------------------------ */

  let open = null;  // { cell, pinned }
  let waiting = 0;

  const close = () => {
    clearTimeout(waiting);
    if (!open) return;
    const { cell } = open;
    open = null;
    const proof = cell.querySelector(".fp-cmp-proof");
    if (proof.contains(document.activeElement)) cell.querySelector(".fp-cmp-open").focus({ preventScroll: true });
    proof.hidden = true;
    for (const link of proof.querySelectorAll("a, button")) link.tabIndex = -1;
    cell.querySelector(".fp-cmp-open").setAttribute("aria-expanded", "false");
    cell.classList.remove("fp-cmp-pinned");
  };
  /* Shown in passing (hover, focus), or to stay (click, tap, Enter), which puts its links into the tab order. */
  const show = (cell, pinned) => {
    clearTimeout(waiting);
    if (open?.cell === cell && open.pinned >= pinned) return;
    if (open?.cell !== cell) close();
    open = { cell, pinned };
    const proof = cell.querySelector(".fp-cmp-proof");
    proof.hidden = false;
    cell.querySelector(".fp-cmp-open").setAttribute("aria-expanded", "true");
    cell.classList.toggle("fp-cmp-pinned", pinned);
    /* What stands in the cell in full is not said again. */
    const text = cell.querySelector(".fp-cmp-text");
    proof.querySelector(".fp-cmp-says").hidden = text?.clientHeight > 0 && text.scrollHeight <= text.clientHeight + 1;
    if (pinned) for (const link of proof.querySelectorAll("a, button")) link.removeAttribute("tabindex");
    place();
    /* What was chosen is brought into view whole; what is merely pointed at moves nothing. */
    if (pinned) proof.scrollIntoView({ block: "nearest" });
  };
  const place = () => {
    if (!open) return;
    const proof = open.cell.querySelector(".fp-cmp-proof");
    proof.style.removeProperty("left");
    proof.style.removeProperty("top");
    if (narrow.matches) return;
    const frame = find(".fp-cmp-result").getBoundingClientRect();
    const at = open.cell.getBoundingClientRect();
    const left = Math.max(0, Math.min(at.left - frame.left, frame.width - proof.offsetWidth));
    proof.style.left = `${left}px`;
    proof.style.top = `${at.bottom - frame.top - 4}px`;
  };
  const cellOf = (target) => {
    const cell = target.closest?.("#fp-cmp td[data-column]");
    return cell?.querySelector(".fp-cmp-proof") ? cell : null;
  };

  document.addEventListener("pointerover", (event) => {
    if (event.pointerType !== "mouse" || narrow.matches || open?.pinned) return;
    const cell = cellOf(event.target);
    clearTimeout(waiting);
    if (cell && cell !== open?.cell) waiting = setTimeout(() => show(cell, false), 160);
    else if (!cell && open) waiting = setTimeout(close, 220);
  });
  document.addEventListener("focusin", (event) => {
    const cell = cellOf(event.target);
    if (open && cell !== open.cell && (!open.pinned || cell)) close();
    if (cell && !narrow.matches && event.target.matches(".fp-cmp-open:focus-visible")) show(cell, false);
  });
  document.addEventListener("pointerdown", (event) => { if (open?.pinned && !open.cell.contains(event.target) && !narrow.matches) close(); });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !open || event.defaultPrevented) return;
    event.preventDefault();
    close();
  });
  addEventListener("resize", place);
  document.addEventListener("scroll", (event) => { if (event.target.matches?.(".fp-cmp-scroll")) place(); }, true);

  /* --- taking it along ---------------------------------------------------------------------------------------------- */

  const shown = () => rows().filter((row) => !row.hidden);
  const save = (text, type, ending) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = `fineprint-comparison-${new Date().toISOString().slice(0, 10)}.${ending}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };
  const recordsOf = (row, form) =>
    cellsOf(row).filter((cell) => !cell.hidden && table.records.has(cell)).map((cell) => table.records.get(cell)[form]);
  const saveCsv = () => {
    const lines = [table.csv, ...shown().flatMap((row) => recordsOf(row, "csv"))];
    save(`\ufeff${lines.join("\r\n")}\r\n`, "text/csv;charset=utf-8", "csv");
  };
  const saveMarkdown = () => {
    const tables = columns().filter((head) => !head.hidden).map((head) => {
      const cells = shown().map((row) => cellAt(row, head.dataset.column));
      return head.dataset.md + cells.map((cell) => table.records.get(cell)?.md ?? "").join("");
    });
    save(tables.join("\n"), "text/markdown;charset=utf-8", "md");
  };

  /* --- what the reader does ----------------------------------------------------------------------------------------- */

  document.addEventListener("submit", (event) => {
    if (!event.target.matches(".fp-cmp-form")) return;
    event.preventDefault();
    start();
  });
  document.addEventListener("change", (event) => {
    if (event.target.name === "fp-cmp-mode") mode();
    else if (event.target.matches?.(".fp-cmp-filter input")) filter();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("#fp-cmp button");
    if (!button) return;
    if (button.matches(".fp-cmp-open")) {
      const cell = cellOf(button);
      if (open?.cell === cell && open.pinned) close();
      else show(cell, true);
    } else if (button.matches(".fp-cmp-close")) close();
    else if (button.matches(".fp-cmp-sort")) sortBy(button);
    else if (button.matches(".fp-cmp-stop")) { halt(); finish(); find(".fp-cmp-go").focus(); }
    else if (button.matches(".fp-cmp-csv")) saveCsv();
    else if (button.matches(".fp-cmp-md")) saveMarkdown();
    else if (button.matches(".fp-cmp-print")) print();
    else if (button.matches(".fp-cmp-link")) copyLink();
  });

  /* Gradio calls this when the component that receives the parts is there. */
  window.fineprintCompare = (props, trigger, watch) => {
    ask = () => trigger("submit");
    halt = () => trigger("stop");
    watch("value", () => take(props.value));
    /* The picker stands above; its script takes it over a moment later. */
    const ready = () => {
      if (!find(".fp-cmp-form") || !document.querySelector(`#${PICKER} [data-ready]`)) {
        setTimeout(ready, 30);
        return;
      }
      mode();
      offerAll();
      restore().catch(() => say(find(".fp-cmp-note"), "picker.unreachable"));
    };
    ready();
  };
})();
