/* The label of the chosen policy: it makes room for a proof, and it can be saved. Its questions ask themselves by
   data-ask (chat.js). */
(() => {
  "use strict";

  const SHARPER = 2; // pixels of the PNG for each of the drawing

  /* A proof that appears folds the label once; who opens it again keeps both. An emptied conversation opens it. */
  let proven = null;
  let seen = null;
  const makeRoom = () => {
    const label = document.querySelector("#fp-glance .fp-label");
    const arrived = label !== seen;
    if (arrived) {
      seen = label;
      /* A screen reader tells only of what changes in a place that it knows already. */
      setTimeout(() => {
        if (label) label.querySelector("[role=status]").textContent = label.querySelector("summary").textContent;
      }, 300);
    }
    const key = document.querySelector("#fp-proof .fp-panel[data-key]")?.dataset.key ?? null;
    if (key === proven && !arrived) return;
    proven = key;
    /* A link brings label and answer at once, and the answer may be there first. */
    const proves = () =>
      [...document.querySelectorAll(".fp-answer[data-key]")].find((each) => each.dataset.key === key)?.dataset.policy;
    if (label) label.open = key === null || (arrived && proves() !== label.dataset.policy);
  };
  new MutationObserver(makeRoom).observe(document.documentElement, { childList: true, subtree: true });

  /* Saving: the files wait in the label, so that nothing is asked for and a policy of the reader's own works, too. */
  const kept = (label, form) => label.querySelector(`template[data-form="${form}"]`).content.textContent;
  const drawn = (svg) =>
    new Promise((resolve, reject) => {
      const image = new Image();
      image.onerror = () => reject(new Error("the drawing is not readable"));
      image.onload = () => {
        const canvas = document.createElement("canvas");
        canvas.width = image.naturalWidth * SHARPER;
        canvas.height = image.naturalHeight * SHARPER;
        canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
        canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/png");
      };
      /* The page's rules allow pictures from data addresses, not from blobs. */
      image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
    });
  const DARK = /@media \(prefers-color-scheme:dark\)\{svg\{[^}]*\}\}/;
  const forms = {
    json: (label) => new Blob([kept(label, "json")], { type: "application/json" }),
    svg: (label) => new Blob([kept(label, "svg")], { type: "image/svg+xml" }),
    /* A picture is passed on and printed: it is always the light one. */
    png: (label) => drawn(kept(label, "svg").replace(DARK, "")),
  };
  const download = (blob, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };
  const save = async (button) => {
    const label = button.closest(".fp-label");
    const told = label.querySelector("[role=status]");
    const form = button.dataset.save;
    const name = `${label.dataset.file}.${form}`;
    button.disabled = true;
    try {
      download(await forms[form](label), name);
      told.className = "fp-sr";
      told.textContent = window.fineprint.t("label.saved", { name });
    } catch {
      told.className = "fp-label-note";
      told.textContent = window.fineprint.t("label.unsaved");
    } finally {
      button.disabled = false;
    }
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(".fp-label [data-save]");
    if (button) save(button);
  });
})();
