//! Structural similarity.

/// Side of the window for a grid: 7 from 14 cells a side on, else the largest odd number not above half the shorter
/// side, and at least 3 (so 3 on a 7x7 grid). `None` where a side has fewer than 3 cells.
pub fn ssim_window(height: usize, width: usize) -> Option<usize> {
    let side = height.min(width);
    (side >= 3).then(|| {
        let half = (side / 2).clamp(3, 7);
        if half % 2 == 0 { half - 1 } else { half }
    })
}
