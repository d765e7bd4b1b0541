//! The mailer on the in-memory host, with records in memory that outlive it, as the database does.

use objectos_notification::NotificationPlugin;
use objectos_plugin_api::{
    Context, Result,
    contracts::{
        data::DataServer,
        mailer::{MailMessage, MailerClient},
    },
};
use objectos_plugin_testing::{TestError, TestHost, TestPlugin};
use serde_json::{Value, json};
use std::sync::Arc;

use crate::memory::Memory;

const MANIFEST: &str = include_str!("../../plugin.json");

/// The records.
pub(crate) struct Store {
    memory: Arc<Memory>,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self {
            memory: Arc::new(Memory::new(&[])),
        }
    }

    pub(crate) async fn mailer(&self, mode: &str, config: Value, now_ms: i64) -> Result<TestPlugin, TestError> {
        TestHost::new(MANIFEST)
            .config(config)
            .settings(json!({ "mode": mode }))
            .now_ms(now_ms)
            .service(DataServer::new(Arc::clone(&self.memory)))
            .start::<NotificationPlugin>()
            .await
    }

    /// Every mail there is, in the order of their making.
    pub(crate) fn mails(&self) -> Vec<Value> {
        self.memory.records("sys_mail").into_iter().map(Value::Object).collect()
    }

    /// Waits until the latest mail is as wanted.
    pub(crate) async fn until(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let waiting = async {
            loop {
                if let Some(mail) = self.mails().last()
                    && wanted(mail)
                {
                    return mail.clone();
                }
                tokio::task::yield_now().await;
            }
        };
        match tokio::time::timeout(std::time::Duration::from_secs(30), waiting).await {
            Ok(mail) => mail,
            Err(_) => panic!("never as wanted: {:#?}", self.mails()),
        }
    }
}

pub(crate) fn smtp(server: &str, port: u16, tls: &str) -> Value {
    json!({ "host": server, "port": port, "tls": tls, "timeoutMs": 5_000 })
}

pub(crate) async fn send(mailer: &TestPlugin, message: &MailMessage) -> Result<String> {
    MailerClient::open(&mailer.host())?
        .send(&Context::background(), message)
        .await
}

pub(crate) fn hello() -> MailMessage {
    MailMessage {
        to: vec!["Ann <ann@example.com>".to_owned(), "bob@example.com".to_owned()],
        subject: "Your invitation".to_owned(),
        text: "Come in: https://example.org/t/s3cr3t\n.a line with a dot".to_owned(),
        category: "invitation".to_owned(),
        ..MailMessage::default()
    }
}
