//! Where pictures are found, and what their labels become.

use crate::support::{folder_of_pictures, names, picture, write_picture};
use cyborg_manifest::Split;
use cyborg_predict::{Classes, ImageList, ImageOptions, Images, LabelOptions, PredictError, SplitChoice};
use std::path::Path;

fn classes() -> Classes {
    Classes::named(vec!["real".to_owned(), "fake".to_owned()]).expect("names")
}

fn list(what: &Path, options: &ImageOptions) -> Result<ImageList, PredictError> {
    ImageList::find(what.to_str().expect("UTF-8"), options)
}

fn images(what: &Path, options: &ImageOptions) -> Images {
    list(what, options)
        .and_then(|list| list.with_classes(&classes(), &LabelOptions::default()))
        .expect("images")
}

fn refused(what: &Path, options: &ImageOptions) -> String {
    list(what, options).expect_err("refused").to_string()
}

fn ids(images: &Images) -> Vec<&str> {
    images.items.iter().map(|image| image.id.as_str()).collect()
}

fn table(dir: &Path, text: impl AsRef<[u8]>) -> std::path::PathBuf {
    let path = dir.join("rows.csv");
    fs_err::write(&path, text).expect("written");
    path
}

#[test]
fn a_folder_is_searched_and_sorted() {
    let dir = tempfile::tempdir().expect("temporary folder");
    // The content decides where the name does not.
    for name in [
        "b.PNG",
        "a/z.jpg",
        "a/b/c.tiff",
        "a.webp",
        ".hidden.png",
        ".git/x.png",
        "photo.jfif",
        "photo.JPE",
        "png",
    ] {
        write_picture(&dir.path().join(name), &picture(4, 4, 3, 0));
    }
    for name in ["notes.txt", "list.TXT", "c.bmp.gz", "readme", "animation.gif"] {
        fs_err::write(dir.path().join(name), b"GIF89a or a text").expect("written");
    }
    let found = images(dir.path(), &ImageOptions::default());
    assert_eq!(ids(&found), ["a.webp", "a/b/c.tiff", "a/z.jpg", "b.PNG", "photo.JPE", "photo.jfif", "png"]);
    let left_out = "are left out: 1 .gif, 1 .gz, 2 .txt, 1 without an ending";
    assert!(found.notes.len() == 1 && found.notes[0].ends_with(left_out), "{:?}", found.notes);
    assert_eq!(found.items[1].path, dir.path().join("a/b/c.tiff"));
    assert!(!found.have_labels() && !found.have_sources() && found.failures.is_empty());
    // One file is a list of one.
    let one = images(&dir.path().join("a/z.jpg"), &ImageOptions::default());
    assert_eq!(one.items.len(), 1);
}

#[test]
fn an_empty_folder_says_what_it_lacks() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let message = refused(dir.path(), &ImageOptions::default());
    assert!(
        message.contains("has no image, but no file at all: an image is a PNG, JPEG, TIFF, BMP or WebP file"),
        "{message}"
    );
    fs_err::write(dir.path().join("a.gif"), b"").expect("written");
    assert!(refused(dir.path(), &ImageOptions::default()).contains("but 1 .gif: "));
}

#[test]
fn what_was_drawn_here_is_not_read_back() {
    let dir = tempfile::tempdir().expect("temporary folder");
    for name in ["a.png", "maps/b.png", "drawn/overlays/a.png", "drawn/maps/a.png", "drawn/c.png"] {
        write_picture(&dir.path().join(name), &picture(4, 4, 3, 0));
    }
    fs_err::write(dir.path().join("drawn/cams.csv"), b"image\n").expect("written");
    let found = images(dir.path(), &ImageOptions::default());
    assert_eq!(ids(&found), ["a.png", "drawn/c.png", "maps/b.png"]);
    assert!(
        found.notes.iter().any(|note| note.contains("drawn` holds results of `cam`")),
        "{:?}",
        found.notes
    );
    // Drawn into the folder of images itself.
    fs_err::write(dir.path().join("cams.csv"), b"image\n").expect("written");
    write_picture(&dir.path().join("overlays/a.png"), &picture(4, 4, 3, 0));
    assert_eq!(ids(&images(dir.path(), &ImageOptions::default())), ["a.png", "drawn/c.png"]);
}

