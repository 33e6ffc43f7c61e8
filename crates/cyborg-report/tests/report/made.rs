//! A report of made-up runs, and what must hold for every page.

use cyborg_eval::{ScoreRow, write_scores};
use cyborg_report::cams::CamFile;
use cyborg_report::{ReportInput, ReportOutcome, build};
use std::path::Path;

use crate::support::{Plan, experiment, image_id};

/// Everything below one temporary folder: runs and images, and the report beside them.
pub(crate) struct Made {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) input: ReportInput,
}

impl Made {
    pub(crate) fn new(plan: &Plan) -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        let input = experiment(dir.path(), plan);
        Self { dir, input }
    }

    pub(crate) fn build(&self) -> ReportOutcome {
        build(&self.input, &self.dir.path().join("report")).expect("a report")
    }

    pub(crate) fn file(&self, name: &str) -> String {
        fs_err::read_to_string(self.dir.path().join("report").join(name)).expect("a file of the report")
    }

    /// Builds; every page must be whole and say what is expected.
    pub(crate) fn check(&self, expected: &[&str]) {
        let outcome = self.build();
        let (markdown, page) = (self.file("report.md"), self.file("index.html"));
        well_formed(&page);
        for text in expected {
            let one_line = outcome.terminal.replace("\n  ", " ");
            assert!(one_line.contains(text), "`{text}` is not in\n{}", outcome.terminal);
            let plain = markdown.replace('\\', "");
            assert!(plain.contains(text), "`{text}` is not in\n{markdown}");
            // Backticks become <code>.
            let bare = text.replace('`', "");
            assert!(text_of(&page).replace('`', "").contains(&bare), "`{text}` is not in the page");
        }
    }
}

/// The page without tags, entities and unbreakable spaces.
pub(crate) fn text_of(page: &str) -> String {
    let mut text = String::new();
    for (at, piece) in page.split('<').enumerate() {
        text.push_str(if at == 0 { piece } else { piece.split_once('>').map_or("", |(_, rest)| rest) });
    }
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&minus;", "-"), ("&amp;", "&")];
    entities.iter().fold(text.replace('\u{a0}', " "), |text, (entity, plain)| text.replace(entity, plain))
}

/// Every tag is closed in turn, every attribute quoted, and nothing comes from outside the file.
pub(crate) fn well_formed(page: &str) {
    let void = ["meta", "img", "br", "input", "!DOCTYPE"];
    let mut open: Vec<&str> = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let end = rest.find('>').expect("an end of the tag");
        let tag = &rest[..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "closing </{name}>");
            continue;
        }
        let name = tag.split([' ', '/']).next().expect("a name");
        assert!(
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '!'),
            "tag <{tag}>"
        );
        assert_eq!(tag.matches('"').count() % 2, 0, "quotes of <{tag}>");
        if void.contains(&name) || tag.ends_with('/') {
            continue;
        }
        if name == "style" || name == "script" {
            let end = rest.find(&format!("</{name}>")).expect("its end");
            rest = &rest[end..];
        }
        open.push(name);
    }
    assert!(open.is_empty(), "left open: {open:?}");
    for outside in ["http:", "https:", "src=\"/", "<link", "<script src", "<iframe", "@import", "url("] {
        assert!(!page.contains(outside), "the page holds `{outside}`");
    }
    for source in page.split(" src=\"").skip(1) {
        let is_inside =
            ["data:image/png;base64,", "data:image/jpeg;base64,"].iter().any(|s| source.starts_with(s));
        assert!(is_inside, "{}", &source[..40]);
    }
    for reference in page.split("href=\"").skip(1) {
        let target = reference.split('"').next().expect("a target");
        let local = ["#", "data:image/png;base64,", "data:image/jpeg;base64,"]
            .iter()
            .any(|start| target.starts_with(start));
        let file =
            ["per_source.csv", "runs.csv", "comparisons.csv", "confusion.csv", "sources.csv", "report.md"]
                .contains(&target);
        assert!(local || file, "{target}");
        if let Some(id) = target.strip_prefix('#') {
            assert!(page.contains(&format!("id=\"{id}\"")), "nothing has the id `{id}`");
        }
    }
    assert!(!page.contains("NaN,") && !page.contains("\"NaN"), "a drawing holds NaN");
}

/// Replaces a run's scores; labels by position: positive first.
pub(crate) fn set_scores(dir: &Path, source: &str, positives: &[f64], negatives: &[f64]) {
    let row = |(index, (score, label)): (usize, (f64, u32))| {
        let source = if label == 1 { source } else { "FFHQ" };
        let logit = (score / (1.0 - score)).ln() as f32;
        ScoreRow {
            image: image_id(source, index),
            source: source.to_owned(),
            label,
            predicted: u32::from(score >= 0.5),
            score,
            logits: vec![0.0, logit],
        }
    };
    let labelled = positives.iter().map(|&score| (score, 1)).chain(negatives.iter().map(|&score| (score, 0)));
    let rows: Vec<ScoreRow> = labelled.enumerate().map(row).collect();
    write_scores(&dir.join("scores.parquet"), &rows).expect("scores");
    let mut cams = CamFile::new(2);
    rows.iter().try_for_each(|_| cams.push(&[0.0, 1.0, 0.0, 0.0])).expect("cams");
    cams.write(&dir.join("cams.safetensors")).expect("cams");
}
