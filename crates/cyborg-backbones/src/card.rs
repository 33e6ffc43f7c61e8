//! What a weights file says about itself.

use crate::architecture::Architecture;
use crate::error::BackboneError;
use crate::tap::Tap;
use std::collections::BTreeMap;

const NETWORK: &str = "cyborg.network";
const N_CLASSES: &str = "cyborg.n_classes";
const CLASSES: &str = "cyborg.classes";
const INPUT_PX: &str = "cyborg.input_px";
const MEAN: &str = "cyborg.mean";
const STD: &str = "cyborg.std";
const TAP: &str = "cyborg.tap";
const METHOD: &str = "cyborg.method";
const DATA: &str = "cyborg.data";
const VERSION: &str = "cyborg.version";
/// What Hugging Face's libraries look for: the tensors are PyTorch's.
const FORMAT: &str = "format";

/// What it takes to use weights rightly, kept in the metadata of their safetensors file under keys that begin with
/// `cyborg.`; everything else there is [`Card::other`].
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// The network.
    pub architecture: Architecture,
    /// Logits of the network, at least 1. One logit tells two classes apart: its sigmoid is the probability of class 1.
    pub n_classes: usize,
    /// Names of the classes in the order of the logits, as many as there are logits, or two for one logit; None where nobody
    /// said.
    pub class_names: Option<Vec<String>>,
    /// Side of the square input in pixels.
    pub input_px: usize,
    /// Mean and standard deviation per RGB channel, on `[0, 1]`.
    pub normalisation: ([f32; 3], [f32; 3]),
    /// Where the CAM's features were taken in training.
    pub tap: Tap,
    /// What was minimised, in words; None where nobody said.
    pub method: Option<String>,
    /// Digests of the data it was trained on, by name.
    pub data: BTreeMap<String, String>,
    /// The version of cyborg that wrote the file; None for files from elsewhere.
    pub cyborg_version: Option<String>,
    /// The file's further metadata.
    pub other: BTreeMap<String, String>,
}

impl Card {
    /// For weights of which nothing else is known: the network's usual input, normalisation and the released tap.
    pub fn new(architecture: Architecture, n_classes: usize) -> Self {
        Self {
            architecture,
            n_classes,
            class_names: None,
            input_px: architecture.default_input_px(),
            normalisation: architecture.normalisation(),
            tap: Tap::RELEASED,
            method: None,
            data: BTreeMap::new(),
            cyborg_version: None,
            other: BTreeMap::new(),
        }
    }

    /// As safetensors metadata; `other` does not replace what the card itself says. Numbers are written so that they
    /// are read back to the bit.
    pub fn to_metadata(&self) -> BTreeMap<String, String> {
        let mut metadata = self.other.clone();
        let mut put = |key: &str, value: String| metadata.insert(key.to_owned(), value);
        // Shortest decimals: the same f32 comes back.
        let list = |[r, g, b]: [f32; 3]| format!("[{r},{g},{b}]");
        put(FORMAT, "pt".to_owned());
        put(NETWORK, self.architecture.name().to_owned());
        put(N_CLASSES, self.n_classes.to_string());
        put(INPUT_PX, self.input_px.to_string());
        put(MEAN, list(self.normalisation.0));
        put(STD, list(self.normalisation.1));
        put(TAP, self.tap.name().to_owned());
        if let Some(names) = &self.class_names {
            put(CLASSES, serde_json::json!(names).to_string());
        }
        if let Some(method) = &self.method {
            put(METHOD, method.clone());
        }
        if !self.data.is_empty() {
            put(DATA, serde_json::json!(self.data).to_string());
        }
        if let Some(version) = &self.cyborg_version {
            put(VERSION, version.clone());
        }
        metadata
    }

