"use strict";
// Sortable tables: a click on a heading sorts, a third one restores. Rows move within their own group, so
// aggregates stay below the sources.
for (const table of document.querySelectorAll("table.sortable")) {
  const groups = [...table.tBodies].map((body) => ({ body, rows: [...body.rows] }));
  const headings = [...table.querySelectorAll("th[data-sort]")];
  const heads = [...table.tHead.rows];
  // With two rows of headings the first cell spans both; all others of the last row follow it.
  const column = (heading) =>
    heading.parentElement.rowIndex === 0 ? heading.cellIndex : heading.cellIndex + (heads.length > 1 ? 1 : 0);
  for (const heading of headings) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const now = heading.getAttribute("aria-sort");
      // Numbers from high to low first, names from A to Z.
      const isNumber = groups.some(({ rows }) => rows.some((row) => row.cells[column(heading)].dataset.value));
      const order = isNumber ? ["descending", "ascending"] : ["ascending", "descending"];
      const next = now === null ? order[0] : now === order[0] ? order[1] : null;
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      if (next) heading.setAttribute("aria-sort", next);
      const sign = next === "ascending" ? 1 : -1;
      const at = column(heading);
      const key = (row) => {
        const cell = row.cells[at];
        const value = cell.dataset.value;
        return value === undefined ? cell.textContent : value === "" ? NaN : Number(value);
      };
      const compare = (a, b) => {
        const [x, y] = [key(a), key(b)];
        if (typeof x === "string") return sign * x.localeCompare(y);
        if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
        return sign * (x - y);
      };
      for (const { body, rows } of groups) body.append(...(next ? [...rows].sort(compare) : rows));
    });
  }
}
// Filters: what carries another value than the chosen one is hidden.
const filters = document.querySelector("form.filters");
if (filters && filters.elements.length) {
  filters.hidden = false;
  const names = [...filters.elements].map((choice) => choice.name);
  const apply = () => {
    const chosen = names.map((name) => [name, filters.elements[name].value]).filter(([, value]) => value);
    const selector = names.map((name) => `[data-${name}]`).join(",");
    for (const element of document.querySelectorAll(selector)) {
      element.hidden = chosen.some(([name, value]) => {
        const own = element.dataset[name];
        return own !== undefined && own !== value;
      });
    }
  };
  filters.addEventListener("change", apply);
  filters.addEventListener("submit", (event) => event.preventDefault());
}
// Paper shows everything.
window.addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
