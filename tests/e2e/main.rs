//! End to end: what the README promises, shown with the real host, real libraries and real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on fails, and says what it did"
)]

mod archive;
mod archive_s3;
mod audit;
mod audit_access;
mod audit_alarms;
mod audit_identity;
mod auth;
mod auth_clients;
mod auth_data;
mod auth_ends;
mod auth_limits;
mod auth_once;
mod auth_proofs;
mod auth_tokens;
mod cases;
mod clients;
mod configuration;
mod crash;
mod crm;
mod export;
mod files;
mod grants;
mod grants_held;
mod graphql;
mod host;
mod permissions;
mod plugins_cli;
mod postgres;
mod reach;
mod reach_teams;
mod readme;
mod realtime;
mod recent;
#[path = "../../plugins/storage/tests/it/s3_server.rs"]
mod s3_server;
mod secrets;
mod signed_in;
mod sockets;
mod sourcing;
mod swap;
mod third_party;
mod threads;
mod tls;
mod todo;
mod watcher;
mod webhooks;
mod zoo;
mod zoo_abi;
mod zoo_files;
mod zoo_principals;
mod zoo_swaps;
