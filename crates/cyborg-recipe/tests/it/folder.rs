//! A temporary folder with images, annotations and a recipe.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cyborg_image::{Raster, read_grey, write_png};
use cyborg_recipe::{Built, Plan, RecipeError, build, parse_recipe};
use tempfile::TempDir;

/// Three people's boxes on three pictures of 40 x 30: image, annotator, left, top, right, bottom.
pub(crate) const BOXES: &str = "\
image,annotator,left,top,right,bottom,seconds,correct
a.png,ann,0,0,20,15,5,1
a.png,bob,0,0,40,15,10,1
a.png,cy,0,0,20,30,30,0
b.png,ann,10,10,20,20,5,1
b.png,bob,10,10,20,20,8,0
c.png,cy,30,20,40,30,5,1
";

/// What most recipes here begin with.
pub(crate) const HEAD: &str = "\
images: images/{image}.png
annotations:
  - boxes: {files: boxes.csv, columns: {annotator: annotator, seconds: seconds, correct: correct}}
";

pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Pictures `a`, `b` and `c` and their boxes; `d` has none.
    pub(crate) fn with_boxes() -> Self {
        let folder = Self::new();
        for (at, name) in ["a", "b", "c", "d"].iter().enumerate() {
            folder.picture(&format!("images/{name}.png"), 40, 30, at as u8);
        }
        folder.write("boxes.csv", BOXES);
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, bytes).unwrap();
    }

    pub(crate) fn picture(&self, name: &str, width_px: u32, height_px: u32, seed: u8) {
        let pixels = (0..width_px * height_px * 3).map(|i| (i as u8).wrapping_mul(29).wrapping_add(seed));
        self.raster(name, &Raster { width_px, height_px, channels: 3, pixels: pixels.collect() });
    }

    pub(crate) fn raster(&self, name: &str, raster: &Raster) {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        write_png(&path, raster).unwrap();
    }

    /// Builds the recipe of [`HEAD`] and these lines into `out`.
    pub(crate) fn build(&self, tail: &str) -> Result<Built, RecipeError> {
        self.build_text(&format!("{HEAD}{tail}"), "out")
    }

    pub(crate) fn build_text(&self, text: &str, out: &str) -> Result<Built, RecipeError> {
        let recipe = parse_recipe(text, &self.path("recipe.yaml"))?;
        let root = recipe.root(None, None)?;
        let images = recipe.own_images(&root)?;
        let plan = Plan::read(&recipe, images, &root)?;
        build(&plan, &self.path(out), &|_, _| ())
    }

    /// The map of an image in `out`, as rows of levels.
    pub(crate) fn map(&self, name: &str) -> Raster {
        read_grey(&self.path(&format!("out/maps/images/{name}.png"))).unwrap()
    }

    /// The level of a pixel of that map.
    pub(crate) fn level(&self, name: &str, x: u32, y: u32) -> u8 {
        self.map(name).pixel(x, y)[0]
    }

    /// Every file below a folder, with its bytes.
    pub(crate) fn files(&self, below: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(&self.path(below), &mut files);
        let root = self.path(below);
        files.into_iter().map(|(path, bytes)| (path.strip_prefix(&root).unwrap().to_owned(), bytes)).collect()
    }
}

fn collect(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs_err::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.insert(path.clone(), fs_err::read(&path).unwrap());
        }
    }
}