#[test]
fn tables_are_read_however_they_are_stored() {
    let dir = tempfile::tempdir().expect("temporary folder");
    for text in [
        "image,label\na.png,1.0\nb.png,0.0\n",
        "image;label\r\na.png;fake\r\nb.png;real\r\n",
        "\u{feff}image\tlabel\na.png\t1\nb.png\t0\n",
        "sep=;\nimage;label\na.png;1\nb.png;real\n",
    ] {
        let found = images(&table(dir.path(), text), &ImageOptions::default());
        let labels: Vec<_> = found.items.iter().map(|image| (image.id.as_str(), image.label)).collect();
        assert_eq!(labels, [("a.png", Some(1)), ("b.png", Some(0))], "{text}");
        assert!(found.failures.is_empty());
    }
}

#[cfg(unix)]
#[test]
fn links_are_followed_but_not_in_circles_and_odd_names_are_told() {
    use std::os::unix::ffi::OsStrExt;
    let dir = tempfile::tempdir().expect("temporary folder");
    folder_of_pictures(&dir.path().join("in"), 2);
    write_picture(&dir.path().join("elsewhere/x.png"), &picture(4, 4, 3, 0));
    for (target, link) in
        [("../in", "in/loop"), ("..", "in/up"), ("../elsewhere", "in/there"), ("nowhere", "in/dead.png")]
    {
        std::os::unix::fs::symlink(target, dir.path().join(link)).expect("linked");
    }
    let odd = std::ffi::OsStr::from_bytes(b"\xff.png");
    write_picture(&dir.path().join("in").join(odd), &picture(4, 4, 3, 0));
    let found = images(&dir.path().join("in"), &ImageOptions::default());
    // `up` leads to the folder above, where `in` is the one that it began with.
    assert_eq!(ids(&found), ["00.png", "01.png", "dead.png", "there/x.png", "up/elsewhere/x.png"]);
    let failures: Vec<String> = found.failures.iter().map(ToString::to_string).collect();
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert!(failures[0].ends_with(".png`: the file's name is not UTF-8, so no table can hold it: rename it"));
}

#[test]
fn a_table_may_call_its_columns_anything() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let absolute = dir.path().join("else where/é.png");
    // With a byte order mark and CR LF, as spreadsheets write them; a quoted comma, spaces around fields.
    let text = format!(
        "\u{feff}Datei,Wahrheit,Kamera,x\r\n\"a, b.png\",real,nord,1\r\n sub/c.png , 1 ,,2\r\n{},,,3\r\n",
        absolute.display()
    );
    let path = table(dir.path(), text);
    let options = ImageOptions {
        image_column: Some("Datei".to_owned()),
        label_column: Some("Wahrheit".to_owned()),
        source_column: Some("Kamera".to_owned()),
        ..ImageOptions::default()
    };
    let found = images(&path, &options);
    let absolute_id = absolute.display().to_string();
    assert_eq!(ids(&found), ["a, b.png", "sub/c.png", &absolute_id]);
    let rows: Vec<_> = found
        .items
        .iter()
        .map(|image| (image.label, image.source.as_deref(), image.origin.as_str(), image.path.clone()))
        .collect();
    let in_dir = |name: &str| dir.path().join(name);
    assert_eq!(rows[0], (Some(0), Some("nord"), "rows.csv:2", in_dir("a, b.png")));
    assert_eq!(rows[1], (Some(1), Some("fake"), "rows.csv:3", in_dir("sub/c.png")));
    assert_eq!(rows[2], (None, None, "rows.csv:4", absolute));
    // Another root moves what is relative, and nothing else.
    let root = ImageOptions { root: Some("/pictures".into()), ..options.clone() };
    let found = images(&path, &root);
    assert_eq!(found.items[1].path, Path::new("/pictures/sub/c.png"));
    assert_eq!(found.items[2].path, in_dir("else where/é.png"));
    // Tabs in a .tsv; the usual names need no option.
    let tsv = dir.path().join("rows.tsv");
    fs_err::write(&tsv, "filename\tlabel\na, b.png\tfake\n").expect("written");
    assert_eq!(images(&tsv, &ImageOptions::default()).items[0].label, Some(1));
}

