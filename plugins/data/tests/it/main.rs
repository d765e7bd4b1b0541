//! The data plugin from outside: its engine over a real SQLite file, without a host.
