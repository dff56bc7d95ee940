/* The proof beside the conversation: an answer's panel waits in its message's <template>; choosing a citation fetches
   the whole policy, as safe HTML that the server made, and shows the exact quote in it. */
(() => {
  "use strict";

  const panel = () => document.getElementById("fp-proof");
  const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  const motion = () => (calm() ? "auto" : "smooth");
  const wholes = new Map(); // what was fetched, by address; the newest few
  const KEPT = 8;
  const PATIENCE_MS = 250; // after that the passage is shown by itself until the policy is there

  let empty = null;
  let shownKey = null; // the answer whose proof is shown
  let current = null; // the number of the citation that is pointed at
  let opener = null; // where the focus goes back to
  let asked = 0; // counts what was asked for, so that a late policy does not replace a later one

  const answerOf = (key) => document.querySelector(`.fp-answer[data-key="${CSS.escape(key ?? "")}"]`);
  const dataOf = (answer) => JSON.parse(answer?.querySelector("template.fp-data")?.content.textContent || "null");
  const citationsOf = (answer) => {
    const data = dataOf(answer);
    return data ? (data.citations.length ? data.citations : data.related) : [];
  };
  const marksOf = (root, n) => [...root.querySelectorAll("mark")].filter((m) => m.dataset.cites.split(" ").includes(`${n}`));
  const wordsOf = (root, n) => marksOf(root, n).map((mark) => mark.textContent).join("");

  const isWeb = (url) => {
    const link = document.createElement("a");
    link.href = url ?? "";
    return Boolean(url) && ["http:", "https:"].includes(link.protocol);
  };

  const put = (content) => {
    const host = panel()?.querySelector(".fp-panel")?.parentElement;
    if (!host) return false;
    empty ??= host.firstElementChild.cloneNode(true);
    host.replaceChildren(content ?? empty.cloneNode(true));
    document.getElementById("fp-side")?.classList.toggle("fp-reading", Boolean(host.querySelector(".fp-whole")));
    panel().scrollTop = 0;
    return true;
  };

  /* The passages that an answer cites; without an answer, the panel says what it is for. */
  const list = (answer) => {
    const proof = answer?.querySelector("template.fp-proof");
    if (!put(proof ? proof.content.cloneNode(true) : null)) return false;
    shownKey = answer?.dataset.key ?? null;
    current = null;
    asked += 1;
    return true;
  };

  /* Points at the first mark of a citation in what is shown. */
  const point = (n) => {
    const marks = marksOf(panel(), n);
    if (!marks.length) return false;
    current = n;
    for (const mark of panel().querySelectorAll("mark"))
      mark.classList.toggle("fp-current", mark.dataset.cites.split(" ").includes(`${n}`));
    for (const link of document.querySelectorAll(".fp-ref"))
      link.toggleAttribute("aria-current", link.dataset.proof === `${shownKey}-${n}`);
    const first = marks[0];
    first.tabIndex = -1;
    first.focus({ preventScroll: true });
    first.scrollIntoView({ block: "center", behavior: motion() });
    const whole = panel().querySelector(".fp-whole");
    if (whole) tell(whole, n);
    return true;
  };

  /* What is said of the citation that is pointed at: its number, its link, whether there are others. */
  const tell = (whole, n) => {
    const numbers = numbersIn(whole);
    const at = numbers.indexOf(n);
    whole.querySelector(".fp-step").textContent = `${at + 1} / ${numbers.length}`;
    whole.querySelector(".fp-number").textContent = `${n} (${at + 1}/${numbers.length})`;
    whole.querySelector(".fp-steps").hidden = numbers.length < 2;
    const link = whole.querySelector("a.fp-source");
    const citation = citationsOf(answerOf(shownKey)).find((each) => each.n === n);
    if (link && isWeb(citation?.url)) link.href = citation.url;
    place(whole);
  };

  const numbersIn = (root) => [
    ...new Set([...root.querySelectorAll("mark")].flatMap((mark) => mark.dataset.cites.split(" ").map(Number))),
  ].sort((a, b) => a - b);

  /* Marks the section in the outline that is being read. */
  const place = (whole) => {
    const text = whole.querySelector(".fp-text");
    const from = whole.querySelector(".fp-bar").getBoundingClientRect().bottom + 40;
    let here = null;
    for (const heading of text.querySelectorAll(".fp-heading")) {
      if (heading.getBoundingClientRect().top > from) break;
      here = heading.id;
    }
    const mark = whole.querySelector("mark.fp-current");
    const focused = mark && mark === document.activeElement ? mark : null;
    if (focused)
      for (const heading of text.querySelectorAll(".fp-heading"))
        if (heading.compareDocumentPosition(focused) & Node.DOCUMENT_POSITION_FOLLOWING) here = heading.id;
    for (const link of whole.querySelectorAll(".fp-outline a"))
      link.toggleAttribute("aria-current", link.hash === `#${here}`);
  };

  const address = (answer, policyId) => {
    const own = answer.dataset.policy?.startsWith("own:");
    const scope = own ? answer.dataset.policy : policyId;
    const query = new URLSearchParams({ key: answer.dataset.key });
    for (const each of citationsOf(answer))
      if (each.policy_id === policyId) query.append("cite", `${each.n}:${each.start}-${each.end}`);
    /* What leads to a reader's own policy is a secret, which no address may hold. */
    return own ? `own/view?${query}\n${scope}` : `view/policy/${encodeURIComponent(scope)}?${query}`;
  };

  const fetched = (url) => {
    if (!wholes.has(url)) {
      const [path, scope] = url.split("\n");
      const secretly = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ scope }) };
      const reading = fetch(path, { credentials: "same-origin", ...(scope ? secretly : {}) })
        .then((response) => (response.ok ? response.text() : Promise.reject(new Error(`${response.status}`))))
        .then((text) => new DOMParser().parseFromString(text, "text/html").querySelector(".fp-whole"));
      reading.catch(() => wholes.delete(url));
      wholes.set(url, reading);
      if (wholes.size > KEPT) wholes.delete(wholes.keys().next().value);
    }
    return wholes.get(url);
  };

  /* Shows citation n of an answer in its whole policy; where that cannot be had, or has been replaced since, in the
     passage that the answer brought along. */
  const open = async (answer, n) => {
    const key = answer.dataset.key;
    const policyId = citationsOf(answer).find((each) => each.n === n)?.policy_id;
    const mine = (asked += 1);
    const shown = panel().querySelector(".fp-whole");
    if (shown && key === shownKey && marksOf(shown, n).length) return point(n);
    const passage = () => {
      if (mine !== asked) return;
      list(answer);
      asked = mine;
      point(n);
    };
    if (!policyId) return passage();
    const waiting = setTimeout(passage, PATIENCE_MS);
    try {
      const whole = await fetched(address(answer, policyId));
      const template = answer.querySelector("template.fp-proof").content;
      if (!whole || wordsOf(whole, n) !== wordsOf(template, n)) return passage();
      if (mine !== asked) return;
      if (put(document.importNode(whole, true))) {
        shownKey = key;
        point(n);
      }
    } catch {
      passage();
    } finally {
      clearTimeout(waiting);
    }
  };

  const back = () => {
    const answer = answerOf(shownKey);
    const goal = opener?.isConnected ? opener : answer?.querySelector(".fp-ref");
    /* The answer from its beginning, or, where that would leave the number out of sight, the number. */
    const long = goal && answer && goal.getBoundingClientRect().bottom - answer.getBoundingClientRect().top > innerHeight / 2;
    const [to, block] = long ? [goal, "center"] : [answer ?? document.getElementById("fp-chat"), "start"];
    goal?.focus({ preventScroll: true });
    to?.scrollIntoView({ block, behavior: motion() });
  };

  /* The quote with its source, for a paper or a letter. */
  const quotation = (n) => {
    const citation = citationsOf(answerOf(shownKey)).find((each) => each.n === n);
    if (!citation) return "";
    const date = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" });
    const where = [
      `${citation.company} (${citation.domain}), privacy policy`,
      citation.section && `“${citation.section}”`,
      `as of ${date.format(new Date(`${citation.archived_on}T00:00:00Z`))}`,
    ].filter(Boolean);
    return `“${citation.quote}”\n${where.join(", ")}.${citation.url ? `\n${citation.url}` : ""}`;
  };

  document.addEventListener("click", (event) => {
    const target = event.target.closest?.(
      ".fp-ref, #fp-proof .fp-open, #fp-proof .fp-back, #fp-proof .fp-listed, #fp-proof .fp-quote, " +
        "#fp-proof .fp-previous, #fp-proof .fp-following, #fp-proof .fp-outline a"
    );
    if (!target) return;
    const is = (name) => target.classList.contains(name);
    if (is("fp-ref")) {
      const answer = target.closest(".fp-answer[data-key]");
      if (!answer) return;
      opener = target;
      open(answer, Number(target.dataset.proof.slice(target.dataset.proof.lastIndexOf("-") + 1)));
    } else if (is("fp-open")) {
      opener = answerOf(shownKey)?.querySelector(`.fp-ref[data-proof="${shownKey}-${target.dataset.n}"]`) ?? opener;
      const answer = answerOf(shownKey);
      if (answer) open(answer, Number(target.dataset.n));
    } else if (is("fp-back")) {
      back();
    } else if (is("fp-listed")) {
      const n = current;
      if (list(answerOf(shownKey)) && n !== null) point(n);
    } else if (is("fp-quote")) {
      window.fineprint.copied(quotation(current), target);
    } else if (is("fp-previous") || is("fp-following")) {
      const numbers = numbersIn(panel());
      const step = is("fp-following") ? 1 : numbers.length - 1;
      point(numbers[(numbers.indexOf(current) + step) % numbers.length]);
      target.focus({ preventScroll: true });
    } else {
      const heading = document.getElementById(decodeURIComponent(target.hash.slice(1)));
      target.closest("details").open = false;
      heading?.focus({ preventScroll: true });
      heading?.scrollIntoView({ block: "start", behavior: motion() });
    }
    event.preventDefault();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || !event.target.closest?.("#fp-proof")) return;
    if (!panel().querySelector("[data-key]")) return;
    event.preventDefault();
    const outline = panel().querySelector(".fp-outline[open]");
    if (outline) {
      outline.open = false;
      outline.querySelector("summary").focus();
    } else back();
  });

  let placing = false;
  const onScroll = () => {
    const whole = panel()?.querySelector(".fp-whole");
    if (!whole || placing) return;
    placing = true;
    requestAnimationFrame(() => {
      placing = false;
      if (whole.isConnected) place(whole);
    });
  };
  document.addEventListener("scroll", onScroll, { capture: true, passive: true });

  /* A number that has the focus keeps it while the answer around it grows. */
  let held = null;
  document.addEventListener("focusin", ({ target }) => {
    held = target.classList?.contains("fp-ref") ? target.dataset.proof : null;
  });
  const holdOn = () => {
    if (!held || document.activeElement !== document.body) return;
    document.querySelector(`.fp-ref[data-proof="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
  };

  /* A new answer brings its proof along; an emptied conversation takes it away. One that grows brings more of it, unless
     some of its proof is being read. */
  let newest = null;
  let said; // how many citations a growing answer has
  let labelled = null;
  const follow = () => {
    const answers = document.querySelectorAll(".fp-answer[data-key]");
    const last = answers[answers.length - 1] ?? null;
    const key = last?.dataset.key ?? null;
    if (key !== newest) {
      if (list(last)) [newest, said] = [key, last?.dataset.said];
    } else if (said !== last?.dataset.said) {
      const reading = shownKey !== key || current !== null;
      if (reading || list(last)) said = last?.dataset.said;
    }
    holdOn();
    /* Another policy has been chosen: its label takes the place of what was being read. */
    const label = document.querySelector("#fp-glance .fp-label")?.dataset.policy ?? null;
    if (label === labelled) return;
    labelled = label;
    if (label && document.querySelector("#fp-side.fp-reading")) list(answerOf(shownKey));
  };
  new MutationObserver(follow).observe(document.documentElement, { childList: true, subtree: true });
  /* An earlier answer is gone back to. */
  document.addEventListener("fp:show", ({ detail }) => list(detail.answer));
})();
