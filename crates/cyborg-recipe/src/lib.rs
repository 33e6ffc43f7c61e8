#![doc = include_str!("../README.md")]

mod build;
mod caption;
mod ceiling;
mod check;
mod doubts;
mod ensure;
mod error;
mod figures;
mod image;
mod one;
mod people;
mod place;
mod plan;
mod provenance;
mod raw;
mod raw_map;
mod recipe;
mod schema;
mod sheet;
mod store;

pub use build::{BLURRED, Built, MAPS, Progress, agree, build};
pub use ceiling::{
    CeilingRow, PersonAgreement, agreement_csv, agreement_of_people, ceiling, ceiling_sentence,
};
pub use doubts::{Unmatched, doubts};
pub use ensure::{Ensured, ensure, give_maps};
pub use error::RecipeError;
pub use figures::{MapFigures, map_figures, spread};
pub use image::{Image, images_of};
pub use plan::Plan;
pub use provenance::{PROVENANCE, Row};
pub use recipe::{Ceiling, Control, Empty, Recipe, Seen, Settings, Size, parse_recipe, read_recipe};
pub use schema::recipe_schema;
pub use sheet::{Pair, contact_sheet, people_sheet};
