//! Products and what is done to them, against sums that are exact in f32.

use super::*;
use crate::simd::levels;

/// Multiples of 1/16 between -1 and 1: their products and the sums of a few thousand of these are exact in f32.
fn values(len: usize, factor: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * factor + 3) % 33) as f32 / 16.0 - 1.0).collect()
}

/// Rows, elements, columns: tails of tiles, of vectors and of blocks, more elements than a block has.
const SIZES: [(usize, usize, usize); 9] = [
    (1, 1, 1),
    (7, 3, 5),
    (13, 20, 16),
    (6, 33, 64),
    (25, 5, 49),
    (9, 700, 33),
    (3, 1024, 17),
    (130, 14, 100),
    (260, 13, 65),
];

fn packed(layout: PackedLayout, columns: usize, b: &[f32]) -> Vec<f32> {
    layout.pack(|block, values| {
        for (k, row) in values.chunks_exact_mut(block.width).enumerate() {
            row[..block.columns].copy_from_slice(&b[k * columns + block.first..][..block.columns]);
        }
    })
}

#[test]
fn multiply_is_its_definition_on_every_instruction_set() {
    for (rows, k, columns) in SIZES {
        // Each row is two runs, the second before the first; rows overlap and results are spread out.
        let (pitch, gap) = (k + 4, columns + 3);
        let a = values((rows + 1) * pitch, 7);
        let b = values(k * columns, 5);
        let runs = [Run { offset: k / 3 + 2, len: k - k / 3 }, Run { offset: 1, len: k / 3 }];
        let bases: Vec<usize> = (0..rows).map(|row| row * pitch).collect();
        let targets: Vec<usize> = (0..rows).map(|row| (rows - 1 - row) * gap).collect();
        let elements = |row: usize| {
            let a = &a;
            runs.iter().flat_map(move |run| &a[row * pitch + run.offset..][..run.len])
        };
        for level in levels() {
            let layout = PackedLayout::on(level, k, columns);
            let b_packed = packed(layout, columns, &b);
            assert_eq!(b_packed.len(), layout.len());
            let run = |finish: Option<Finish<'_>>| {
                let mut out = vec![0.5; rows * gap];
                let a = Rows { values: &a, bases: &bases };
                multiply_and(a, &runs, layout, &b_packed, as_unwritten(&mut out), &targets, finish);
                out
            };
            let mut expected = vec![0.5; rows * gap];
            for (row, &target) in targets.iter().enumerate() {
                for column in 0..columns {
                    let b = b[column..].iter().step_by(columns);
                    expected[target + column] = elements(row).zip(b).map(|(a, b)| a * b).sum();
                }
            }
            assert_eq!(run(None), expected, "{level:?}, {rows} x {k} x {columns}");

            // Powers of two scale exactly.
            let centre = values(columns, 3);
            let scale: Vec<f32> = (0..columns).map(|column| [0.5, -2.0, 1.0][column % 3]).collect();
            let shift = values(columns, 11);
            let other = values(rows * gap, 13);
            for (relu, other) in [(false, None), (true, None), (true, Some(other.as_slice()))] {
                let mut finished = expected.clone();
                for &target in &targets {
                    for column in 0..columns {
                        let value = &mut finished[target + column];
                        *value = (*value - centre[column]) * scale[column] + shift[column];
                        *value += other.map_or(0.0, |other| other[target + column]);
                        *value = if relu { value.max(0.0) } else { *value };
                    }
                }
                let finish = Finish { centre: &centre, scale: &scale, shift: &shift, other, relu };
                assert_eq!(run(Some(finish)), finished, "{level:?}, {rows} x {k} x {columns}, {relu}");
            }
        }
    }
}

#[test]
fn outer_is_its_definition_on_every_instruction_set() {
    for (len, rows, columns) in SIZES {
        let (pitch, gap) = (len + 2, columns + 1);
        let (a, b) = (values(rows * pitch + 1, 7), values(rows * gap, 5));
        let a_bases: Vec<usize> = (0..rows).map(|row| row * pitch).collect();
        let b_bases: Vec<usize> = (0..rows).map(|row| row * gap + 1).rev().collect();
        let b_bases: Vec<usize> = b_bases.into_iter().map(|base| base.min(rows * gap - columns)).collect();
        let mut expected = values(len * columns, 3);
        for (index, sum) in expected.iter_mut().enumerate() {
            let (i, column) = (index / columns, index % columns);
            let bases = a_bases.iter().zip(&b_bases);
            *sum += bases.map(|(at, bt)| a[at + 1 + i] * b[bt + column]).sum::<f32>();
        }
        for level in levels() {
            let mut sums = values(len * columns, 3);
            let (a, b) = (Rows { values: &a, bases: &a_bases }, Rows { values: &b, bases: &b_bases });
            outer_on(level, a, Run { offset: 1, len }, b, columns, &mut sums);
            assert_eq!(sums, expected, "{level:?}, {len} x {rows} x {columns}");
        }
    }
}
