//! Objects that plugins declare, held against those that the service `metadata` knows and the service `data` can read. Where
//! nobody provides the two, objects are nobody's business.

use objectos_kernel::{Kernel, discover::Inspection};
use objectos_plugin_api::{
    Context, Error, ErrorKind,
    contracts::{data::FindRequest, metadata::MetadataItem},
};
use serde_json::json;
use std::time::Duration;

use super::Report;

/// How long one answer may take.
const LIMIT: Duration = Duration::from_secs(20);

/// Looks at the objects of all plugins.
pub(super) async fn check(kernel: &Kernel, inspections: &[Inspection], report: &mut Report) {
    let provided = |name: &str| kernel.service(name, "^1").is_ok_and(|service| service.available());
    if !provided("metadata") || !provided("data") {
        return;
    }
    let known = match known(kernel).await {
        Ok(known) => known,
        Err(error) => return report.find("metadata", &format!("does not list its objects: {error}")),
    };
    for inspection in inspections {
        let (id, declared) = (inspection.document.id(), &inspection.document.objectos.objects);
        let mut registered = 0;
        for name in declared {
            if !known.iter().any(|item| item.name == *name) {
                report.find(
                    id,
                    &format!("declares the object {name}, which the service metadata does not know"),
                );
                continue;
            }
            match readable(kernel, name).await {
                Ok(()) => registered += 1,
                Err(error) => report.find(
                    id,
                    &format!("declares the object {name}, which cannot be read: {error}"),
                ),
            }
        }
        for item in known.iter().filter(|item| item.package == id) {
            if !declared.contains(&item.name) {
                report.find(id, &format!("brings the object {} and does not declare it", item.name));
            }
        }
        if let Some(row) = report.rows.iter_mut().find(|row| row.id == id) {
            row.objects = (registered, declared.len());
        }
    }
}

async fn ask(kernel: &Kernel, service: &str, method: &str, payload: Vec<u8>) -> Result<Vec<u8>, Error> {
    let context = Context::background().as_system().with_limit(LIMIT);
    kernel.call_service(service, method, context, payload).await
}

async fn known(kernel: &Kernel) -> Result<Vec<MetadataItem>, Error> {
    let answer = ask(kernel, "metadata", "list", serde_json::to_vec("object")?).await?;
    Ok(serde_json::from_slice(&answer)?)
}

/// Whether there is a table behind an object. Who may read it is another question.
async fn readable(kernel: &Kernel, object: &str) -> Result<(), Error> {
    let mut request = FindRequest {
        object: object.to_owned(),
        ..FindRequest::default()
    };
    request.query.insert("limit".to_owned(), json!(1));
    match ask(kernel, "data", "find", serde_json::to_vec(&request)?).await {
        Err(error) if error.kind() != ErrorKind::Denied => Err(error),
        _ => Ok(()),
    }
}
