//! Expressions of the kind that apps are made of.

use objectos_expression::{
    Checker, FieldScope, OpenScope, RecordEnvironment, Type, check, check_condition, evaluate, holds, to_filter,
};
use serde_json::{Value as Json, json};

/// 2026-01-15T12:30:45Z
const NOW_MS: i64 = 1_768_480_245_000;

fn scope() -> FieldScope {
    use Type::{Boolean, Date, DateTime, Number, Text};
    FieldScope::new([
        ("amount", Number),
        ("probability", Number),
        ("discount", Number),
        ("contract_term_months", Number),
        ("renewal_notice_days", Number),
        ("num_sent", Number),
        ("num_responses", Number),
        ("sales_total", Number),
        ("tax_rate", Number),
        ("stage", Text),
        ("status", Text),
        ("first_name", Text),
        ("last_name", Text),
        ("owner", Text),
        ("resolution", Text),
        ("customer", Text),
        ("customer.credit_score", Number),
        ("customer.payment_history", Text),
        ("is_closed", Boolean),
        ("start_date", Date),
        ("end_date", Date),
        ("created_date", DateTime),
        ("closed_date", DateTime),
    ])
}

fn formula(source: &str, record: Json, expected: Json) {
    let checked = check(source, &scope()).unwrap_or_else(|errors| panic!("{source}: {}", errors[0]));
    assert_eq!(
        evaluate(&checked, &RecordEnvironment::new(&record, NOW_MS))
            .unwrap()
            .to_json(),
        expected,
        "{source}"
    );
}

#[test]
fn formula_fields() {
    formula(
        "IF(num_sent > 0, (num_responses / num_sent) * 100, 0)",
        json!({"num_sent": 200, "num_responses": 30}),
        json!(15),
    );
    formula(
        "IF(num_sent > 0, (num_responses / num_sent) * 100, 0)",
        json!({"num_sent": 0, "num_responses": 30}),
        json!(0),
    );
    formula(
        "amount * (probability / 100)",
        json!({"amount": 5000, "probability": 40}),
        json!(2000),
    );
    formula("amount * (probability / 100)", json!({"amount": 5000}), json!(null));
    formula(
        "first_name + \" \" + last_name",
        json!({"first_name": "Jane", "last_name": "Smith"}),
        json!("Jane Smith"),
    );
    formula(
        "TRIM(CONCAT(first_name, ' ', last_name))",
        json!({"last_name": "Smith"}),
        json!("Smith"),
    );
    formula(
        "CASE(stage, 'proposal', 60, 'closed_won', 100, probability)",
        json!({"stage": "other", "probability": 7}),
        json!(7),
    );
    formula(
        "HOURS(created_date, closed_date)",
        json!({"created_date": "2026-01-01T00:00:00Z", "closed_date": "2026-01-02T06:00:00Z"}),
        json!(30),
    );
    formula(
        "if (sales_total > 100000) { return 0.15; } else if (sales_total > 50000) { return 0.10; } else { return 0.02; }",
        json!({"sales_total": 75000}),
        json!(0.1),
    );
    let risk = "
        let score = 0;
        if (customer.credit_score < 600) {
          score += 40;
        } else if (customer.credit_score < 700) {
          score += 20;
        }
        if (amount > 100000) { score += 30; } else if (amount > 50000) { score += 15; }
        if (customer.payment_history === 'poor') { score += 30; } else if (customer.payment_history === 'fair') { score += 15; }
        return score;";
    formula(
        risk,
        json!({"amount": 60000, "customer": {"credit_score": 650, "payment_history": "fair"}}),
        json!(50),
    );
    formula(
        risk,
        json!({"amount": 1, "customer": {"credit_score": 800, "payment_history": "good"}}),
        json!(0),
    );
}

#[test]
fn validations_and_criteria() {
    let check = |source: &str, record: Json, expected: bool| {
        let checked = check_condition(source, &scope()).unwrap_or_else(|errors| panic!("{source}: {}", errors[0]));
        let environment = RecordEnvironment::new(&record, NOW_MS);
        assert_eq!(holds(&checked, &environment), Ok(expected), "{source} {record}");
    };
    check(
        "end_date <= start_date",
        json!({"start_date": "2026-02-01", "end_date": "2026-01-31"}),
        true,
    );
    check("end_date <= start_date", json!({"start_date": "2026-02-01"}), false);
    check(
        "MONTH_DIFF(end_date, start_date) != contract_term_months",
        json!({"start_date": "2026-01-01", "end_date": "2027-01-01", "contract_term_months": 12}),
        false,
    );
    check(
        "DAYS_UNTIL(end_date) <= renewal_notice_days AND status = \"activated\"",
        json!({"end_date": "2026-02-01", "renewal_notice_days": 30, "status": "activated"}),
        true,
    );
    check(
        "status = \"closed\" AND ISBLANK(resolution)",
        json!({"status": "closed", "resolution": ""}),
        true,
    );
    check(
        "end_date < TODAY() AND status NOT IN (\"accepted\", \"rejected\")",
        json!({"end_date": "2026-01-14", "status": "sent"}),
        true,
    );
    check("discount > 100", json!({"discount": null}), false);
    check(
        "amount > 100000 && stage === 'proposal'",
        json!({"amount": 100001, "stage": "proposal"}),
        true,
    );
}

#[test]
fn row_filters_fail_closed() {
    let user = json!({"id": "u1", "tenant_id": "t1", "roles": []});
    let matches = |source: &str, record: &Json, user: Option<&Json>| {
        let filter = to_filter(&check_condition(source, &scope()).unwrap()).unwrap();
        let environment = RecordEnvironment::new(record, NOW_MS);
        let environment = match user {
            Some(user) => environment.with_user(user),
            None => environment,
        };
        filter
            .bind(&environment)
            .and_then(|filter| filter.matches(&environment))
    };
    let mine = json!({"owner": "u1", "status": "open"});
    assert_eq!(matches("owner = current_user.id", &mine, Some(&user)), Ok(true));
    assert_eq!(matches("owner = current_user.id", &mine, None), Ok(false));
    assert_eq!(matches("owner <> current_user.id", &mine, None), Ok(false));
    assert_eq!(matches("NOT (owner = current_user.id)", &mine, None), Ok(false));
    assert_eq!(
        matches("NOT owner IN (current_user.teams)", &mine, Some(&user)),
        Ok(false)
    );
    assert_eq!(
        matches("owner NOT IN (current_user.roles)", &mine, Some(&user)),
        Ok(true)
    );
    assert_eq!(matches("1 = 1", &mine, None), Ok(true));
}

#[test]
fn flow_conditions_may_put_variables_in_braces() {
    let run = |source: &str| {
        let checked = Checker::new(&OpenScope)
            .expecting(Type::Boolean)
            .with_placeholders()
            .check(source)
            .unwrap();
        let variables = json!({"approval_step": {"result": "approved"}, "count": 7});
        holds(&checked, &RecordEnvironment::new(&variables, NOW_MS))
    };
    assert_eq!(run("{approval_step.result} == \"approved\""), Ok(true));
    assert_eq!(run("{{count}} > 5 AND {approval_step.result} != 'approved'"), Ok(false));
    assert_eq!(run("true"), Ok(true));
}
