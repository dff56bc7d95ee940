/* How a site uses the widget: its own buttons open it, and its own figures count answers, never questions. */
"use strict";

for (const button of document.querySelectorAll("[data-fineprint]")) {
  button.addEventListener("click", () => {
    const question = button.dataset.fineprint;
    if (question) window.Fineprint?.ask(question);
    else window.Fineprint?.open();
  });
}

let answers = 0;
let quotes = 0;
document.addEventListener("fineprint:answer", ({ detail }) => {
  const tally = document.getElementById("answers");
  if (!tally) return;
  tally.textContent = String((answers += 1));
  document.getElementById("quotes").textContent = String((quotes += detail.citations));
});
