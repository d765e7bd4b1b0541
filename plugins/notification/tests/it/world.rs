//! The mailer on the in-memory host, with records in memory that outlive it, as the database does.

use objectos_notification::NotificationPlugin;
use objectos_plugin_api::{
    Context, Error, Result,
    contracts::{
        data::DataServer,
        grants::{GrantAnswer, GrantQuestion, Grants, GrantsServer},
        mailer::{MailMessage, MailerClient},
    },
};
use objectos_plugin_testing::{TestError, TestHost, TestPlugin};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

use crate::memory::Memory;

const MANIFEST: &str = include_str!("../../plugin.json");

/// What the operator's file says of the mailer, as the kernel tells it.
#[derive(Debug, Default)]
pub(crate) struct Operator {
    word: Mutex<Word>,
}

/// Which connections it lets the mailer open.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Word {
    #[default]
    All,
    /// Not to this one, since no rule grants it.
    AllBut(&'static str),
    /// Not to addresses of this beginning: a rule denies them, whatever name they have.
    Denied(&'static str),
    /// Nobody tells.
    Unknown,
}

impl Operator {
    pub(crate) fn says(&self, word: Word) {
        *self.word.lock().unwrap() = word;
    }
}

impl Grants for Operator {
    async fn check(&self, _: Context, question: GrantQuestion) -> Result<GrantAnswer> {
        assert_eq!(
            (question.plugin.as_str(), question.capability.as_str()),
            ("objectos.notification", "network:connect")
        );
        let (granted, denied_by) = match *self.word.lock().unwrap() {
            Word::All => (true, None),
            Word::AllBut(host) => (!question.subject.starts_with(host), None),
            Word::Denied(host) if question.subject.starts_with(host) => (false, Some("a rule".to_owned())),
            Word::Denied(_) => (true, None),
            Word::Unknown => return Err(Error::unavailable("the kernel is away")),
        };
        let text = |text: &str| if granted { String::new() } else { text.to_owned() };
        Ok(GrantAnswer {
            granted,
            denied_by,
            reason: text("for a reason"),
            remedy: text("write a line"),
        })
    }
}

/// The records, and whoever decides.
pub(crate) struct Store {
    memory: Arc<Memory>,
    pub(crate) operator: Arc<Operator>,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self {
            memory: Arc::new(Memory::new(&[])),
            operator: Arc::default(),
        }
    }

    pub(crate) async fn mailer(&self, mode: &str, config: Value, now_ms: i64) -> Result<TestPlugin, TestError> {
        TestHost::new(MANIFEST)
            .config(config)
            .settings(json!({ "mode": mode }))
            .now_ms(now_ms)
            .service(DataServer::new(Arc::clone(&self.memory)))
            .service(GrantsServer::new(Arc::clone(&self.operator)))
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
