//! The recycling allocator, as a program has it.
#![allow(missing_docs, reason = "a test")]

use cyborg_ops::Recycling;

#[global_allocator]
static MEMORY: Recycling = Recycling::new();

const MEGABYTE: usize = 1 << 20;

/// One test: the allocator belongs to the whole program, so others would disturb the counts.
#[test]
fn blocks_come_back_clean_and_memory_stays_bounded() {
    // The same block again, zeroed where zeros are asked for.
    let mut first = vec![7_u8; 3 * MEGABYTE];
    first[5] = 9;
    let address = first.as_ptr() as usize;
    drop(first);
    let kept = MEMORY.status().kept;
    assert!(kept >= 3 * MEGABYTE);
    let second = vec![0_u8; 3 * MEGABYTE];
    assert_eq!(second.as_ptr() as usize, address);
    assert!(second.iter().all(|&byte| byte == 0));
    drop(second);

    // Growing keeps what was there, from small to large and within large.
    let mut grown: Vec<u32> = Vec::new();
    for value in 0..2_000_000 {
        grown.push(value);
    }
    assert!(grown.iter().enumerate().all(|(index, &value)| index == value as usize));
    grown.truncate(10);
    grown.shrink_to_fit();
    assert_eq!(grown, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);

    // Ever other sizes: what is kept does not pile up beyond a quarter of the most ever used (and one block).
    for size in (1..200).map(|n| n * MEGABYTE / 4) {
        drop(vec![1_u8; size]);
        let status = MEMORY.status();
        assert!(status.used + status.kept <= status.most_used / 4 * 5 + size + size / 8 + 4096, "{status:?}");
    }

    // Many threads at once: nobody's block is anybody else's.
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            scope.spawn(move || {
                for round in 0..300_u64 {
                    let mark = thread * 1000 + round;
                    let blocks: Vec<Vec<u64>> = (1..6).map(|n| vec![mark; n * 20_000]).collect();
                    assert!(blocks.iter().flatten().all(|&value| value == mark));
                }
            });
        }
    });
}
