//! What the tests share.

use std::path::{Path, PathBuf};

use cyborg_saliency::{
    Annotation, AnnotationError, Format, Mark, PathPattern, SaliencyMap, Source, read_source,
};

/// A file beside the script that wrote it.
pub(crate) fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

pub(crate) fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

pub(crate) fn golden_lines(name: &str) -> Vec<Vec<String>> {
    let text = fs_err::read_to_string(golden(name)).expect("a golden file");
    text.lines().map(|line| line.split(' ').map(str::to_owned).collect()).collect()
}

pub(crate) fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse().ok().unwrap_or_else(|| panic!("a number, not `{text}`"))
}

pub(crate) fn numbers(words: &[String]) -> Vec<f64> {
    words.iter().map(|word| number(word)).collect()
}

/// The map that `noise` in make_annotations.py makes: values of 8 bits in `[0, 1)`.
pub(crate) fn noise(width: usize, height: usize) -> SaliencyMap {
    let value = |at: usize| {
        let (x, y) = ((at % width) as u32, (at / width) as u32);
        let mixed = x.wrapping_mul(73856093) ^ y.wrapping_mul(19349663);
        (mixed >> 8 & 255) as f32 / 256.0
    };
    SaliencyMap { width_px: width, height_px: height, values: (0..width * height).map(value).collect() }
}

pub(crate) fn largest_difference(found: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).map(|(&a, b)| (f64::from(a) - b).abs()).fold(0.0, f64::max)
}

/// All that a source delivers: annotations and errors.
pub(crate) fn read(root: &Path, pattern: &str, format: Format) -> (Vec<Annotation>, Vec<AnnotationError>) {
    let source = Source { files: PathPattern::parse(pattern).expect("a good pattern"), format };
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    match read_source(root, &source) {
        Err(error) => bad.push(error),
        Ok(annotations) => {
            for annotation in annotations {
                match annotation {
                    Ok(annotation) => good.push(annotation),
                    Err(error) => bad.push(error),
                }
            }
        }
    }
    (good, bad)
}

/// As [`read`], of a file with that text.
pub(crate) fn read_text(name: &str, text: &str, format: Format) -> (Vec<Annotation>, Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    fs_err::write(folder.path().join(name), text).expect("written");
    let (good, bad) = read(folder.path(), name, format);
    let root = folder.path().display().to_string();
    (good, bad.iter().map(|error| error.to_string().replace(&root, "ROOT")).collect())
}

pub(crate) fn point(x: f64, y: f64) -> Mark {
    Mark::Point { x, y, duration_s: None }
}

pub(crate) fn annotation(marks: Vec<Mark>) -> Annotation {
    Annotation { marks, ..Annotation::new("0001.png", "test") }
}