    /// The card in a file's metadata; None where there is none, as in files from elsewhere.
    ///
    /// # Errors
    /// [`BackboneError::Card`], naming the entry that is not what it should be.
    pub fn from_metadata(metadata: &BTreeMap<String, String>) -> Result<Option<Self>, BackboneError> {
        let Some(network) = metadata.get(NETWORK) else { return Ok(None) };
        let architecture = Architecture::from_name(network).ok_or_else(|| {
            let names: Vec<_> = Architecture::ALL.iter().map(|known| format!("`{known}`")).collect();
            fault(NETWORK, network, format!("one of {}", names.join(", ")))
        })?;
        let mut card = Self::new(architecture, positive(metadata, N_CLASSES)?);
        card.input_px = positive(metadata, INPUT_PX)?;
        if architecture.grid(card.input_px).is_none() {
            return Err(fault(
                INPUT_PX,
                &metadata[INPUT_PX],
                format!("a side that `{architecture}` can take"),
            ));
        }
        card.normalisation = (triple(metadata, MEAN)?, triple(metadata, STD)?);
        if card.normalisation.1.iter().any(|&deviation| deviation <= 0.0) {
            return Err(fault(STD, &metadata[STD], "three numbers above 0"));
        }
        let tap = entry(metadata, TAP)?;
        card.tap = architecture.tap(tap).ok_or_else(|| {
            let names: Vec<_> = architecture.taps().iter().map(|info| format!("`{}`", info.tap)).collect();
            fault(TAP, tap, format!("a tap of `{architecture}`, one of {}", names.join(", ")))
        })?;
        if let Some(text) = metadata.get(CLASSES) {
            let names: Option<Vec<String>> = serde_json::from_str(text).ok();
            let n_names = if card.n_classes == 1 { 2 } else { card.n_classes };
            let expected = || fault(CLASSES, text, format!("a JSON list of {n_names} names"));
            card.class_names = Some(names.filter(|names| names.len() == n_names).ok_or_else(expected)?);
        }
        card.method = metadata.get(METHOD).cloned();
        if let Some(text) = metadata.get(DATA) {
            card.data = serde_json::from_str(text)
                .map_err(|_| fault(DATA, text, "a JSON object of names and digests"))?;
        }
        card.cyborg_version = metadata.get(VERSION).cloned();
        let own = [FORMAT, NETWORK, N_CLASSES, CLASSES, INPUT_PX, MEAN, STD, TAP, METHOD, DATA, VERSION];
        card.other = metadata
            .iter()
            .filter(|(key, _)| !own.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        Ok(Some(card))
    }
}

fn fault(key: &'static str, found: &str, expected: impl Into<String>) -> BackboneError {
    // A card is short; whatever else stands there need not fill a screen.
    let found = found.chars().take(80).collect();
    BackboneError::Card { key, found, expected: expected.into() }
}

fn entry<'a>(metadata: &'a BTreeMap<String, String>, key: &'static str) -> Result<&'a str, BackboneError> {
    metadata.get(key).map(String::as_str).ok_or_else(|| fault(key, "", "an entry: the card is not whole"))
}

fn positive(metadata: &BTreeMap<String, String>, key: &'static str) -> Result<usize, BackboneError> {
    let text = entry(metadata, key)?;
    let number = text.parse().ok().filter(|&number: &usize| number > 0);
    number.ok_or_else(|| fault(key, text, "a whole number above 0"))
}

fn triple(metadata: &BTreeMap<String, String>, key: &'static str) -> Result<[f32; 3], BackboneError> {
    let text = entry(metadata, key)?;
    let numbers: Option<[f32; 3]> = serde_json::from_str(text).ok();
    let finite = numbers.filter(|numbers| numbers.iter().all(|number| number.is_finite()));
    finite.ok_or_else(|| fault(key, text, "a JSON list of three numbers"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Card {
        Card {
            class_names: Some(vec!["real, \"live\"".to_owned(), "ünreal".to_owned()]),
            input_px: 96,
            normalisation: ([0.1, 1.0 / 3.0, 0.406], [0.229, f32::MIN_POSITIVE, 0.225]),
            tap: Tap::POOLED,
            method: Some("cyborg, alpha 0.5".to_owned()),
            data: [("train".to_owned(), "ab12".to_owned())].into(),
            cyborg_version: Some("0.1.0".to_owned()),
            other: [("epoch".to_owned(), "3".to_owned())].into(),
            ..Card::new(Architecture::ThinResNet8, 2)
        }
    }

    #[test]
    fn cards_round_trip() {
        for card in [full(), Card::new(Architecture::ResNet50, 1000)] {
            let metadata = card.to_metadata();
            assert_eq!(metadata["format"], "pt");
            assert_eq!(Card::from_metadata(&metadata).expect("its own"), Some(card));
        }
        assert_eq!(full().to_metadata()["cyborg.mean"], "[0.1,0.33333334,0.406]");
    }

    #[test]
    fn no_card_is_no_error() {
        assert_eq!(Card::from_metadata(&BTreeMap::new()).expect("none"), None);
        let foreign = [("format".to_owned(), "pt".to_owned())].into();
        assert_eq!(Card::from_metadata(&foreign).expect("none"), None);
    }

    #[test]
    fn every_entry_is_checked() {
        for (key, value) in [
            ("cyborg.network", "resnet9000"),
            ("cyborg.n_classes", "0"),
            ("cyborg.n_classes", "3"),
            ("cyborg.input_px", "0"),
            ("cyborg.input_px", "-1"),
            ("cyborg.mean", "[1, 2]"),
            ("cyborg.mean", "[1, 2, 1e99]"),
            ("cyborg.std", "[1, 2, 0]"),
            ("cyborg.tap", "Pooled"),
            ("cyborg.classes", "[\"one\"]"),
            ("cyborg.classes", "real,fake"),
            ("cyborg.data", "[]"),
        ] {
            let mut metadata = full().to_metadata();
            metadata.insert(key.to_owned(), value.to_owned());
            let message = Card::from_metadata(&metadata).expect_err(value).to_string();
            assert!(message.contains("`cyborg.") && message.contains("expected"), "{message}");
        }
        for key in ["n_classes", "input_px", "mean", "std", "tap"] {
            let mut metadata = full().to_metadata();
            metadata.remove(&format!("cyborg.{key}"));
            let message = Card::from_metadata(&metadata).expect_err(key).to_string();
            assert!(message.contains(key), "{message}");
        }
    }
}
