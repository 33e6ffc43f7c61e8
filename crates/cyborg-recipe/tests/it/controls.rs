//! Controls and blurred images.

use cyborg_image::read_rgb;
use cyborg_recipe::RecipeError;

use crate::folder::Folder;

#[test]
fn shuffled_maps_are_others_maps() {
    let folder = Folder::with_boxes();
    folder.build("").unwrap();
    let own = ["a", "b", "c"].map(|name| folder.map(name));
    let built = folder.build("control: {shuffled: {seed: 4}}").unwrap();
    assert_eq!(built.n_maps(), 3);
    let shuffled = ["a", "b", "c"].map(|name| folder.map(name));
    for (own, other) in own.iter().zip(&shuffled) {
        assert_ne!(own, other);
        assert!(shuffled.contains(own), "every map is somebody's");
    }
    // The people are still the image's own, and so is their agreement.
    assert!(built.rows[0].iou.is_some());
    // A map follows its donor: cy's box on c is what some image has.
    let before = folder.files("out");
    folder.write("boxes.csv", crate::folder::BOXES.replace("c.png,cy,30", "c.png,cy,20"));
    let built = folder.build("control: {shuffled: {seed: 4}}").unwrap();
    assert_eq!(built.n_built, 2, "c, whose people changed, and the one that has c's map");
    assert_ne!(folder.files("out"), before);
}

#[test]
fn one_image_cannot_be_shuffled() {
    let folder = Folder::with_boxes();
    folder.write("boxes.csv", crate::folder::BOXES.lines().take(4).collect::<Vec<_>>().join("\n"));
    let error = folder.build("control: {shuffled: {}}").unwrap_err();
    assert!(matches!(error, RecipeError::NothingToShuffle { .. }), "{error}");
    assert!(error.to_string().contains("there is 1"), "{error}");
}

#[test]
fn blobs_and_priors_stand_where_people_marked() {
    let folder = Folder::with_boxes();
    let built = folder.build("control: {random-blobs: {size: 0.1}}\naggregate: union\n").unwrap();
    assert_eq!(built.n_maps(), 3, "d has no annotation and so no blobs");
    let area = folder.map("a").pixels.iter().filter(|level| **level > 254).count();
    assert_eq!(area, 900, "three quarters of 40 x 30, as the union");
    folder.build("control: {centre-prior: {}}").unwrap();
    assert_eq!(folder.level("a", 19, 14), folder.level("b", 20, 15));
    assert!(folder.level("a", 19, 14) > 250 && folder.level("a", 0, 0) < 40);
}

#[test]
fn images_are_blurred_where_nobody_looked() {
    let folder = Folder::with_boxes();
    let built = folder.build("output: {blurred_images: {sigma_px: 3}}\naggregate: intersection\n").unwrap();
    let image = read_rgb(&folder.path("images/a.png")).unwrap();
    let blurred = read_rgb(&folder.path("out/blurred/images/a.png")).unwrap();
    assert_eq!(image.pixel(5, 5), blurred.pixel(5, 5));
    assert_ne!(image.pixel(30, 25), blurred.pixel(30, 25));
    assert_eq!(built.rows[0].blurred_image, "blurred/images/a.png");
    // At another size of the map the image keeps its own.
    let tail =
        "output: {blurred_images: {sigma_px: 3}, size: {longest-side-px: 20}}\naggregate: intersection\n";
    folder.build(tail).unwrap();
    let again = read_rgb(&folder.path("out/blurred/images/a.png")).unwrap();
    assert_eq!((again.width_px, again.height_px), (40, 30));
    assert_eq!(image.pixel(5, 5), again.pixel(5, 5));
    // Another picture under the same name is blurred again.
    folder.picture("images/a.png", 40, 30, 99);
    assert_eq!(folder.build(tail).unwrap().n_built, 1);
}
