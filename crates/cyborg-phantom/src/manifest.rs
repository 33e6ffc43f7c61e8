//! The manifest that makes a drawn folder a data set like any other.
use crate::plan::{PlannedImage, Split};
use crate::settings::FacePhantom;
use crate::sources::CAMERAS;

/// `manifest.yaml`.
pub(crate) fn manifest_text(settings: &FacePhantom, images: &[PlannedImage]) -> String {
    let name = settings.folder_name();
    let mut generators: Vec<&str> = Vec::new();
    for image in images {
        if image.split == Split::Test && image.is_synthetic() && generators.last() != Some(&image.source.as_str()) {
            generators.push(&image.source);
        }
    }
    let cameras = CAMERAS.map(|camera| camera.name).join(", ");
    let pairs: String =
        generators.iter().map(|generator| format!("  {generator}: [{cameras}]\n")).collect();
    format!(
        "id: {name}\ntitle: Phantom faces\ndomain: face\nphantom: true\nclasses: [authentic, synthetic]\nroot: .\npairs:\n{pairs}"
    )
}
