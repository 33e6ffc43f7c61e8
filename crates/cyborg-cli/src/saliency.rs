//! `cargo xtask saliency`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Subcommand};
use comfy_table::{ContentArrangement, Table};
use cyborg_manifest::{Dataset, Manifest, Split, list_manifests, read_manifest};
use cyborg_recipe::{
    Built, Image, MapFigures, Pair, Plan, Recipe, Row, agree, agreement_csv, agreement_of_people, build,
    ceiling, ceiling_sentence, contact_sheet, doubts, images_of, map_figures, people_sheet, read_recipe,
    spread,
};
use indicatif::{ProgressBar, ProgressStyle};

use crate::print;

/// People's annotations to saliency maps: build them, look at them, measure how far people agree.
#[derive(Subcommand)]
pub(crate) enum SaliencyCommand {
    /// Build the maps of a recipe: `maps/` and `provenance.csv`, a row an image.
    ///
    /// What is there already, of the same annotations and settings, is not built again. An image or annotation that cannot
    /// be used is named and takes down its own map only.
    ///
    /// Example: `cargo xtask saliency build recipes/osie.yaml --manifest osie --output out/osie`
    Build(Build),
    /// Draw a contact sheet (each image, the map laid over it, the map) and print figures of the whole set.
    ///
    /// With a recipe its maps are built into the cache; without one the maps that the manifest names are shown. With
    /// `--people` there is one row an image: the image, and each person's marks laid over it.
    ///
    /// Example: `cargo xtask saliency inspect --manifest osie --output osie.png`
    Inspect(Inspect),
    /// Measure how far people agree, the ceiling for any model: Spearman's correlation of halves of the people
    /// (also corrected for their size) and of one person with the others, and intersection over union.
    ///
    /// Example: `cargo xtask saliency agree recipes/osie.yaml --manifest osie --output agreement.csv`
    Agree(Agree),
}

