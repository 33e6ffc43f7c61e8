//! Manifests, rows, verification and digests, on files made here. One binary, because linking costs most.
#![allow(clippy::unwrap_used, clippy::format_collect, reason = "a test may")]

mod committed;
mod digest;
mod folder;
mod layouts;
mod manifest_faults;
mod root;
mod row_faults;
mod stored_by_others;
mod verify;
