//! What verification finds, on the smallest data set that has it.

use cyborg_image::Raster;
use cyborg_manifest::{FindingKind, Severity, VerifyReport, verify};
use insta::assert_snapshot;

use crate::folder::{Folder, HEADER, TABLE};

fn report(folder: &Folder) -> VerifyReport {
    verify(&folder.open().unwrap(), &|_, _| ())
}

/// The kind must be found that often, with that severity; nothing else may be.
fn only(report: &VerifyReport, kind: FindingKind, n: usize, severity: Severity) {
    let found: Vec<_> = report.findings.iter().map(|f| (f.kind, f.n, f.severity)).collect();
    assert_eq!(found, [(kind, n, severity)], "{report}");
}

/// Two images of each class in train, one in test, all fine.
fn sound() -> Folder {
    let rows = "\
a.png,authentic,cam,s1,train,ma.png
b.png,synthetic,gan,,train,
c.png,authentic,cam,s2,test,
d.png,synthetic,gan2,,test,
";
    let folder = Folder::with_rows(rows);
    for (seed, name) in ["a.png", "b.png", "c.png", "d.png"].into_iter().enumerate() {
        folder.image(name, (8, 6, 3), seed as u8);
    }
    folder.image("ma.png", (16, 12, 1), 0);
    folder
}

