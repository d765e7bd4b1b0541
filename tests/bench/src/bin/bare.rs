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
use std::{
    convert::Infallible,
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
};

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

#[derive(Debug, Serialize, Deserialize)]
struct Contact {
    #[serde(default)]
    id: String,
    name: String,
    account: String,
}

/// A contact with its account in the place of the account's id.
#[derive(Debug, Serialize)]
struct Expanded {
    id: String,
    name: String,
    account: Account,
}

impl Account {
    fn stamp(&mut self) -> Result<()> {
        self.id = new_id()?;
        self.created_at = "2026-01-01T00:00:00.000Z".to_owned();
        self.updated_at.clone_from(&self.created_at);
        Ok(())
    }

    async fn insert(&self, executor: impl sqlx::SqliteExecutor<'_>) -> Result<()> {
        sqlx::query("INSERT INTO account VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
            .bind(&self.id)
            .bind(&self.name)
            .bind(&self.industry)
            .bind(&self.phone)
            .bind(&self.website)
            .bind(self.annual_revenue)
            .bind(self.employees)
            .bind(&self.created_at)
            .bind(&self.updated_at)
            .execute(executor)
            .await?;
        Ok(())
    }
}

/// The time, and a number that keeps two of one moment apart.
fn new_id() -> Result<String> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(format!(
        "{:016x}{:016x}",
        now.as_micros(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    ))
}

/// Many rows in one transaction.
async fn bulk(pool: &SqlitePool, body: &[u8]) -> Result<(StatusCode, Vec<u8>)> {
    let mut accounts: Vec<Account> = serde_json::from_slice(body).context("read the body")?;
    let mut tx = pool.begin_with("BEGIN IMMEDIATE").await?;
    for account in &mut accounts {
        account.stamp()?;
        account.insert(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok((StatusCode::CREATED, serde_json::to_vec(&accounts)?))
}

async fn contact(pool: &SqlitePool, body: &[u8]) -> Result<(StatusCode, Vec<u8>)> {
    let mut contact: Contact = serde_json::from_slice(body).context("read the body")?;
    contact.id = new_id()?;
    sqlx::query("INSERT INTO contact VALUES (?, ?, ?)")
        .bind(&contact.id)
        .bind(&contact.name)
        .bind(&contact.account)
        .execute(pool)
        .await?;
    Ok((StatusCode::CREATED, serde_json::to_vec(&contact)?))
}

/// Twenty rows: alone, with their number, or with one relation each.
async fn list(pool: &SqlitePool, query: &str) -> Result<(StatusCode, Vec<u8>)> {
    if query == "relation" {
        let rows = sqlx::query(
            "SELECT a.*, c.id, c.name FROM contact c JOIN account a ON a.id = c.account ORDER BY c.id LIMIT 20",
        )
        .fetch_all(pool)
        .await?;
        let contacts: Vec<Expanded> = rows
            .iter()
            .map(|row| {
                let (id, name, account) = (row.try_get(9)?, row.try_get(10)?, account_of(row)?);
                Ok(Expanded { id, name, account })
            })
            .collect::<Result<_>>()?;
        return Ok((
            StatusCode::OK,
            serde_json::to_vec(&serde_json::json!({ "records": contacts }))?,
        ));
    }
    let rows = sqlx::query("SELECT * FROM account ORDER BY id LIMIT 20")
        .fetch_all(pool)
        .await?;
    let accounts: Vec<Account> = rows.iter().map(account_of).collect::<Result<_>>()?;
    let answer = if query == "total" {
        let total: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM account")
            .fetch_one(pool)
            .await?;
        serde_json::json!({ "records": accounts, "total": total })
    } else {
        serde_json::json!({ "records": accounts })
    };
    Ok((StatusCode::OK, serde_json::to_vec(&answer)?))
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
    sqlx::query("CREATE TABLE IF NOT EXISTS contact (id TEXT PRIMARY KEY, name TEXT NOT NULL, account TEXT NOT NULL)")
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
        let path = request.uri().path().to_owned();
        let body = request.into_body().collect().await?.to_bytes();
        if path == "/rows" {
            return bulk(pool, &body).await.map(Some);
        }
        if path == "/contact" {
            return contact(pool, &body).await.map(Some);
        }
        let mut account: Account = serde_json::from_slice(&body).context("read the body")?;
        account.stamp()?;
        account.insert(pool).await?;
        return Ok(Some((StatusCode::CREATED, serde_json::to_vec(&account)?)));
    }
    if request.uri().path() == "/rows" {
        return list(pool, request.uri().query().unwrap_or_default()).await.map(Some);
    }
    let id = request.uri().path().rsplit('/').next().unwrap_or_default();
    let row = sqlx::query("SELECT * FROM account WHERE id = ?")
        .bind(id)
        .fetch_optional(pool)
        .await?;
    row.map(|row| Ok((StatusCode::OK, serde_json::to_vec(&account_of(&row)?)?)))
        .transpose()
}
