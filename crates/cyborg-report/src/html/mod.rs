//! The page: one file that needs nothing else, works from disk, on paper and without a mouse.
mod about;
mod album;
mod cam_tables;
mod confusion;
mod figures;
mod gallery;
mod maps;
mod rates;
mod subjects;
mod tables;

use crate::block::Block;
use crate::digest::Digest;
use crate::escape::html;
use crate::svg::interval_mark;
use crate::verdict::{Finding, Verdict, caution, verdicts};
use crate::words::phantom_note;
use std::fmt::Write as _;

/// Allows what is inside the file and nothing from anywhere else.
const POLICY: &str =
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/// The whole page.
pub(crate) fn page(digest: &Digest<'_>) -> String {
    let mut album = album::Album::default();
    let mut sections = vec![("results", "Results", tables::results(digest))];
    sections.push(("metrics", "All metrics", tables::metrics(digest)));
    if let Some(sweep) = digest.sweep() {
        // Where there is a sweep, it is the result.
        sections.insert(0, ("sweep", "Sweep", figures::sweep(digest, &sweep)));
    }
    let alphas = figures::alphas(digest);
    if !alphas.is_empty() {
        sections.insert(0, ("alpha", "Alpha", alphas));
    }
    sections.push(("confusion", "Confusion", confusion::section(digest)));
    sections.push(("tests", "Tests", tables::tests(digest)));
    sections.push(("training", "Training", figures::training(digest)));
    sections.push(("roc", "ROC, DET, scores", rates::section(digest)));
    sections.push(("maps", "Average CAMs", maps::section(digest)));
    sections.push(("cams", "CAMs, measured", cam_tables::section(digest)));
    sections.push(("gallery", "Gallery", gallery::section(digest, &mut album)));
    sections.push(("data", "Data", about::data(digest)));
    sections.push(("numbers", "What the numbers are", about::numbers(digest.input.scores_only)));
    sections.push(("again", "Make it again", about::again(digest)));
    sections.retain(|(_, _, body)| !body.is_empty());

    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n{style}</style>\n\
         </head>\n<body>\n<a class=\"skip\" href=\"#results\">Skip to the results</a>\n{store}\n<header>\n",
        title = html(&digest.input.title),
        style = include_str!("style.css"),
        store = album.definitions(),
    );
    head(&mut page, digest);
    page.push_str("<nav aria-label=\"Sections\">");
    for (id, title, _) in &sections {
        let _ = write!(page, "<a href=\"#{id}\">{title}</a>");
    }
    page.push_str("</nav>\n</header>\n<main>\n");
    for (id, title, body) in &sections {
        let _ = writeln!(page, "<section id=\"{id}\">\n<h2>{title}</h2>\n{body}</section>");
    }
    let _ = write!(
        page,
        "</main>\n<p id=\"status\" role=\"status\" class=\"unseen\"></p>\n<script>\n{}</script>\n</body>\n</html>\n",
        include_str!("script.js")
    );
    page
}

/// Title, verdict, warnings, description.
fn head(page: &mut String, digest: &Digest<'_>) {
    let input = digest.input;
    let _ = writeln!(page, "<h1>{}</h1>", html(&input.title));
    if let Some(positive) = crate::terminal::positive_class(digest) {
        let _ = writeln!(page, "<p class=\"note\">{}.</p>", with_code(&positive));
    }
    let (phantoms, failed) = (digest.phantoms(), digest.failed.len());
    page.push_str("<p class=\"badges\">");
    let counts = [
        (!phantoms.is_empty(), "badge phantom", "phantom data".to_owned()),
        (failed > 0, "badge failed", format!("{failed} of {} runs failed", digest.n_runs + failed)),
        (
            !digest.warnings.is_empty(),
            "badge warning",
            crate::number::count(digest.warnings.len(), "warning"),
        ),
    ];
    for (_, class, text) in counts.iter().filter(|(shown, ..)| *shown) {
        let _ = write!(page, "<a class=\"{class}\" href=\"#warnings\">{text}</a> ");
    }
    let facts = [
        crate::number::count(input.methods.len(), "method"),
        crate::number::count(input.backbones.len(), "backbone"),
        crate::number::count(input.data.len(), "data set"),
        crate::number::count(input.seeds.len(), "seed"),
    ];
    let _ = writeln!(
        page,
        "<span class=\"facts\">{}, {} runs with results</span></p>",
        facts.join(" · "),
        digest.n_runs
    );
    if !phantoms.is_empty() || failed > 0 || !digest.warnings.is_empty() {
        page.push_str("<ul class=\"warnings\" id=\"warnings\">\n");
        match phantoms.as_slice() {
            [] => {}
            [one] => item(page, "phantom", "Phantom data.", &phantom_note(one)),
            several => {
                let names: Vec<&str> = several.iter().map(|data| data.title.as_str()).collect();
                let note = format!("Drawn by a program from a seed, not photographed: {}.", names.join("; "));
                item(page, "phantom", "Phantom data.", &note);
            }
        }
        for (runs, reason) in digest.failures() {
            item(page, "failed", "Failed:", &format!("{}: {reason}", runs.join("; ")));
        }
        for warning in &digest.warnings {
            item(page, "warning", "Warning.", warning);
        }
        page.push_str("</ul>\n");
    }
    verdict_list(page, digest, &verdicts(digest));
    if !input.description.trim().is_empty() {
        let _ = writeln!(page, "<p class=\"description\">{}</p>", html(input.description.trim()));
    }
}

