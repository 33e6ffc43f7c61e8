//! The manifest that makes a drawn folder a data set like any other.
use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::plan::{PlannedImage, Split};
use crate::settings::{DRAWING_VERSION, FacePhantom, Generators};
use crate::sources::CAMERAS;

/// `manifest.yaml`, in the format that `cyborg-manifest` documents.
pub(crate) fn manifest_text(settings: &FacePhantom, images: &[PlannedImage]) -> String {
    let (mut classes, mut sources, mut splits) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let mut pairs = BTreeMap::new();
    let cameras = CAMERAS.map(|camera| camera.name).join(", ");
    for image in images {
        *classes.entry(image.class()).or_insert(0) += 1;
        *sources.entry(image.source.as_str()).or_insert(0) += 1;
        *splits.entry(image.split.name()).or_insert(0) += 1;
        if image.split == Split::Test && image.is_synthetic() {
            pairs.insert(image.source.as_str(), format!("[{cameras}]"));
        }
    }
    let purpose = match settings.generators {
        Generators::Test => "",
        Generators::Development => " (development generators)",
    };
    let mut text = format!(
        "# Drawn by cyborg-phantom, drawing code {DRAWING_VERSION}, seed {seed}. In training and validation the date\n\
         # stamp in the corner goes with the label: P(stamp | synthetic) = {p1:.4},\n\
         # P(stamp | authentic) = {p0:.4}. In testing both are 0.5.\n\
         id: {id}\n\
         title: Phantom faces, {side} px{purpose}\n\
         domain: face\n\
         licence: MIT OR Apache-2.0\n\
         obtain: drawn by `cargo xtask data generate`\n\
         root: .\n\
         phantom: true\n\
         classes: [authentic, synthetic]\n\
         layout:\n\
         \x20 table:\n\
         \x20   file: table.csv\n\
         \x20   columns: {{image: image, label: label, source: source, subject: subject, split: split, map: map}}\n\
         expected:\n\
         \x20 images: {n}\n",
        seed = settings.seed,
        p1 = settings.stamp_probability(true),
        p0 = settings.stamp_probability(false),
        id = settings.folder_name(),
        side = settings.image_px,
        n = images.len(),
    );
    for (name, counts) in [("classes", classes), ("sources", sources), ("splits", splits)] {
        block(&mut text, "  ", name, counts);
    }
    block(&mut text, "", "pairs", pairs);
    text
}

fn block<V: std::fmt::Display>(text: &mut String, indent: &str, name: &str, entries: BTreeMap<&str, V>) {
    let _ = writeln!(text, "{indent}{name}:");
    for (key, value) in entries {
        let _ = writeln!(text, "{indent}  {key}: {value}");
    }
}
