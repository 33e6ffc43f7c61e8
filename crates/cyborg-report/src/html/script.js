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
// Copying: what a table shows now, sorted and filtered as it is.
const shown = (element) => !element.hidden;
const words = (cell) => {
  const copy = cell.cloneNode(true);
  for (const small of copy.querySelectorAll("small, .seen")) small.before(" ");
  for (const line of copy.querySelectorAll("br")) line.replaceWith(" ");
  return copy.textContent.replace(/\s+/g, " ").trim();
};
const isNumber = (cell) => cell.classList.contains("number");
// A row of headings for both rows of headings, then the rows; `rule` is true before a group.
const content = (table) => {
  const heads = [...table.tHead.rows];
  let head = [...heads[heads.length - 1].cells];
  let names = head.map(words);
  if (heads.length > 1) {
    const groups = [...heads[0].cells].flatMap((cell) =>
      cell.rowSpan > 1 ? [] : Array(cell.colSpan).fill(words(cell))
    );
    names = names.map((name, at) => `${groups[at]} ${name}`);
    head = [heads[0].cells[0], ...head];
    names = [words(heads[0].cells[0]), ...names];
  }
  const at = head.map((cell, index) => index).filter((index) => shown(head[index]));
  const rows = [];
  for (const body of table.tBodies) {
    let rule = rows.length > 0;
    for (const row of [...body.rows].filter(shown)) {
      rows.push({ rule, cells: at.map((index) => words(row.cells[index])) });
      rule = false;
    }
  }
  const caption = table.caption ? words(table.caption) : "";
  return { caption, names: at.map((i) => names[i]), numbers: at.map((i) => isNumber(head[i])), rows };
};
const quoted = (text) => {
  const safe = /^[=+@\t\r]/.test(text) || /^-(?![\d.])/.test(text) ? `'${text}` : text;
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};
const latex = (text) => {
  const special = {
    "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "±": "$\\pm$", "–": "--",
    "<": "$<$", ">": "$>$", "−": "$-$", "↑": "$\\uparrow$", "↓": "$\\downarrow$", "ρ": "$\\rho$",
  };
  return text
    .replace(/[\\~^±–<>−↑↓ρ]|[&%$#_{}]/g, (c) => special[c] ?? `\\${c}`)
    .replace(/(^|[ [(])-(?=\d)/g, "$1$-$");
};
const writers = {
  Markdown({ names, numbers, rows }) {
    const line = (cells) => `| ${cells.map((cell) => cell.replace(/[\\|*<>]/g, "\\$&")).join(" | ")} |`;
    const rule = `| ${numbers.map((number) => (number ? "---:" : "---")).join(" | ")} |`;
    return [line(names), rule, ...rows.map((row) => line(row.cells))].join("\n") + "\n";
  },
  LaTeX({ caption, names, numbers, rows }) {
    const line = (cells) => `    ${cells.map(latex).join(" & ")} \\\\`;
    return [
      "% \\usepackage{booktabs}",
      "\\begin{table}",
      "  \\centering",
      `  \\caption{${latex(caption)}}`,
      `  \\begin{tabular}{${numbers.map((number) => (number ? "r" : "l")).join("")}}`,
      "    \\toprule",
      line(names),
      "    \\midrule",
      ...rows.flatMap((row) => (row.rule ? ["    \\midrule", line(row.cells)] : [line(row.cells)])),
      "    \\bottomrule",
      "  \\end{tabular}",
      "\\end{table}",
    ].join("\n") + "\n";
  },
  CSV({ names, rows }) {
    return [names, ...rows.map((row) => row.cells)].map((cells) => cells.map(quoted).join(",")).join("\n") + "\n";
  },
};
const status = document.getElementById("status");
const copy = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // From disk some browsers allow no other way.
    const area = document.createElement("textarea");
    area.value = text;
    area.setAttribute("aria-hidden", "true");
    area.style.position = "fixed";
    area.style.opacity = "0";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
};
for (const table of document.querySelectorAll("table.sortable")) {
  const bar = document.createElement("div");
  bar.className = "copy";
  bar.setAttribute("role", "group");
  bar.setAttribute("aria-label", `Copy the table ${table.caption ? words(table.caption) : ""}`);
  bar.append("copy as ");
  for (const [name, write] of Object.entries(writers)) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.addEventListener("click", async () => {
      const done = await copy(write(content(table)));
      button.textContent = done ? "copied" : "no clipboard";
      status.textContent = done ? `table copied as ${name}` : "the browser refused the clipboard";
      setTimeout(() => (button.textContent = name), 1500);
    });
    bar.append(button);
  }
  (table.closest(".scroll") ?? table).after(bar);
}
// Filters: what carries another value than the chosen one is hidden.
const filters = document.querySelector("form.filters");
if (filters && filters.elements.length) {
  filters.hidden = false;
  const names = [...filters.elements].map((choice) => choice.name);
  const apply = () => {
    const chosen = names.map((name) => [name, filters.elements[name].value]).filter(([, value]) => value);
    const selector = names.map((name) => `[data-${name}]`).join(",");
    let hidden = 0;
    for (const element of document.querySelectorAll(selector)) {
      element.hidden = chosen.some(([name, value]) => {
        const own = element.dataset[name];
        return own !== undefined && own !== value;
      });
      if (element.hidden) hidden += 1;
    }
    for (const bar of document.querySelectorAll(".copy")) bar.hidden = bar.previousElementSibling.hidden;
    status.textContent = chosen.length ? `filtered, ${hidden} parts hidden` : "everything shown";
  };
  filters.addEventListener("change", apply);
  filters.addEventListener("submit", (event) => event.preventDefault());
  filters.addEventListener("reset", () => setTimeout(apply));
  if (filters.elements.length) apply();
}
// The gallery in another order.
const order = document.getElementById("order");
if (order) {
  order.hidden = false;
  const rows = [...document.querySelectorAll(".cards")].map((row) => ({ row, cards: [...row.children] }));
  order.querySelector("select").addEventListener("change", (event) => {
    const by = event.target.value;
    for (const { row, cards } of rows) {
      const sorted = [...cards];
      if (by === "score") sorted.sort((a, b) => b.dataset.score - a.dataset.score);
      if (by === "source") sorted.sort((a, b) => a.dataset.source.localeCompare(b.dataset.source));
      row.append(...sorted);
    }
  });
}
// Paper shows everything.
window.addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
