//! The service `http-client`: one exchange over one connection. The host must be on the operator's list, the calling plugin must
//! have been granted it, and each address that its name stands for is looked at: names are resolved first, and the connection
//! goes to the very address that was looked at. Redirects are answers, not followed: who asks again is looked at again. No
//! proxy, no cookies, no pool.

mod address;
mod permit;
mod target;

#[cfg(test)]
mod tests;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use objectos_plugin_api::{
    Context, Error, ErrorKind, Result,
    contracts::{
        grants::Grants,
        http_client::{HttpClient, IncomingAnswer, OutgoingRequest},
    },
};
use std::{fmt, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
};
use tokio_rustls::TlsConnector;

pub use self::permit::HostGrants;
use self::{
    address::Reach,
    target::{AllowList, Target},
};
use crate::{ServerError, config::OutgoingConfig, tls};

const TIMEOUT_MS: u64 = 30_000;
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;
/// So many addresses of one name are tried.
const ADDRESSES_MAX: usize = 4;

/// Headers that the exchange itself decides.
const DECIDED_HERE: [HeaderName; 8] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::HOST,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Outgoing HTTP within the operator's limits.
pub struct Outgoing<G> {
    allow: AllowList,
    reach: Reach,
    tls: TlsConnector,
    grants: G,
}

impl<G> fmt::Debug for Outgoing<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("allow", &self.allow)
            .field("reach", &self.reach)
            .finish_non_exhaustive()
    }
}

impl<G: Grants> Outgoing<G> {
    /// Reads the operator's list and the authorities. In `development` this machine may be reached as well. `grants` says which
    /// plugin was granted which host.
    ///
    /// # Errors
    /// `Setting` or `File`, naming the key.
    pub fn new(config: &OutgoingConfig, development: bool, grants: G) -> Result<Self, ServerError> {
        let reach = match (config.private_addresses, development) {
            (true, _) => Reach::Everything,
            (false, true) => Reach::PublicAndLoopback,
            (false, false) => Reach::Public,
        };
        Ok(Self {
            allow: AllowList::parse(&config.allow)?,
            reach,
            tls: tls::connector(config)?,
            grants,
        })
    }

    async fn exchange(&self, context: &Context, request: OutgoingRequest) -> Result<IncomingAnswer> {
        let target = Target::parse(&request.url)?;
        if !self.allow.contains(&target) {
            let message = format!(
                "{} may not be reached; outgoing.allow of objectos.server does not name it",
                target.host
            );
            return Err(Error::new(ErrorKind::Denied, message));
        }
        permit::host(&self.grants, context, &target).await?;
        let outgoing = build(&request, &target)?;
        let socket = self.connect(context, &target).await?;
        let bytes_max = if request.answer_bytes_max == 0 {
            ANSWER_BYTES_MAX
        } else {
            request.answer_bytes_max
        };
        if !target.secure {
            return talk(socket, outgoing, bytes_max).await;
        }
        let name = target.server_name()?;
        let socket = self
            .tls
            .connect(name, socket)
            .await
            .map_err(|error| failed("no secure connection", &error))?;
        talk(socket, outgoing, bytes_max).await
    }

    /// Connects to the first address that may be reached and answers.
    async fn connect(&self, context: &Context, target: &Target) -> Result<TcpStream> {
        let found: Vec<SocketAddr> = lookup_host((target.bare_host(), target.port))
            .await
            .map_err(|error| failed("the host is not known", &error))?
            .collect();
        let mut allowed = found
            .into_iter()
            .filter(|address| self.reach.includes(address.ip()))
            .peekable();
        if allowed.peek().is_none() {
            let message = format!("{} stands for no address that may be reached from here", target.host);
            return Err(Error::new(ErrorKind::Denied, message));
        }
        let (mut denied, mut failure) = (None, None);
        for address in allowed.take(ADDRESSES_MAX) {
            if let Err(refused) = permit::address(&self.grants, context, address).await {
                denied = Some(refused);
                continue;
            }
            match TcpStream::connect(address).await {
                Ok(socket) => return Ok(socket),
                Err(error) => failure = Some(failed("no connection", &error)),
            }
        }
        Err(denied
            .or(failure)
            .unwrap_or_else(|| Error::internal("no address was tried")))
    }
}

