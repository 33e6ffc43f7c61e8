//! Augmented batches: the same bits however they are asked for.

use cyborg_data::{BatchPlan, Batches, DataError, ImageSet, TRANSFORMS, Transform};
use cyborg_image::{Raster, write_png};
use cyborg_manifest::{Item, Split};
use cyborg_seed::Seed;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use tempfile::tempdir;

const SIDE: usize = 32;

fn items(folder: &Path) -> Vec<Item> {
    let item = |index: usize| {
        let (image, map) = (folder.join(format!("{index}.png")), folder.join(format!("{index}.map.png")));
        let value = |at: usize, factor: usize| ((at * factor + index * 31 + at / 97) % 256) as u8;
        let pixels = (0..40 * 30 * 3).map(|at| value(at, 7)).collect();
        write_png(&image, &Raster { width_px: 40, height_px: 30, channels: 3, pixels }).expect("written");
        let pixels = (0..20 * 15).map(|at| value(at, 3)).collect();
        write_png(&map, &Raster { width_px: 20, height_px: 15, channels: 1, pixels }).expect("written");
        Item {
            id: format!("files/{index}.png"),
            image,
            label: index % 2,
            source: "files".to_owned(),
            subject: None,
            split: Split::Train,
            map: (index != 2).then_some(map),
            window: None,
            origin: "here".to_owned(),
        }
    };
    (0..5).map(item).collect()
}

/// Every transform as it is without settings, but for rotation, which needs one.
fn all() -> Vec<Arc<dyn Transform>> {
    let parse = |choice: &cyborg_settings::Choice<dyn Transform>| {
        let mut fields = serde_json::Map::new();
        if choice.name == "rotation" {
            fields.insert("degrees".to_owned(), 20.into());
        }
        choice.parse(&fields).expect("valid").into()
    };
    TRANSFORMS.iter().map(parse).collect()
}

/// What each item became, by its number: pixels and cells.
fn made(
    set: &ImageSet,
    transforms: &[Arc<dyn Transform>],
    order: &[usize],
    batch_size: usize,
    epoch: usize,
) -> Vec<Vec<f32>> {
    let plan =
        BatchPlan { grids: vec![(4, 4), (3, 5)], image_maps: true, transforms, seed: Some(Seed::new(9)) };
    let mut items = vec![Vec::new(); set.len()];
    let _: ControlFlow<()> = Batches::new(set, ([0.5; 3], [0.5; 3]), plan)
        .expect("a good plan")
        .for_each(order, batch_size, 0, epoch, |_, batch| {
            for (row, &item) in batch.items.iter().enumerate() {
                let mut push = |tensor: &candle_core::Tensor| {
                    let row = tensor.get(row)?.flatten_all()?.to_vec1::<f32>()?;
                    items[item].extend(row);
                    Ok::<(), DataError>(())
                };
                push(&batch.images)?;
                for maps in batch.maps.iter().chain(&batch.image_maps) {
                    push(&maps.maps)?;
                    push(&maps.has_map)?;
                }
            }
            Ok::<_, DataError>(ControlFlow::Continue(()))
        })
        .expect("batches");
    items
}

#[test]
fn neither_order_nor_batches_nor_memory_change_a_bit_and_epochs_do() {
    let folder = tempdir().expect("a folder");
    let load = |memory| {
        let (set, bad) = ImageSet::load(items(folder.path()), SIDE, memory, &|_, _| {}).expect("a side");
        assert_eq!(bad, []);
        set
    };
    let (kept, on_demand) = (load(u64::MAX), load(0));
    // With and without the transform that needs the images at their full resolution.
    for transforms in [all(), all().into_iter().filter(|t| !t.needs_full_resolution()).collect()] {
        let expected = made(&kept, &transforms, &[0, 1, 2, 3, 4], 5, 3);
        let item_len = 3 * SIDE * SIDE + 16 + 1 + 15 + 1 + SIDE * SIDE + 1;
        assert!(expected.iter().all(|item| item.len() == item_len));
        assert!(made(&on_demand, &transforms, &[4, 2, 0, 1, 3], 2, 3) == expected);
        assert!(made(&kept, &transforms, &[3, 1, 4, 0, 2], 1, 3) == expected);
        assert!(made(&kept, &transforms, &[0, 1, 2, 3, 4], 5, 4) != expected);
    }
    // Without transforms nothing is drawn.
    assert!(made(&kept, &[], &[0, 1, 2, 3, 4], 5, 3) == made(&on_demand, &[], &[4, 3, 2, 1, 0], 2, 8));
}

#[test]
fn transforms_need_a_seed() {
    let set = ImageSet::from_rasters(Vec::new(), &[], Vec::new(), SIDE).expect("an empty set");
    let transforms = all();
    let plan = BatchPlan { transforms: &transforms, ..BatchPlan::default() };
    let error = Batches::new(&set, ([0.5; 3], [0.5; 3]), plan).expect_err("refused").to_string();
    assert_eq!(error, "`seed` is missing, expected a seed for the transforms to draw from");
}
