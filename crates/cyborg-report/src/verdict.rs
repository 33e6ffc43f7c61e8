//! The sentence that answers the question of the experiment, from the frames alone.
use crate::block::{Block, Headline};
use crate::digest::Digest;
use crate::number::{count, interval, p_sentence, signed, value};
use crate::results::Comparison;
use cyborg_eval::MetricName;
use std::fmt::Write as _;

/// Level at which a difference is called significant.
pub(crate) const LEVEL: f64 = 0.05;

/// What the test says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    Higher,
    Lower,
    NotSignificant,
    /// There was no test.
    Untested,
}

/// One comparison on one data set with one backbone; or, where nothing is compared, a method's own value.
pub(crate) struct Verdict {
    /// Data set and backbone, where there are several.
    pub(crate) place: Option<String>,
    pub(crate) sentence: String,
    pub(crate) finding: Finding,
    /// The candidate and its mean difference.
    pub(crate) difference: Option<(String, f64)>,
    pub(crate) interval: Option<(f64, f64)>,
    /// What stands beside it: the same over sources, what pairing gained, how far few seeds carry.
    pub(crate) beside: Option<String>,
}

impl Verdict {
    /// With the place in front.
    pub(crate) fn full(&self) -> String {
        match &self.place {
            Some(place) => format!("{place}: {}", lower_first(&self.sentence)),
            None => self.sentence.clone(),
        }
    }
}

/// One verdict for each block and each comparison asked for; of a block where none could be made, each method's value.
pub(crate) fn verdicts(digest: &Digest<'_>) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for block in &digest.blocks {
        let place = digest.place(block);
        let compared: Vec<&Comparison> = block
            .comparisons
            .iter()
            .filter(|row| {
                row.is_aggregate && row.source == block.headline.source() && row.metric == MetricName::Auc
            })
            .collect();
        if compared.is_empty() {
            verdicts.extend(own_values(block, place.as_deref()));
        }
        verdicts.extend(compared.into_iter().map(|row| Verdict {
            beside: beside(digest, block, row),
            ..of_comparison(row, block.scope(), place.clone())
        }));
    }
    verdicts
}

/// How to read several p values, where there are several.
pub(crate) fn caution(verdicts: &[Verdict]) -> Option<String> {
    let tested = verdicts.iter().filter(|verdict| verdict.finding != Finding::Untested).count();
    (tested > 1).then(|| {
        format!(
            "These are {tested} tests: without any effect, one in twenty falls below {LEVEL}. So each is judged by its p \
             after Holm's correction."
        )
    })
}

fn of_comparison(row: &Comparison, scope: &str, place: Option<String>) -> Verdict {
    let (Some(candidate), Some(baseline), Some(difference)) =
        (row.mean_candidate, row.mean_baseline, row.mean_difference)
    else {
        let reason = row.reason.as_deref().unwrap_or("a value is missing");
        let sentence = format!("{scope}: no comparison of {} with {}: {reason}", row.candidate, row.baseline);
        return Verdict {
            place,
            sentence,
            finding: Finding::Untested,
            difference: None,
            interval: None,
            beside: None,
        };
    };
    let mut sentence = format!(
        "{scope}: {} AUC {} vs {} {}, difference {}",
        row.candidate,
        value(Some(candidate)),
        row.baseline,
        value(Some(baseline)),
        signed(Some(difference))
    );
    if let Some(interval) = interval(row.ci_low, row.ci_high) {
        sentence.push(' ');
        sentence.push_str(&interval.replace(' ', "\u{a0}"));
    }
    let n = count(row.n_pairs as usize, "seed").replace(' ', "\u{a0}");
    let (finding, rest) = match row.p {
        Some(p) => {
            // Of several tests, what holds after the correction for their number.
            let corrected = row.p_holm.filter(|_| row.n_family > 1);
            let finding = match (corrected.unwrap_or(p) < LEVEL, difference > 0.0) {
                (false, _) => Finding::NotSignificant,
                (true, true) => Finding::Higher,
                (true, false) => Finding::Lower,
            };
            let words = match finding {
                Finding::Higher => format!("significantly higher at {LEVEL}"),
                Finding::Lower => format!("significantly lower at {LEVEL}"),
                Finding::NotSignificant | Finding::Untested => {
                    format!("no significant difference at {LEVEL}")
                }
            };
            let holm = corrected.map_or_else(String::new, |corrected| {
                format!(" (after Holm for {} tests {})", row.n_family, p_sentence(corrected))
            });
            (finding, format!(", paired t-test {}{holm}, n\u{a0}=\u{a0}{n}: {words}", p_sentence(p)))
        }
        None if row.n_pairs == 1 => (
            Finding::Untested,
            format!(", n\u{a0}=\u{a0}{n}: no spread, no test over seeds; it takes several"),
        ),
        None => {
            let reason = row.reason.as_deref().unwrap_or("it is undefined");
            (Finding::Untested, format!(", n\u{a0}=\u{a0}{n}; no test: {reason}"))
        }
    };
    sentence.push_str(&rest);
    if row.n_unpaired > 0 {
        let left_out = count(row.n_unpaired as usize, "run");
        let _ = write!(sentence, " ({left_out} without a counterpart of the same seed left out)");
    }
    let interval = row.ci_low.zip(row.ci_high);
    Verdict {
        place,
        sentence,
        finding,
        difference: Some((row.candidate.clone(), difference)),
        interval,
        beside: None,
    }
}

