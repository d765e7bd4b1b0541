//! The plugin around the mailer: reads the configuration, offers `mailer`, and runs the sender from start to stop.

use objectos_plugin_api::{
    Context, Health, Plugin, Registry, Result, Setup,
    contracts::mailer::{MailMessage, Mailer, MailerServer},
    plugin,
};
use parking_lot::Mutex;
use std::{sync::Arc, time::Duration};
use tokio::{sync::Notify, task::JoinHandle};

use crate::{
    config::MailConfig,
    courier::Courier,
    error::MailError,
    message,
    permit::Permit,
    records::{Records, State},
    sender::Sender,
};

/// `objectos.notification`.
#[derive(Debug)]
pub struct NotificationPlugin {
    records: Records,
    way: Way,
    /// With a mail server.
    permit: Option<Permit>,
    wake: Arc<Notify>,
    /// Waits for the start.
    sender: Mutex<Option<Sender>>,
    running: Mutex<Option<JoinHandle<()>>>,
}

/// Where messages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// To the mail server.
    Server,
    /// To the log, for the eyes of whoever develops.
    Log,
    /// Nowhere.
    None,
}

#[plugin]
impl Plugin for NotificationPlugin {
    const RUNTIME_WORKERS: usize = 1;

    async fn init(setup: Setup) -> Result<Self> {
        let config: MailConfig = if setup.config.is_null() {
            MailConfig::default()
        } else {
            setup.config()?
        };
        let records = Records::new(&setup.host)?;
        let wake = Arc::new(Notify::new());
        let permit = config
            .smtp
            .as_ref()
            .map(|smtp| Permit::new(smtp, &setup.host))
            .transpose()?;
        let (way, sender) = match config.smtp.as_ref().zip(permit.clone()) {
            Some((smtp, permit)) => {
                let sender = Sender {
                    records: records.clone(),
                    courier: Courier::new(&config, smtp, &setup.host, permit)?,
                    retry: config.retry.clone(),
                    poll: Duration::from_millis(config.poll_ms),
                    timeout_ms: smtp.timeout_ms,
                    concurrency: config.concurrency,
                    keep_bodies: config.keep_bodies,
                    wake: Arc::clone(&wake),
                };
                (Way::Server, Some(sender))
            }
            None if setup.settings.mode == "production" => (Way::None, None),
            None => (Way::Log, None),
        };
        Ok(Self {
            records,
            way,
            permit,
            wake,
            sender: Mutex::new(sender),
            running: Mutex::new(None),
        })
    }

    fn register(self: &Arc<Self>, registry: &mut Registry<Self>) {
        registry.service(MailerServer::new(Arc::clone(self)));
    }

    async fn start(self: Arc<Self>) -> Result<()> {
        match self.way {
            Way::Server => self.tell_refusal().await,
            Way::Log => tracing::info!("no mail server is configured: messages are written to the log"),
            Way::None => tracing::warn!("no mail server is configured: messages are refused"),
        }
        let sender = self.sender.lock().take();
        if let Some(sender) = sender {
            *self.running.lock() = Some(tokio::spawn(sender.run()));
        }
        Ok(())
    }

    async fn stop(self: Arc<Self>) -> Result<()> {
        let running = self.running.lock().take();
        if let Some(running) = running {
            running.abort();
            // An error is what an aborted task answers.
            drop(running.await);
        }
        Ok(())
    }

    async fn health(self: Arc<Self>) -> Health {
        match (&self.permit, self.way) {
            (Some(permit), _) => match permit.server().await {
                Ok(()) => Health::healthy(),
                Err(error) => Health::degraded(error.to_string()),
            },
            (None, Way::None) => Health::degraded(MailError::NoServer.to_string()),
            (None, _) => Health::healthy(),
        }
    }
}

impl NotificationPlugin {
    /// Says at the start what would keep every mail waiting.
    async fn tell_refusal(&self) {
        if let Some(permit) = &self.permit
            && let Err(error) = permit.server().await
        {
            tracing::warn!(error = %error, "the mail server cannot be used: mails wait");
        }
    }
}

impl Mailer for NotificationPlugin {
    async fn send(&self, context: Context, message: MailMessage) -> Result<String> {
        message::check(&message)?;
        match self.way {
            Way::None => Err(MailError::NoServer.into()),
            Way::Log => {
                let id = self.records.store(&context, &message, State::Logged).await?;
                tracing::info!(
                    mail = id,
                    to = message.to.join(", "),
                    subject = message.subject,
                    category = message.category,
                    "a message that would be sent:\n{}",
                    message.text
                );
                Ok(id)
            }
            Way::Server => {
                let id = self.records.store(&context, &message, State::Pending).await?;
                self.wake.notify_one();
                Ok(id)
            }
        }
    }
}
