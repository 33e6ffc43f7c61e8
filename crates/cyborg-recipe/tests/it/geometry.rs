//! Marks land where people put them, whatever lies between.

use cyborg_image::Raster;

use crate::folder::Folder;

/// A point in the upper right of a picture of 60 x 40: as pixels, as shares, on a frame of twice the size, and on a
/// screen of which the picture is a part.
#[test]
fn a_point_keeps_its_place() {
    let folder = Folder::new();
    folder.picture("images/a.png", 60, 40, 0);
    let check = |points: &str, source: &str, tail: &str| {
        folder.write("points.csv", points);
        let text = format!(
            "images: images/{{image}}.png\nannotations:\n  - points: {{files: points.csv{source}}}\n\
             draw: {{disc: {{px: 3}}}}\n{tail}"
        );
        let built = folder.build_text(&text, "out").unwrap();
        assert_eq!(built.n_maps(), 1, "{:?}", built.rows);
        let map = folder.map("a");
        let (width, height) = (map.width_px, map.height_px);
        let (mut x, mut y, mut sum) = (0.0, 0.0, 0.0);
        for (at, &level) in map.pixels.iter().enumerate() {
            x += f64::from(level) * ((at as u32 % width) as f64 + 0.5);
            y += f64::from(level) * ((at as u32 / width) as f64 + 0.5);
            sum += f64::from(level);
        }
        let found = (x / sum / f64::from(width), y / sum / f64::from(height));
        // 45 of 60 and 10 of 40; an eighth of a pixel of drawing.
        assert!(
            (found.0 - 0.75).abs() < 0.002 && (found.1 - 0.25).abs() < 0.003,
            "{points} {tail} {found:?}"
        );
    };
    check("image,x,y\na.png,45,10\n", "", "");
    check("image,x,y\na.png,44.5,9.5\n", ", first_pixel: zero", "");
    check("image,x,y\na.png,45.5,10.5\n", ", first_pixel: one", "");
    check("image,x,y\na.png,0.75,0.25\n", ", unit: fractions", "");
    check("image,x,y\na.png,90,20\n", "", "frame: {size_px: [120, 80]}");
    check(
        "image,x,y\na.png,145,60\n",
        "",
        "frame: {size_px: [300, 200], crop: {x: 100, y: 50, width: 60, height: 40}}",
    );
    check("image,x,y\na.png,45,10\n", "", "output: {size: {longest-side-px: 30}}");
    let columns = ", columns: {frame_width: w, frame_height: h}";
    check("image,x,y,w,h\na.png,22.5,5,30,20\n", columns, "");
}

#[test]
fn another_shape_is_refused_by_name() {
    let folder = Folder::new();
    folder.picture("images/a.png", 60, 40, 0);
    folder.raster("masks/a.png", &Raster::filled(60, 60, 1, 255));
    let text = "images: images/{image}.png\nannotations:\n  - maps: {files: 'masks/{image}.png'}\n";
    let built = folder.build_text(text, "out").unwrap();
    let reason = &built.rows[0].reason;
    assert!(
        reason.contains("masks/a.png") && reason.contains("60x60") && reason.contains("60x40"),
        "{reason}"
    );
}

/// An image stored on its side (EXIF 6: a quarter turn clockwise shows it upright), 19 x 13 stored and 13 x 19 seen.
#[test]
fn an_image_that_is_stored_turned() {
    let folder = Folder::new();
    let turned = concat!(env!("CARGO_MANIFEST_DIR"), "/../cyborg-image/tests/golden/files/turned.jpg");
    folder.write("images/a.jpg", fs_err::read(turned).unwrap());
    // The top right quarter as people saw it upright: stored, that is the top left.
    folder.write("boxes.csv", "image,left,top,right,bottom\na.jpg,6.5,0,13,9.5\n");
    let text = "images: images/{image}.jpg\nannotations: [{boxes: {files: boxes.csv}}]\n";
    let built = folder.build_text(text, "out").unwrap();
    assert!(built.rows[0].reason.contains("EXIF orientation 6"), "{}", built.rows[0].reason);
    folder.build_text(&format!("{text}frame: {{seen: upright}}"), "out").unwrap();
    let map = folder.map("a");
    assert_eq!((map.width_px, map.height_px), (19, 13), "as the pixels are stored");
    let levels = [(2, 2), (16, 2), (2, 10), (16, 10)].map(|(x, y)| map.pixel(x, y)[0]);
    assert_eq!(levels, [255, 0, 0, 0]);
    folder.build_text(&format!("{text}frame: {{seen: stored}}"), "out").unwrap();
    let map = folder.map("a");
    let levels = [(2, 2), (10, 2), (2, 10), (10, 7)].map(|(x, y)| map.pixel(x, y)[0]);
    assert_eq!(levels, [0, 255, 0, 255]);
}
