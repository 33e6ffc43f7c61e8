// Opens report pages in headless Chromium and checks what a person relies on: everything loads, tables sort, filter and
// copy, the keyboard suffices, nothing goes to the network, and axe finds nothing serious.
//
//   node check.mjs [--screenshots DIR] PAGE.html...
//
// Says every fault and ends with 1 if there is one. CHROMIUM names the browser; else it is looked for.
import { createRequire } from "node:module";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const require = createRequire(import.meta.url);
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const pages = process.argv.slice(2);
let screenshots = null;
const flag = pages.indexOf("--screenshots");
if (flag >= 0) [, screenshots] = pages.splice(flag, 2);
if (pages.length === 0) {
  console.error("name the pages to check");
  process.exit(2);
}

function browserPath() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const name of ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]) {
    try {
      return execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();
    } catch {
      // The next one.
    }
  }
  console.error("there is no Chromium: install it (`apt-get install chromium`) or name it in CHROMIUM");
  process.exit(2);
}

let faults = 0;
let checks = 0;
function check(page, fine, what) {
  checks += 1;
  if (!fine) {
    faults += 1;
    console.error(`FAULT ${page}: ${what}`);
  }
}

// In the page: is every picture there, is every drawing of a size, without numbers that are none?
async function pictures() {
  const broken = [];
  const uris = new Set();
  for (const image of document.querySelectorAll("img")) uris.add(image.currentSrc || image.src);
  for (const image of document.querySelectorAll("svg image")) uris.add(image.getAttribute("href"));
  for (const uri of uris) {
    const image = new Image();
    image.src = uri;
    try {
      await image.decode();
    } catch {
      broken.push(`a picture does not load: ${uri.slice(0, 60)}`);
    }
  }
  const plots = [...document.querySelectorAll("svg.plot")];
  for (const plot of plots) {
    const box = plot.getBoundingClientRect();
    const label = plot.getAttribute("aria-label");
    if (!(box.width > 50 && box.height > 50)) broken.push(`a drawing has no size: ${label}`);
    if (/NaN|Infinity|undefined/.test(plot.innerHTML)) broken.push(`a drawing holds no number: ${label}`);
    if (!label) broken.push("a drawing has no description");
    if (plot.querySelectorAll("text.label").length < 1) broken.push(`a drawing has no axis label: ${label}`);
  }
  for (const use of document.querySelectorAll("svg use")) {
    if (!document.querySelector(use.getAttribute("href"))) broken.push(`nothing is at ${use.getAttribute("href")}`);
  }
  return { n: uris.size, plots: plots.length, broken };
}

// In the page: click every heading of every table; rows must be in order, and back in the old one after a third click.
function sorting() {
  const broken = [];
  let n = 0;
  for (const table of document.querySelectorAll("table.sortable")) {
    const name = table.caption?.textContent ?? "a table";
    const rows = () => [...table.tBodies].flatMap((body) => [...body.rows].map((row) => row.rowIndex && row));
    const before = rows();
    const heads = [...table.tHead.rows];
    for (const heading of table.querySelectorAll("th[data-sort]")) {
      n += 1;
      const button = heading.querySelector("button");
      if (!button) {
        broken.push(`${name}: a heading has no button`);
        continue;
      }
      const at =
        heading.parentElement.rowIndex === 0 ? heading.cellIndex : heading.cellIndex + (heads.length > 1 ? 1 : 0);
      for (let click = 0; click < 2; click += 1) {
        button.click();
        const sort = heading.getAttribute("aria-sort");
        if (!["ascending", "descending"].includes(sort)) broken.push(`${name}: aria-sort is ${sort}`);
        const sign = sort === "ascending" ? 1 : -1;
        for (const body of table.tBodies) {
          const values = [...body.rows].map((row) => row.cells[at].dataset.value);
          if (values.every((value) => value !== undefined)) {
            const numbers = values.filter((value) => value !== "").map(Number);
            if (numbers.some((value, i) => i > 0 && sign * (value - numbers[i - 1]) < 0)) {
              broken.push(`${name}: column ${at} is not ${sort}`);
            }
          }
        }
      }
      button.click();
      if (heading.hasAttribute("aria-sort")) broken.push(`${name}: a third click leaves ${heading.textContent} sorted`);
      if (rows().some((row, i) => row !== before[i])) broken.push(`${name}: a third click does not restore the rows`);
    }
  }
  return { n, broken };
}