#[test]
fn a_sound_data_set_is_ok() {
    let folder = sound();
    let report = report(&folder);
    assert!(report.is_ok() && report.findings.is_empty(), "{report}");
    assert_eq!((report.n_images, report.n_readable, report.n_maps), (4, 4, 1));
    let text = report
        .to_string()
        .replace(&folder.path("").display().to_string().trim_end_matches('/').to_owned(), "DIR");
    assert_snapshot!(text, @r"
        faces: Faces
          root        DIR
          images      4 listed, 4 readable
          maps        1
          sizes       8x6 (4)
          colour      rgb (4)
          split       class      source   images     maps  subjects
          train       authentic  cam           1        1         1
          train       synthetic  gan           1        0         0
          test        authentic  cam           1        0         1
          test        synthetic  gan2          1        0         0
        ok
        ");
    assert_eq!(serde_json::to_value(&report).unwrap()["groups"][0]["n_maps"], 1);
}

#[test]
fn progress_reaches_the_number_of_images() {
    let last = std::sync::atomic::AtomicUsize::new(0);
    verify(&sound().open().unwrap(), &|done, of| {
        assert!(done <= of && of == 4);
        last.fetch_max(done, std::sync::atomic::Ordering::Relaxed);
    });
    assert_eq!(last.into_inner(), 4);
}

#[test]
fn bad_files_are_findings() {
    let folder = sound();
    folder.write("b.png", "no image");
    fs_err::remove_file(folder.path("c.png")).unwrap();
    folder.write("ma.png", "");
    let report = report(&folder);
    assert!(!report.is_ok());
    assert_eq!(report.n_readable, 2);
    let text = report
        .to_string()
        .replace(&folder.path("").display().to_string().trim_end_matches('/').to_owned(), "DIR");
    assert_snapshot!(text, @r"
        faces: Faces
          root        DIR
          images      4 listed, 2 readable
          maps        1
          sizes       8x6 (2)
          colour      rgb (2)
          split       class      source   images     maps  subjects
          train       authentic  cam           1        1         1
          train       synthetic  gan           1        0         0
          test        authentic  cam           1        0         1
          test        synthetic  gan2          1        0         0
        error: 1 images are listed but not there
          rows.csv:4: `DIR/c.png`
        error: 1 images cannot be read
          rows.csv:3: cannot decode image `DIR/b.png`: it is no image; PNG, JPEG, TIFF, BMP and WebP are known, by content and not by file name
        error: 1 saliency maps cannot be read
          rows.csv:2: cannot decode image `DIR/ma.png`: the file is empty
        not ok
        ");
}

#[test]
fn lists_without_any_image_are_still_checked() {
    let folder = Folder::with_rows(
        "x/1.png,authentic,cam,s1,train,\ny/1.png,authentic,cam,s1,validation,\ny/2.png,synthetic,,,train,\n",
    );
    let report = report(&folder);
    assert_eq!(report.n_readable, 0);
    let kinds: Vec<_> = report.findings.iter().map(|finding| (finding.kind, finding.n)).collect();
    assert_eq!(
        kinds,
        [
            (FindingKind::NoImages, 3),
            (FindingKind::SubjectAcrossSplits, 1),
            (FindingKind::NameAcrossSplits, 1)
        ]
    );
}

#[test]
fn maps_must_fit_and_say_something() {
    let folder = sound();
    folder.image("ma.png", (12, 12, 1), 0);
    only(&report(&folder), FindingKind::MapAspect, 1, Severity::Error);
    folder.raster("ma.png", &Raster::filled(16, 12, 1, 0));
    only(&report(&folder), FindingKind::FlatMap, 1, Severity::Warning);
    // One bright pixel in a large map is lost on the grid.
    let mut dot = Raster::filled(800, 600, 1, 0);
    dot.pixels[0] = 255;
    folder.raster("ma.png", &dot);
    only(&report(&folder), FindingKind::FlatMap, 1, Severity::Warning);
    fs_err::remove_file(folder.path("ma.png")).unwrap();
    only(&report(&folder), FindingKind::MissingMap, 1, Severity::Error);
}

#[test]
fn the_same_pixels_are_found_whatever_the_file() {
    // d is test: across splits, in another file format and under another label than a.
    let folder = sound();
    let a = cyborg_image::read_rgb(&folder.path("a.png")).unwrap();
    let mut bmp = Vec::new();
    // A 24-bit BMP by hand: header, then rows from the bottom in blue, green, red.
    let size = 54 + a.height_px * a.width_px * 3;
    for (value, bytes) in
        [(0x4D42, 2), (size, 4), (0, 4), (54, 4), (40, 4), (a.width_px, 4), (a.height_px, 4), (1, 2), (24, 2)]
    {
        bmp.extend(&value.to_le_bytes()[..bytes]);
    }
    bmp.resize(54, 0);
    for row in a.pixels.rchunks(a.width_px as usize * 3) {
        bmp.extend(row.as_chunks::<3>().0.iter().flat_map(|&[r, g, b]| [b, g, r]));
    }
    folder.write("d.png", bmp);
    let found = report(&folder);
    let kinds: Vec<_> = found.findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [FindingKind::ContentAcrossSplits, FindingKind::ContentAcrossClasses]);
    assert_eq!(
        found.findings[0].examples,
        ["`faces/a.png` (train, authentic) = `faces/d.png` (test, synthetic)"]
    );

    let folder = Folder::with_rows("a.png,authentic,,,test,\nb.png,authentic,,,test,\n");
    folder.image("a.png", (3, 3, 3), 0);
    folder.image("b.png", (3, 3, 3), 0);
    only(&report(&folder), FindingKind::ContentRepeated, 1, Severity::Warning);
}

#[test]
fn counts_are_held_against_the_manifest() {
    let expected = "expected: {images: 5, classes: {authentic: 2}, sources: {gan: 1, gan3: 7}, splits: {train: 3}, maps: 1}\n";
    let folder = sound();
    let text = fs_err::read_to_string(folder.path("manifest.yaml")).unwrap();
    folder.write("manifest.yaml", format!("{text}{expected}"));
    let report = report(&folder);
    only(&report, FindingKind::Count, 3, Severity::Error);
    assert_eq!(
        report.findings[0].examples,
        [
            "images: 5 expected, 4 found",
            "source `gan3`: 7 expected, 0 found",
            "split `train`: 3 expected, 2 found"
        ]
    );
}

#[test]
fn a_class_that_is_not_trained_and_repeated_rows_are_told() {
    let folder = Folder::with_manifest(TABLE);
    folder.write("rows.csv", format!("{HEADER}a.png,authentic,,,train,\na.png,authentic,,,train,\n"));
    folder.image("a.png", (1, 1, 1), 0);
    let kinds: Vec<_> = report(&folder).findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [FindingKind::ClassMissing, FindingKind::RepeatedRow]);
}

#[test]
fn a_shared_name_is_a_leak_unless_the_pictures_differ() {
    let folder = Folder::with_rows(
        "x/1.png,authentic,cam,,train,\ny/1.png,authentic,cam,,test,\ny/2.png,synthetic,gan,,train,\n",
    );
    folder.image("x/1.png", (40, 40, 3), 0);
    folder.image("y/2.png", (40, 40, 3), 9);
    // Another picture under the same name.
    folder.raster("y/1.png", &Raster::filled(40, 40, 3, 20));
    assert!(report(&folder).findings.is_empty());
    // The same picture at another size: other bytes, other pixels.
    let image = cyborg_image::read_rgb(&folder.path("x/1.png")).unwrap();
    folder.raster("y/1.png", &cyborg_image::resize_bilinear(&image, 30, 30));
    only(&report(&folder), FindingKind::NameAcrossSplits, 1, Severity::Warning);
}
