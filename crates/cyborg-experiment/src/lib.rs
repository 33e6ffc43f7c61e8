//! YAML to a checked plan to run folders; the only crate that knows experiment files.