/// Fewer seeds than these carry no test over seeds; the papers use ten.
const ENOUGH_SEEDS: u32 = 5;

/// The same comparison over sources, the correlation of paired seeds, and a word on few seeds.
fn beside(digest: &Digest<'_>, block: &Block<'_>, row: &Comparison) -> Option<String> {
    let mut sentences = Vec::new();
    if row.p.is_some() && row.n_pairs < ENOUGH_SEEDS {
        sentences.push(format!(
            "Caution: {} are too few for a test over seeds to say much, because it rests on differences being normal \
             ({ENOUGH_SEEDS} is little, 10 is what the papers use).",
            count(row.n_pairs as usize, "seed")
        ));
    }
    let group = if block.headline == Headline::UnseenMean { "unseen" } else { "all" };
    let over = digest.over_sources.iter().find(|over| {
        over.data == row.data
            && over.backbone == row.backbone
            && over.group == group
            && over.metric == row.metric
            && over.baseline == row.baseline
            && over.candidate == row.candidate
    });
    if let Some(over) = over
        && let (Some(difference), Some((low, high)), Some(p)) = (over.mean_difference, over.interval, over.p)
    {
        sentences.push(format!(
            "Over the {} in place of seeds: difference {} {}, paired t-test {}, {} ahead on {}.",
            count(over.n_sources as usize, "source"),
            signed(Some(difference)),
            interval(Some(low), Some(high)).unwrap_or_default(),
            p_sentence(p),
            row.candidate,
            over.wins
        ));
    }
    if let Some(correlation) = row.correlation {
        sentences.push(format!(
            "Correlation of both methods over the paired seeds: {}.",
            signed(Some(correlation))
        ));
    }
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

/// What each method reaches, where nothing is compared.
fn own_values(block: &Block<'_>, place: Option<&str>) -> Vec<Verdict> {
    let Some(row) = block.headline_row() else { return Vec::new() };
    let scope = block.scope();
    let why =
        if block.methods.len() == 1 { "one method, nothing to compare" } else { "no comparison asked for" };
    row.methods
        .iter()
        .map(|summary| {
            let n = count(summary.n_seeds as usize, "seed");
            let sentence = match (summary.stat(MetricName::Auc).mean, summary.stat(MetricName::Auc).sd) {
                (Some(mean), Some(sd)) => format!(
                    "{scope}: {} AUC {}, standard deviation {}, n = {n} ({why})",
                    summary.method,
                    value(Some(mean)),
                    value(Some(sd))
                ),
                (Some(mean), None) => {
                    format!(
                        "{scope}: {} AUC {}, n = {n}: no spread ({why})",
                        summary.method,
                        value(Some(mean))
                    )
                }
                (None, _) => {
                    let reason = summary.reason.as_deref().unwrap_or("it is undefined");
                    format!("{scope}: {} has no AUC: {reason}", summary.method)
                }
            };
            let place = place.map(str::to_owned);
            Verdict {
                place,
                sentence,
                finding: Finding::Untested,
                difference: None,
                interval: None,
                beside: None,
            }
        })
        .collect()
}

fn lower_first(sentence: &str) -> String {
    let mut characters = sentence.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}
