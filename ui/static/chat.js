/* The conversation: asking from a button, copying an answer, and taking the whole along as a file. */

(() => {
  "use strict";

  /* Copies a text and lets a button say so for a moment. */
  const copied = async (text, button) => {
    if (!(await window.fineprint.copy(text))) return;
    const [idle, done] = [button.querySelector(".fp-idle"), button.querySelector(".fp-done")];
    idle.hidden = true;
    done.hidden = false;
    button.focus({ preventScroll: true });
    document.getElementById("fp-copied").textContent = done.textContent; // read out by screen readers
    setTimeout(() => {
      idle.hidden = false;
      done.hidden = true;
      document.getElementById("fp-copied").textContent = "";
    }, 1600);
  };

  /* Asks a question as if it had been typed. */
  const ask = (question) => {
    const box = document.querySelector("#fp-question textarea");
    if (!box) return;
    box.value = question;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    setTimeout(() => document.querySelector("#fp-question .submit-button")?.click(), 60); // Gradio has taken it over
    if (matchMedia("(pointer: fine)").matches) box.focus(); // elsewhere a keyboard would cover the answer
  };

  /* Where the service lets nobody in just now (too many requests, a restart), Gradio says only "Error", and stays busy.
     The page says why, and when to ask again; Gradio is told of a field that was filled in wrong, which it takes calmly. */
  const REFUSALS = { 429: "chat.too_many", 503: "chat.busy" };
  const fetched = window.fetch;
  window.fetch = async (...request) => {
    const response = await fetched(...request);
    const key = REFUSALS[response.status];
    if (!/\/gradio_api\/queue\/join(\?|$)/.test(response.url)) return response;
    if (!key) {
      if (response.ok && parts(JSON.parse(request[1].body)).includes("fp-conversation"))
        document.getElementById("fp-refused")?.remove();
      return response;
    }
    const seconds = Number(response.headers.get("Retry-After")) || 5;
    const [n, unit] = seconds > 99 ? [Math.ceil(seconds / 60), "minute"] : [seconds, "second"];
    const when = new Intl.RelativeTimeFormat(window.fineprint.language).format(n, unit);
    refused(JSON.parse(request[1].body), { key, values: { when }, seconds });
    return new Response('{"detail": []}', { status: 422, headers: { "Content-Type": "application/json" } });
  };
  /* The parts of the page that an answer to a request changes. */
  const parts = (asked) => {
    const { components, dependencies } = window.gradio_config;
    const outputs = dependencies.find(({ id }) => id === asked.fn_index)?.outputs ?? [];
    return components.filter(({ id }) => outputs.includes(id)).map(({ props }) => props.elem_id);
  };
  const refused = (asked, why) => {
    const changed = parts(asked);
    if (changed.includes("fp-conversation")) notAnswered(asked, why);
    else if (changed.includes("fp-cmp-stream")) document.dispatchEvent(new CustomEvent("fp:refused", { detail: why }));
    else if (!changed.includes("fp-following")) window.fineprint.tell(window.fineprint.t(why.key, why.values));
  };
  /* The question goes back into its box, unless the next one is being typed there. */
  const notAnswered = ({ data, event_data: chosen }, { key, values, seconds }) => {
    const text = data[2] ?? chosen?.value?.text ?? chosen?.value;
    document.getElementById("fp-refused")?.remove();
    const line = document.createElement("p");
    Object.assign(line, { id: "fp-refused", className: "fp-notice", role: "alert" });
    line.dataset.t = key;
    line.dataset.tValues = JSON.stringify(values);
    line.textContent = window.fineprint.t(key, values);
    document.getElementById("fp-question").before(line);
    setTimeout(() => line.remove(), seconds * 1000);
    setTimeout(() => {
      const box = document.querySelector("#fp-question textarea");
      if (!box.value && typeof text === "string") {
        box.value = text;
        box.dispatchEvent(new Event("input", { bubbles: true }));
      }
      document.querySelector("#fp-question .stop-button")?.click(); // Gradio has shown it by now
    }, 60);
  };

  /* Whose policy is meant is chosen among all; the question waits in its box. */
  const chosenFor = (question) => {
    const box = document.querySelector("#fp-question textarea");
    box.value = question;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    const picker = document.querySelector("#fp-picker .fp-pick-input");
    picker.scrollIntoView({ block: "center" });
    picker.focus();
    picker.click();
  };

  /* Of an answer that is not whole, only its citations are known. */
  const dataOf = (answer) => {
    const data = JSON.parse(answer.querySelector("template.fp-data")?.content.textContent || "null");
    return data?.status ? data : null;
  };
  const answers = () => [...document.querySelectorAll("#fp-conversation .fp-answer:not(.fp-partial)")];
  const english = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" });

  /* An answer with its citations, as plain text. */
  const asText = (data) => {
    const cited = data.citations.length ? data.citations : data.related;
    const sources = cited.map((c) => {
      const section = c.section ? `, “${c.section}”` : "";
      const date = english.format(new Date(`${c.archived_on}T00:00:00Z`));
      return `[${c.n}] “${c.quote}”\n${c.company} (${c.domain})${section}, as of ${date}.${c.url ? `\n${c.url}` : ""}`;
    });
    const worded = data.engine === "extractive" ? [] : [`Worded by ${data.engine}; every sentence checked against the policy.`];
    return [data.question, data.text, ...data.warnings.map((w) => `Note: ${w}`), ...worded, ...sources].join("\n\n");
  };

  const turns = () =>
    answers().map((answer) => {
      const data = dataOf(answer);
      return data
        ? { question: data.question, answer: data }
        : { question: answer.dataset.question ?? "", problem: answer.querySelector(".fp-problem")?.textContent ?? "" };
    });

  const NAMES = { markdown: "fineprint.md", json: "fineprint.json" };

  const exported = async (button) => {
    const menu = button.closest(".fp-export");
    const failed = menu.querySelector(".fp-export-failed");
    failed.hidden = true;
    const form = button.dataset.form;
    try {
      const response = await fetch(`view/export/${form}`, {
        method: "POST",
        credentials: "same-origin",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ turns: turns() }),
      });
      if (!response.ok) throw new Error(`${response.status}`);
      const url = URL.createObjectURL(await response.blob());
      const link = document.createElement("a");
      link.href = url;
      if (form === "page") link.target = "_blank";
      else link.download = NAMES[form];
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 60000);
      menu.open = false;
      menu.querySelector("summary").focus();
    } catch {
      failed.hidden = false;
    }
  };

  document.addEventListener("click", (event) => {
    const menu = document.querySelector(".fp-export[open]");
    if (menu && !menu.contains(event.target)) menu.open = false;
    const button = event.target.closest?.(
      "button.fp-copy, button[data-ask], .fp-export button[data-form], .fp-choose button"
    );
    if (!button) return;
    if (button.matches(".fp-copy")) copied(asText(dataOf(button.closest(".fp-answer"))), button);
    else if (button.dataset.ask) ask(button.dataset.ask);
    else if (button.closest(".fp-choose")) chosenFor(dataOf(button.closest(".fp-answer")).question);
    else exported(button);
  });

  document.addEventListener("keydown", (event) => {
    const menu = document.querySelector(".fp-export[open]");
    if (event.key !== "Escape" || !menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
    event.preventDefault();
  });

  /* What there is to export, and what to ask next below the last answer, follow the conversation. */
  const follow = () => {
    const shown = answers();
    const last = shown[shown.length - 1] ?? null;
    const menu = document.querySelector(".fp-export");
    if (menu && menu.hidden !== !shown.length) menu.hidden = !shown.length;
    const next = document.querySelector("#fp-following .fp-next");
    const working = document.querySelector("#fp-conversation .fp-working");
    const key = next && !working && last?.dataset.key === next.dataset.key ? next.dataset.key : null;
    for (const old of document.querySelectorAll("#fp-conversation .fp-next"))
      if (old.dataset.key !== key) old.remove();
    if (key && !last.querySelector(".fp-next")) last.append(next.cloneNode(true));
    unescapeEdited();
    begin();
  };

  /* Messages are kept escaped; whoever edits a question sees it as it was typed. */
  const unescapeEdited = () => {
    for (const box of document.querySelectorAll("#fp-conversation .edit-textarea:not([data-plain])")) {
      box.dataset.plain = "";
      if (/&(?:amp|lt|gt);/.test(box.value)) {
        box.value = box.value.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
        box.dispatchEvent(new Event("input", { bubbles: true }));
      }
    }
  };

  /* A question comes to the top, so that its answer is read from its beginning; while that grows, whoever scrolls by
     themselves is left where they are. */
  for (const kind of ["wheel", "touchmove", "pointerdown", "keydown"])
    document.addEventListener(
      kind,
      (event) => {
        if (document.querySelector("#fp-conversation .fp-partial") && !event.target.closest?.("#fp-question"))
          begun = document.querySelectorAll("#fp-conversation .user-row").length;
      },
      { passive: true, capture: true }
    );
  let begun = 0;
  let settling = 0;
  const begin = () => {
    const rows = document.querySelectorAll("#fp-conversation .user-row");
    if (rows.length > begun) {
      const row = rows[rows.length - 1];
      const wrap = row.closest(".bubble-wrap");
      if (wrap.scrollHeight > wrap.clientHeight + 1)
        wrap.scrollTop += row.getBoundingClientRect().top - wrap.getBoundingClientRect().top - 8;
      else if (row.getBoundingClientRect().top < 0 || row.getBoundingClientRect().bottom > innerHeight * 0.5)
        row.scrollIntoView({ block: "start" });
    }
    /* What belongs to the answer (choices, thumbs) comes a moment after it, and makes the room to scroll by. */
    if (settling || rows.length === begun || document.querySelector("#fp-conversation .fp-working")) return;
    settling = setTimeout(() => {
      settling = 0;
      begun = rows.length;
    }, 300);
  };
  new MutationObserver(follow).observe(document.documentElement, { childList: true, subtree: true });

  Object.assign(window.fineprint, { ask, copied });
})();
