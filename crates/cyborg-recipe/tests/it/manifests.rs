//! A manifest that names a recipe gets its maps on demand.

use cyborg_manifest::read_manifest;
use cyborg_recipe::give_maps;

use crate::folder::{BOXES, Folder};

fn folder() -> Folder {
    let folder = Folder::with_boxes();
    folder.write(
        "manifest.yaml",
        "{id: mine, title: Mine, domain: other, licence: mine, obtain: ask me, root: ., classes: [no, yes], \
         annotation: {recipe: recipe.yaml}, layout: {table: {file: rows.csv, columns: {image: image, label: label}, \
         constants: {split: train}}}}",
    );
    folder.write(
        "rows.csv",
        "image,label\nimages/a.png,yes\nimages/b.png,no\nimages/c.png,yes\nimages/d.png,no\n",
    );
    folder.write(
        "recipe.yaml",
        "annotations: [{boxes: {files: boxes.csv, columns: {annotator: annotator}}}]\n",
    );
    folder
}

#[test]
fn maps_are_built_once_and_found_again() {
    let folder = folder();
    let cache = folder.path("cache");
    let open = || {
        let mut dataset = read_manifest(&folder.path("manifest.yaml")).unwrap().open(None).unwrap();
        let warnings = give_maps(&mut dataset, vec![], None, &cache, &|_, _| ()).unwrap();
        (dataset, warnings)
    };
    let (dataset, warnings) = open();
    let maps: Vec<bool> = dataset.items.iter().map(|item| item.map.is_some()).collect();
    assert_eq!(maps, [true, true, true, false]);
    dataset.check_files().unwrap();
    assert_eq!(warnings, ["mine: 1 image without a saliency map: no annotation"]);
    let written = folder.files("cache");
    let (again, _) = open();
    assert_eq!(again.items, dataset.items);
    assert_eq!(folder.files("cache"), written);
    // Other annotations make another folder; the first one stays for who reads it.
    folder.write("boxes.csv", BOXES.replace("c.png,cy,30", "c.png,cy,20"));
    let (other, _) = open();
    assert_ne!(other.items[0].map, dataset.items[0].map);
    dataset.check_files().unwrap();
    folder.write("boxes.csv", BOXES);
    assert_eq!(open().0.items, dataset.items);
}

#[test]
fn a_missing_recipe_is_named() {
    let folder = folder();
    fs_err::remove_file(folder.path("recipe.yaml")).unwrap();
    let mut dataset = read_manifest(&folder.path("manifest.yaml")).unwrap().open(None).unwrap();
    let error = give_maps(&mut dataset, vec![], None, &folder.path("cache"), &|_, _| ()).unwrap_err();
    assert!(error.to_string().contains("recipe.yaml"), "{error}");
}
