//! How long do many images of many people take? `cargo run -p cyborg-recipe --example speed -- [IMAGES] [PEOPLE] [PX]`
//!
//! Draws IMAGES (default 200) grey pictures of PX x PX (default 224) and two tables of PEOPLE (default 10) an image into a
//! temporary folder: 20 fixations each, and a brush stroke each as SVG. Builds both with agreement and without, checks that
//! every image got its map, and prints seconds, processor seconds of all threads (what counts on a busy machine), images a
//! second and the most memory used.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a program to be looked at")]

use std::fmt::Write;
use std::time::Instant;

use cyborg_image::{Raster, write_png};
use cyborg_recipe::{Plan, build, parse_recipe};

fn main() {
    let numbers: Vec<u32> = std::env::args().skip(1).map(|text| text.parse().unwrap()).collect();
    let number = |at: usize, default| numbers.get(at).copied().unwrap_or(default);
    let (n_images, n_people, px) = (number(0, 200), number(1, 10), number(2, 224));
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs_err::create_dir_all(root.join("images")).unwrap();
    let mut state = 1u32;
    let mut below = |n: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % n
    };
    let mut table = "image,person,x,y\n".to_owned();
    for image in 0..n_images {
        write_png(&root.join(format!("images/{image}.png")), &Raster::filled(px, px, 1, 128)).unwrap();
        for person in 0..n_people {
            for _ in 0..20 {
                writeln!(table, "{image}.png,p{person},{},{}", below(px), below(px)).unwrap();
            }
            let drawing = root.join(format!("drawings/p{person}"));
            fs_err::create_dir_all(&drawing).unwrap();
            let mut path = format!("M {} {}", below(px), below(px));
            for _ in 0..40 {
                write!(path, " L {} {}", below(px), below(px)).unwrap();
            }
            let svg = format!(
                "<svg xmlns='http://www.w3.org/2000/svg' width='{px}' height='{px}'><path d='{path}' fill='none' \
                 stroke='red' stroke-width='8'/></svg>"
            );
            fs_err::write(drawing.join(format!("{image}.svg")), svg).unwrap();
        }
    }
    fs_err::write(root.join("fixations.csv"), table).unwrap();
    let points = "points: {files: fixations.csv, columns: {annotator: person}}";
    let strokes = "svg: {files: 'drawings/{annotator}/{image}.svg'}";
    println!(
        "{n_images} images of {px} x {px}, {n_people} people each, {} threads",
        rayon::current_num_threads()
    );
    for (name, source) in [("fixations", points), ("strokes", strokes)] {
        for measure in [true, false] {
            let text = format!(
                "images: images/{{image}}.png\nannotations: [{{{source}}}]\ndraw: {{sigma: {{px: 10}}}}\n\
                 agreement: {{measure: {measure}}}\n"
            );
            let recipe = parse_recipe(&text, &root.join("recipe.yaml")).unwrap();
            let (start, cpu_before) = (Instant::now(), cpu_seconds());
            let plan = Plan::read(&recipe, recipe.own_images(root).unwrap(), root).unwrap();
            let built = build(&plan, &root.join(format!("{name}-{measure}")), &|_, _| ()).unwrap();
            let seconds = start.elapsed().as_secs_f64();
            assert_eq!(built.n_maps(), n_images as usize, "{:?}", built.reasons());
            assert!(built.rows.iter().all(|row| row.n_annotators == n_people as usize));
            assert!(!measure || built.rows.iter().all(|row| row.split_half.is_some()));
            let agreement = if measure { "with agreement" } else { "without" };
            println!(
                "{name:<10} {agreement:<15} {seconds:7.2} s  {:7.2} s of processors  {:6.1} images/s  {} MiB at most",
                cpu_seconds() - cpu_before,
                f64::from(n_images) / seconds,
                peak_mib().map_or_else(|| "?".to_owned(), |mib| mib.to_string())
            );
        }
    }
}

/// The most memory that this process had, where the system tells it.
fn peak_mib() -> Option<u64> {
    let status = fs_err::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}

/// Processor time of this process so far, where the system tells it (in ticks of 10 ms).
fn cpu_seconds() -> f64 {
    let stat = fs_err::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<f64> =
        stat.split_whitespace().skip(13).take(2).filter_map(|text| text.parse().ok()).collect();
    fields.iter().sum::<f64>() / 100.0
}
