//! Ways of training, and whether they fit the networks.

use std::sync::Arc;

use cyborg_backbones::Tap;
use cyborg_data::MAP_CONTROLS;
use cyborg_methods::{METHODS, MapUse, Method};
use cyborg_settings::{Step, names};
use cyborg_train::{ClassWeights, Protocol, TrainError, TrainSettings};

use super::{BackboneSpec, Check, MethodSpec, field, join};
use crate::file::{ExperimentFile, MethodFile};

/// The name of people's own maps.
const PEOPLE: &str = "people";

impl Check<'_> {
    pub(super) fn methods(&mut self, file: &ExperimentFile) -> Vec<MethodSpec> {
        let root = [field("methods")];
        if file.methods.is_empty() {
            self.fault(&root, "the list of methods is empty", Some("name at least one".to_owned()));
        }
        let names: Vec<_> = file
            .methods
            .iter()
            .enumerate()
            .map(|(i, m)| (vec![Step::Index(i), field("name")], m.name.clone()))
            .collect();
        self.repeated(&root, "method", &names);
        let mut specs = Vec::new();
        for (i, method) in file.methods.iter().enumerate() {
            specs.extend(self.method(method, &join(&root, &[Step::Index(i)])));
        }
        specs
    }

    fn method(&mut self, method: &MethodFile, here: &[Step]) -> Option<MethodSpec> {
        self.plain_name(&join(here, &[field("name")]), &method.name);
        let loss = join(here, &[field("loss")]);
        let named = (method.loss.as_str(), loss.as_slice());
        let parsed: Arc<dyn Method> =
            Arc::from(self.part(METHODS, "there is no loss", named, &method.settings, here)?);
        let map_control = match &method.maps {
            None => None,
            Some(part) if part.name == PEOPLE => {
                if let Some(unknown) = part.settings.keys().next() {
                    let place = join(here, &[field("maps"), field(unknown)]);
                    self.fault(&place, format!("`{unknown}`: people's maps have no settings here"), None);
                }
                None
            }
            Some(part) => {
                let place = join(here, &[field("maps")]);
                if names(MAP_CONTROLS).contains(&part.name.as_str()) {
                    let named = (part.name.as_str(), place.as_slice());
                    self.part(MAP_CONTROLS, "there are no maps", named, &part.settings, &place).map(Arc::from)
                } else {
                    let valid: Vec<&str> = names(MAP_CONTROLS).into_iter().chain([PEOPLE]).collect();
                    let hint = cyborg_settings::nearest(&part.name, &valid);
                    self.fault(&place, format!("there are no maps `{}`", part.name), Some(hint));
                    None
                }
            }
        };
        if map_control.is_some() && parsed.needs().maps == MapUse::Never {
            let message = format!("`{}` learns nothing from maps: `maps` would change nothing", method.loss);
            self.fault(&join(here, &[field("maps")]), message, Some("remove it".to_owned()));
        }
        Some(MethodSpec {
            name: method.name.clone(),
            method: parsed,
            map_control,
            tap: method.tap.clone().unwrap_or_else(|| Tap::RELEASED.name().to_owned()),
        })
    }

    /// Every method with every network: taps that a network lacks, CAMs of one cell, and everything else that a training
    /// would refuse.
    pub(super) fn combinations(
        &mut self,
        methods: &[MethodSpec],
        backbones: &[BackboneSpec],
        protocol: &Protocol,
        training: &[Step],
    ) {
        // How many classes there are is known when the data are opened.
        let n_classes = match &protocol.class_weights {
            ClassWeights::Given(weights) => weights.len().max(2),
            ClassWeights::None | ClassWeights::Rule(_) => 2,
        };
        for (i, spec) in methods.iter().enumerate() {
            let here = [field("methods"), Step::Index(i)];
            for backbone in backbones {
                let architecture = backbone.architecture;
                let Some(cam_tap) = architecture.tap(&spec.tap) else {
                    let taps: Vec<&str> = architecture.taps().iter().map(|info| info.tap.name()).collect();
                    self.fault(
                        &join(&here, &[field("tap")]),
                        format!("`{architecture}` has no tap `{}`", spec.tap),
                        Some(cyborg_settings::nearest(&spec.tap, &taps)),
                    );
                    continue;
                };
                let settings = TrainSettings {
                    architecture,
                    pretrained: None,
                    n_classes,
                    input_px: backbone.input_px,
                    method: Arc::clone(&spec.method),
                    cam_tap,
                    map_control: spec.map_control.clone(),
                    protocol: protocol.clone(),
                    seed: 0,
                };
                match settings.check() {
                    Ok(()) => {}
                    Err(TrainError::Setting { field: name, found, expected }) => {
                        let of_training =
                            ["class_weights", "freeze", "parameter_groups", "input_px"].contains(&name);
                        let path = if of_training {
                            join(training, &[field(name)])
                        } else {
                            join(&here, &[field(name)])
                        };
                        self.fault(
                            &path,
                            format!("`{name}` is {found}"),
                            Some(format!("expected {expected}")),
                        );
                        continue;
                    }
                    Err(other) => {
                        self.fault(&here, crate::error_chain(&other), None);
                        continue;
                    }
                }
                if spec.method.needs().maps == MapUse::Required && settings.grid().is_ok_and(|grid| grid == 1)
                {
                    self.fault(
                        &join(training, &[field("input_px")]),
                        format!(
                            "at {0}x{0} pixels `{architecture}` has a CAM of one cell: `{1}` has nothing to compare",
                            backbone.input_px, spec.name
                        ),
                        Some("take a larger `input_px`".to_owned()),
                    );
                }
            }
        }
    }
}
