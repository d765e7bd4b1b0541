//! The plain program that ObjectOS is measured against: hyper and sqlx, one table, no platform. It does what a careful person
//! would write in an hour: a pool, prepared statements, WAL, JSON by serde.
#![allow(clippy::print_stdout)]

use anyhow::{Context, Result};
use bytes::Bytes;
use clap::Parser;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, Response, StatusCode, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use sqlx::{
    Row as _, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};
use std::{convert::Infallible, path::PathBuf};

#[derive(Debug, Parser)]
struct Cli {
    /// The database file; made if missing.
    #[arg(long)]
    database: PathBuf,
    /// `NORMAL` or `FULL`.
    #[arg(long, default_value = "NORMAL")]
    synchronous: String,
}

/// The same columns as the account of the CRM example has when the benchmark fills it.
#[derive(Debug, Serialize, Deserialize)]
struct Account {
    #[serde(default)]
    id: String,
    name: String,
    industry: Option<String>,
    phone: Option<String>,
    website: Option<String>,
    annual_revenue: Option<f64>,
    employees: Option<i64>,
    #[serde(default)]
    created_at: String,
    #[serde(default)]
    updated_at: String,
}

fn account_of(row: &SqliteRow) -> Result<Account> {
    Ok(Account {
        id: row.try_get(0)?,
        name: row.try_get(1)?,
        industry: row.try_get(2)?,
        phone: row.try_get(3)?,
        website: row.try_get(4)?,
        annual_revenue: row.try_get(5)?,
        employees: row.try_get(6)?,
        created_at: row.try_get(7)?,
        updated_at: row.try_get(8)?,
    })
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    let synchronous = if cli.synchronous == "FULL" {
        SqliteSynchronous::Full
    } else {
        SqliteSynchronous::Normal
    };
    let options = SqliteConnectOptions::new()
        .filename(&cli.database)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .busy_timeout(std::time::Duration::from_secs(5))
        .synchronous(synchronous);
    let pool = SqlitePoolOptions::new()
        .max_connections(4)
        .test_before_acquire(false)
        .connect_with(options)
        .await?;
    sqlx::query(
        "CREATE TABLE IF NOT EXISTS account (id TEXT PRIMARY KEY, name TEXT NOT NULL, industry TEXT, phone TEXT, \
         website TEXT, annual_revenue REAL, employees INTEGER, created_at TEXT NOT NULL, updated_at TEXT NOT NULL)",
    )
    .execute(&pool)
    .await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let pool = pool.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(pool.clone(), request));
            // A client that goes away is no fault of the server.
            drop(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await,
            );
        });
    }
}

async fn answer(pool: SqlitePool, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (status, body) = match handle(&pool, request).await {
        Ok(Some(answer)) => answer,
        Ok(None) => (StatusCode::NOT_FOUND, b"{\"error\":\"not found\"}".to_vec()),
        Err(error) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("{{\"error\":\"{error}\"}}").into_bytes(),
        ),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(
        hyper::header::CONTENT_TYPE,
        hyper::header::HeaderValue::from_static("application/json"),
    );
    Ok(response)
}

async fn handle(pool: &SqlitePool, request: Request<Incoming>) -> Result<Option<(StatusCode, Vec<u8>)>> {
    if request.method() == Method::POST {
        let body = request.into_body().collect().await?.to_bytes();
        let mut account: Account = serde_json::from_slice(&body).context("read the body")?;
        account.id = format!(
            "{:032x}",
            std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)?
                .as_nanos()
        );
        account.created_at = "2026-01-01T00:00:00.000Z".to_owned();
        account.updated_at.clone_from(&account.created_at);
        sqlx::query("INSERT INTO account VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
            .bind(&account.id)
            .bind(&account.name)
            .bind(&account.industry)
            .bind(&account.phone)
            .bind(&account.website)
            .bind(account.annual_revenue)
            .bind(account.employees)
            .bind(&account.created_at)
            .bind(&account.updated_at)
            .execute(pool)
            .await?;
        return Ok(Some((StatusCode::CREATED, serde_json::to_vec(&account)?)));
    }
    let id = request.uri().path().rsplit('/').next().unwrap_or_default();
    let row = sqlx::query("SELECT * FROM account WHERE id = ?")
        .bind(id)
        .fetch_optional(pool)
        .await?;
    row.map(|row| Ok((StatusCode::OK, serde_json::to_vec(&account_of(&row)?)?)))
        .transpose()
}
