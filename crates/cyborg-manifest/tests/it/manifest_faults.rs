//! Every fault of a manifest file: where it is and what would be right.

use cyborg_manifest::{ManifestError, list_manifests};
use insta::assert_snapshot;

use crate::folder::{Folder, TABLE};

#[test]
fn an_unknown_field_names_the_nearest() {
    assert_snapshot!(Folder::manifest_fault(&TABLE.replace("columns", "colums")), @r"
        manifest `DIR/manifest.yaml` is invalid: unknown field `colums`; did you mean `columns`?
           --> DIR/manifest.yaml:11:5
            |
         11 |     colums: {image: image, label: label, source: source, subject: subject, split: split, map: map}
            |     ^
        ");
    assert_snapshot!(Folder::manifest_fault(&format!("{TABLE}zebra: 1\n")), @r"
        manifest `DIR/manifest.yaml` is invalid: unknown field `zebra`; valid are `id`, `title`, `domain`, `licence`, `obtain`, `citation`, `root`, `phantom`, `classes`, `layout`, `window`, `links_outside_root`, `annotation`, `pairs`, `expected`
           --> DIR/manifest.yaml:12:1
            |
         12 | zebra: 1
            | ^
        ");
}

#[test]
fn a_recipe_needs_a_name() {
    assert_snapshot!(Folder::manifest_fault(&format!("{TABLE}annotation: {{recipe: ' '}}\n")), @r"
        manifest `DIR/manifest.yaml` is invalid: `annotation.recipe` must name a recipe file
           --> DIR/manifest.yaml:12:22
            |
         12 | annotation: {recipe: ' '}
            |                      ^
        ");
}

#[test]
fn an_unknown_layout_names_the_nearest() {
    assert_snapshot!(Folder::manifest_fault("layout:\n  tabel:\n    file: rows.csv\n"), @r"
        manifest `DIR/manifest.yaml` is invalid: unknown value `tabel`; did you mean `table`?
          --> DIR/manifest.yaml:9:3
           |
         9 |   tabel:
           |   ^
        ");
}

#[test]
fn a_missing_field_is_named() {
    assert_snapshot!(Folder::manifest_fault(""), @r"
        manifest `DIR/manifest.yaml` is invalid: field `layout` is missing
          --> DIR/manifest.yaml:7:1
           |
         7 | classes: [authentic, synthetic]
           | ^
        ");
    assert_snapshot!(Folder::manifest_fault("layout: {table: {columns: {image: i, label: l}}}"), @r"
        manifest `DIR/manifest.yaml` is invalid: field `file` is missing
          --> DIR/manifest.yaml:8:18
           |
         8 | layout: {table: {columns: {image: i, label: l}}}
           |                  ^
        ");
}

#[test]
fn a_wrong_type_says_what_was_expected() {
    assert_snapshot!(Folder::manifest_fault(&format!("{TABLE}phantom: perhaps\n")), @r"
        manifest `DIR/manifest.yaml` is invalid: `true` or `false` expected here
           --> DIR/manifest.yaml:12:10
            |
         12 | phantom: perhaps
            |          ^
        ");
    assert_snapshot!(Folder::manifest_fault(&format!("{TABLE}pairs: [a]\n")), @r"
        manifest `DIR/manifest.yaml` is invalid: named fields (`name: value`) expected here
           --> DIR/manifest.yaml:12:8
            |
         12 | pairs: [a]
            |        ^
        ");
}

#[test]
fn a_field_that_is_there_twice_is_refused() {
    assert_snapshot!(Folder::manifest_fault(&format!("{TABLE}id: other\n")), @r"
        manifest `DIR/manifest.yaml` is invalid: field `id` is there twice
           --> DIR/manifest.yaml:12:1
            |
         12 | id: other
            | ^
        ");
}

#[test]
fn what_is_no_yaml_is_refused() {
    assert_snapshot!(Folder::manifest_fault("layout: [\n"), @r"
        manifest `DIR/manifest.yaml` is invalid: one named choice (`name: ...`) expected here
          --> DIR/manifest.yaml:8:9
           |
         8 | layout: [
           |         ^
        ");
}

#[test]
fn impossible_values_are_all_told_at_once() {
    let folder = Folder::new();
    let manifest = "\
id: My Faces
title: ' '
domain: face
licence: mine
obtain: ask me
root: ${HOME
classes: [authentic, authentic]
expected: {classes: {fake: 3}}
layout:
  table:
    file: ../rows.csv
    images: /images
    columns: {image: image, label: label, source: source}
    labels: {fake: synthetc, real: authentic}
    constants: {source: camera-a}
    split: {by: subject, train: 0.7, test: 0.7}
";
    folder.write("manifest.yaml", manifest);
    assert_snapshot!(folder.message(&folder.manifest().unwrap_err()), @r"
        manifest `DIR/manifest.yaml` is invalid: 11 faults
        - id `My Faces` may hold lower-case letters, digits and `-` only, and not begin with `-`
            --> DIR/manifest.yaml:1:5
             |
           1 | id: My Faces
             |     ^
        - a title must say what this is
            --> DIR/manifest.yaml:2:8
             |
           2 | title: ' '
             |        ^
        - `${` in `root` has no `}`
            --> DIR/manifest.yaml:6:7
             |
           6 | root: ${HOME
             |       ^
        - class `authentic` is there twice
            --> DIR/manifest.yaml:7:22
             |
           7 | classes: [authentic, authentic]
             |                      ^
        - `fake` in `expected.classes` is no class of this data set; valid are `authentic`, `authentic`
            --> DIR/manifest.yaml:8:11
             |
           8 | expected: {classes: {fake: 3}}
             |           ^
        - the shares must lie in 0 to 1 and add up to 1, but train 0.7 + validation 0 + test 0.7 is 1.4
             --> DIR/manifest.yaml:16:17
              |
           16 |     split: {by: subject, train: 0.7, test: 0.7}
              |                 ^
        - nothing says the images' subject: name it, or divide `by: image`
             --> DIR/manifest.yaml:16:17
              |
           16 |     split: {by: subject, train: 0.7, test: 0.7}
              |                 ^
        - the rows' source is said twice: keep one of `columns.source` and `constants.source`
             --> DIR/manifest.yaml:13:51
              |
           13 |     columns: {image: image, label: label, source: source}
              |                                                   ^
        - path `../rows.csv` leaves the root (`..`)
             --> DIR/manifest.yaml:11:11
              |
           11 |     file: ../rows.csv
              |           ^
        - path `/images` is absolute, but must start from the root of the data set
             --> DIR/manifest.yaml:12:13
              |
           12 |     images: /images
              |             ^
        - `synthetc` is no class of this data set; valid are `authentic`, `authentic`
             --> DIR/manifest.yaml:14:20
              |
           14 |     labels: {fake: synthetc, real: authentic}
              |                    ^
        ");
}

#[test]
fn one_class_is_not_a_classification() {
    let folder = Folder::new();
    let text = "{id: a, title: a, domain: other, licence: a, obtain: a, root: ., classes: [only], layout: {table: \
                {file: a.csv, columns: {image: i, label: l}, constants: {split: test}}}}";
    folder.write("manifest.yaml", text);
    assert_snapshot!(folder.message(&folder.manifest().unwrap_err()), @r"
        manifest `DIR/manifest.yaml` is invalid: `classes` must name at least two classes, in the order of their index
          --> DIR/manifest.yaml:1:76
           |
         1 | {id: a, title: a, domain: other, licence: a, obtain: a, root: ., classes: [only], layout: {table: {file: a.csv, columns: {image: i, label: l}, constants: {split: test}}}}
           |                                                                            ^
        ");
}

#[test]
fn the_split_is_said_once() {
    let table = "layout:\n  table:\n    file: rows.csv\n    columns: {image: image, label: label";
    assert_snapshot!(Folder::manifest_fault(&format!("{table}}}\n")), @r"
        manifest `DIR/manifest.yaml` is invalid: nothing says the rows' split: name a column in `columns.split`, or give `constants: {split: test}`, or `split: {by: subject, train: 0.7, ...}`
           --> DIR/manifest.yaml:10:11
            |
         10 |     file: rows.csv
            |           ^
        ");
    assert_snapshot!(Folder::manifest_fault(&format!("{table}, split: split}}\n    constants: {{split: test}}\n")), @r"
        manifest `DIR/manifest.yaml` is invalid: the rows' split is said twice: keep one of `columns.split`, `constants.split` and `split`
           --> DIR/manifest.yaml:11:50
            |
         11 |     columns: {image: image, label: label, split: split}
            |                                                  ^
        ");
}

#[test]
fn folders_and_lists_are_checked_against_the_classes() {
    let folders = "layout:\n  folders:\n    include:\n      - {path: a, class: autentic}\n";
    assert_snapshot!(Folder::manifest_fault(folders), @r"
        manifest `DIR/manifest.yaml` is invalid: 2 faults
        - this folder states no `split`, and no `split` beside `include` divides its images
             --> DIR/manifest.yaml:11:16
              |
           11 |       - {path: a, class: autentic}
              |                ^
        - `autentic` is no class of this data set; did you mean `authentic`?
             --> DIR/manifest.yaml:11:26
              |
           11 |       - {path: a, class: autentic}
              |                          ^
        ");
    let lists = "layout:\n  released-list:\n    lists: [{file: a.csv, second_split: train}]\n    labels: {Real: real}\n";
    assert_snapshot!(Folder::manifest_fault(lists), @r"
        manifest `DIR/manifest.yaml` is invalid: 2 faults
        - the lists' word `test` can mean `validation` or `test`, not `train`
             --> DIR/manifest.yaml:10:41
              |
           10 |     lists: [{file: a.csv, second_split: train}]
              |                                         ^
        - `real` is no class of this data set; valid are `authentic`, `synthetic`
             --> DIR/manifest.yaml:11:20
              |
           11 |     labels: {Real: real}
              |                    ^
        ");
}

#[test]
fn ids_are_unique_in_a_folder() {
    let folder = Folder::with_manifest(TABLE);
    let text = fs_err::read_to_string(folder.path("manifest.yaml")).unwrap();
    folder.write("other.yaml", &text);
    folder.write("notes.txt", "not a manifest");
    let error = list_manifests(&folder.path("")).unwrap_err();
    assert!(matches!(error, ManifestError::DuplicateId { .. }));
    assert_snapshot!(folder.message(&error), @r"manifests `DIR/manifest.yaml` and `DIR/other.yaml` have the same id `faces`: ids must be unique, change one of them");
    folder.write("other.yaml", text.replace("id: faces", "id: a"));
    let ids: Vec<String> = list_manifests(&folder.path("")).unwrap().into_iter().map(|m| m.id).collect();
    assert_eq!(ids, ["a", "faces"]);
}

#[test]
fn a_manifest_that_is_not_there_is_named() {
    let folder = Folder::new();
    let error = folder.manifest().unwrap_err();
    assert!(matches!(error, ManifestError::Read { .. }));
    assert_snapshot!(folder.message(&error), @r"
        cannot read manifest `DIR/manifest.yaml`
        caused by: failed to open file `DIR/manifest.yaml`: No such file or directory (os error 2)
        ");
    let error = list_manifests(&folder.path("nowhere")).unwrap_err();
    assert_snapshot!(folder.message(&error), @r"
        cannot read folder of manifests `DIR/nowhere`
        caused by: failed to read directory `DIR/nowhere`: No such file or directory (os error 2)
        ");
}
