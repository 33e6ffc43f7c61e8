//! Augmented batches: the same bits however they are asked for.

use cyborg_data::{
    BatchPlan, Batches, DataError, ImageSet, NetworkInput, TRANSFORMS, Transform, contact_sheet,
    stream_images,
};
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

#[test]
fn the_sheet_shows_each_epoch_of_each_item() {
    let folder = tempdir().expect("a folder");
    let (set, _) = ImageSet::load(items(folder.path()), SIDE, u64::MAX, &|_, _| {}).expect("a side");
    let transforms = all();
    let sheet = contact_sheet(&set, &transforms, &[2, 0], Seed::new(9), 3).expect("drawn");
    // Four images of 32 pixels a row with gaps of 4, and two rows.
    assert_eq!((sheet.width_px, sheet.height_px), (4 * 36 + 4, 2 * 36 + 4));
    let tile = |column: u32, row: u32| -> Vec<u8> {
        let pixel = |at: u32| sheet.pixel(4 + 36 * column + at % 32, 4 + 36 * row + at / 32).to_vec();
        (0..32 * 32).flat_map(pixel).collect()
    };
    // Item 2 has no map: its first tile is the resized image, as it lies in a batch.
    let plain = made(&set, &[], &[2], 1, 0);
    let levels: Vec<u8> = (0..3 * 32 * 32)
        .map(|at| ((plain[2][at % 3 * 1024 + at / 3] * 0.5 + 0.5) * 255.0).round() as u8)
        .collect();
    assert_eq!(tile(0, 0), levels);
    assert!(tile(1, 0) != tile(2, 0) && tile(1, 1) != tile(2, 1) && tile(0, 1) != levels);
    assert_eq!(sheet.pixel(0, 0), [255; 3]);
    let refused = |items: &[usize]| contact_sheet(&set, &[], items, Seed::new(0), 1).expect_err("refused");
    assert_eq!(refused(&[]).to_string(), "`items` is empty, expected one or more items");
    assert_eq!(refused(&[5]).to_string(), "`items` is 5, expected an index below 5");
}

#[test]
fn a_stream_gives_the_batches_of_a_set_and_tells_of_each_bad_file() {
    let folder = tempdir().expect("a folder");
    let listed = items(folder.path());
    let (set, _) = ImageSet::load(listed.clone(), SIDE, 0, &|_, _| {}).expect("a side");
    let expected = made(&set, &[], &[0, 1, 2, 3, 4], 2, 0);
    fs_err::write(&listed[1].image, "no image").expect("written");
    let input = NetworkInput::new(SIDE, [0.5; 3], [0.5; 3]).expect("settings");
    for (batch_size, n_threads) in [(2, 1), (2, 3), (1, 2), (0, 0), (9, 2)] {
        let (mut seen, mut bad, mut done) = (Vec::new(), Vec::new(), 0);
        let path = |number: usize| (listed[number].image.as_path(), None);
        stream_images(&input, listed.len(), path, batch_size, n_threads, |batch| {
            assert_eq!(batch.done, (done + batch_size.max(1)).min(5));
            done = batch.done;
            assert_eq!(batch.images.is_none(), batch.items.is_empty());
            for (row, &item) in batch.items.iter().enumerate() {
                let images = batch.images.as_ref().expect("there are items");
                let found = images.get(row)?.flatten_all()?.to_vec1::<f32>()?;
                assert!(found == expected[item][..3 * SIDE * SIDE], "item {item}");
                seen.push(item);
            }
            bad.extend(batch.bad);
            Ok::<_, DataError>(())
        })
        .expect("streamed");
        assert_eq!((seen, done), (vec![0, 2, 3, 4], 5));
        assert_eq!(bad.len(), 1);
        assert!(bad[0].0 == 1 && bad[0].1.contains("1.png"), "{bad:?}");
    }
    let path = |number: usize| (listed[number].image.as_path(), None);
    let stop = stream_images(&input, 5, path, 1, 2, |batch| {
        if batch.done == 3 {
            Err(DataError::Setting { field: "x", found: String::new(), expected: String::new() })
        } else {
            Ok(())
        }
    });
    assert!(stop.is_err());
}