// In the page: each filter hides what carries another value, and showing all shows all.
function filtering() {
  const broken = [];
  const form = document.querySelector("form.filters");
  let n = 0;
  if (!form) return { n, broken };
  for (const choice of form.elements) {
    for (const option of [...choice.options].slice(1, 3)) {
      n += 1;
      choice.value = option.value;
      form.dispatchEvent(new Event("change", { bubbles: true }));
      for (const element of document.querySelectorAll(`[data-${choice.name}]`)) {
        const matches = element.dataset[choice.name] === option.value;
        if (matches === element.hidden) broken.push(`${choice.name} = ${option.value}: wrong for ${element.outerHTML.slice(0, 80)}`);
        if (!matches && element.getClientRects().length > 0) {
          broken.push(`${choice.name} = ${option.value}: still seen: ${element.outerHTML.slice(0, 80)}`);
        }
      }
    }
    choice.value = "";
    form.dispatchEvent(new Event("change", { bubbles: true }));
    if (document.querySelectorAll("main [data-source][hidden], main [data-method][hidden]").length) {
      broken.push(`${choice.name}: something stays hidden`);
    }
  }
  return { n, broken };
}

// In the page: what each copy button puts on the clipboard.
async function copying() {
  const broken = [];
  const copied = [];
  navigator.clipboard.writeText = async (text) => copied.push(text);
  const bars = [...document.querySelectorAll(".copy")];
  for (const bar of bars) {
    const scroll = bar.previousElementSibling;
    const table = scroll.querySelector("table") ?? scroll;
    const name = table.caption?.textContent ?? "a table";
    const rows = [...table.tBodies].flatMap((body) => [...body.rows]).filter((row) => !row.hidden).length;
    copied.length = 0;
    for (const button of bar.querySelectorAll("button")) button.click();
    await new Promise((done) => setTimeout(done));
    const [markdown, latex, csv] = copied;
    const lines = (text) => text.trimEnd().split("\n");
    if (copied.length !== 3) broken.push(`${name}: ${copied.length} of 3 copies`);
    else {
      if (lines(markdown).length !== rows + 2) broken.push(`${name}: Markdown has not one line a row`);
      const widths = new Set(lines(markdown).map((line) => line.replaceAll("\\|", "").split("|").length));
      if (widths.size !== 1) broken.push(`${name}: Markdown rows differ in width`);
      if (!/\\toprule[^]*\\midrule[^]*\\bottomrule/.test(latex)) broken.push(`${name}: LaTeX has no rules`);
      if (/(?<!\\)%(?! \\usepackage)|(?<!\\)_/.test(latex)) broken.push(`${name}: LaTeX holds a bare % or _`);
      const cells = new Set(lines(latex).filter((l) => l.endsWith("\\\\")).map((l) => l.split(/(?<!\\)&/).length));
      if (cells.size !== 1) broken.push(`${name}: LaTeX rows differ in width`);
      if (lines(csv).length !== rows + 1) broken.push(`${name}: CSV has not one line a row`);
    }
  }
  return { n: bars.length, broken };
}

const settle = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));

