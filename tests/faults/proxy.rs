//! A broken line: a proxy before the cloud that does to each call what a plan says, and counts what it did.

use crate::world::World;

use futures_util::stream;
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::{Request, Response, StatusCode, header};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

type Failed = Box<dyn std::error::Error + Send + Sync>;
type Body = BoxBody<Bytes, Failed>;

/// What happens to one call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fault {
    Pass,
    /// The line is cut before the server hears of the call.
    CutBefore,
    /// The server has done it, and its answer is lost.
    CutAfter,
    /// The answer breaks off after this share of it.
    Truncate(f64),
    Delay(Duration),
    /// The server gets it twice at the same time.
    Double,
    /// The proxy answers by itself; the seconds are a `Retry-After`.
    Status(u16, Option<u32>),
    /// A page of a stranger: a captive portal, a gateway's error page.
    Page(u16),
    Empty(u16),
}

impl Fault {
    fn name(self) -> String {
        match self {
            Fault::Pass => "passed".into(),
            Fault::CutBefore => "cut before".into(),
            Fault::CutAfter => "cut after".into(),
            Fault::Truncate(_) => "truncated".into(),
            Fault::Delay(_) => "delayed".into(),
            Fault::Double => "doubled".into(),
            Fault::Status(status, _) => format!("status {status}"),
            Fault::Page(status) => format!("page {status}"),
            Fault::Empty(status) => format!("empty {status}"),
        }
    }
}

/// What a plan is told of a call.
pub(crate) struct Call<'a> {
    pub(crate) path: &'a str,
}

type Plan = Box<dyn FnMut(&Call<'_>) -> Fault + Send>;

struct Line {
    upstream: String,
    client: Client<HttpConnector, Full<Bytes>>,
    plan: Mutex<Plan>,
    counts: Mutex<BTreeMap<String, u64>>,
    trace: Mutex<Vec<String>>,
}

pub(crate) struct Proxy {
    pub(crate) url: String,
    line: Arc<Line>,
}

impl Proxy {
    /// Before the world's gateway, at an address of its own; passes all on until it is given a plan.
    pub(crate) fn before(world: &World) -> Proxy {
        let listener = world.runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let line = Arc::new(Line {
            upstream: world.cloud.url.clone(),
            client: Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http(),
            plan: Mutex::new(Box::new(|_| Fault::Pass)),
            counts: Mutex::default(),
            trace: Mutex::default(),
        });
        let shared = Arc::clone(&line);
        world.runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let line = Arc::clone(&shared);
                tokio::spawn(async move {
                    let service = hyper::service::service_fn(|request| answer(Arc::clone(&line), request));
                    // A cut line ends here, as it is meant to.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Proxy { url, line }
    }

    pub(crate) fn plan(&self, plan: impl FnMut(&Call<'_>) -> Fault + Send + 'static) {
        *self.line.plan.lock().unwrap() = Box::new(plan);
    }

    pub(crate) fn quiet(&self) {
        self.plan(|_| Fault::Pass);
    }

    /// How often it did what.
    pub(crate) fn counts(&self) -> BTreeMap<String, u64> {
        self.line.counts.lock().unwrap().clone()
    }

    /// Every call and what was done to it, in order.
    pub(crate) fn trace(&self) -> Vec<String> {
        self.line.trace.lock().unwrap().clone()
    }
}

async fn answer(line: Arc<Line>, request: Request<Incoming>) -> Result<Response<Body>, Failed> {
    let path = request.uri().path().to_owned();
    let fault = (line.plan.lock().unwrap())(&Call { path: &path });
    *line.counts.lock().unwrap().entry(fault.name()).or_default() += 1;
    line.trace.lock().unwrap().push(format!("{} {path}: {}", request.method(), fault.name()));
    let (head, body) = request.into_parts();
    // A call that is answered by the proxy is read all the same, as a server would.
    let body = body.collect().await?.to_bytes();
    let again = || {
        let target = format!("{}{}", line.upstream, head.uri);
        let mut request = Request::builder().method(head.method.clone()).uri(target);
        for (name, value) in head.headers.iter().filter(|(name, _)| !hop_by_hop(name)) {
            request = request.header(name, value);
        }
        request.body(Full::new(body.clone())).unwrap()
    };
    match fault {
        Fault::CutBefore => Err("the line is cut".into()),
        Fault::Status(status, retry_after) => {
            let mut answer = Response::builder().status(status).header(header::CONTENT_TYPE, "application/json");
            if let Some(seconds) = retry_after {
                answer = answer.header(header::RETRY_AFTER, seconds);
            }
            Ok(answer.body(whole(r#"{"message":"the line says no"}"#.into()))?)
        }
        Fault::Page(status) => {
            let page = "<!doctype html><title>Welcome</title><p>Accept the terms of this network.</p>";
            let answer = Response::builder().status(status).header(header::CONTENT_TYPE, "text/html");
            Ok(answer.body(whole(page.into()))?)
        }
        Fault::Empty(status) => Ok(Response::builder().status(status).body(whole(Bytes::new()))?),
        Fault::Delay(wait) => {
            tokio::time::sleep(wait).await;
            pass(&line, again(), None).await
        }
        Fault::Double => {
            let (first, second) = tokio::join!(pass(&line, again(), None), pass(&line, again(), None));
            drop(first);
            second
        }
        Fault::CutAfter => {
            pass(&line, again(), None).await?.into_body().collect().await?;
            Err("the answer is lost".into())
        }
        Fault::Truncate(share) => pass(&line, again(), Some(share)).await,
        Fault::Pass => pass(&line, again(), None).await,
    }
}

fn hop_by_hop(name: &header::HeaderName) -> bool {
    [header::HOST, header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH].contains(name)
}

/// The server's answer, all of it or a share.
async fn pass(line: &Line, request: Request<Full<Bytes>>, share: Option<f64>) -> Result<Response<Body>, Failed> {
    let Ok(answer) = line.client.request(request).await else {
        return Ok(Response::builder().status(StatusCode::BAD_GATEWAY).body(whole(Bytes::new()))?);
    };
    let (mut head, body) = answer.into_parts();
    let body = body.collect().await?.to_bytes();
    head.headers.remove(header::CONNECTION);
    head.headers.remove(header::TRANSFER_ENCODING);
    let Some(share) = share else { return Ok(Response::from_parts(head, whole(body))) };
    head.headers.insert(header::CONTENT_LENGTH, body.len().into());
    let part = body.slice(..(body.len() as f64 * share) as usize);
    let pieces = stream::unfold(Some(part), async |part| match part {
        // Nothing can be cut off an answer without a body; its line is cut all the same.
        Some(part) if !part.is_empty() => Some((Ok(Frame::data(part)), Some(Bytes::new()))),
        Some(_) => {
            // What was written so far goes out before the line breaks.
            tokio::time::sleep(Duration::from_millis(2)).await;
            Some((Err(Failed::from("the answer breaks off")), None))
        }
        None => None,
    });
    Ok(Response::from_parts(head, BodyExt::boxed(StreamBody::new(Box::pin(pieces)))))
}

fn whole(bytes: Bytes) -> Body {
    BodyExt::boxed(Full::new(bytes).map_err(|never| match never {}))
}
