//! Every fault of a recipe file: where it is and what would be right.

use std::path::Path;

use cyborg_recipe::{parse_recipe, read_recipe, recipe_schema};
use insta::assert_snapshot;

fn fault(tail: &str) -> String {
    let text = format!("annotations: [{{points: {{files: p.csv}}}}]\n{tail}");
    parse_recipe(&text, Path::new("r.yaml")).expect_err("it has a fault").to_string()
}

/// The fault's own words, without place and snippet.
fn words(tail: &str) -> String {
    let all = fault(tail);
    let first = all.lines().next().unwrap().to_owned();
    first.strip_prefix("recipe `r.yaml` is invalid: ").unwrap_or(&first).to_owned()
}

#[test]
fn a_fault_has_a_place() {
    assert_snapshot!(fault("agregate: mean\n"), @r"
    recipe `r.yaml` is invalid: unknown field `agregate`; did you mean `aggregate`?
      --> r.yaml:2:1
       |
     2 | agregate: mean
       | ^
    ");
    assert_snapshot!(fault("draw:\n  sigma: {px: 3, fraction: 0.1}\n"), @r"
    recipe `r.yaml` is invalid: `sigma` must say one of `px`, `fraction` and `degrees`
      --> r.yaml:3:10
       |
     3 |   sigma: {px: 3, fraction: 0.1}
       |          ^
    ");
}

#[test]
fn every_setting_has_its_range() {
    let check = |tail: &str, expected: &str| assert_eq!(words(tail), expected, "{tail}");
    check("aggregate: median", "unknown value `median`; did you mean `mean`?");
    check("aggregate: {majority: {share: 1}}", "`share` is 1: it must be a share from 0 to less than 1");
    check("weights: {correctness: {right: -1}}", "every weight must be 0 or more");
    check("threshold: {top-share: 1.5}", "`top-share` is 1.5: it must be from 0 to 1");
    check(
        "granularity: {area: {threshold: 1}}",
        "`threshold` is 1: it must be a share from 0 to less than 1",
    );
    check("control: {centre-prior: {sigma: 0}}", "`sigma` is 0: it must be above 0 (a share of each side)");
    check("output: {bits: 12}", "`bits` is 12: it must be 8 or 16");
    check("output: {size: {longest-side-px: 0}}", "the maps' sides must be from 1 to 16384 pixels");
    check("output: {blurred_images: {sigma_px: -1}}", "`sigma_px` is -1: it must be above 0 (pixels)");
    check(
        "draw: {sigma: {degrees: 1}}",
        "`degrees` needs `view: {distance_cm, screen_width_cm, screen_width_px}`",
    );
    check("draw: {sigma: {px: .nan}}", "`sigma` is NaN: it must be above 0");
    check(
        "draw: {sigma: {px: 1}, disc: {px: 2}}",
        "points become Gaussians of `sigma` or discs of `disc`: keep one of them",
    );
    check("annotators: {choose: {random: {n: 0}}}", "`n` is 0: nobody would count");
    check("agreement: {n_splits: 0}", "`n_splits` must be from 1 to 10000");
    check(
        "frame: {crop: {x: 0, y: 0, width: 5, height: 5}}",
        "`crop` is in pixels of the picture that people saw: say its `size_px`",
    );
    check("images: images/*.png", "the pattern needs `{image}`, which stands for the image's name");
    check("root: ${DATA", "`${` in `root` has no `}`");
}

#[test]
fn a_source_has_a_pattern() {
    let text = "annotations:\n  - maps: {files: masks.png}\n";
    let error = parse_recipe(text, Path::new("r.yaml")).expect_err("no {image}").to_string();
    assert!(error.contains("needs `{image}`") && error.contains("r.yaml:2:"), "{error}");
    let error = parse_recipe("annotations: []\n", Path::new("r.yaml")).expect_err("none").to_string();
    assert!(error.contains("at least one source"), "{error}");
}

#[test]
fn committed_recipes_are_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes");
    let mut n = 0;
    for entry in fs_err::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "yaml") {
            read_recipe(&path).unwrap_or_else(|error| panic!("{error}"));
            n += 1;
        }
    }
    assert!(n >= 5, "only {n} recipes");
    let schema = format!("{:#}\n", recipe_schema());
    let committed = fs_err::read_to_string(folder.join("schema.json")).unwrap_or_default();
    assert!(committed == schema, "`recipes/schema.json` is stale: `cargo xtask schema` writes it");
}
