/* Shows the proof beside the conversation: an answer's panel waits in its message's <template>. */
(() => {
  "use strict";

  const panel = () => document.getElementById("fp-proof");
  const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  let shownKey = null;
  let empty = null;

  /* Puts an answer's proof into the panel; without an answer, the panel says what it is for. */
  const show = (answer) => {
    const host = panel()?.querySelector(".fp-panel")?.parentElement;
    if (!host) return false;
    empty ??= host.firstElementChild.cloneNode(true);
    const key = answer?.dataset.key ?? null;
    if (key !== shownKey) {
      const proof = answer?.querySelector("template.fp-proof");
      host.replaceChildren((proof ? proof.content : empty).cloneNode(true));
      panel().scrollTop = 0;
      shownKey = key;
    }
    return true;
  };

  /* Brings citation n of the shown answer into view and marks it as the current one. */
  const point = (id) => {
    const first = document.getElementById(id);
    if (!first) return;
    const n = id.slice(id.lastIndexOf("-") + 1);
    for (const mark of panel().querySelectorAll("mark"))
      mark.classList.toggle("fp-current", mark.dataset.cites.split(" ").includes(n));
    for (const link of document.querySelectorAll(".fp-ref"))
      link.toggleAttribute("aria-current", link.dataset.proof === id);
    first.focus({ preventScroll: true });
    first.scrollIntoView({ block: "center", behavior: calm() ? "auto" : "smooth" });
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a.fp-ref, a.fp-back");
    if (!link) return;
    event.preventDefault();
    if (link.matches(".fp-back")) {
      const answer = document.querySelector(`.fp-answer[data-key="${shownKey}"]`);
      (answer ?? document.getElementById("fp-chat"))?.scrollIntoView({ block: "start", behavior: calm() ? "auto" : "smooth" });
      answer?.querySelector('.fp-ref[aria-current], .fp-ref')?.focus({ preventScroll: true });
    } else if (show(link.closest(".fp-answer"))) {
      point(link.dataset.proof);
    }
  });

  /* A new answer brings its proof along; an emptied conversation takes it away. */
  let newest = null;
  const follow = () => {
    const answers = document.querySelectorAll(".fp-answer[data-key]");
    const last = answers[answers.length - 1] ?? null;
    const key = last?.dataset.key ?? null;
    if (key !== newest && show(last)) newest = key;
    /* Gradio empties the hint with the first question. */
    const box = document.querySelector("#fp-question textarea");
    if (box && !box.placeholder) box.placeholder = "Ask a follow-up, or about another company";
  };
  new MutationObserver(follow).observe(document.documentElement, { childList: true, subtree: true });
})();