#[derive(Args)]
pub(crate) struct Target {
    /// The recipe; the one that the manifest names if absent.
    #[arg(value_parser = crate::places::file)]
    recipe: Option<PathBuf>,
    /// The images: a manifest's id, or the path of a manifest file. Without it the recipe must name `images`.
    #[arg(long, value_name = "M")]
    manifest: Option<String>,
    /// Only images of this split: train, validation or test.
    #[arg(long, value_parser = split)]
    split: Option<Split>,
    /// Folder of the manifests. Default: the nearest `data-manifests` at or above the working directory.
    #[arg(long, value_name = "DIR", env = "CYBORG_MANIFESTS", hide_default_value = true, default_value_os_t = crate::places::manifests())]
    manifests: PathBuf,
    /// Folder that holds the data sets, each in a folder of its id, in place of the manifests' own roots.
    #[arg(long, value_name = "DIR", env = "CYBORG_DATA")]
    data_root: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Build {
    #[command(flatten)]
    target: Target,
    /// The folder to build into; new, or of an earlier build.
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
}

#[derive(Args)]
pub(crate) struct Inspect {
    #[command(flatten)]
    target: Target,
    /// The picture.
    #[arg(long, value_name = "PNG", default_value = "saliency.png")]
    output: PathBuf,
    /// Images on the sheet, evenly spread over the set.
    #[arg(long, value_name = "N", default_value_t = 12)]
    images: usize,
    /// Height of each picture on the sheet, in pixels.
    #[arg(long, value_name = "PX", default_value_t = 320, value_parser = clap::value_parser!(u32).range(32..=4000))]
    side: u32,
    /// One row an image, with a picture for each person (needs a recipe).
    #[arg(long)]
    people: bool,
    /// Where maps that a recipe makes are kept.
    #[arg(long, value_name = "DIR", default_value = "data/saliency")]
    cache: PathBuf,
}

#[derive(Args)]
pub(crate) struct Agree {
    #[command(flatten)]
    target: Target,
    /// Also write the figures of every image into this CSV file.
    #[arg(long, value_name = "CSV")]
    output: Option<PathBuf>,
}

fn split(word: &str) -> Result<Split, String> {
    Split::from_name(word).ok_or_else(|| "expected `train`, `validation` or `test`".to_owned())
}

pub(crate) fn run(command: &SaliencyCommand) -> Result<ExitCode> {
    match command {
        SaliencyCommand::Build(arguments) => build_maps(arguments),
        SaliencyCommand::Inspect(arguments) => inspect(arguments),
        SaliencyCommand::Agree(arguments) => measure(arguments),
    }
}

/// Images, and how they get maps.
struct Found {
    recipe: Option<Recipe>,
    dataset: Option<Dataset>,
    images: Vec<Image>,
    /// Of the same set, but not asked for: annotations may mean them.
    others: Vec<Image>,
    root: PathBuf,
}

fn find(target: &Target) -> Result<Found> {
    let mut others = Vec::new();
    let dataset = match &target.manifest {
        None => None,
        Some(name) => {
            let mut dataset = manifest(name, &target.manifests)?.open(target.data_root.as_deref())?;
            let is_asked_for =
                |item: &cyborg_manifest::Item| target.split.is_none_or(|split| item.split == split);
            let (kept, left_out) = std::mem::take(&mut dataset.items).into_iter().partition(is_asked_for);
            dataset.items = left_out;
            others = images_of(&dataset);
            dataset.items = kept;
            ensure!(!dataset.items.is_empty(), "`{name}` has no image of that split");
            Some(dataset)
        }
    };
    ensure!(
        dataset.is_some() || target.split.is_none(),
        "`--split` needs `--manifest`, which says the splits"
    );
    let named = dataset.as_ref().and_then(|dataset| dataset.recipe.clone());
    let recipe = match target.recipe.clone().or(named) {
        Some(path) => Some(read_recipe(&path)?),
        None if dataset.is_none() => bail!(
            "name a recipe or a manifest\n  hint: `cargo xtask saliency build recipes/osie.yaml --manifest osie \
             --output DIR`"
        ),
        None => None,
    };
    let data_set_root = dataset.as_ref().map(|dataset| dataset.root.as_path());
    let root = match (&recipe, data_set_root) {
        (Some(recipe), _) => recipe.root(data_set_root, target.data_root.as_deref())?,
        (None, root) => root.unwrap_or(Path::new(".")).to_owned(),
    };
    let images = match (&dataset, &recipe) {
        (Some(dataset), _) => images_of(dataset),
        (None, Some(recipe)) => recipe.own_images(&root)?,
        (None, None) => vec![],
    };
    Ok(Found { recipe, dataset, images, others, root })
}

fn manifest(name: &str, folder: &Path) -> Result<Manifest> {
    let as_path = crate::places::file(name)?;
    if as_path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
        return Ok(read_manifest(&as_path)?);
    }
    let all = list_manifests(folder)?;
    let ids = all.iter().map(|m| format!("`{}`", m.id)).collect::<Vec<_>>().join(", ");
    match all.into_iter().find(|m| m.id == name) {
        Some(manifest) => Ok(manifest),
        None => bail!(
            "there is no manifest `{name}` in `{}`\n  hint: valid ids: {ids}; a path must end in `.yaml`",
            folder.display()
        ),
    }
}

/// The recipe, where the command cannot do without.
fn needed<'a>(found: &'a Found, target: &Target) -> Result<&'a Recipe> {
    found.recipe.as_ref().with_context(|| {
        let name = target.manifest.as_deref().unwrap_or("the manifest");
        format!("`{name}` names no recipe (`annotation: {{recipe: FILE}}`): name one on the command line")
    })
}

fn plan<'a>(recipe: &'a Recipe, found: &Found) -> Result<Plan<'a>> {
    let bar = ProgressBar::new_spinner();
    bar.set_message("reading annotations");
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    let plan = Plan::read_among(recipe, found.images.clone(), found.others.clone(), &found.root)?;
    bar.finish_and_clear();
    tell_faults(&plan);
    Ok(plan)
}

#[expect(clippy::print_stderr, reason = "faults go to stderr, results to stdout")]
fn tell_faults(plan: &Plan) {
    const SHOWN: usize = 20;
    for fault in plan.faults.iter().take(SHOWN) {
        eprintln!("warning: {fault}");
    }
    if plan.faults.len() > SHOWN {
        eprintln!("warning: and {} more faults of annotations", plan.faults.len() - SHOWN);
    }
    for line in plan.unmatched.lines() {
        eprintln!("note: {line}");
    }
}

#[expect(clippy::print_stderr, reason = "faults go to stderr, results to stdout")]
fn tell_doubts(rows: &[Row]) {
    for line in doubts(rows) {
        eprintln!("warning: {line}");
    }
}

