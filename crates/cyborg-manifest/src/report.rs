//! What verification found, for programs and for people.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::dataset::Split;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Training or evaluation would fail, or its numbers would be wrong.
    Error,
    /// Worth knowing before numbers are trusted.
    Warning,
}

/// What was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FindingKind {
    /// No image at all is there: only the rows were checked.
    NoImages,
    /// Images that rows name are not there.
    MissingImage,
    /// Images that cannot be decoded.
    UnreadableImage,
    /// Maps that rows name are not there.
    MissingMap,
    /// Maps that cannot be decoded.
    UnreadableMap,
    /// Maps of another shape than their images.
    MapAspect,
    /// Maps without contrast on a coarse grid: they say nothing.
    FlatMap,
    /// Images of 16 bits a sample that leave the highest bits unused: without a window they are nearly black.
    UnusedBits,
    /// Files in folders of images that hold no image.
    NoImageFile,
    /// Counts differ from the manifest's `expected`.
    Count,
    /// The same pixels in two splits.
    ContentAcrossSplits,
    /// The same pixels with two labels.
    ContentAcrossClasses,
    /// The same pixels twice in one split.
    ContentRepeated,
    /// A subject in two splits.
    SubjectAcrossSplits,
    /// A file name of one source in two splits.
    NameAcrossSplits,
    /// Rows that say again what another row said.
    RepeatedRow,
    /// A class without training images though other classes have some.
    ClassMissing,
}

/// One thing found, with how often and the first examples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What it is.
    pub kind: FindingKind,
    /// How many files, subjects or rows.
    pub n: usize,
    /// In words, to be read after `n`.
    pub message: String,
    /// The first [`Finding::EXAMPLES`].
    pub examples: Vec<String>,
}

impl Finding {
    /// How many examples are kept.
    pub const EXAMPLES: usize = 5;

    pub(crate) fn new(
        severity: Severity,
        kind: FindingKind,
        n: usize,
        message: impl Into<String>,
        examples: impl IntoIterator<Item = String>,
    ) -> Self {
        let examples = examples.into_iter().take(Self::EXAMPLES).collect();
        Self { severity, kind, n, message: message.into(), examples }
    }
}

/// Images of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SizeCount {
    /// Width in pixels.
    pub width_px: u32,
    /// Height in pixels.
    pub height_px: u32,
    /// How many images.
    pub n: usize,
}

/// Images of one split, class and source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupCount {
    /// What they are for.
    pub split: Split,
    /// Class name.
    pub class: String,
    /// Source.
    pub source: String,
    /// How many images.
    pub n_images: usize,
    /// How many of them have a saliency map.
    pub n_maps: usize,
    /// How many subjects they show; 0 if the rows do not say.
    pub n_subjects: usize,
}

/// What verification found in a data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// Id of the manifest.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Where the data set was found.
    pub root: String,
    /// Drawn by a program.
    pub phantom: bool,
    /// Rows.
    pub n_images: usize,
    /// Images that could be decoded.
    pub n_readable: usize,
    /// Rows that name a saliency map.
    pub n_maps: usize,
    /// Images by split, class and source.
    pub groups: Vec<GroupCount>,
    /// Sizes of the images that could be decoded, the most frequent first.
    pub sizes: Vec<SizeCount>,
    /// Colour modes of the images that could be decoded.
    pub color_modes: BTreeMap<String, usize>,
    /// What is wrong or worth knowing; errors first.
    pub findings: Vec<Finding>,
}

impl VerifyReport {
    /// True if nothing was found that makes the data set unfit as it is; warnings may remain.
    pub fn is_ok(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity != Severity::Error)
    }

    /// The findings of a kind.
    pub fn of_kind(&self, kind: FindingKind) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.kind == kind)
    }
}

/// How many sizes the text lists.
const SIZES_SHOWN: usize = 5;

impl fmt::Display for VerifyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phantom = if self.phantom { " (phantom)" } else { "" };
        writeln!(f, "{}: {}{phantom}", self.id, self.title)?;
        writeln!(f, "  root        {}", self.root)?;
        writeln!(f, "  images      {} listed, {} readable", self.n_images, self.n_readable)?;
        writeln!(f, "  maps        {}", self.n_maps)?;
        if !self.sizes.is_empty() {
            let mut sizes: Vec<String> = self
                .sizes
                .iter()
                .take(SIZES_SHOWN)
                .map(|size| format!("{}x{} ({})", size.width_px, size.height_px, size.n))
                .collect();
            if self.sizes.len() > SIZES_SHOWN {
                sizes.push(format!("and {} more", self.sizes.len() - SIZES_SHOWN));
            }
            writeln!(f, "  sizes       {}", sizes.join(", "))?;
            let modes: Vec<String> =
                self.color_modes.iter().map(|(mode, n)| format!("{mode} ({n})")).collect();
            writeln!(f, "  colour      {}", modes.join(", "))?;
        }
        let width = |text: fn(&GroupCount) -> &str, least: usize| {
            self.groups.iter().map(|group| text(group).chars().count()).max().unwrap_or(0).max(least)
        };
        let (class, source) = (width(|group| &group.class, 5), width(|group| &group.source, 6));
        writeln!(
            f,
            "  {:<10}  {:<class$}  {:<source$}  {:>7}  {:>7}  {:>8}",
            "split", "class", "source", "images", "maps", "subjects"
        )?;
        for group in &self.groups {
            let GroupCount { split, n_images, n_maps, n_subjects, .. } = group;
            writeln!(
                f,
                "  {split:<10}  {:<class$}  {:<source$}  {n_images:>7}  {n_maps:>7}  {n_subjects:>8}",
                group.class, group.source
            )?;
        }
        for finding in &self.findings {
            let severity = match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            writeln!(f, "{severity}: {} {}", finding.n, finding.message)?;
            for example in &finding.examples {
                writeln!(f, "  {}", example.replace('\n', "\n  "))?;
            }
            if finding.n > finding.examples.len() && !finding.examples.is_empty() {
                writeln!(f, "  and {} more", finding.n - finding.examples.len())?;
            }
        }
        f.write_str(match (self.is_ok(), self.findings.is_empty()) {
            (true, true) => "ok",
            (true, false) => "ok, with warnings",
            (false, _) => "not ok",
        })
    }
}
