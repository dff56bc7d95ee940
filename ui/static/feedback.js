/* Thumbs under each answer. Nothing that was typed leaves the page with them unless the reader ticks the box. */
(() => {
  "use strict";

  const { t } = window.fineprint;
  const MOST_HISTORY = 6;
  const MOST_CITED = 60;
  const QUOTE = 110; // characters by which a quote is recognised

  /* What was said of which answer: Gradio may draw an answer anew. */
  const given = new Map();
  const dataOf = (answer) => JSON.parse(answer?.querySelector("template.fp-data")?.content.textContent || "null");
  const answerOf = (element) => element.closest(".fp-answer");

  const earlier = (answer) => {
    const questions = [];
    for (const each of document.querySelectorAll(".fp-answer[data-key]")) {
      if (each.dataset.key === answer.dataset.key) break;
      const data = dataOf(each);
      if (data?.question) questions.push(data.question);
    }
    return questions.slice(-MOST_HISTORY);
  };

  const send = async (answer, more) => {
    const data = dataOf(answer);
    const state = given.get(answer.dataset.key) ?? {};
    const { wrong = [], ...said } = more;
    const body = {
      ...said,
      policy_id: data.policies.length === 1 ? data.policies[0] : null,
      status: data.status,
      verdict: data.verdict,
      engine: data.engine,
      citations: data.citations.slice(0, MOST_CITED).map(({ policy_id, start, end, n }) =>
        ({ policy_id, start, end, wrong: wrong.includes(n) })),
      replaces: state.id ?? null,
    };
    if (said.consent) Object.assign(body, { question: data.question, history: earlier(answer) });
    const response = await fetch("api/v1/feedback", {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const found = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(found.detail ?? "");
    given.set(answer.dataset.key, { ...state, id: found.id, rating: said.rating });
  };

  const show = (part, said = "") => {
    const rating = given.get(answerOf(part)?.dataset.key)?.rating;
    for (const thumb of part.querySelectorAll(".fp-fb-thumb"))
      thumb.setAttribute("aria-pressed", String(thumb.dataset.rating === rating));
    part.querySelector(".fp-fb-said").textContent = said;
  };
  const told = async (part, more, done) => {
    try {
      await send(answerOf(part), more);
      show(part, t(done));
      return true;
    } catch (error) {
      show(part, `${t("feedback.failed")} ${error.message}`.trim());
      return false;
    }
  };

  const fill = (slot) => {
    const template = document.getElementById("fp-feedback-form");
    const data = template && dataOf(answerOf(slot));
    if (!data) return;
    const part = template.content.cloneNode(true).firstElementChild;
    const quotes = part.querySelector(".fp-fb-quotes");
    for (const { n, quote } of data.citations) {
      const line = document.createElement("label");
      line.className = "fp-fb-line";
      const box = document.createElement("input");
      box.type = "checkbox";
      box.name = "wrong";
      box.value = String(n);
      const words = document.createElement("span");
      const wrong = document.createElement("span");
      wrong.dataset.t = quotes.dataset.wrong;
      wrong.textContent = t(quotes.dataset.wrong);
      const excerpt = document.createElement("span");
      excerpt.className = "fp-fb-words";
      excerpt.lang = "en";
      excerpt.textContent = quote.length > QUOTE ? `${quote.slice(0, QUOTE).trimEnd()}…` : quote;
      words.append(wrong, ` [${n}] `, excerpt);
      line.append(box, words);
      quotes.append(line);
    }
    slot.replaceChildren(part);
    show(part);
  };

  document.addEventListener("click", async (event) => {
    const part = event.target.closest?.(".fp-fb");
    if (!part) return;
    const thumb = event.target.closest(".fp-fb-thumb");
    const form = part.querySelector("form");
    if (thumb) {
      const down = thumb.dataset.rating === "down";
      if (!down) form.hidden = true;
      if ((await told(part, { rating: thumb.dataset.rating, consent: false }, "feedback.kept")) && down) {
        form.hidden = false;
        form.scrollIntoView({ block: "nearest" });
      }
    } else if (event.target.closest(".fp-fb-close")) {
      form.hidden = true;
      part.querySelector(".fp-fb-down").focus();
    }
  });
  document.addEventListener("change", (event) => {
    const form = event.target.closest?.(".fp-fb-more");
    if (form && event.target.name === "consent") form.querySelector(".fp-fb-comment").hidden = !event.target.checked;
  });
  document.addEventListener("submit", async (event) => {
    const form = event.target.closest?.(".fp-fb-more");
    if (!form) return;
    event.preventDefault();
    const wrong = [...form.querySelectorAll('input[name="wrong"]:checked')].map((box) => Number(box.value));
    const consent = form.elements.consent.checked;
    const reason = form.elements.reason.value || (wrong.length ? "wrong_quote" : null);
    const comment = consent ? form.elements.comment.value.trim() || null : null;
    const part = form.closest(".fp-fb");
    if (await told(part, { rating: "down", reason, wrong, consent, comment }, consent ? "feedback.kept_text" : "feedback.kept")) {
      form.hidden = true;
      part.querySelector(".fp-fb-down").focus();
    }
  });

  const look = () => { for (const slot of document.querySelectorAll(".fp-feedback[data-key]:empty")) fill(slot); };
  new MutationObserver(look).observe(document.documentElement, { childList: true, subtree: true });
  document.addEventListener("fp:language", () => { for (const said of document.querySelectorAll(".fp-fb-said")) said.textContent = ""; });
})();