fn with_bar<T>(what: &str, work: impl FnOnce(&(dyn Fn(usize, usize) + Sync)) -> T) -> T {
    let bar = ProgressBar::new(0);
    let template = "{msg:<20} {wide_bar} {pos}/{len}  {eta} left";
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(what.to_owned());
    let result = work(&|done, of| {
        bar.set_length(of as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    result
}

fn build_maps(arguments: &Build) -> Result<ExitCode> {
    let found = find(&arguments.target)?;
    let plan = plan(needed(&found, &arguments.target)?, &found)?;
    let built = with_bar("drawing maps", |progress| build(&plan, &arguments.output, progress))?;
    tell_bad_images(&built);
    tell_doubts(&built.rows);
    print(&summary(&plan, &built));
    Ok(if built.n_maps() == 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Images of which something is wrong; that nobody annotated one is nothing wrong.
#[expect(clippy::print_stderr, reason = "faults go to stderr, results to stdout")]
fn tell_bad_images(built: &Built) {
    const SHOWN: usize = 20;
    let bad = || built.rows.iter().filter(|row| !row.reason.is_empty() && row.inputs.is_empty());
    for row in bad().take(SHOWN) {
        eprintln!("warning: no map of `{}`: {}", row.image, row.reason);
    }
    if bad().count() > SHOWN {
        eprintln!("warning: and {} more images; `provenance.csv` has them all", bad().count() - SHOWN);
    }
}

fn summary(plan: &Plan, built: &Built) -> String {
    let mut lines = vec![format!(
        "{} images, {} of them annotated: {} maps ({} built, {} unchanged, {} removed)",
        plan.n_images(),
        plan.n_annotated(),
        built.n_maps(),
        built.n_built,
        built.n_unchanged,
        built.n_removed
    )];
    let reasons = built.reasons();
    const SHOWN: usize = 8;
    for (reason, n) in reasons.iter().take(SHOWN) {
        lines.push(format!("  {n} without a map: {reason}"));
    }
    if reasons.len() > SHOWN {
        lines.push(format!("  and {} more reasons", reasons.len() - SHOWN));
    }
    let people: Vec<usize> =
        built.rows.iter().filter(|row| !row.map.is_empty()).map(|row| row.n_annotators).collect();
    if let (Some(least), Some(most)) = (people.iter().min(), people.iter().max()) {
        let mean = people.iter().sum::<usize>() as f64 / people.len() as f64;
        lines.push(format!("people an image: {mean:.1} ({least} to {most})"));
    }
    let flat = built.rows.iter().filter(|row| row.flat_on_7x7 == Some(true)).count();
    if flat > 0 {
        lines
            .push(format!("{flat} maps have no contrast on a grid of 7 x 7: the loss leaves them out there"));
    }
    lines.push(format!("maps: {}", built.folder.join(cyborg_recipe::MAPS).display()));
    if built.rows.iter().any(|row| !row.blurred_image.is_empty()) {
        lines.push(format!("blurred images: {}", built.folder.join(cyborg_recipe::BLURRED).display()));
    }
    lines.push(format!("table: {}", built.folder.join(cyborg_recipe::PROVENANCE).display()));
    lines.join("\n")
}

#[expect(clippy::print_stderr, reason = "faults go to stderr, results to stdout")]
fn inspect(arguments: &Inspect) -> Result<ExitCode> {
    let mut found = find(&arguments.target)?;
    // A sheet of an earlier run may lie among the images.
    let sheet = fs_err::canonicalize(&arguments.output).ok();
    found.images.retain(|image| sheet.is_none() || fs_err::canonicalize(&image.path).ok() != sheet);
    if arguments.people {
        return inspect_people(arguments, &found);
    }
    let pairs: Vec<Pair> = if let Some(recipe) = &found.recipe {
        let name = found.dataset.as_ref().map_or("recipe", |dataset| &dataset.id);
        let (images, others) = (found.images.clone(), found.others.clone());
        let ensured = with_bar("drawing maps", |progress| {
            cyborg_recipe::ensure(recipe, name, images, others, &found.root, &arguments.cache, progress)
        })?;
        for warning in &ensured.warnings {
            eprintln!("warning: {warning}");
        }
        let pair = |image: &Image| {
            let map = ensured.maps.get(&image.name)?.clone();
            Some(Pair { name: image.name.clone(), image: image.path.clone(), map })
        };
        found.images.iter().filter_map(pair).collect()
    } else {
        let items = found.dataset.iter().flat_map(|dataset| &dataset.items);
        let pair = |item: &cyborg_manifest::Item| {
            Some(Pair { name: item.id.clone(), image: item.image.clone(), map: item.map.clone()? })
        };
        items.filter_map(pair).collect()
    };
    ensure!(!pairs.is_empty(), "none of the {} images has a map", found.images.len());
    let chosen = spread(&pairs, arguments.images.max(1));
    let figures = with_bar("looking at maps", |progress| map_figures(&pairs, progress));
    let faults = contact_sheet(&chosen, &arguments.output, arguments.side)?;
    for fault in figures.faults.iter().chain(&faults).take(20) {
        eprintln!("warning: {fault}");
    }
    print(&figures_table(&figures, found.images.len()));
    print(&format!("\nsheet: {} (image, map over image, map)", arguments.output.display()));
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stderr, reason = "faults go to stderr, results to stdout")]
fn inspect_people(arguments: &Inspect, found: &Found) -> Result<ExitCode> {
    let plan = plan(needed(found, &arguments.target)?, found)?;
    let annotated = plan.annotated();
    ensure!(!annotated.is_empty(), "nobody annotated any of the {} images", found.images.len());
    let chosen = spread(&annotated, arguments.images.max(1));
    let faults = people_sheet(&plan, &chosen, &arguments.output, arguments.side)?;
    for fault in faults.iter().take(20) {
        eprintln!("warning: {fault}");
    }
    print(&format!("sheet: {} (a row an image, then a picture for each person)", arguments.output.display()));
    Ok(ExitCode::SUCCESS)
}

fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table
}

fn number(figure: Option<f64>) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.3}"))
}

fn figures_table(figures: &MapFigures, n_images: usize) -> String {
    let sizes = match figures.sizes {
        None => "-".to_owned(),
        Some((least, most)) if least == most => format!("{} x {}", least.0, least.1),
        Some((least, most)) => format!("{} to {} x {} to {}", least.0, most.0, least.1, most.1),
    };
    let mut table = plain_table();
    table.add_row(["images".to_owned(), n_images.to_string()]);
    table.add_row(["maps".to_owned(), figures.n_maps.to_string()]);
    table.add_row(["flat on 7 x 7 cells".to_owned(), figures.n_flat.to_string()]);
    table.add_row(["size in pixels".to_owned(), sizes]);
    table.add_row(["mean value (0 to 1)".to_owned(), number(figures.mean)]);
    table.add_row(["share of pixels above 0.5".to_owned(), number(figures.share_above_half)]);
    table.add_row([
        "average map against a centre prior (Spearman)".to_owned(),
        number(figures.centre_correlation),
    ]);
    table.to_string()
}

fn measure(arguments: &Agree) -> Result<ExitCode> {
    let found = find(&arguments.target)?;
    let mut recipe = needed(&found, &arguments.target)?.clone();
    // Asked for here, whatever the recipe says of builds.
    recipe.settings.agreement.get_or_insert(cyborg_recipe::Ceiling::default());
    let plan = plan(&recipe, &found)?;
    let rows = with_bar("measuring agreement", |progress| agree(&plan, progress))?;
    let mut table = plain_table();
    table.set_header(["measure", "images", "without", "mean", "sd", "median", "least", "greatest"]);
    for row in ceiling(&rows) {
        table.add_row([
            row.measure.replace('_', " "),
            row.n_images.to_string(),
            row.n_without.to_string(),
            number(row.mean),
            number(row.sd),
            number(row.median),
            number(row.least),
            number(row.greatest),
        ]);
    }
    tell_doubts(&rows);
    print(&table.to_string());
    print("");
    let Some(sentence) = ceiling_sentence(&rows) else {
        let reasons: std::collections::BTreeSet<&str> = rows
            .iter()
            .map(|row| row.agreement_reason.as_str())
            .filter(|reason| !reason.is_empty())
            .collect();
        let reasons: Vec<&str> = reasons.into_iter().take(3).collect();
        bail!("no image has two people who can be compared: {}", reasons.join("; "));
    };
    print(&sentence);
    let people = agreement_of_people(&rows);
    let others = people.iter().filter(|person| !person.is_outlier).map(|person| person.mean);
    let (n, sum) = others.fold((0, 0.0), |(n, sum), mean| (n + 1, sum + mean));
    for person in people.iter().filter(|person| person.is_outlier) {
        print(&format!(
            "outlier: `{}` agrees with the others by {:.2} (mean over {} images), the rest by {:.2}: look at \
             `cargo xtask saliency inspect --people`",
            person.name,
            person.mean,
            person.n_images,
            sum / f64::from(n)
        ));
    }
    if let Some(path) = &arguments.output {
        let bytes = agreement_csv(&rows)?;
        fs_err::write(path, bytes)?;
        print(&format!("\nof every image: {}", path.display()));
    }
    Ok(ExitCode::SUCCESS)
}
