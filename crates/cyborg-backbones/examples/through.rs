//! Takes a weights file in and writes it out: `through IN OUT`, for `tests/golden/round_trip.py`.

use cyborg_backbones::Network;
use std::path::Path;

#[expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, input, output] = arguments.as_slice() else { return Err("usage: through IN OUT".into()) };
    let (network, card, report) = Network::open_reported(Path::new(input), None)?;
    println!("{} with {} classes, {}", card.architecture, card.n_classes, report.format);
    for line in report.lines() {
        println!("{line}");
    }
    network.save(Path::new(output), &card.to_metadata())?;
    Ok(())
}
