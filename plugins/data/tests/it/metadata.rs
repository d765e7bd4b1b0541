//! The service `metadata`.

use std::sync::Arc;

use objectos_data::metadata::MetadataProvider;
use objectos_data::model::CatalogueCell;
use objectos_plugin_api::Context;
use objectos_plugin_api::contracts::metadata::{Metadata, MetadataRequest};

use crate::app_support::catalogue;

#[tokio::test]
async fn other_plugins_read_every_kind() {
    let files = [
        ("thing.object.yml", "name: thing\nfields: {title: {type: text}}\n"),
        (
            "sales.permission.yml",
            "name: sales\nobjects: {thing: {allowRead: true}}\n",
        ),
        ("close.flow.yml", "type: autolaunched\nnodes: []\n"),
    ];
    let cell = Arc::new(CatalogueCell::new(catalogue(&files)));
    let provider = MetadataProvider::new(Arc::clone(&cell));
    let context = Context::background();
    assert!(
        provider
            .kinds(context.clone())
            .await
            .expect("kinds")
            .contains(&"permission".to_owned())
    );
    let permissions = provider
        .list(context.clone(), "permissions".to_owned())
        .await
        .expect("a list");
    assert_eq!(permissions.len(), 1);
    assert_eq!(
        (permissions[0].name.as_str(), permissions[0].package.as_str()),
        ("sales", "demo")
    );
    assert_eq!(
        permissions[0].definition,
        serde_json::json!({ "name": "sales", "objects": { "thing": { "allowRead": true } } })
    );
    let request = |kind: &str, name: &str| MetadataRequest {
        kind: kind.to_owned(),
        name: name.to_owned(),
    };
    let flow = provider
        .get(context.clone(), request("flow", "close"))
        .await
        .expect("an answer")
        .expect("a flow");
    assert_eq!(flow.definition["type"], "autolaunched");
    assert_eq!(
        provider
            .get(context.clone(), request("flow", "open"))
            .await
            .expect("an answer"),
        None
    );
    assert_eq!(
        provider
            .list(context.clone(), "nothing".to_owned())
            .await
            .expect("a list"),
        []
    );
    let object = provider
        .get(context.clone(), request("objects", "thing"))
        .await
        .expect("an answer")
        .expect("an object");
    assert_eq!(
        (&object.definition["pluralLabel"], &object.definition["active"]),
        (&"Things".into(), &true.into())
    );
    assert_eq!(provider.version(context.clone()).expect("a number"), 1);
    cell.replace(Arc::default());
    assert_eq!(provider.list(context, "object".to_owned()).await.expect("a list"), []);
}
