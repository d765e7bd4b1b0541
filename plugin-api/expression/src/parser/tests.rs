use super::*;

/// The tree with a bracket around each operation.
fn shown(tree: &Syntax) -> String {
    use SyntaxKind as S;
    let all = |items: &[Syntax], separator: &str| items.iter().map(shown).collect::<Vec<_>>().join(separator);
    match &tree.kind {
        S::Literal(Value::Text(text)) => format!("'{text}'"),
        S::Literal(Value::Null) => "null".to_owned(),
        S::Literal(value) => value.to_text().into_owned(),
        S::Path(segments) => segments.join("."),
        S::List(items) => format!("[{}]", all(items, ", ")),
        S::Negate(inner) => format!("(- {})", shown(inner)),
        S::Not(inner) => format!("(not {})", shown(inner)),
        S::Arithmetic(operator, a, b) => format!("({} {} {})", shown(a), operator.symbol(), shown(b)),
        S::Concat(items) => format!("({})", all(items, " & ")),
        S::Compare(operator, a, b) => format!("({} {} {})", shown(a), operator.symbol(), shown(b)),
        S::And(items) => format!("({})", all(items, " and ")),
        S::Or(items) => format!("({})", all(items, " or ")),
        S::OrElse(items) => format!("({})", all(items, " || ")),
        S::Coalesce(items) => format!("({})", all(items, " ?? ")),
        S::If {
            condition,
            then,
            otherwise,
        } => format!("({} ? {} : {})", shown(condition), shown(then), shown(otherwise)),
        S::In { item, list } => format!("({} in {})", shown(item), all(list, ", ")),
        S::Like { text, pattern } => format!("({} like {})", shown(text), shown(pattern)),
        S::Between { item, low, high } => format!("({} between {} {})", shown(item), shown(low), shown(high)),
        S::IsNull(inner) => format!("({} is null)", shown(inner)),
        S::Call { name, arguments } => format!("{name}({})", all(arguments, ", ")),
        S::Method {
            receiver,
            name,
            arguments,
        } => format!("{}.{name}({})", shown(receiver), all(arguments, ", ")),
        S::Let { name, value, body, .. } => format!("(let {name} = {} in {})", shown(value), shown(body)),
    }
}

fn check(source: &str, expected: &str) {
    match parse(source, Dialect::default()) {
        Ok(tree) => assert_eq!(shown(&tree), expected, "{source}"),
        Err(fault) => assert_eq!(fault.locate(source).to_string(), expected, "{source}"),
    }
}

#[test]
fn operators_bind_as_documented() {
    check("1 + 2 * 3", "(1 + (2 * 3))");
    check("a - b - c", "((a - b) - c)");
    check("2 ^ 3 ** 2", "(2 ^ (3 ^ 2))");
    check("-2 ^ 2", "(- (2 ^ 2))");
    check("2 ^ -1", "(2 ^ -1)");
    check("-5 + -a", "(-5 + (- a))");
    check("a & b + c & d", "(a & (b + c) & d)");
    check(
        "a = 1 or b = 2 and not c = 3",
        "((a = 1) or ((b = 2) and (not (c = 3))))",
    );
    check("!a == b", "((not a) = b)");
    check("NOT (a) = b", "(not (a = b))");
    check("a || b && c", "(a || (b and c))");
    check("a ? b : c ? d : e", "(a ? b : (c ? d : e))");
    check("a ?? b || c", "(a ?? (b || c))");
    check("a?.5:1", "(a ? 0.5 : 1)");
    check("a === 1 && b !== 2 || c <> 3", "(((a = 1) and (b <> 2)) || (c <> 3))");
    check("x between 1 and 2 and y", "((x between 1 2) and y)");
    check("x not between 1 + 1 and 2", "(not (x between (1 + 1) 2))");
    check(
        "a IN (1, 2) and b not in ['x'] or c in d.e",
        "(((a in 1, 2) and (not (b in 'x'))) or (c in d.e))",
    );
    check(
        "a like 'x%' and not b not like c",
        "((a like 'x%') and (not (not (b like c))))",
    );
    check("a is null or b IS NOT NULL", "((a is null) or (not (b is null)))");
    check("a = null", "(a is null)");
    check("null != a.b", "(not (a.b is null))");
    check("AND(a, OR(b, NOT(c)))", "AND(a, OR(b, (not c)))");
    check("(1, 'b')", "[1, 'b']");
}

