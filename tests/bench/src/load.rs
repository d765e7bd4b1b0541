//! A small load generator: one thread, some keep-alive connections, one request after the other on each. It counts answers
//! with the expected status; anything else ends the measurement with an error, so that a fast failure is never a good figure.

use anyhow::{Context, Result, bail, ensure};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::host::authorization;

/// What is sent, over and over.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    /// The whole request, head and body.
    pub(crate) request: Vec<u8>,
    pub(crate) expected_status: u16,
    pub(crate) connections: usize,
}

impl Load {
    pub(crate) fn get(address: SocketAddr, token: &str, path: &str, connections: usize) -> Self {
        let by = authorization(token);
        let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n{by}\r\n").into_bytes();
        Self {
            address,
            request,
            expected_status: 200,
            connections,
        }
    }

    pub(crate) fn post(address: SocketAddr, token: &str, path: &str, body: &str, connections: usize) -> Self {
        let by = authorization(token);
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\n{by}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        Self {
            address,
            request: request.into_bytes(),
            expected_status: 201,
            connections,
        }
    }

    /// Requests per second over `duration`, after a tenth of it as warm-up.
    pub(crate) fn run(&self, duration: Duration) -> Result<f64> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            self.drive(duration / 10).await?;
            let begun = Instant::now();
            let count = self.drive(duration).await?;
            Ok(f64::from(u32::try_from(count)?) / begun.elapsed().as_secs_f64())
        })
    }

    async fn drive(&self, duration: Duration) -> Result<u64> {
        let end = Instant::now() + duration;
        let mut tasks = JoinSet::new();
        for _ in 0..self.connections {
            let load = self.clone();
            tasks.spawn(async move { load.connection(end).await });
        }
        let mut total = 0;
        while let Some(count) = tasks.join_next().await {
            total += count??;
        }
        Ok(total)
    }

    async fn connection(&self, end: Instant) -> Result<u64> {
        let mut stream = TcpStream::connect(self.address).await.context("connect")?;
        stream.set_nodelay(true)?;
        let (mut buffer, mut count) = (Vec::with_capacity(16 * 1024), 0);
        while Instant::now() < end {
            stream.write_all(&self.request).await?;
            self.read_answer(&mut stream, &mut buffer).await?;
            count += 1;
        }
        Ok(count)
    }

    async fn read_answer(&self, stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<()> {
        buffer.clear();
        let head = loop {
            if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            ensure!(stream.read_buf(buffer).await? > 0, "the server closed the connection");
        };
        let text = std::str::from_utf8(&buffer[..head])?;
        let status = text.get(9..12).unwrap_or_default();
        if status != self.expected_status.to_string() {
            bail!(
                "expected {}, got: {}",
                self.expected_status,
                String::from_utf8_lossy(buffer)
            );
        }
        let length = text
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .context("an answer without content-length")?
            .1;
        let total = head + length.trim().parse::<usize>()?;
        while buffer.len() < total {
            ensure!(stream.read_buf(buffer).await? > 0, "the server closed the connection");
        }
        Ok(())
    }
}
