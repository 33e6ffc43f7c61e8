//! What the results themselves show that a reader must know first.
use crate::ReportInput;
use crate::block::Block;
use crate::number::count;
use cyborg_eval::MetricName;

/// No detector is so bad by chance on more than a handful of images.
const FAR_BELOW_CHANCE: f64 = 0.35;

/// Fewer seeds than asked, sources that are not unseen, names that look alike.
pub(crate) fn of_results(input: &ReportInput, blocks: &[Block<'_>]) -> Vec<String> {
    let mut warnings = Vec::new();
    let asked = input.seeds_asked;
    let mut fewer: Vec<String> = Vec::new();
    for block in blocks {
        for method in &block.methods {
            let n = block.rows.iter().find_map(|row| row.of(method)).map_or(0, |row| row.n_seeds as usize);
            if n < asked {
                fewer.push(format!("{} / {} / {method}: {n}", block.data.name, block.backbone));
            }
        }
    }
    if !fewer.is_empty() {
        warnings.push(format!("fewer seeds than the {asked} asked for: {}", fewer.join("; ")));
    }
    for block in blocks.iter().filter(|_| input.scores_only) {
        for summary in block.headline_row().iter().flat_map(|row| &row.methods) {
            if let Some(auc) = summary.stat(MetricName::Auc).mean.filter(|auc| *auc < FAR_BELOW_CHANCE) {
                warnings.push(format!(
                    "the AUC of `{}` is {auc:.3}, far below 0.5: its scores are probably low for the positive class (label {}); \
                     name the positive class with `--positive`, or say `--low-is-positive`",
                    summary.method, block.data.plan.positive
                ));
            }
        }
    }
    // What several data sets have in common is said once.
    let mut of_data: Vec<(String, Vec<&str>)> = Vec::new();
    for block in blocks {
        for warning in of_sources(block) {
            match of_data.iter_mut().find(|(known, _)| *known == warning) {
                Some((_, names)) if names.contains(&block.data.name.as_str()) => {}
                Some((_, names)) => names.push(&block.data.name),
                None => of_data.push((warning, vec![&block.data.name])),
            }
        }
    }
    warnings.extend(of_data.into_iter().map(|(warning, names)| format!("{}: {warning}", names.join(", "))));
    warnings
}

/// Sources that were seen, and names that look like those of seen ones.
fn of_sources(block: &Block<'_>) -> Vec<String> {
    let mut warnings = Vec::new();
    let sources: Vec<_> = block.rows.iter().filter(|row| !row.is_aggregate).collect();
    let seen: Vec<&str> =
        sources.iter().filter(|row| row.seen == Some(true)).map(|row| row.source.as_str()).collect();
    if !seen.is_empty() {
        let says = if seen.len() == sources.len() {
            "nothing here speaks for sources that were never seen"
        } else {
            "these are kept out of `unseen mean`"
        };
        warnings.push(format!(
            "training or validation saw {} of {} tested ({}); {says}",
            seen.len(),
            count(sources.len(), "source"),
            seen.join(", ")
        ));
    }
    for row in sources.iter().filter(|row| row.seen == Some(false)) {
        if let Some(alike) = block.data.plan.seen.iter().find(|seen| bare(seen) == bare(&row.source)) {
            warnings.push(format!(
                "`{}` counts as unseen, but training or validation saw `{alike}`: one source under two names?",
                row.source
            ));
        }
    }
    warnings
}

/// A name without what people spell differently.
fn bare(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::bare;

    #[test]
    fn spellings_of_one_name_are_alike() {
        assert_eq!(bare("StyleGAN-2"), bare("stylegan2"));
        assert_ne!(bare("StyleGAN2"), bare("StyleGAN3"));
    }
}
