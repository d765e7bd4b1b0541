//! How a socket ends: what its client is told by a close frame, and its plugin by a last message. Either is told once, within
//! a few seconds, and both at the same time.

use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use objectos_plugin_api::{Error, SERVICE_RESTART, SocketMessage, SocketPush};
use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error as FrameError, Message,
        error::ProtocolError,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

use super::super::Line;

/// The end that was meant to come.
pub(super) const NORMAL: u16 = 1000;
const AWAY: u16 = 1001;
const PROTOCOL: u16 = 1002;
/// Told, never sent: no code was given.
const NO_CODE: u16 = 1005;
/// Told, never sent: the connection broke off.
const BROKE_OFF: u16 = 1006;
const NO_TEXT: u16 = 1007;
const TOO_BIG: u16 = 1009;
const FAILED: u16 = 1011;
const RESTART: u16 = 1012;

/// Most bytes of a reason: a control frame has 125, two of which are the code.
const REASON_BYTES_MAX: usize = 123;
/// For a client to take a close frame, and to answer it.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);
/// For a plugin to hear that it is over, and what it heard before that.
const TELL_LIMIT: Duration = Duration::from_secs(5);

/// A code and a reason.
type Close = (u16, String);

/// How a socket ends.
#[derive(Debug)]
pub(super) struct Ending {
    /// What the client is told; `None`: it said so itself, or is gone.
    pub(super) frame: Option<Close>,
    /// What the plugin is told; `None`: it is gone.
    pub(super) last: Option<Close>,
    /// It is the plugin's failure; what only operators may read.
    fault: Option<Error>,
}

impl Ending {
    /// With this code; one that may not be sent is a failure of whoever chose it.
    pub(super) fn by_us(code: u16, reason: impl Into<String>) -> Self {
        let mut close = (code, cut(reason.into()));
        if !CloseCode::from(code).is_allowed() {
            close.0 = FAILED;
        }
        Self {
            frame: Some(close.clone()),
            last: Some(close),
            fault: None,
        }
    }

    /// The client closed it; it is answered by itself.
    pub(super) fn by_client(frame: Option<CloseFrame>) -> Self {
        let last = frame.map_or((NO_CODE, String::new()), |frame| {
            (u16::from(frame.code), frame.reason.as_str().to_owned())
        });
        Self {
            frame: None,
            last: Some(last),
            fault: None,
        }
    }

    pub(super) fn broke_off() -> Self {
        Self {
            frame: None,
            last: Some((BROKE_OFF, String::new())),
            fault: None,
        }
    }

    /// A ping was not answered. Should somebody be there all the same, they are told.
    pub(super) fn silent() -> Self {
        Self {
            frame: Some((AWAY, "a ping was not answered".to_owned())),
            ..Self::broke_off()
        }
    }

    /// The server stops, or another version takes over.
    pub(super) fn restart() -> Self {
        Self::by_us(RESTART, "the server restarts; connect again")
    }

    /// Its plugin failed, or is replaced or stopped and hears nothing more.
    pub(super) fn failed(error: &Error) -> Self {
        if error.code() == SERVICE_RESTART {
            return Self {
                last: None,
                ..Self::restart()
            };
        }
        Self {
            fault: Some(error.clone()),
            ..Self::by_us(FAILED, error.message())
        }
    }

    /// The frames are not what they should be, or there are none.
    pub(super) fn of_frames(error: &FrameError) -> Self {
        match error {
            FrameError::Capacity(_) => Self::by_us(TOO_BIG, "a message is too large"),
            FrameError::Utf8(_) => Self::by_us(NO_TEXT, "a text is not UTF-8"),
            FrameError::Protocol(ProtocolError::ResetWithoutClosingHandshake | ProtocolError::SendAfterClosing) => {
                Self::broke_off()
            }
            FrameError::Protocol(error) => Self::by_us(PROTOCOL, error.to_string()),
            _ => Self::broke_off(),
        }
    }

