//! Keys of objects and fields that this version does nothing about: each is said, so that nobody counts on it. What would be
//! relied on for safety is refused.

use objectos_plugin_api::protocol::data::{Field, FileAttachmentConfig, VersioningStrategy};

use super::draft::Draft;
use crate::app::problem::Problems;

/// What is said of such a key.
const KEPT: &str = "is kept with the definition, but nothing acts on it";

/// Keys of the object and of its fields.
pub(super) fn check(draft: &Draft, problems: &mut Problems) {
    let object = &draft.object;
    let unused: [(&[&str], bool, &str); 5] = [
        (
            &["partitioning"],
            object.partitioning.as_ref().is_some_and(|config| config.enabled),
            "the records lie in one table; partition it in the database, where that is needed",
        ),
        (
            &["cdc"],
            object.cdc.as_ref().is_some_and(|config| config.enabled),
            "every change is an event anyway; handle `data.record.*`",
        ),
        (
            &["enable", "files"],
            draft.enables("files"),
            "files belong to fields; add a field of type `file`",
        ),
        (
            &["enable", "feeds"],
            draft.enables("feeds"),
            "records have no feed; add an object for comments with a lookup to this one",
        ),
        (
            &["enable", "activities"],
            draft.enables("activities"),
            "records have no activities; add an object for tasks with a lookup to this one",
        ),
    ];
    for (keys, written, instead) in unused {
        if written {
            problems.push(draft.warning(keys, KEPT).hint(instead));
        }
    }
    let versioning = object.versioning.as_ref().filter(|config| config.enabled);
    if versioning.is_some_and(|config| config.strategy == VersioningStrategy::EventSourcing) {
        let message = "versions are kept as with `delta`; records are not rebuilt from these";
        let hint = "write `strategy: delta`; for what a record was at any moment, switch `events.eventSourcing` on";
        problems.push(draft.warning(&["versioning", "strategy"], message).hint(hint));
    }
    for (name, field) in &object.fields {
        of_field(draft, name, field, problems);
    }
}

fn of_field(draft: &Draft, name: &str, field: &Field, problems: &mut Problems) {
    let unused = [
        (
            "dataQuality",
            field.data_quality.is_some(),
            "nobody looks at it; write `unique: true`, `required: true` or a rule under `validations`",
        ),
        (
            "cached",
            field.cached.as_ref().is_some_and(|config| config.enabled),
            "the field is computed with every answer and never out of date; remove it",
        ),
        (
            "auditTrail",
            field.audit_trail,
            "the audit trail has every change of every field; remove it",
        ),
        (
            "trackFeedHistory",
            field.track_feed_history == Some(true),
            "records have no feed; the changes are in the audit trail",
        ),
    ];
    for (key, written, instead) in unused {
        if written {
            problems.push(draft.warning(&["fields", name, key], KEPT).hint(instead));
        }
    }
    if let Some(config) = &field.file_attachment_config {
        files(draft, name, config, problems);
    }
    if let Some(config) = &field.vector_config {
        let written = draft.written_at(&["fields", name, "vectorConfig", "indexed"]).is_some() && config.indexed;
        for (key, written) in [("indexed", written), ("indexType", config.index_type.is_some())] {
            if written {
                let message = "no index is made over vectors: every record that the filter leaves is compared";
                problems.push(
                    draft
                        .warning(&["fields", name, "vectorConfig", key], message)
                        .hint("remove it"),
                );
            }
        }
    }
}

/// The engine keeps descriptions of files; it neither stores nor opens the files themselves.
fn files(draft: &Draft, name: &str, config: &FileAttachmentConfig, problems: &mut Problems) {
    const KEY: &str = "fileAttachmentConfig";
    if config.virus_scan {
        let message = "nothing looks for viruses here: files would count as clean that nobody has looked at";
        let hint = "remove it, and have the place scan that the files are uploaded to";
        problems.push(draft.error(&["fields", name, KEY, "virusScan"], message).hint(hint));
    }
    // What the protocol fills in is not spoken of, only what the file says, and not what is so anyway.
    let keys: [(&[&str], Option<bool>); 18] = [
        (&["virusScanProvider"], None),
        (&["storageProvider"], None),
        (&["storageBucket"], None),
        (&["storagePrefix"], None),
        (&["allowReplace"], Some(true)),
        (&["allowDelete"], Some(true)),
        (&["requireUpload"], Some(false)),
        (&["extractMetadata"], Some(false)),
        (&["extractText"], Some(false)),
        (&["versioningEnabled"], Some(false)),
        (&["maxVersions"], None),
        (&["publicRead"], Some(false)),
        (&["presignedUrlExpiry"], None),
        (&["imageValidation", "aspectRatio"], None),
        (&["imageValidation", "generateThumbnails"], Some(false)),
        (&["imageValidation", "thumbnailSizes"], None),
        (&["imageValidation", "preserveMetadata"], None),
        (&["imageValidation", "autoRotate"], Some(false)),
    ];
    for (inner, harmless) in keys {
        let mut keys = vec!["fields", name, KEY];
        keys.extend(inner);
        let written = draft.written_at(&keys);
        if written.is_some_and(|value| value.as_bool().is_none_or(|value| Some(value) != harmless)) {
            problems.push(draft.warning(&keys, KEPT));
        }
    }
}