fn item(page: &mut String, class: &str, mark: &str, text: &str) {
    let _ = writeln!(page, "<li class=\"{class}\"><strong>{mark}</strong> {}</li>", with_code(text));
}

/// Text in which `names` stand out.
fn with_code(text: &str) -> String {
    let pieces: Vec<&str> = text.split('`').collect();
    // An odd backtick is one of the text's own.
    if pieces.len().is_multiple_of(2) {
        return html(text);
    }
    let piece = |(at, piece): (usize, &&str)| {
        if at % 2 == 1 { format!("<code>{}</code>", html(piece)) } else { html(piece) }
    };
    pieces.iter().enumerate().map(piece).collect()
}

fn verdict_list(page: &mut String, digest: &Digest<'_>, verdicts: &[Verdict]) {
    let reach = |verdict: &Verdict| {
        let (low, high) = verdict.interval.unwrap_or_else(|| {
            let difference = verdict.difference.as_ref().map_or(0.0, |(_, difference)| *difference);
            (difference, difference)
        });
        low.abs().max(high.abs())
    };
    let scale = verdicts.iter().map(reach).fold(0.01, f64::max) * 1.05;
    page.push_str("<ul class=\"verdicts\">\n");
    for verdict in verdicts {
        let class = match verdict.finding {
            Finding::Higher => "higher",
            Finding::Lower => "lower",
            Finding::NotSignificant => "even",
            Finding::Untested => "untested",
        };
        let _ = write!(page, "<li class=\"{class}\">");
        if let Some(place) = &verdict.place {
            let _ = write!(page, "<span class=\"place\">{}</span>", html(place));
        }
        let sentence = html(&verdict.sentence).replace("t-test", "<span class=\"whole\">t-test</span>");
        let _ = write!(page, "<span class=\"sentence\">{sentence}.</span>");
        if let Some(beside) = &verdict.beside {
            let _ = write!(page, "<span class=\"sentence\"><small>{}</small></span>", html(beside));
        }
        if let Some((candidate, difference)) = &verdict.difference {
            page.push_str(&interval_mark(*difference, verdict.interval, scale, style_of(digest, candidate)));
        }
        page.push_str("</li>\n");
    }
    page.push_str("</ul>\n");
    if let Some(caution) = caution(verdicts) {
        let _ = writeln!(page, "<p class=\"note\">{}</p>", html(&caution));
    }
}

/// Data set and backbone of a block, for headings.
fn heading(digest: &Digest<'_>, block: &Block<'_>) -> String {
    digest.place(block).unwrap_or_else(|| format!("{}, {}", block.data.title, block.backbone))
}

/// Attributes by which the page's filters find an element.
fn filter_attributes(block: &Block<'_>) -> String {
    format!("data-data=\"{}\" data-backbone=\"{}\"", html(&block.data.name), html(&block.backbone))
}

/// Position of a method among those of the experiment: its colour, dash and marker everywhere.
fn style_of(digest: &Digest<'_>, method: &str) -> usize {
    digest.input.methods.iter().position(|known| known == method).unwrap_or(digest.input.methods.len())
}

/// One part a block, the first `n_open` of them open; with a single block there is nothing to open.
fn parts(digest: &Digest<'_>, n_open: usize, mut part: impl FnMut(&Block<'_>) -> String) -> String {
    let mut text = String::new();
    for (at, block) in digest.blocks.iter().enumerate() {
        let body = part(block);
        if body.is_empty() {
            continue;
        }
        if digest.blocks.len() == 1 {
            text.push_str(&body);
            continue;
        }
        let open = if at < n_open { " open" } else { "" };
        let _ = write!(
            text,
            "<details{open} {}><summary>{}</summary>\n{body}</details>\n",
            filter_attributes(block),
            html(&heading(digest, block))
        );
    }
    text
}
