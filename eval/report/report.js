/* A filter for cases, and tables that sort by their headings. Without it everything is there, too. */
"use strict";
for (const tools of document.querySelectorAll("form.tools")) {
  const section = tools.closest("section");
  const cases = [...section.querySelectorAll("details.case")];
  const words = cases.map((each) => each.querySelector("summary").textContent.toLowerCase());
  const search = tools.querySelector("input");
  const mistake = tools.querySelector("select");
  const said = tools.querySelector("output");
  const filter = () => {
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const kind = mistake ? mistake.value : "";
    let shown = 0;
    cases.forEach((each, n) => {
      const fits = wanted.every((word) => words[n].includes(word)) && (!kind || each.dataset.mistake === kind);
      each.hidden = !fits;
      shown += fits;
    });
    said.textContent = wanted.length || kind ? `${shown} of ${cases.length} cases` : "";
  };
  search.addEventListener("input", filter);
  mistake?.addEventListener("change", filter);
  tools.addEventListener("submit", (event) => event.preventDefault());
  tools.addEventListener("click", (event) => {
    const what = event.target.dataset.do;
    if (what) for (const each of cases) if (!each.hidden) each.open = what === "open";
  });
  tools.hidden = false;
}
const valueOf = (cell) => {
  const number = parseFloat(cell.textContent.replace(/,/g, ""));
  return Number.isNaN(number) ? cell.textContent.trim().toLowerCase() : number;
};
const ordered = (one, other) => {
  if (typeof one === typeof other) return one < other ? -1 : one > other ? 1 : 0;
  return typeof one === "number" ? -1 : 1;
};
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  for (const heading of table.tHead.querySelectorAll("th")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.querySelectorAll("th")) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      const at = heading.cellIndex;
      const rows = [...body.rows].map((row) => [valueOf(row.cells[at]), row]);
      rows.sort(([one], [other]) => (down ? -ordered(one, other) : ordered(one, other)));
      body.append(...rows.map(([, row]) => row));
    });
  }
}
