//! The manifests in `data-manifests/` and the schema beside them.
use std::path::{Path, PathBuf};

use cyborg_manifest::{list_manifests, manifest_schema};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data-manifests")
}

#[test]
fn every_manifest_is_valid_and_named_by_its_id() {
    let manifests = list_manifests(&folder()).unwrap();
    for manifest in &manifests {
        assert_eq!(manifest.path.file_stem().unwrap(), manifest.id.as_str());
        let text = fs_err::read_to_string(&manifest.path).unwrap();
        assert!(text.starts_with("# yaml-language-server: $schema=schema.json\n"), "{}", manifest.id);
        assert!(manifest.root.starts_with("${CYBORG_DATA}/"), "{}: nothing of one machine", manifest.id);
        assert!(!manifest.phantom, "{}", manifest.id);
    }
    let ids: Vec<&str> = manifests.iter().map(|manifest| manifest.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "celeba-hq",
            "cxr",
            "ffhq",
            "frgc-subset",
            "livdet-iris-2020",
            "massvis",
            "osie",
            "progan",
            "srefi",
            "stargan-v2",
            "stylegan",
            "stylegan2",
            "stylegan2-ada",
            "stylegan3",
            "template",
            "und-cyborg-7x",
            "und-cyborg-train"
        ]
    );
}

#[test]
fn the_committed_schema_is_the_types_schema() {
    let path = folder().join("schema.json");
    let schema = format!("{:#}\n", manifest_schema());
    let committed = fs_err::read_to_string(&path).unwrap_or_default();
    assert!(committed == schema, "`data-manifests/schema.json` is stale: `cargo xtask schema` writes it");
}
