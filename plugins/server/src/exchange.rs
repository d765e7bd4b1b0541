//! One request from its head to its answer: ids, limits, route, principal, body, call, and the headers that every answer
//! carries. The hot path: no task is spawned and nothing is copied that need not be.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Version, header, request::Parts};
use hyper::{
    body::{Body, Incoming},
    upgrade::OnUpgrade,
};
use objectos_plugin_api::{Context, Error, ErrorKind, HttpResponse, told_path};
use serde::Serialize;
use std::{borrow::Cow, convert::Infallible, sync::Arc, time::Duration};

use crate::{
    answer::{Answer, Draft},
    body::{self, BodyLimits},
    connection::Connection,
    flow::{FlowBody, FlowLimits},
    frame::{self, Sight},
    gateway::Gateway,
    identity::LastIdentity,
    ids,
    locale::preferred,
    peer::Peer,
    problem::{self, Failure, METHOD_NOT_ALLOWED, Marks},
    rate::RateLimiter,
    router::{Captures, Found, Route, Target, decode},
    server::Server,
    snapshot::Snapshot,
    socket::{Opened, Upgrading, offers},
    system::{self, OwnCall},
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const RATE_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const RATE_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RATE_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const USER_AGENT_BYTES_MAX: usize = 256;

/// What is known of a request while it is worked on.
pub(crate) struct Exchange<'a, G: Gateway> {
    pub(crate) server: &'a Server<G>,
    pub(crate) head: &'a Parts,
    pub(crate) peer: Peer,
    /// The peer's address as text.
    pub(crate) address: Cow<'a, str>,
    pub(crate) identities: &'a LastIdentity,
    pub(crate) request_id: &'a str,
    trace_id: &'a str,
    now_ms: i64,
    /// Headers for the answer, whatever it will be.
    pub(crate) added: HeaderMap,
    /// The body is still on its way.
    reading: bool,
    /// Somebody asks whether the server is well: a no is an answer to that, and no news for the log.
    probing: bool,
}

/// Answers one request. Every failure is an answer too.
pub(crate) async fn serve<G: Gateway>(
    connection: Arc<Connection<G>>,
    mut request: Request<Incoming>,
) -> Result<Answer, Infallible> {
    let _serving = connection.pulse.serve();
    let server = &*connection.server;
    let upgrade = hyper::upgrade::on(&mut request);
    let (head, body) = request.into_parts();
    let now_ms = server.gateway.now_ms();
    let request_id = connection.ids.of(&head.headers, now_ms);
    let peer = Peer::of(connection.address, &head.headers, &server.proxies);
    let mut exchange = Exchange {
        server,
        peer,
        address: if peer.address == connection.address {
            Cow::Borrowed(&connection.address_text)
        } else {
            Cow::Owned(peer.address.to_string())
        },
        identities: &connection.identities,
        trace_id: ids::trace_id(&head.headers),
        head: &head,
        request_id: &request_id,
        now_ms,
        added: HeaderMap::new(),
        reading: false,
        probing: false,
    };
    let outcome = exchange.run(body).await;
    Ok(exchange.finish(outcome, &connection, upgrade))
}

/// What the context tells of the request beside its ids, as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Facts<'a> {
    address: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    secure: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<&'a str>,
}

/// Where a request goes.
enum Aim<R> {
    Route(Matched<R>),
    /// The answer needs no route.
    Ready(Draft),
}

/// A matched route.
struct Matched<R> {
    route: Arc<Route<R>>,
    captures: Captures,
}

