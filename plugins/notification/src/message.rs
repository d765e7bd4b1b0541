//! What a caller hands over, checked once when it comes, and made into a mail each time it is sent. Called by the plugin and
//! the sender.

use lettre::{
    Message,
    message::{Mailbox, MultiPart, header::ContentType},
};
use objectos_plugin_api::contracts::mailer::MailMessage;

use crate::error::{MailError, Result};

const RECIPIENTS_MAX: usize = 100;
const SUBJECT_BYTES_MAX: usize = 998;
const BODY_BYTES_MAX: usize = 1 << 20;

fn wrong(message: impl Into<String>) -> MailError {
    MailError::Message(message.into())
}

fn mailbox(what: &str, text: &str) -> Result<Mailbox> {
    text.parse()
        .map_err(|error| wrong(format!("{what}: `{text}` is no e-mail address: {error}")))
}

/// Whether the message could be sent by anybody.
///
/// # Errors
/// `Message`, with what is wrong and where.
pub(crate) fn check(message: &MailMessage) -> Result<()> {
    if message.to.is_empty() {
        return Err(wrong("to: at least one address is needed"));
    }
    if message.to.len() > RECIPIENTS_MAX {
        return Err(wrong(format!(
            "to: at most {RECIPIENTS_MAX} addresses; send several messages"
        )));
    }
    for (index, address) in message.to.iter().enumerate() {
        mailbox(&format!("to[{index}]"), address)?;
    }
    if let Some(address) = &message.reply_to {
        mailbox("replyTo", address)?;
    }
    if message.subject.trim().is_empty() {
        return Err(wrong("subject: a subject is needed"));
    }
    if message.subject.len() > SUBJECT_BYTES_MAX || message.subject.chars().any(char::is_control) {
        return Err(wrong(format!("subject: one line of at most {SUBJECT_BYTES_MAX} bytes")));
    }
    if message.category.len() > 64 {
        return Err(wrong("category: at most 64 bytes"));
    }
    let html = message.html.as_ref().map_or(0, String::len);
    if message.text.len() + html > BODY_BYTES_MAX {
        return Err(wrong(format!("text and html: at most {BODY_BYTES_MAX} bytes together")));
    }
    Ok(())
}

/// Makes the mail. `id` is that of the record, and so is the mail's `Message-ID` the same each time it is sent.
///
/// # Errors
/// `Message` when the stored message is not one that [`check`] let pass.
pub(crate) fn build(message: &MailMessage, id: &str, from: &Mailbox, reply_to: Option<&str>) -> Result<Message> {
    let domain = from.email.domain();
    let mut builder = Message::builder()
        .from(from.clone())
        .message_id(Some(format!("<{id}@{domain}>")))
        .subject(&message.subject);
    for address in &message.to {
        builder = builder.to(mailbox("to", address)?);
    }
    if let Some(address) = message.reply_to.as_deref().or(reply_to) {
        builder = builder.reply_to(mailbox("replyTo", address)?);
    }
    let built = match &message.html {
        Some(html) => builder.multipart(MultiPart::alternative_plain_html(message.text.clone(), html.clone())),
        None => builder.header(ContentType::TEXT_PLAIN).body(message.text.clone()),
    };
    built.map_err(|error| wrong(format!("the message cannot be written: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> MailMessage {
        MailMessage {
            to: vec!["Ann <ann@example.com>".to_owned()],
            subject: "Hello".to_owned(),
            text: "Grüße".to_owned(),
            ..MailMessage::default()
        }
    }

    #[test]
    fn a_message_is_checked_and_what_is_wrong_is_named() {
        check(&message()).expect("a good one");
        let refused = |change: fn(&mut MailMessage)| {
            let mut message = message();
            change(&mut message);
            check(&message).expect_err("a bad one").to_string()
        };
        assert!(refused(|message| message.to.clear()).starts_with("to:"));
        assert!(refused(|message| message.to.push("nobody".to_owned())).starts_with("to[1]: `nobody`"));
        assert!(refused(|message| message.reply_to = Some("a@b\r\nBcc: x@y.z".to_owned())).starts_with("replyTo:"));
        assert!(refused(|message| message.subject = "Hi\r\nBcc: x@y.z".to_owned()).starts_with("subject:"));
        assert!(refused(|message| message.subject = " ".to_owned()).starts_with("subject:"));
        assert!(refused(|message| message.text = "x".repeat(BODY_BYTES_MAX + 1)).starts_with("text and html:"));
    }

    #[test]
    fn a_mail_has_the_same_id_each_time() {
        let from: Mailbox = "ObjectOS <no-reply@example.org>".parse().expect("an address");
        let mail = build(&message(), "m1", &from, Some("help@example.org")).expect("a mail");
        let text = String::from_utf8(mail.formatted()).expect("ASCII");
        assert!(text.contains("Message-ID: <m1@example.org>\r\n"), "{text}");
        assert!(text.contains("Reply-To: help@example.org\r\n"), "{text}");
        assert!(text.contains("To: Ann <ann@example.com>\r\n"), "{text}");
    }
}
