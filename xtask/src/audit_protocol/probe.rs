//! Strings to try on patterns and formats: some that fit, many that nearly do.

use serde_json::Value;

use super::view::Keywords;

/// Strings for one pattern: the first list fits, the second is for both sides to judge.
struct Probe {
    /// What the pattern begins with.
    pattern: &'static str,
    valid: &'static [&'static str],
    tricky: &'static [&'static str],
}

const NAMES: &[&str] = &[
    "",
    "a",
    "ab",
    "Ab",
    "aB",
    "_a",
    "a_",
    "1a",
    "a1",
    "a-b",
    "a.b",
    "a b",
    ".a",
    "a.",
    "*",
    "a*",
    "é",
    "a\n",
    "v1",
    "v 1",
    "V1.2-x_y",
    "/",
    "/a",
    "a/b",
    " /a",
    "__",
    "0",
    "-",
    "a..b",
    "user.*",
    "*.created",
];

const DOTTED: &[&str] = &[
    "",
    "a",
    "com",
    "com.acme",
    "com.a",
    "com.acme-x",
    "com.acme-x.y",
    "com.Acme.x",
    ".com.acme",
    "com..acme",
    "com.acme.",
    "1com.acme",
    "com.1acme",
    "com.acme_x",
    "protocol.x.v1",
    "com.protocol.x",
    "com.protocol.x.v",
    "com.protocol.x.v1.2",
    "com.protocol..v1",
    "com.protocol.x.v1a",
    "com.x.protocol.y.protocol.z.v3",
    "com.protocol.x-y.v1",
    "com.extension.x",
    "com.extension.xy",
    "com.extension.",
    "extension.menu",
    "com.extension.x-y",
    "com.interface.x",
    "com.interface.xy",
    "com.interface.1x",
    "interface.store",
    "com.interface.x.interface.y",
    "com.extension.extension.ab",
];

const PROBES: &[Probe] = &[
    Probe {
        pattern: "^[a-z_][a-z0-9_]*$",
        valid: &["account_name", "_a1", "x"],
        tricky: NAMES,
    },
    Probe {
        pattern: "^[a-z][a-z0-9_]*$",
        valid: &["account_name", "a1"],
        tricky: NAMES,
    },
    Probe {
        pattern: "^[a-z][a-z0-9_.]*$",
        valid: &["in_progress", "a.b"],
        tricky: NAMES,
    },
    Probe {
        pattern: "^[a-z*][a-z0-9_.*]*$",
        valid: &["data.record.*", "*"],
        tricky: NAMES,
    },
    Probe {
        pattern: "^\\/",
        valid: &["/api/v1", "/"],
        tricky: NAMES,
    },
    Probe {
        pattern: "^[a-zA-Z0-9_\\-\\.]+$",
        valid: &["v1", "2026-01.beta_2"],
        tricky: NAMES,
    },
    Probe {
        pattern: "^[a-z0-9_-]+$",
        valid: &["acme-corp", "a_1"],
        tricky: NAMES,
    },
    Probe {
        pattern: "^(?!\\.)(?!.*\\.\\.)",
        valid: &["ada@example.com", "o'neil+tag@mail.example.co.uk"],
        tricky: &[
            "",
            "ada",
            "ada@",
            "@example.com",
            "ada@example",
            "ada@example.c",
            "ada@example.com1",
            ".ada@example.com",
            "ada.@example.com",
            "a..da@example.com",
            "ada@ex..ample.com",
            "ada@-example.com",
            "ada@example-.com",
            "ada @example.com",
            "ada@example.com ",
            "a@b@example.com",
            "ada@exam_ple.com",
            "é@example.com",
            "_@a.io",
            "-@a.io",
            "'@a.io",
            "'a@a.io",
            "a'@a.io",
            "ada@a.b.c.dd",
            "ADA@EXAMPLE.COM",
            "ada@example.com\n",
            "ada@1.2.io",
        ],
    },
    Probe {
        pattern: "^([0-9a-fA-F]{8}-",
        valid: &[
            "0190a0b1-7c2d-7e3f-8a4b-5c6d7e8f9a0b",
            "00000000-0000-0000-0000-000000000000",
        ],
        tricky: &[
            "",
            "0190a0b1",
            "0190a0b1-7c2d-0e3f-8a4b-5c6d7e8f9a0b",
            "0190a0b1-7c2d-9e3f-8a4b-5c6d7e8f9a0b",
            "0190a0b1-7c2d-4e3f-7a4b-5c6d7e8f9a0b",
            "0190A0B1-7C2D-4E3F-AA4B-5C6D7E8F9A0B",
            "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
            "0190a0b17c2d4e3f8a4b5c6d7e8f9a0b",
            "0190a0b1-7c2d-4e3f-8a4b-5c6d7e8f9a0g",
            "0190a0b1-7c2d-4e3f-8a4b-5c6d7e8f9a0b ",
        ],
    },
    Probe {
        pattern: "^(?:(?:\\d\\d[2468][048]",
        valid: &["2026-01-31T08:00:00Z", "2024-02-29T23:59:59.123Z", "2026-01-31T08:00Z"],
        tricky: &[
            "",
            "2026-01-31",
            "2026-01-31T08:00:00",
            "2026-01-31T08:00:00+00:00",
            "2026-01-31t08:00:00Z",
            "2026-01-31T08:00:00z",
            "2026-02-29T00:00:00Z",
            "2000-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T23:60:00Z",
            "2026-01-31T23:59:60Z",
            "2026-01-31T23:59:59.Z",
            "2026-01-31T8:00:00Z",
            "26-01-31T08:00:00Z",
            "2026-01-31 08:00:00Z",
            "2026-01-31T08Z",
            "2026-1-31T08:00:00Z",
            "2026-01-31T08:00:00.1234567890Z",
            " 2026-01-31T08:00:00Z",
        ],
    },
    Probe {
        pattern: "^([a-z][a-z0-9]*\\.)+[a-z][a-z0-9-]+$",
        valid: &["com.acme.sales-tools", "a.bc"],
        tricky: DOTTED,
    },
    Probe {
        pattern: "^([a-z][a-z0-9]*\\.)+protocol\\.[a-z][a-z0-9._]*\\.v\\d+$",
        valid: &["com.acme.protocol.storage.v1", "a.protocol.b_c.d.v12"],
        tricky: DOTTED,
    },
    Probe {
        pattern: "^([a-z][a-z0-9]*\\.)+extension\\.[a-z][a-z0-9._]+$",
        valid: &["com.acme.extension.menu", "a.extension.b.c"],
        tricky: DOTTED,
    },
    Probe {
        pattern: "^([a-z][a-z0-9]*\\.)+interface\\.[a-z][a-z0-9._]+$",
        valid: &["com.acme.interface.store", "a.interface.b_c"],
        tricky: DOTTED,
    },
    Probe {
        pattern: "^[a-z][a-z0-9_]{1,19}$",
        valid: &["crm", "sales_2"],
        tricky: NAMES,
    },
    Probe {
        pattern: "^[a-z][a-z0-9-]*$",
        valid: &["deploy-now", "a"],
        tricky: NAMES,
    },
    Probe {
        pattern: "^\\d+\\.\\d+\\.\\d+$",
        valid: &["1.0.0", "10.20.30"],
        tricky: &[
            "",
            "1",
            "1.0",
            "1.0.0.0",
            "v1.0.0",
            "1.0.0-beta",
            "1.0.x",
            "01.0.0",
            " 1.0.0",
            "1..0",
            "1.0.",
            "99999999999999999999.0.0",
        ],
    },
    Probe {
        pattern: "uri",
        valid: &["https://example.com/a?b=c#d", "urn:isbn:123"],
        tricky: &[
            "",
            "example.com",
            "/relative",
            "http//x",
            "https://exa mple.com",
            "1http://x",
            "mailto:ada@example.com",
        ],
    },
];

