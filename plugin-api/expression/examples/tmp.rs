#![allow(warnings, clippy::all)]
use objectos_expression::*;
use std::time::Instant;
fn main() {
    let scope = FieldScope::new([("amount", Type::Number), ("probability", Type::Number), ("stage", Type::Text), ("owner", Type::Text), ("close_date", Type::Date), ("first", Type::Text), ("last", Type::Text)]);
    let record = serde_json::json!({"id":"r1","amount": 1200.5, "probability": 40, "stage": "proposal", "owner": "u1", "close_date": "2026-01-31", "first":"Jane","last":"Smith"});
    let user = serde_json::json!({"id":"u1"});
    let env = RecordEnvironment::new(&record, 1_768_480_245_000).with_user(&user);
    for source in ["amount * (probability / 100)", "stage = 'proposal' AND amount > 1000", "stage NOT IN ('won','lost') AND owner = $current_user.id", "first & ' ' & last", "IF(amount > 1000, ROUND(amount, 2), 0)", "close_date < TODAY() AND NOT ISBLANK(stage)", "REGEX(stage, '[a-z]+')", "CASE(stage, 'a', 1, 'b', 2, 'proposal', 3)", "stage LIKE '%pos%'"] {
        let checked = check(source, &scope).unwrap();
        let n = 1_000_000;
        let t = Instant::now();
        for _ in 0..n { std::hint::black_box(evaluate(std::hint::black_box(&checked), &env).unwrap()); }
        let ns = t.elapsed().as_nanos() as f64 / n as f64;
        let t = Instant::now();
        for _ in 0..20_000 { std::hint::black_box(check(std::hint::black_box(source), &scope).unwrap()); }
        println!("{ns:7.1} ns eval, {:7.1} ns check  {source}", t.elapsed().as_nanos() as f64 / 20_000.0);
    }
}