impl<G: Gateway> Exchange<'_, G> {
    async fn run(&mut self, body: Incoming) -> Result<Draft, Failure> {
        let server = self.server;
        if let Some((status, headers)) = server.cors.preflight(&self.head.method, &self.head.headers) {
            return Ok(Draft::empty(status, headers));
        }
        let snapshot = server.snapshots.latest(&server.gateway);
        let aim = self.aim(&snapshot);
        let probe = matches!(&aim, Ok(Aim::Route(matched)) if is_probe(&matched.route));
        self.probing = probe;
        if !probe {
            self.count()?;
        }
        let running = server.begin();
        if running.is_none() && !probe {
            let message = "the server is busy; try again";
            return Err(Failure::new(ErrorKind::Limited, "concurrent_limit_exceeded", message));
        }
        let matched = match aim? {
            Aim::Route(matched) => matched,
            Aim::Ready(draft) => return Ok(draft),
        };
        let limit = server.config.limits.request();
        match tokio::time::timeout(limit, self.answer(&snapshot, &matched, body)).await {
            Ok(answer) => answer,
            Err(_) if self.reading => Err(body::late()),
            Err(_) => Err(Failure::new(ErrorKind::Timeout, "timeout", "the request took too long")),
        }
    }

    /// Where the request wants to go.
    fn aim(&self, snapshot: &Snapshot<G::Routes>) -> Result<Aim<G::Routes>, Failure> {
        let (method, path) = (&self.head.method, self.head.uri.path());
        // `OPTIONS *` asks about the server as a whole.
        if method == Method::OPTIONS && path == "*" {
            return Ok(Aim::Ready(Draft::empty(StatusCode::NO_CONTENT, HeaderMap::new())));
        }
        match snapshot.table.find(method.as_str(), path) {
            Found::Route(index, captures) => Ok(Aim::Route(Matched {
                route: Arc::clone(&snapshot.table.routes[index]),
                captures,
            })),
            Found::Methods(methods) => {
                let allow = methods.list();
                let value = HeaderValue::from_str(&allow).unwrap_or(HeaderValue::from_static("OPTIONS"));
                if method == Method::OPTIONS {
                    let headers = HeaderMap::from_iter([(header::ALLOW, value)]);
                    return Ok(Aim::Ready(Draft::empty(StatusCode::NO_CONTENT, headers)));
                }
                let allowed: Vec<&str> = allow.split(", ").collect();
                let error = Error::invalid(format!("{method} is not possible here, only {allow}"))
                    .with_code(METHOD_NOT_ALLOWED)
                    .with_details(&serde_json::json!({ "allowed": allowed }));
                let failure = Failure::from(error).with_status(StatusCode::METHOD_NOT_ALLOWED);
                Err(failure.with_header(header::ALLOW, value))
            }
            Found::Nothing => {
                let message = format!("nothing answers {method} {path}");
                Err(Failure::new(ErrorKind::NotFound, "endpoint_not_found", message))
            }
            Found::Malformed(problem) => Err(Failure::new(ErrorKind::Invalid, "invalid_format", problem)),
        }
    }

    /// Takes the request off the caller's allowance.
    fn count(&mut self) -> Result<(), Failure> {
        let server = self.server;
        self.take_from(server.rate.as_ref())
    }

    /// Takes the request off the allowance that the caller has as a guest; the answer tells of this one then.
    pub(crate) fn count_guest(&mut self) -> Result<(), Failure> {
        let server = self.server;
        self.take_from(server.guest_rate.as_ref())
    }

    fn take_from(&mut self, rate: Option<&RateLimiter>) -> Result<(), Failure> {
        let taken = rate.and_then(|rate| rate.take(self.peer.address, self.now_ms));
        let Some(allowance) = taken else { return Ok(()) };
        self.added.insert(RATE_LIMIT, HeaderValue::from(allowance.limit));
        self.added
            .insert(RATE_REMAINING, HeaderValue::from(allowance.remaining));
        self.added.insert(RATE_RESET, HeaderValue::from(allowance.full_at_s));
        if allowance.allowed {
            return Ok(());
        }
        let message = format!(
            "too many requests from this address; wait {} s",
            allowance.retry_after_s
        );
        let failure = Failure::new(ErrorKind::Limited, "rate_limit_exceeded", message);
        Err(failure.with_header(header::RETRY_AFTER, HeaderValue::from(allowance.retry_after_s)))
    }

    async fn answer(
        &mut self,
        snapshot: &Snapshot<G::Routes>,
        matched: &Matched<G::Routes>,
        body: Incoming,
    ) -> Result<Draft, Failure> {
        let Matched { route, captures } = matched;
        let (server, auth) = (self.server, snapshot.auth.as_deref());
        let handshake = self.handshake(route, body.is_end_stream())?;
        let context = self.context();
        let context = self.admit(route, snapshot, context).await?;
        // Before the route is called, which would make a socket in vain.
        let place = handshake.as_ref().map(|_| server.sockets.take(self.peer.address));
        let place = place.transpose()?;
        let path = self.head.uri.path();
        let (bytes_max, any_type) = server.config.body_rule(path);
        let limits = BodyLimits {
            bytes_max,
            any_type: any_type || !path.starts_with("/api/"),
            time: Duration::from_millis(server.config.limits.body_ms),
        };
        self.reading = true;
        let received = body::read(&self.head.headers, body, limits).await?;
        self.reading = false;
        match &route.target {
            Target::Plugin(routes) => {
                let sight = Sight::of(route, auth, self.peer.proxied, handshake.is_some());
                let frame = frame::encode(self.head, route, captures, sight, &received);
                // The kernel copies the frame before the future is there, so neither need outlive this line.
                let call = server.gateway.call(routes, &context, &route.key, &frame);
                drop((frame, received));
                let frame = call.await?;
                if let Some(socket) = HttpResponse::socket_of(frame.as_ref()) {
                    let line = server.gateway.line(socket);
                    let asked = handshake.zip(place);
                    let (handshake, place) = asked.ok_or_else(|| Error::internal("a socket that nobody asked for"))?;
                    let opened = Opened { line, place };
                    return self.switching(frame.as_ref(), handshake.accept, opened);
                }
                let stream = HttpResponse::stream_of(frame.as_ref());
                let flow = stream.map(|stream| server.gateway.flow(stream));
                let draft = Draft::from_frame(frame)?;
                draft.check(&route.plugin, server.config.limits.answer_bytes_max)?;
                Ok(Draft { flow, ..draft })
            }
            Target::Own(own) => {
                let parameter = captures.ranges().first().and_then(|range| decode(&path[range.clone()]));
                let call = OwnCall {
                    context: &context,
                    parameter: &parameter.unwrap_or_default(),
                    query: self.head.uri.query().unwrap_or_default(),
                    body: &received.joined(),
                };
                Ok(system::answer(server, *own, call).await?)
            }
            Target::Refused(error) => Err(Error::unavailable(format!("{} cannot be reached", route.plugin))
                .with_internal(error)
                .into()),
        }
    }

    /// The answer that goes on as a socket.
    fn switching(&self, frame: &[u8], accept: HeaderValue, opened: Opened) -> Result<Draft, Failure> {
        let draft = Draft::switching(frame, accept, opened)?;
        if let Some(protocol) = draft.headers.get(header::SEC_WEBSOCKET_PROTOCOL) {
            let offered = protocol.to_str().is_ok_and(|name| offers(&self.head.headers, name));
            if !offered {
                return Err(Error::internal("a route accepted a protocol of sockets that was not offered").into());
            }
        }
        Ok(draft)
    }

    /// The context without a principal.
    fn context(&self) -> Context {
        let text = |name| self.head.headers.get(name).and_then(|value| value.to_str().ok());
        let facts = Facts {
            address: &self.address,
            secure: self.secure(),
            // What passed `to_str` is ASCII, so any byte is a border.
            user_agent: text(header::USER_AGENT).map(|agent| &agent[..agent.len().min(USER_AGENT_BYTES_MAX)]),
            locale: text(header::ACCEPT_LANGUAGE).and_then(preferred),
        };
        let extra = serde_json::to_vec(&facts).unwrap_or_default();
        let limit = self.server.config.limits.request();
        Context::incoming(self.request_id, self.trace_id, limit, &extra)
    }

    /// The caller's connection is encrypted: ours is, or that to the trusted proxy in front, as it says.
    pub(crate) fn secure(&self) -> bool {
        let forwarded = self.peer.proxied
            && self
                .head
                .headers
                .get(FORWARDED_PROTO)
                .is_some_and(|value| value == "https");
        forwarded || self.server.config.tls.is_some()
    }

    fn finish(
        mut self,
        outcome: Result<Draft, Failure>,
        connection: &Arc<Connection<G>>,
        upgrade: OnUpgrade,
    ) -> Answer {
        let closes = matches!(&outcome, Err(failure) if failure.closes) || self.server.draining();
        let mut draft = outcome.unwrap_or_else(|failure| self.failed(failure));
        draft.secure(self.server.strict_transport);
        self.server
            .cors
            .dress(self.head.headers.get(header::ORIGIN), &mut draft.headers);
        for (name, value) in &self.added {
            draft.headers.append(name, value.clone());
        }
        if let Ok(id) = HeaderValue::from_str(self.request_id) {
            draft.headers.insert(REQUEST_ID, id);
        }
        let path = told_path(self.head.uri.path());
        if let Some(opened) = draft.socket.take() {
            *connection.upgrading.lock() = Some(Upgrading {
                opened,
                upgrade,
                request_id: self.request_id.into(),
                path: Box::from(&*path),
            });
        } else if closes && self.head.version < Version::HTTP_2 {
            draft
                .headers
                .insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        tracing::debug!(
            request_id = self.request_id,
            method = self.head.method.as_str(),
            path = &*path,
            status = draft.status.as_u16(),
            "answered"
        );
        draft.finish(&self.head.method, |flow| {
            let limits = &self.server.config.limits;
            let limits = FlowLimits {
                piece: limits.request(),
                taken: Duration::from_millis(limits.write_ms),
            };
            FlowBody::new(flow, connection, limits, self.request_id, &path)
        })
    }

    /// Writes the error document, and for the operator what does not stand in it.
    fn failed(&mut self, mut failure: Failure) -> Draft {
        let status = failure.status();
        let busy = matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS);
        if busy && !failure.headers.iter().any(|(name, _)| name == header::RETRY_AFTER) {
            failure
                .headers
                .push((header::RETRY_AFTER, HeaderValue::from_static("1")));
        }
        let error = &failure.error;
        let (request_id, internal) = (self.request_id, error.internal_message());
        let path = told_path(self.head.uri.path());
        let (method, path, code) = (self.head.method.as_str(), &*path, error.code());
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(
                request_id,
                method,
                path,
                code,
                internal,
                message = error.message(),
                "a request failed"
            );
        } else if status.is_server_error() && !self.probing {
            tracing::warn!(
                request_id,
                method,
                path,
                code,
                internal,
                reason = error.message(),
                "a request was not served"
            );
        } else {
            tracing::debug!(
                request_id,
                method,
                path,
                code,
                internal,
                reason = error.message(),
                "a request was refused"
            );
        }
        let marks = Marks {
            request_id,
            trace_id: self.trace_id,
            now_ms: self.now_ms,
        };
        let mut draft = Draft::json(status, Bytes::from(problem::document(&failure, marks)));
        draft.headers.extend(failure.headers);
        draft
    }
}

fn is_probe<R>(route: &Route<R>) -> bool {
    matches!(route.target, Target::Own(own) if own.is_probe())
}
