//! Files as other programs leave them: tables of spreadsheets, masks of ones, twelve bits in sixteen, links.

use cyborg_image::{Raster, encode_png_16};
use cyborg_manifest::{FindingKind, verify};

use crate::folder::{Folder, HEADER, TABLE};

const NUMBERED: &str = "\
layout:
  table:
    file: rows.csv
    columns: {image: image, label: label, split: split}
    labels: {0: authentic, 1: synthetic}
";

#[test]
fn one_table_however_it_is_stored() {
    for (tail, text) in [
        (NUMBERED, "image,label,split\na.png,1.0,train\nb.png,0.0,test\n"),
        (NUMBERED, "image;label;split\r\na.png;1;train\r\nb.png;0;test\r\n"),
        (
            TABLE,
            "\u{feff}image;label;split;source;subject;map\r\na.png;synthetic;train;;;\r\nb.png;authentic;test;;;\r\n",
        ),
        (
            TABLE,
            "image\tlabel\tsplit\tsource\tsubject\tmap\na.png\tsynthetic\ttrain\t\t\t\nb.png\tauthentic\ttest\t\t\t\n",
        ),
    ] {
        let folder = Folder::with_manifest(tail);
        folder.write("rows.csv", text);
        let items = folder.open().unwrap().items;
        let found: Vec<_> =
            items.iter().map(|item| (item.id.as_str(), item.label, item.split.name())).collect();
        assert_eq!(found, [("faces/a.png", 1, "train"), ("faces/b.png", 0, "test")], "{text}");
    }
}

#[test]
fn numbers_without_a_meaning_say_where_to_state_it() {
    let message = Folder::with_rows("a.png,1.0,,,train,\n").open_fault();
    let hint = "say so in the manifest: `labels: {\"0\": authentic, \"1\": synthetic}`";
    assert!(message.contains("label `1.0` is no class") && message.contains(hint), "{message}");
}

#[test]
fn sixteen_bits_are_told_apart_by_all_of_them() {
    let folder = Folder::with_rows("a.png,authentic,,,train,\nb.png,synthetic,,,test,\n");
    // The same high bytes, other low ones; the largest value is 12 bits.
    folder.write("a.png", encode_png_16(2, 2, &[0, 1, 2048, 4095]).unwrap());
    folder.write("b.png", encode_png_16(2, 2, &[9, 1, 2049, 4094]).unwrap());
    let report = verify(&folder.open().unwrap(), &|_, _| ());
    let found = |kind| report.findings.iter().find(|finding| finding.kind == kind);
    assert!(found(FindingKind::ContentAcrossSplits).is_none(), "{report}");
    let bits = found(FindingKind::UnusedBits).expect("12 of 16");
    assert!(
        bits.message.contains("use 12 of 16 bits") && bits.message.contains("high: 4095"),
        "{}",
        bits.message
    );

    let plain = folder.open().unwrap();
    let windowed = Folder::with_manifest(&format!("window: {{low: 0, high: 4095}}\n{TABLE}"));
    windowed.write("rows.csv", format!("{HEADER}a.png,authentic,,,train,\nb.png,synthetic,,,test,\n"));
    for name in ["a.png", "b.png"] {
        windowed.write(name, fs_err::read(folder.path(name)).unwrap());
    }
    let dataset = windowed.open().unwrap();
    assert_eq!(dataset.items[0].window.map(cyborg_image::Window::ends), Some((0, 4095)));
    let report = verify(&dataset, &|_, _| ());
    assert!(report.findings.iter().all(|finding| finding.kind != FindingKind::UnusedBits), "{report}");
    // Another window is another content.
    let digest = |items| cyborg_manifest::content_digest(items, None).unwrap();
    assert_ne!(digest(&plain.items), digest(&dataset.items));
    // What has no inside is refused where it stands.
    let fault = Folder::manifest_fault(&format!("window: {{low: 9, high: 9}}\n{TABLE}"));
    assert!(fault.contains("a window from 9 to 9 has no inside"), "{fault}");
}

