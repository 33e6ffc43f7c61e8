//! The manifest that makes a drawn folder a data set like any other.
use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::phantom::Phantom;
use crate::plan::{PlannedImage, Split};
use crate::settings::TestSources;

/// `manifest.yaml`, in the format that `cyborg-manifest` documents.
pub(crate) fn manifest_text(phantom: &dyn Phantom, images: &[PlannedImage]) -> String {
    let (mut classes, mut sources, mut splits) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let mut pairs = BTreeMap::new();
    let (common, words, all) = (phantom.common(), phantom.words(), phantom.sources());
    let binary = words.classes.len() == 2;
    let tested = |label| all.iter().filter(move |s| s.testing && s.label == label);
    let negative = tested(0).map(|source| source.name.as_str()).collect::<Vec<_>>().join(", ");
    for image in images {
        *classes.entry(words.classes[image.label]).or_insert(0) += 1;
        *sources.entry(image.source_name.as_str()).or_insert(0) += 1;
        *splits.entry(image.split.name()).or_insert(0) += 1;
        if binary && image.split == Split::Test && image.label == 1 {
            pairs.insert(image.source_name.as_str(), format!("[{negative}]"));
        }
    }
    let purpose = match common.test_sources {
        TestSources::Test => String::new(),
        TestSources::Development => format!(" ({})", words.development),
    };
    let mut text = format!(
        "# Drawn by cyborg-phantom, drawing code {version}, seed {seed}. {shortcut}\n\
         id: {id}\n\
         title: Phantom {plural}, {side} px{purpose}\n\
         domain: {domain}\n\
         licence: MIT OR Apache-2.0\n\
         obtain: drawn by `cargo xtask data generate`\n\
         root: .\n\
         phantom: true\n\
         classes: [{classes}]\n\
         layout:\n\
         \x20 table:\n\
         \x20   file: table.csv\n\
         \x20   columns: {{image: image, label: label, source: source, subject: subject, split: split, map: map}}\n\
         expected:\n\
         \x20 images: {n}\n",
        version = phantom.drawing_version(),
        seed = common.seed,
        shortcut = phantom.about_shortcut(),
        id = phantom.folder_name(),
        plural = words.images,
        side = common.image_px,
        domain = words.manifest_domain,
        classes = words.classes.join(", "),
        n = images.len(),
    );
    for (name, counts) in [("classes", classes), ("sources", sources), ("splits", splits)] {
        block(&mut text, "  ", name, counts);
    }
    if !pairs.is_empty() {
        block(&mut text, "", "pairs", pairs);
    }
    text
}

fn block<V: std::fmt::Display>(text: &mut String, indent: &str, name: &str, entries: BTreeMap<&str, V>) {
    let _ = writeln!(text, "{indent}{name}:");
    for (key, value) in entries {
        let _ = writeln!(text, "{indent}  {key}: {value}");
    }
}