impl<G: Grants> HttpClient for Outgoing<G> {
    async fn send(&self, context: Context, request: OutgoingRequest) -> Result<IncomingAnswer> {
        let asked = Duration::from_millis(if request.timeout_ms == 0 {
            TIMEOUT_MS
        } else {
            request.timeout_ms
        });
        let limit = context.remaining().map_or(asked, |left| left.min(asked));
        match tokio::time::timeout(limit, self.exchange(&context, request)).await {
            Ok(answer) => answer,
            Err(_) => {
                let message = format!("no answer within {} ms", limit.as_millis());
                Err(Error::new(ErrorKind::Timeout, message))
            }
        }
    }
}

fn failed(what: &str, error: &dyn fmt::Display) -> Error {
    Error::new(ErrorKind::External, format!("{what}: {error}"))
}

fn build(request: &OutgoingRequest, target: &Target) -> Result<Request<Full<Bytes>>> {
    let method = Method::from_bytes(request.method.as_bytes())
        .ok()
        .filter(|method| method != Method::CONNECT)
        .ok_or_else(|| Error::invalid(format!("`{}` is not a method", request.method)))?;
    let mut outgoing = Request::new(Full::from(request.body.clone()));
    *outgoing.method_mut() = method;
    *outgoing.uri_mut() = target.path.clone();
    let headers = outgoing.headers_mut();
    for (name, value) in &request.headers {
        let invalid = || Error::invalid(format!("the header `{name}` is not valid in HTTP"));
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
        let value = HeaderValue::from_str(value).map_err(|_| invalid())?;
        if !DECIDED_HERE.contains(&name) {
            headers.append(name, value);
        }
    }
    headers.insert(header::HOST, target.host_header()?);
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    headers
        .entry(header::USER_AGENT)
        .or_insert(HeaderValue::from_static(concat!(
            "objectos/",
            env!("CARGO_PKG_VERSION")
        )));
    Ok(outgoing)
}

/// Sends and reads. The connection is driven here and not by a task, so that dropping the call ends it.
async fn talk<S>(socket: S, outgoing: Request<Full<Bytes>>, bytes_max: u64) -> Result<IncomingAnswer>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken = |error: hyper::Error| failed("the answer broke off", &error);
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await.map_err(broken)?;
    let exchange = async move {
        let answer = sender.send_request(outgoing).await.map_err(broken)?;
        read(answer, bytes_max).await
    };
    let (mut exchange, connection) = (std::pin::pin!(exchange), std::pin::pin!(connection));
    tokio::select! {
        biased;
        answer = exchange.as_mut() => answer,
        ended = connection => {
            ended.map_err(broken)?;
            // The peer has closed; what it sent before is still to be read.
            exchange.await
        }
    }
}

async fn read(answer: Response<Incoming>, bytes_max: u64) -> Result<IncomingAnswer> {
    let (head, mut body) = answer.into_parts();
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| failed("the answer broke off", &error))?;
        if let Some(piece) = frame.data_ref() {
            read.extend_from_slice(piece);
        }
        if u64::try_from(read.len()).unwrap_or(u64::MAX) > bytes_max {
            return Err(Error::new(
                ErrorKind::External,
                format!("the answer is larger than {bytes_max} bytes"),
            ));
        }
    }
    Ok(IncomingAnswer {
        status: head.status.as_u16(),
        headers: texts(&head.headers),
        body: String::from_utf8_lossy(&read).into_owned(),
    })
}

fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), text(value)))
        .collect()
}
