//! The metrics of all runs of an experiment in one table.

use crate::columns::Table;
use crate::error::EvalError;
use crate::rows::{RunRow, SourceRow};
use polars::prelude::DataFrame;

/// Which run a frame of metrics belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunKey {
    /// Name of the data set.
    pub data: String,
    /// Name of the method, `ce` for instance.
    pub method: String,
    /// Name of the network.
    pub backbone: String,
    /// Seed of initial weights and image order.
    pub seed: u64,
}

/// Long frame of all runs: data, method, backbone, seed + the columns of [`crate::run_metrics`]. Runs stay in the
/// order given; all later tables take their order from here.
///
/// # Errors
/// [`EvalError::Duplicate`] if a run is given twice, [`EvalError::MissingColumn`] and its like if a frame is not one
/// of [`crate::run_metrics`].
pub fn collect_metrics(runs: &[(RunKey, DataFrame)]) -> Result<DataFrame, EvalError> {
    let mut rows = Vec::new();
    for (key, metrics) in runs {
        let name = format!(
            "the metrics of data `{}`, method `{}`, backbone `{}`, seed {}",
            key.data, key.method, key.backbone, key.seed
        );
        let of_run = SourceRow::read(Table::new(metrics, &name))?;
        rows.extend(of_run.into_iter().map(|row| RunRow { key: key.clone(), row }));
    }
    RunRow::check_unique(&rows)?;
    RunRow::frame(&rows)
}
