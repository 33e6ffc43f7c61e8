//! Networks and the weights that they start from.

use std::path::Path;

use cyborg_backbones::Architecture;
use cyborg_settings::{Step, nearest};
use cyborg_weights::Source as Weights;

use super::{BackboneSpec, Check, field, join};
use crate::file::ExperimentFile;

impl Check<'_> {
    pub(super) fn backbones(
        &mut self,
        file: &ExperimentFile,
        root: &[Step],
        training: &[Step],
        path: &Path,
    ) -> Vec<BackboneSpec> {
        let valid: Vec<&str> = Architecture::ALL.iter().map(|a| a.name()).collect();
        if file.backbones.is_empty() {
            self.fault(root, "the list of backbones is empty", Some(nearest("", &valid)));
        }
        let names: Vec<_> =
            file.backbones.iter().enumerate().map(|(i, b)| (vec![Step::Index(i)], b.clone())).collect();
        self.repeated(root, "backbone", &names);
        for name in file.pretrained.keys() {
            if !valid.contains(&name.as_str()) {
                self.fault(
                    &[field("pretrained"), field(name)],
                    format!("there is no backbone `{name}`"),
                    Some(nearest(name, &valid)),
                );
            }
        }
        let mut specs = Vec::new();
        for (i, name) in file.backbones.iter().enumerate() {
            let here = join(root, &[Step::Index(i)]);
            let Some(architecture) = Architecture::from_name(name) else {
                self.fault(&here, format!("there is no backbone `{name}`"), Some(nearest(name, &valid)));
                continue;
            };
            let input_px = file.training.input_px.unwrap_or_else(|| architecture.default_input_px());
            let Some(grid) = architecture.grid(input_px).filter(|_| input_px <= 4096) else {
                self.fault(
                    &join(training, &[field("input_px")]),
                    format!("`{name}` cannot take images of {input_px}x{input_px} pixels"),
                    Some(format!("its own size is {0}x{0}", architecture.default_input_px())),
                );
                continue;
            };
            let pretrained = file.pretrained.get(name).and_then(|text| self.weights(name, text, path));
            specs.push(BackboneSpec { architecture, pretrained, input_px, grid });
        }
        specs
    }

    /// Where the weights of a backbone are; a path is relative to the experiment file at `path`.
    fn weights(&mut self, backbone: &str, text: &str, path: &Path) -> Option<Weights> {
        let here = [field("pretrained"), field(backbone)];
        match Weights::parse(text) {
            Ok(Weights::File(file)) => {
                let weights = path.parent().unwrap_or(Path::new("")).join(file);
                if !weights.is_file() {
                    self.fault(
                        &here,
                        format!("there are no weights `{}`", weights.display()),
                        Some("a path is relative to the experiment file".to_owned()),
                    );
                }
                Some(Weights::File(weights))
            }
            Ok(hub) => Some(hub),
            Err(error) => {
                self.fault(&here, error.to_string(), None);
                None
            }
        }
    }
}