async function checkPage(browser, file) {
  const url = pathToFileURL(resolve(file)).href;
  const folder = dirname(resolve(file));
  const name = `${basename(dirname(folder))}-${basename(folder)}`;
  const page = await browser.newPage();
  await page.setViewport({ width: 1280, height: 900 });
  page.on("console", (message) => {
    if (["error", "warn"].includes(message.type())) check(name, false, `console: ${message.text()}`);
  });
  page.on("pageerror", (error) => check(name, false, `script: ${error.message}`));
  page.on("request", (request) => {
    const fine = request.url() === url || request.url().startsWith("data:");
    check(name, fine, `goes outside: ${request.url().slice(0, 100)}`);
  });
  await page.goto(url, { waitUntil: "load", timeout: 60000 });
  const snap = async (what) => {
    if (!screenshots) return;
    mkdirSync(screenshots, { recursive: true });
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    const clip = { x: 0, y: 0, width: page.viewport().width, height: Math.min(height, 16000) };
    await page.screenshot({ path: join(screenshots, `${name}-${what}.png`), clip, captureBeyondViewport: true });
  };
  await snap("light");

  // The keyboard: Tab reaches the first heading, Enter sorts by it.
  const reached = await page.evaluate(() => {
    const button = document.querySelector("table.sortable th[data-sort] button");
    button?.focus();
    return document.activeElement === button && button !== null;
  });
  check(name, reached, "no heading can be focused");
  await page.keyboard.press("Enter");
  const sorted = await page.evaluate(() => document.activeElement?.closest("th")?.getAttribute("aria-sort"));
  check(name, ["ascending", "descending"].includes(sorted), "Enter on a heading does not sort");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  const moved = await page.evaluate(() => document.activeElement?.tagName);
  check(name, moved !== "BODY", "Tab leads nowhere");
  const skip = await page.evaluate(() => document.querySelector("a.skip")?.getAttribute("href"));
  check(name, Boolean(skip) && (await page.$(skip)) !== null, "no link skips to the results");

  await page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));
  await settle(page);
  const seen = await page.evaluate(pictures);
  seen.broken.forEach((fault) => check(name, false, fault));
  check(name, seen.plots > 0, "there is no drawing");
  for (const [what, work] of [["sort", sorting], ["filter", filtering], ["copy", copying]]) {
    const found = await page.evaluate(work);
    check(name, what === "filter" || found.n > 0, `nothing to ${what}`);
    found.broken.slice(0, 10).forEach((fault) => check(name, false, `${what}: ${fault}`));
    console.log(`${name}: ${what}: ${found.n} tried, ${found.broken.length} faults`);
  }
  await snap("open");

  for (const scheme of ["light", "dark"]) {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    await settle(page);
    if (scheme === "dark") await snap("dark");
    await page.evaluate(axe);
    // In the dark only the colours are other ones.
    const only = scheme === "dark" ? { runOnly: ["color-contrast"] } : {};
    const result = await page.evaluate((only) => axe.run(document, { resultTypes: ["violations"], ...only }), only);
    for (const violation of result.violations) {
      const where = violation.nodes.slice(0, 3).map((node) => node.target.join(" ")).join("; ");
      const says = `axe (${scheme}): ${violation.impact}: ${violation.id}: ${violation.help}: ${where}`;
      const serious = ["serious", "critical"].includes(violation.impact);
      if (serious) check(name, false, says);
      else console.log(`${name}: ${says}`);
    }
    console.log(`${name}: axe (${scheme}): ${result.violations.length} findings`);
  }
  await page.emulateMediaFeatures([]);

  // A narrow window scrolls tables, not the page.
  await page.setViewport({ width: 400, height: 800 });
  await settle(page);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  check(name, wide <= 420, `at 400 pixels the page is ${wide} wide`);
  await snap("narrow");

  await page.setViewport({ width: 1280, height: 900 });
  const paper = await page.pdf({ format: "A4", printBackground: true });
  check(name, paper.length > 10000, "nothing is printed");
  await page.close();

  // Without the script everything is still there to read.
  const plain = await browser.newPage();
  await plain.setJavaScriptEnabled(false);
  await plain.goto(url, { waitUntil: "load", timeout: 60000 });
  check(name, (await plain.$$("table tbody tr")).length > 0, "without the script there is no table");
  await plain.close();
  console.log(`${name}: ${seen.n} pictures, ${seen.plots} drawings`);
}

const missing = pages.filter((page) => !existsSync(page));
if (missing.length > 0) {
  console.error(`there is no ${missing.join(", ")}`);
  process.exit(2);
}
const browser = await puppeteer.launch({
  executablePath: browserPath(),
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--allow-file-access-from-files"],
});
try {
  for (const page of pages) await checkPage(browser, page);
} finally {
  await browser.close();
}
console.log(`${pages.length} pages, ${checks} checks, ${faults} faults`);
process.exit(faults === 0 ? 0 : 1);
