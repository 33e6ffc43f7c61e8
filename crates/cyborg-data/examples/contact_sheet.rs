//! Shows what each transform does: `cargo run -p cyborg-data --example contact_sheet IMAGE MAP SHEET.png`.
//!
//! One row a transform, in the order of `TRANSFORMS`, then one with all of them; the first column is without.

use cyborg_data::{ImageSet, TRANSFORMS, Transform, contact_sheet};
use cyborg_image::{Raster, write_png};
use cyborg_manifest::{Item, Split};
use cyborg_seed::Seed;
use std::sync::Arc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [image, map, sheet] = arguments.as_slice() else { return Err("usage: IMAGE MAP SHEET.png".into()) };
    let item = Item {
        id: image.clone(),
        image: image.into(),
        label: 0,
        source: String::new(),
        subject: None,
        split: Split::Train,
        map: Some(map.into()),
        window: None,
        origin: "the command line".to_owned(),
    };
    let (set, bad) = ImageSet::load(vec![item], 224, u64::MAX, &|_, _| {})?;
    if let Some(bad) = bad.first() {
        return Err(bad.reason.clone().into());
    }
    let parse = |name: &str| -> Result<Arc<dyn Transform>, cyborg_settings::Fault> {
        let mut fields = serde_json::Map::new();
        if name == "rotation" {
            fields.insert("degrees".to_owned(), 20.into());
        }
        cyborg_settings::find(TRANSFORMS, name)
            .map_err(|hint| cyborg_settings::Fault {
                path: Vec::new(),
                message: format!("no transform `{name}`"),
                hint: Some(hint),
            })?
            .parse(&fields)
            .map(Arc::from)
    };
    let mut rows = Vec::new();
    for choice in TRANSFORMS {
        rows.push(vec![parse(choice.name)?]);
    }
    rows.push(TRANSFORMS.iter().map(|choice| parse(choice.name)).collect::<Result<_, _>>()?);
    let mut pixels = Vec::new();
    let mut width_px = 0;
    let mut height_px = 0;
    for row in rows {
        let part = contact_sheet(&set, &row, &[0], Seed::new(0), 6)?;
        width_px = part.width_px;
        height_px += part.height_px;
        pixels.extend(part.pixels);
    }
    write_png(sheet.as_ref(), &Raster { width_px, height_px, channels: 3, pixels })?;
    Ok(())
}