    /// Writes it into the log.
    pub(super) fn report(&self, request_id: &str, path: &str) {
        let close = self.frame.as_ref().or(self.last.as_ref());
        let close = close.map_or(BROKE_OFF, |(code, _)| *code);
        match &self.fault {
            Some(error) => tracing::warn!(
                request_id,
                path,
                code = error.code(),
                internal = error.internal_message(),
                reason = error.message(),
                "a socket failed"
            ),
            None => tracing::debug!(request_id, path, close, "a socket is over"),
        }
    }
}

/// As much of a reason as fits.
fn cut(mut reason: String) -> String {
    let mut end = reason.len().min(REASON_BYTES_MAX);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    reason.truncate(end);
    reason
}

/// Tells the client, hears its answer or sends ours to what it said, and closes the connection so that nothing of that is lost.
pub(super) async fn farewell<S: AsyncRead + AsyncWrite + Unpin>(
    mut sink: SplitSink<WebSocketStream<S>, Message>,
    mut stream: SplitStream<WebSocketStream<S>>,
    frame: Option<Close>,
) {
    if let Some((code, reason)) = frame {
        let frame = CloseFrame {
            code: CloseCode::from(code),
            reason: reason.into(),
        };
        // Whether it comes through is the client's business.
        drop(timeout(CLOSE_LIMIT, sink.send(Message::Close(Some(frame)))).await);
    }
    let rest = async { while let Some(Ok(_)) = stream.next().await {} };
    drop(timeout(CLOSE_LIMIT, rest).await);
    if let Ok(speech) = sink.reunite(stream) {
        drop(timeout(CLOSE_LIMIT, speech.into_inner().shutdown()).await);
    }
}

/// Tells the plugin, when what it hears has come to its end.
pub(super) async fn tell(mut line: Box<dyn Line>, hearing: Option<SocketPush>, last: Option<Close>) {
    let told = async {
        if let Some(hearing) = hearing {
            // A failure of that is no news any more.
            drop(hearing.await);
        }
        if let Some((code, reason)) = last
            && let Err(error) = line.push(&SocketMessage::Close { code, reason }).await
        {
            tracing::debug!(%error, "the end of a socket was not heard");
        }
    };
    if timeout(TELL_LIMIT, told).await.is_err() {
        tracing::debug!("the end of a socket was not heard in time");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(ending: &Ending) -> (Option<u16>, Option<u16>) {
        let code = |close: &Option<Close>| close.as_ref().map(|(code, _)| *code);
        (code(&ending.frame), code(&ending.last))
    }

    #[test]
    fn each_end_has_its_codes() {
        let restart = Error::unavailable("gone").with_code(SERVICE_RESTART);
        for (ending, expected) in [
            (Ending::by_us(NORMAL, ""), (Some(1000), Some(1000))),
            (Ending::by_us(4001, "own"), (Some(4001), Some(4001))),
            (Ending::by_us(NO_CODE, ""), (Some(1011), Some(1011))),
            (Ending::by_us(7, ""), (Some(1011), Some(1011))),
            (Ending::by_client(None), (None, Some(1005))),
            (Ending::broke_off(), (None, Some(1006))),
            (Ending::silent(), (Some(1001), Some(1006))),
            (Ending::restart(), (Some(1012), Some(1012))),
            (Ending::failed(&restart), (Some(1012), None)),
            (Ending::failed(&Error::invalid("no")), (Some(1011), Some(1011))),
            (
                Ending::of_frames(&FrameError::Utf8("x".to_owned())),
                (Some(1007), Some(1007)),
            ),
            (Ending::of_frames(&FrameError::ConnectionClosed), (None, Some(1006))),
            (
                Ending::of_frames(&FrameError::Protocol(ProtocolError::UnmaskedFrameFromClient)),
                (Some(1002), Some(1002)),
            ),
        ] {
            assert_eq!(codes(&ending), expected, "{ending:?}");
        }
    }

    #[test]
    fn a_reason_is_cut_where_a_letter_ends() {
        for (reason, expected) in [("short".to_owned(), 5), ("x".repeat(200), 123), ("ü".repeat(100), 122)] {
            let Some((_, kept)) = Ending::by_us(NORMAL, reason.clone()).frame else {
                panic!("{reason} is sent")
            };
            assert_eq!(kept.len(), expected, "{reason}");
            assert!(reason.starts_with(&kept));
        }
    }
}