#[test]
fn faulty_rows_are_failures_and_repeated_ones_count_once() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let mut text =
        b"image,label,source\na.png,real,s\nb.png,fake\n,real,s\na.png,real,s\na.png,fake,s\n".to_vec();
    text.extend(b"c.png,reel,s\nd.png,real,t\nd.png,real,s\n\xff.png,real,s\n");
    let found = images(&table(dir.path(), text), &ImageOptions::default());
    assert_eq!(ids(&found), ["a.png", "d.png"]);
    let failures: Vec<String> = found.failures.iter().map(ToString::to_string).collect();
    assert_eq!(
        failures,
        [
            "`b.png` (rows.csv:3): this row has 2 fields, but the header has 3",
            "rows.csv:4: this row names no image",
            "`a.png` (rows.csv:6): this row gives it label `fake`, but rows.csv:2 gave it `real`",
            "`d.png` (rows.csv:9): this row gives it source `s`, but rows.csv:8 gave it `t`",
            "rows.csv:10: this row is not UTF-8: store the table in UTF-8",
            "`c.png` (rows.csv:7): its label `reel` is no class of the network: `real` (0), `fake` (1)",
        ]
    );
    assert_eq!(found.notes.len(), 1);
    assert!(found.notes[0].starts_with("1 of the rows of "), "{}", found.notes[0]);
}

#[test]
fn tables_that_are_none_are_refused() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let check = |text: &str, options: &ImageOptions, expected: &str| {
        let message = refused(&table(dir.path(), text), options);
        assert!(message.contains(expected), "{message}");
    };
    let usual = ImageOptions::default();
    check("", &usual, "it has no column `image`, only no column at all");
    check("image,label\n", &usual, "has no image, only a header");
    check("a.png,real\nb.png,fake\n", &usual, "only `a.png`, `real`; say with `--image-column NAME`");
    let named = ImageOptions { label_column: Some("truth".to_owned()), ..usual.clone() };
    check("image,label\na,b\n", &named, "it has no column `truth`, only `image`, `label`");
    let missing = refused(&dir.path().join("no.csv"), &usual);
    assert!(missing.contains("no.csv"), "{missing}");
}

#[test]
fn labels_must_be_classes_of_the_network() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = table(dir.path(), "image,label\na.png,live\nb.png,spoof\nc.png,\n");
    let with = |options: LabelOptions| {
        list(&path, &ImageOptions::default()).and_then(|list| list.with_classes(&classes(), &options))
    };
    let message = with(LabelOptions::default()).expect_err("refused").to_string();
    for part in [
        "the labels are `live`, `spoof`",
        "the classes are `real` (0), `fake` (1)",
        "--label-map",
        "--no-labels",
    ] {
        assert!(message.contains(part), "{message}");
    }
    let map = |pairs: &[(&str, &str)]| LabelOptions {
        map: pairs.iter().map(|(label, class)| ((*label).to_owned(), (*class).to_owned())).collect(),
        ignore: false,
    };
    let labels = |images: Images| images.items.iter().map(|image| image.label).collect::<Vec<_>>();
    let mapped = with(map(&[("live", "0"), ("spoof", "fake")])).expect("mapped");
    assert_eq!(labels(mapped), [Some(0), Some(1), None]);
    let ignored = with(LabelOptions { ignore: true, ..LabelOptions::default() }).expect("ignored");
    assert!(!ignored.have_labels() && !ignored.have_sources());
    let message = with(map(&[("live", "living")])).expect_err("no such class").to_string();
    assert_eq!(
        message,
        "`label-map` is `live=living`, expected a class after the `=`: `real` (0), `fake` (1)"
    );
}

