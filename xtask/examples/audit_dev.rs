#[path = "../src/audit_protocol.rs"]
mod audit_protocol;
fn main() { let r = audit_protocol::run(std::env::args().nth(1).is_some()).unwrap(); std::process::exit(i32::from(!r.is_clean())); }