#[test]
fn masks_of_ones_have_contrast() {
    let folder =
        Folder::with_rows("a.png,authentic,,,train,a.mask.png\nb.png,authentic,,,train,b.mask.png\n");
    for name in ["a", "b"] {
        folder.image(&format!("{name}.png"), (63, 63, 3), name.as_bytes()[0]);
    }
    // A patch of 6 x 6 of 63 x 63, less than half of a cell of 9 x 9.
    let one = |i: usize| u8::from((8..14).contains(&(i / 63)) && (8..14).contains(&(i % 63)));
    let pixels: Vec<u8> = (0..63 * 63).map(one).collect();
    let deep: Vec<u16> = pixels.iter().map(|&one| u16::from(one)).collect();
    folder.raster("a.mask.png", &Raster { width_px: 63, height_px: 63, channels: 1, pixels });
    folder.write("b.mask.png", encode_png_16(63, 63, &deep).unwrap());
    let report = verify(&folder.open().unwrap(), &|_, _| ());
    assert!(report.findings.iter().all(|finding| finding.kind != FindingKind::FlatMap), "{report}");
}

#[test]
fn folders_hold_what_their_files_hold() {
    let tail = "layout: {folders: {include: [{path: real, class: authentic, split: test}]}}\n";
    let folder = Folder::with_manifest(tail);
    folder.image("real/a.png", (8, 8, 3), 1);
    folder.image("real/photo.jfif.png", (8, 8, 3), 2);
    fs_err::rename(folder.path("real/photo.jfif.png"), folder.path("real/photo.jfif")).unwrap();
    folder.write("real/notes.txt", "none");
    folder.write("real/LIST.TXT", "none");
    folder.write("real/thumbs", "none");
    let dataset = folder.open().unwrap();
    let ids: Vec<_> = dataset.items.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(ids, ["faces/real/a.png", "faces/real/photo.jfif"]);
    let report = verify(&dataset, &|_, _| ());
    let finding = report.findings.iter().find(|finding| finding.kind == FindingKind::NoImageFile).unwrap();
    assert_eq!(
        (finding.n, &finding.examples[..]),
        (3, &["2 .txt".to_owned(), "1 without an ending".to_owned()][..])
    );
}

#[cfg(unix)]
#[test]
fn links_out_of_the_root_need_a_word() {
    use fs_err::os::unix::fs::symlink;
    let outside = tempfile::tempdir().unwrap();
    let rows = "a.png,authentic,,,train,\nin/b.png,authentic,,,train,\nlinked/c.png,authentic,,,train,\n";
    let folder = Folder::with_rows(rows);
    folder.image("real.png", (8, 8, 3), 1);
    folder.image("in/b.png", (8, 8, 3), 2);
    // A link inside the root is no matter.
    symlink("real.png", folder.path("a.png")).unwrap();
    symlink(outside.path(), folder.path("linked")).unwrap();
    fs_err::copy(folder.path("real.png"), outside.path().join("c.png")).unwrap();
    let fault = folder.open_fault();
    assert!(
        fault.contains("for 1 of its files\n  - `DIR/./linked/c.png` is ")
            || fault.contains("for 1 of its files\n  - `DIR/linked/c.png` is "),
        "{fault}"
    );
    assert!(fault.contains("links_outside_root: true"), "{fault}");
    folder.write(
        "manifest.yaml",
        fs_err::read_to_string(folder.path("manifest.yaml")).unwrap() + "links_outside_root: true\n",
    );
    assert_eq!(folder.open().unwrap().items.len(), 3);
    // A file, not a folder.
    fs_err::remove_file(folder.path("linked")).unwrap();
    fs_err::create_dir(folder.path("linked")).unwrap();
    symlink(outside.path().join("c.png"), folder.path("linked/c.png")).unwrap();
    folder.write(
        "manifest.yaml",
        fs_err::read_to_string(folder.path("manifest.yaml")).unwrap().replace("true\n", "false\n"),
    );
    assert!(folder.open_fault().contains("linked/c.png` is "));
}