fn probe_for(member: &Keywords) -> Option<&'static Probe> {
    let text = |key: &str| member.get(key).and_then(Value::as_str);
    let wanted = text("pattern").or_else(|| text("format"))?;
    let exact = PROBES.iter().find(|probe| probe.pattern == wanted);
    exact.or_else(|| {
        PROBES
            .iter()
            .find(|probe| probe.pattern.starts_with("^(") && wanted.starts_with(probe.pattern))
    })
}

/// A string that fits the schema.
pub(super) fn valid(member: &Keywords, choice: usize) -> String {
    let limit = |key: &str| {
        member
            .get(key)
            .and_then(Value::as_u64)
            .and_then(|limit| usize::try_from(limit).ok())
    };
    let (least, most) = (
        limit("minLength").unwrap_or(0),
        limit("maxLength").unwrap_or(usize::MAX),
    );
    if let Some(probe) = probe_for(member) {
        let fitting: Vec<&str> = probe
            .valid
            .iter()
            .copied()
            .filter(|text| (least..=most).contains(&text.chars().count()))
            .collect();
        return fitting[choice % fitting.len()].to_owned();
    }
    let text = if choice.is_multiple_of(2) {
        "text"
    } else {
        "Größe 😀"
    };
    let text: String = text.chars().take(most).collect();
    format!("{text}{}", "x".repeat(least.saturating_sub(text.chars().count())))
}

/// Strings for both sides to judge: near misses of the pattern, and strings at and beyond the limits of length.
pub(super) fn strings(member: &Keywords) -> Vec<String> {
    let mut strings: Vec<String> = probe_for(member)
        .into_iter()
        .flat_map(|probe| probe.valid.iter().chain(probe.tricky))
        .map(|text| (*text).to_owned())
        .collect();
    for (key, wider) in [("minLength", false), ("maxLength", true)] {
        let limit = member
            .get(key)
            .and_then(Value::as_u64)
            .and_then(|limit| usize::try_from(limit).ok());
        if let Some(limit) = limit {
            let beyond = if wider { limit + 1 } else { limit.saturating_sub(1) };
            strings.extend(
                [limit, beyond]
                    .into_iter()
                    .flat_map(|count| ["a".repeat(count), "é".repeat(count)]),
            );
        }
    }
    strings
}

/// Whether the pattern or format of a schema has strings here.
pub(super) fn knows(member: &Keywords) -> bool {
    let asks = member.contains_key("pattern") || member.contains_key("format");
    !asks || probe_for(member).is_some()
}