/// A manifest of four images in `dir/data`.
fn manifest(dir: &Path) -> std::path::PathBuf {
    let folder = dir.join("manifests");
    fs_err::create_dir_all(dir.join("data")).expect("made");
    fs_err::create_dir_all(&folder).expect("made");
    let text = "{id: mine, title: Mine, domain: other, licence: mine, obtain: ask, root: ../data, \
                classes: [fake, real], layout: {table: {file: rows.csv, columns: {image: image, label: label, \
                source: source, split: split}}}}";
    fs_err::write(folder.join("mine.yaml"), text).expect("written");
    let rows = "image,label,source,split\nd.png,fake,gan,test\na.png,real,cam,train\nb.png,real,cam,test\n";
    fs_err::write(dir.join("data/rows.csv"), rows).expect("written");
    folder
}

#[test]
fn a_manifest_gives_labels_by_name_and_sources() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let manifests = manifest(dir.path());
    let options = ImageOptions { manifests: manifests.clone(), ..ImageOptions::default() };
    // By path and by id.
    for what in [manifests.join("mine.yaml").display().to_string(), "mine".to_owned()] {
        let list = ImageList::find(&what, &options).expect("found");
        assert_eq!(list.class_names(), Some(&["fake".to_owned(), "real".to_owned()][..]));
        let found = list.with_classes(&classes(), &LabelOptions::default()).expect("labelled");
        assert_eq!(ids(&found), ["mine/b.png", "mine/d.png"]);
        // The network's classes are real and fake: `fake` is 0 in the manifest and 1 here.
        let said: Vec<_> = found.items.iter().map(|image| (image.label, image.source.as_deref())).collect();
        assert_eq!(said, [(Some(0), Some("cam")), (Some(1), Some("gan"))]);
        assert!(
            found.notes[0]
                .starts_with("2 of 3 images are asked about: there are 1 train, 0 validation, 2 test")
        );
    }
    let all = ImageOptions { split: Some(SplitChoice::All), ..options.clone() };
    assert_eq!(ImageList::find("mine", &all).expect("found").len(), 3);
    let none = ImageOptions { split: Some(SplitChoice::One(Split::Validation)), ..options.clone() };
    let message = ImageList::find("mine", &none).expect_err("none").to_string();
    assert!(
        message.contains("no image in the chosen split; there are 1 train, 0 validation, 2 test"),
        "{message}"
    );
    let message = ImageList::find("nine", &options).expect_err("no such id").to_string();
    assert!(message.contains("cannot find images `nine`") && message.contains("only `mine`"), "{message}");
    let nowhere = ImageOptions { manifests: "no-such-folder".into(), ..ImageOptions::default() };
    let message = ImageList::find("mine", &nowhere).expect_err("no folder").to_string();
    assert!(message.contains("nor a folder `no-such-folder` of manifests"), "{message}");
    assert_eq!(names(&manifests), ["mine.yaml"]);
}

#[test]
fn options_go_with_what_they_are_for() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let manifests = manifest(dir.path());
    folder_of_pictures(&dir.path().join("in"), 1);
    let column = ImageOptions { label_column: Some("x".to_owned()), ..ImageOptions::default() };
    for what in [dir.path().join("in"), dir.path().join("in/00.png"), manifests.join("mine.yaml")] {
        assert!(
            refused(&what, &column)
                .starts_with("`label-column` is `x`, expected nothing: it goes with a table")
        );
    }
    let root = ImageOptions { root: Some("r".into()), ..ImageOptions::default() };
    assert!(refused(&dir.path().join("in"), &root).starts_with("`root` is `r`"));
    let split = ImageOptions { split: Some(SplitChoice::All), ..ImageOptions::default() };
    let rows = table(dir.path(), "image\na.png\n");
    for what in [dir.path().join("in"), rows] {
        assert!(refused(&what, &split).contains("it goes with a manifest only"));
    }
    let odd = dir.path().join("in/notes.doc");
    fs_err::write(&odd, b"").expect("written");
    assert!(refused(&odd, &ImageOptions::default()).contains("its name ends neither in csv"));
}
