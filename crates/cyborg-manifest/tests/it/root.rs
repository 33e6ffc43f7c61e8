//! Where a data set is looked for.

use cyborg_manifest::{ManifestError, read_manifest};
use insta::assert_snapshot;

use crate::folder::{Folder, HEADER, TABLE};

fn with_root(root: &str) -> Folder {
    let folder = Folder::with_manifest(TABLE);
    let text = fs_err::read_to_string(folder.path("manifest.yaml")).unwrap();
    folder.write("sub/manifest.yaml", text.replace("root: .", &format!("root: {root}")));
    folder
}

fn add_data(folder: &Folder, place: &str) {
    folder.write(&format!("{place}/rows.csv"), format!("{HEADER}a.png,authentic,,,train,\n"));
}

#[test]
fn a_relative_root_lies_beside_the_manifest() {
    let folder = with_root("../data");
    add_data(&folder, "data");
    let dataset = read_manifest(&folder.path("sub/manifest.yaml")).unwrap().open(None).unwrap();
    assert_eq!(dataset.items[0].image, folder.path("sub/../data/a.png"));
    assert_eq!(dataset.items[0].id, "faces/a.png");
}

#[test]
fn data_root_comes_first_if_the_set_is_there() {
    let folder = with_root("../data");
    let manifest = read_manifest(&folder.path("sub/manifest.yaml")).unwrap();
    add_data(&folder, "data");
    let base = folder.path("base");
    assert_eq!(manifest.open(Some(&base)).unwrap().root, folder.path("sub/../data"));
    add_data(&folder, "base/faces");
    assert_eq!(manifest.open(Some(&base)).unwrap().root, base.join("faces"));
}

#[test]
fn data_root_stands_in_for_the_variable() {
    let folder = with_root("${CYBORG_DATA}/shared");
    let manifest = read_manifest(&folder.path("sub/manifest.yaml")).unwrap();
    add_data(&folder, "base/shared");
    assert_eq!(manifest.open(Some(&folder.path("base"))).unwrap().root, folder.path("base/shared"));
}

#[test]
fn a_variable_comes_from_the_environment() {
    // CARGO_MANIFEST_DIR is set for every test; the crate's folder holds no rows.csv.
    let folder = with_root("${CARGO_MANIFEST_DIR}/src");
    let error = read_manifest(&folder.path("sub/manifest.yaml")).unwrap().open(None).unwrap_err();
    let expected = format!("there is no table `{}/src/rows.csv`", env!("CARGO_MANIFEST_DIR"));
    assert!(error.to_string().contains(&expected), "{error}");
}

#[test]
fn what_was_looked_for_is_told() {
    let folder = with_root("${CYBORG_NO_SUCH_VARIABLE}/faces");
    let manifest = read_manifest(&folder.path("sub/manifest.yaml")).unwrap();
    let error = manifest.open(None).unwrap_err();
    assert!(matches!(error, ManifestError::Missing { .. }));
    assert_snapshot!(folder.message(&error), @r"
        data set `faces` (Faces) is missing: environment variable `CYBORG_NO_SUCH_VARIABLE` is not set
          obtain it: ask me
          put it at: `${CYBORG_NO_SUCH_VARIABLE}/faces`, or at `BASE/faces` and say `--data-root BASE`
          or run the same experiment on drawn images: `--phantom`
        ");
    assert_snapshot!(folder.message(&manifest.open(Some(&folder.path("base"))).unwrap_err()), @r"
        data set `faces` (Faces) is missing: there is no folder `DIR/base/faces`, and environment variable `CYBORG_NO_SUCH_VARIABLE` is not set
          obtain it: ask me
          put it at: `${CYBORG_NO_SUCH_VARIABLE}/faces`, or at `BASE/faces` and say `--data-root BASE`
          or run the same experiment on drawn images: `--phantom`
        ");
}
