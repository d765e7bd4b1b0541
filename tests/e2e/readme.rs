//! The README's commands, run by bash as they stand, against a host that is started as `cargo xtask run` starts it: the CRM
//! example, an administrator, every plugin of the platform. Only the address and the place of the password are others.

use objectos_tests::{Host, HostBuilder, plugins::repository};
use serde_json::Value;
use std::{fs, process::Command};

const EMAIL: &str = "admin@example.com";
const PASSWORD: &str = "tangerine-otter-41";
/// What the README has in the place of what is different in each run.
const ADDRESS: &str = "127.0.0.1:3000";
const PASSWORD_FILE: &str = ".objectos/admin-password";
const TOKEN: &str = "Bearer …";
/// Begins the line that follows on the answer of a command.
const ANSWERED: &str = "--- answered ";
/// Lists that are there to show something.
const SHOWN: [&str; 2] = ["records", "hits"];

/// The first block of shell commands below a heading that has all of these words.
fn block<'a>(readme: &'a str, heading: &str, words: &[&str]) -> &'a str {
    let (_, section) = readme
        .split_once(&format!("\n{heading}\n"))
        .unwrap_or_else(|| panic!("the README has no `{heading}`"));
    let section = section.split("\n## ").next().unwrap_or_default();
    let mut blocks = section.split("```sh\n").skip(1);
    blocks
        .find_map(|rest| {
            let block = rest.split("```").next().unwrap_or_default();
            words.iter().all(|word| block.contains(word)).then_some(block)
        })
        .unwrap_or_else(|| panic!("no block below `{heading}` has all of {words:?}"))
}

/// Runs commands in one shell; what each `curl` answered, in their order.
fn answers(host: &Host, commands: &str) -> Vec<(String, Value)> {
    let mut script = String::new();
    let mut asked = Vec::new();
    for line in commands.lines() {
        assert!(!line.ends_with('\\'), "a command is a line here: {line}");
        script.push_str(&format!("{line}\n"));
        if line.starts_with("curl ") {
            script.push_str(&format!("printf '\\n%s%s\\n' '{ANSWERED}' \"$?\"\n"));
            asked.push(line);
        }
    }
    let output = Command::new("timeout")
        .args(["120", "bash", "-c", &script])
        .current_dir(host.folder())
        // Neither somebody's own settings nor a proxy take part.
        .env("HOME", host.folder())
        .env("no_proxy", "*")
        .output()
        .expect("bash and timeout can be started");
    let (said, failed) = (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    let ends: Vec<&str> = said.split(ANSWERED).collect();
    assert_eq!(ends.len(), asked.len() + 1, "not every command ended:\n{said}{failed}");
    let answer = |(number, line): (usize, &str)| {
        // What stands before it is the end of the command before.
        let (_, text) = match number {
            0 => ("", ends[0]),
            _ => ends[number].split_once('\n').unwrap_or_default(),
        };
        let code = ends[number + 1].lines().next().unwrap_or_default();
        assert_eq!(code, "0", "{line}\n{text}\n{failed}");
        let value: Value =
            serde_json::from_str(text).unwrap_or_else(|error| panic!("{line}: {error}\n{text}\n{failed}"));
        (line.to_owned(), value)
    };
    asked.into_iter().enumerate().map(answer).collect()
}

/// What a command promises: an answer that is no refusal, and something in it.
fn check(line: &str, answer: &Value) {
    let empty = answer.as_object().is_none_or(serde_json::Map::is_empty);
    assert!(!empty, "{line}: {answer}");
    assert_ne!(answer["success"], false, "{line}: {answer:#}");
    assert!(answer.get("error").is_none(), "{line}: {answer:#}");
    for list in SHOWN {
        let shows_nothing = answer[list].as_array().is_some_and(Vec::is_empty);
        assert!(!shows_nothing, "{line}: no {list}: {answer:#}");
    }
}

#[test]
fn what_to_try_answers_as_written() {
    let readme = fs::read_to_string(repository().join("README.md")).expect("the README");
    let builder = ["auth", "permissions", "audit", "notification", "realtime"]
        .into_iter()
        .fold(HostBuilder::new(), HostBuilder::plugin)
        .example("crm")
        .environment("OBJECTOS_ADMIN_EMAIL", EMAIL)
        .environment("OBJECTOS_ADMIN_PASSWORD", PASSWORD);
    let password = builder.folder().join("password-of-the-administrator");
    fs::write(&password, format!("{PASSWORD}\n")).expect("a password");
    let host = builder.start();
    let address = host.address().to_string();

    let words = [ADDRESS, PASSWORD_FILE, EMAIL, "curl() {"];
    let try_out = block(&readme, "## What to try", &words)
        .replace(ADDRESS, &address)
        .replace(PASSWORD_FILE, &password.display().to_string());
    let answered = answers(&host, &try_out);
    assert!(answered.len() > 1, "nothing to try:\n{try_out}");
    for (line, answer) in &answered {
        check(line, answer);
    }

    // The command that a start ends with, with the token of a session.
    let signed_in = &answered[0].1;
    let token = signed_in["data"]["token"]
        .as_str()
        .unwrap_or_else(|| panic!("the first thing to try is to sign in: {signed_in:#}"));
    let first = block(&readme, "## Two commands", &[ADDRESS, TOKEN])
        .replace(ADDRESS, &address)
        .replace(TOKEN, &format!("Bearer {token}"));
    let answered = answers(&host, &first);
    assert_eq!(answered.len(), 1, "{first}");
    check(&answered[0].0, &answered[0].1);
}