#[test]
fn words_texts_and_numbers_are_read() {
    check("record.and.or", "record.and.or");
    check("$current_user.id", "$current_user.id");
    check("account?.owner.name", "account.owner.name");
    check("name.toUpperCase().length", "name.toUpperCase().length()");
    check("`Hi ${a + `x${b}`}!`", "CONCAT('Hi ', (a + CONCAT('x', b)), '!')");
    check("``", "CONCAT()");
    check(r#"'O''Brien' & "a\"b\n\u00e9""#, "('O'Brien' & 'a\"b\né')");
    check(
        "1.5e3 + .5 + 9223372036854775807",
        "((1500 + 0.5) + 9223372036854775807)",
    );
    check("9223372036854775808", "9223372036854780000");
    check("a /* not b */ + c // d", "(a + c)");
    check("größe > 1", "(größe > 1)");
    check("TRUE = False", "(true = false)");
    check("undefined", "null");
}

#[test]
fn statement_blocks_become_one_expression() {
    check("return a + 1;", "(a + 1)");
    check("return (a);", "a");
    check(
        "if (a) { return 1; } else if (b) return 2; else { return 3 }",
        "(a ? 1 : (b ? 2 : 3))",
    );
    check("if (a) return 1; if (b) return 2; return 3;", "(a ? 1 : (b ? 2 : 3))");
    check("if (a) { return 1 }", "(a ? 1 : null)");
    check(
        "let x = 1; x += 2; return x * x",
        "(let x = 1 in (let x = (x + 2) in (x * x)))",
    );
    check(
        "let x; if (a) x = 1; else { x = 2; } return x",
        "(let x = null in (let x = (a ? (let x = 1 in x) : (let x = 2 in x)) in x))",
    );
    check(
        "let x = 1; let y = 2; if (a) { x = 3; y = 4; } return x + y",
        "(let x = 1 in (let y = 2 in (a ? (let x = 3 in (let y = 4 in (x + y))) : (x + y))))",
    );
    check(
        "if (a, b) { return 1 }",
        "line 1, column 6: expected `)` after the condition, found `,`",
    );
    check("if(a, 1, 2)", "if(a, 1, 2)");
    check(
        "let x = 1; y = 2; x",
        "line 1, column 19: `x` begins no statement; put `return` before the result",
    );
    check(
        "let x = 1; if (a) { let y = 2; x = y } return y",
        "(let x = 1 in (let x = (a ? (let y = 2 in (let x = y in x)) : x) in y))",
    );
    check(
        "if (a) { let y = 2; if (y) return 1 } return y",
        "line 1, column 14: `y` is declared inside a branch; declare it before the `if`",
    );
    check(
        "if (a) { return 1",
        "line 1, column 18: this block is not closed; end it with `}`",
    );
    check(
        "let x = 1, y = 2; return x",
        "line 1, column 10: one statement declares one variable; begin another `let`",
    );
}

#[test]
fn faults_name_place_and_remedy() {
    check("", "line 1, column 1: the expression is empty");
    check("  // nothing", "line 1, column 1: the expression is empty");
    check("5 +", "line 1, column 4: expected a value, found the end");
    check(
        "a b",
        "line 1, column 3: unexpected `b`; an operator such as + or AND is missing before it",
    );
    check(
        "1 < 2 < 3",
        "line 1, column 7: unexpected `<`; comparisons cannot be chained: join two of them with AND",
    );
    check(
        "a = 1 AND\n  OR b",
        "line 2, column 3: expected a value, found the operator OR; a field of that name is written `record.OR`",
    );
    check(
        "(1 + 2",
        "line 1, column 7: expected `)` at the end of the brackets, found the end",
    );
    check("IF(a, 'x'", "line 1, column 10: expected `,` or `)`, found the end");
    check("'open", "line 1, column 1: this text is not closed; end it with '");
    check("`a ${b", "line 1, column 4: `${` is not closed");
    check(
        "'\\u12'",
        "line 1, column 3: after \\u come four hexadecimal digits of a character",
    );
    check(
        "a @ b",
        "line 1, column 3: `@` has no meaning here; put text between quotes",
    );
    check(
        "name = “x”",
        "line 1, column 8: `“` has no meaning here; use straight quotes: \" or '",
    );
    check(
        "a | b",
        "line 1, column 3: `|` has no meaning here; the operator is `||` or OR",
    );
    check(
        "{amount} > 1",
        "line 1, column 1: unexpected `{`; braces belong into templates: write the name alone",
    );
    check("1e999", "line 1, column 1: the number `1e999` is too large");
    check(
        "12abc",
        "line 1, column 1: `12` runs into a name; a name begins with a letter",
    );
    check(
        "a is 5",
        "line 1, column 6: expected NULL after IS, found `5`; compare with `=`",
    );
    check(
        "a in (select b from c)",
        "line 1, column 7: queries inside expressions are not possible; use a path such as `account.owner`",
    );
    check(
        "a ? b",
        "line 1, column 6: expected `:` between the two branches of `? :`, found the end",
    );
    check("/* x", "line 1, column 1: this comment is not closed; end it with `*/`");
    check(
        "ä + §",
        "line 1, column 5: `§` has no meaning here; put text between quotes",
    );
}

#[test]
fn placeholders_are_brackets_only_where_asked_for() {
    let dialect = Dialect { placeholders: true };
    let tree = parse("{step.result} == 'ok' && {{ x }} > {y + 1}", dialect).unwrap();
    assert_eq!(shown(&tree), "((step.result = 'ok') and (x > (y + 1)))");
    assert!(parse("{x} + {{y}", dialect).is_err());
}

#[test]
fn depth_and_length_are_bounded() {
    for source in [
        "(".repeat(100_000),
        "(".repeat(5_000) + "1" + &")".repeat(5_000),
        "NOT ".repeat(3_000) + "a",
        "-".repeat(10_000) + "1",
        "a ? b : ".repeat(1_500) + "c",
        "1 + ".repeat(3_000) + "1",
        "f(".repeat(4_000),
        "if(a)".repeat(2_000) + "return 1",
        "x".to_owned() + &".a()".repeat(3_000),
        "2^".repeat(4_000) + "1",
        "`${".repeat(3_000) + &"}`".repeat(3_000),
        "if(a){x=1}".repeat(900) + "return 1",
        "let x=1;let y=1;".to_owned() + &"if(a){x=2;y=2}".repeat(500) + "return x",
    ] {
        let fault = parse(&source, Dialect::default()).map(|tree| shown(&tree)).unwrap_err();
        assert_eq!(
            fault.kind,
            ErrorKind::LimitExceeded,
            "{}: {}",
            &source[..20],
            fault.message
        );
    }
    // Wide is not deep.
    assert!(parse(&("a OR ".repeat(2_000) + "a"), Dialect::default()).is_ok());
    assert!(parse(&format!("x IN ({}1)", "1, ".repeat(3_000)), Dialect::default()).is_ok());
}
