//! The generated references: settings, events and the command line, each made from the code it
//! describes and compared with its file. `make docs` writes them.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use kinora::config::Config;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn current(path: &str, wanted: &str) {
    if std::env::var_os("WRITE_DOCS").is_some() {
        fs::write(here(path), wanted).expect("written");
    }
    let found = fs::read_to_string(here(path)).unwrap_or_default();
    assert!(found == wanted, "{path} is out of date; run `make docs`");
}

#[test]
fn the_settings_reference_is_current() {
    current("docs/settings.md", &settings());
}

#[test]
fn the_events_reference_is_current() {
    current("docs/events.md", &events());
}

#[test]
fn the_command_line_reference_is_current() {
    current("docs/cli.md", &command_line());
}

/// One documented item of a Rust file: a struct or enum with its fields or variants.
struct Item {
    name: String,
    members: Vec<Member>,
}

struct Member {
    name: String,
    about: String,
    /// The type of a field, or the one that a variant wraps; else empty.
    kind: String,
    members: Vec<Member>,
}

/// Reads the items that begin with `pub KEYWORD ` from a formatted file.
fn items(source: &str, keyword: &str) -> Vec<Item> {
    let mut found: Vec<Item> = Vec::new();
    let mut about = String::new();
    let mut inside = false;
    for line in source.lines() {
        let indent = line.len() - line.trim_start().len();
        let text = line.trim();
        if let Some(words) = text.strip_prefix("///") {
            about.push_str(words);
        } else if let Some(rest) = line.strip_prefix(&format!("pub {keyword} ")) {
            inside = rest.trim_end().ends_with('{');
            let name = rest.trim_end_matches('{').trim().to_owned();
            found.push(Item { name, members: Vec::new() });
            about.clear();
        } else if line == "}" {
            inside = false;
            about.clear();
        } else if inside && !text.starts_with("#[") && text.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let item = found.last_mut().expect("an item is open");
            let (name, kind) = match text.trim_start_matches("pub ").split_once(": ") {
                Some((name, kind)) => (name, kind.trim_end_matches(',')),
                None => {
                    let (name, rest) = text.split_once([' ', ',', '(', '{']).unwrap_or((text, ""));
                    (name, rest.strip_suffix("),").unwrap_or_default())
                }
            };
            let member = Member {
                name: name.to_owned(),
                about: about.trim().to_owned(),
                kind: kind.to_owned(),
                members: Vec::new(),
            };
            about.clear();
            if indent == 4 {
                item.members.push(member);
            } else if let Some(parent) = item.members.last_mut() {
                parent.members.push(member);
            }
        } else if !text.starts_with("#[") {
            about.clear();
        }
    }
    found
}

fn settings() -> String {
    let read = |file: &str| fs::read_to_string(here(file)).expect("read");
    let files = [
        "src/config.rs",
        "src/config/billing.rs",
        "src/config/delivery.rs",
        "src/config/erasure.rs",
        "src/config/gateways.rs",
        "src/config/media.rs",
        "src/config/search.rs",
        "src/config/storage.rs",
    ];
    let source: String = files.into_iter().map(read).collect();
    let structs = items(&source, "struct");
    let enums = items(&source, "enum");
    let defaults = toml::Table::try_from(Config::default()).expect("defaults");
    let known = toml::Table::try_from(Config::known()).expect("keys");
    let mut text = String::from(
        "# Settings\n\nGenerated from `src/config.rs` by `make docs`; do not edit.\n\n\
         One TOML file (`--config FILE` or `KINORA_CONFIG`); environment variables go before it: `KINORA_` and the setting's name with\n\
         `__` between its parts, such as `KINORA_MAIL__SMTP_URL`; credentials of systemd (files in `CREDENTIALS_DIRECTORY` with a setting's name, such as\n\
         `mail.smtp_url`) go before those; options of the command line go before all. The installed program reads `/etc/kinora/kinora.toml` when no file is\n\
         named. `[cdn]` may still be called `[delivery.cdn]`, and `billing.geoip_db` may stand at the top as `geoip_db`. An unknown name is an error\n\
         that names the nearest known one. `kinora config show` prints what is in force, with secrets masked; `kinora config check --deploy`\n\
         lists what is not fit for the open internet.\n",
    );
    let top = structs.iter().find(|item| item.name == "Config").expect("Config");
    section(&mut text, "At the top", "", top, &structs, &enums, &known, &defaults);
    text
}

#[expect(clippy::too_many_arguments, reason = "one recursion over four views of the same tree")]
fn section(
    text: &mut String,
    title: &str,
    path: &str,
    item: &Item,
    structs: &[Item],
    enums: &[Item],
    known: &toml::Table,
    defaults: &toml::Table,
) {
    // A setting that `Config::known` forgets would be refused as unknown.
    for member in &item.members {
        assert!(known.contains_key(&member.name), "Config::known lacks {path}{}", member.name);
    }
    let (plain, tables): (Vec<&Member>, Vec<&Member>) =
        item.members.iter().partition(|member| !structs.iter().any(|item| item.name == member.kind));
    if !plain.is_empty() {
        let _ = write!(text, "\n## {title}\n\n| setting | default | meaning |\n| --- | --- | --- |\n");
    }
    for member in plain {
        let default =
            defaults.get(&member.name).map_or_else(|| "absent".to_owned(), |value| format!("`{value}`"));
        let words = enums.iter().find(|item| item.name == member.kind).map(|choices| {
            let each: Vec<String> = choices
                .members
                .iter()
                .map(|choice| {
                    format!(
                        "`\"{}\"`: {}",
                        choice.name.to_ascii_lowercase(),
                        choice.about.trim_end_matches('.')
                    )
                })
                .collect();
            format!(" {}.", each.join("; "))
        });
        let about = member.about.trim_end_matches('.');
        let _ =
            writeln!(text, "| `{path}{}` | {default} | {about}.{} |", member.name, words.unwrap_or_default());
    }
    for member in tables {
        let inner = structs.iter().find(|item| item.name == member.kind).expect("found before");
        let empty = toml::Table::new();
        let table = |of: &toml::Table| {
            of.get(&member.name).and_then(|value| value.as_table()).cloned().unwrap_or(empty.clone())
        };
        let name = format!("{path}{}", member.name);
        section(
            text,
            &format!("`[{name}]`: {}", member.about.trim_end_matches('.')),
            &format!("{name}."),
            inner,
            structs,
            enums,
            &table(known),
            &table(defaults),
        );
    }
}

/// The Rust files of the domain, sorted.
fn domain_files() -> Vec<PathBuf> {
    let mut waiting = vec![here("src/domain")];
    let mut files = Vec::new();
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).expect("listed") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// The words of each call of `decider!`: aggregate, command, event, error, category.
fn deciders(source: &str) -> Vec<Vec<String>> {
    source
        .split("decider!(")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .map(|call| {
            call.split(',')
                .map(|word| word.trim().trim_matches('"').to_owned())
                .filter(|word| !word.is_empty())
                .collect()
        })
        .filter(|words: &Vec<String>| words.len() >= 5 && words[2].ends_with("Event"))
        .collect()
}

fn events() -> String {
    let mut categories: Vec<(String, String)> = Vec::new();
    let (mut enums, mut structs): (Vec<Item>, Vec<Item>) = (Vec::new(), Vec::new());
    for file in domain_files() {
        if file.ends_with("shared/aggregate.rs") {
            continue;
        }
        let source = fs::read_to_string(&file).expect("read");
        categories.extend(deciders(&source).into_iter().map(|words| (words[4].clone(), words[2].clone())));
        enums.extend(items(&source, "enum").into_iter().filter(|item| item.name.ends_with("Event")));
        structs.extend(items(&source, "struct"));
    }
    categories.sort();
    assert!(categories.len() >= 8, "{categories:?}");
    let mut text = String::from(
        "# Events\n\nGenerated from `src/domain` by `make docs`; do not edit.\n\n\
         Every change is one of these, in the table `events`, for ever. A stream is called `category-id`. Each event also carries when it\n\
         was recorded and when it took effect, who gave the command, what it followed from (causation) and what it belongs to (correlation).\n\
         Personal values are never in an event: a `PersonalRef` names a sealed value in the vault, which can be destroyed.\n\
         `kinora events show STREAM` prints a stream, `kinora events export` all of them.\n",
    );
    for (category, name) in categories {
        let item = enums
            .iter()
            .find(|item| item.name == name)
            .unwrap_or_else(|| panic!("{name} is declared nowhere"));
        let _ = write!(text, "\n## {category}\n\n| event | meaning | carries |\n| --- | --- | --- |\n");
        for variant in &item.members {
            assert!(!variant.about.is_empty(), "{name}::{} has no doc comment", variant.name);
            let wrapped = structs.iter().find(|item| item.name == variant.kind);
            assert!(variant.kind.is_empty() || wrapped.is_some(), "{} is declared nowhere", variant.kind);
            let members = wrapped.map_or(&variant.members, |item| &item.members);
            let fields: Vec<String> = members.iter().map(|field| format!("`{}`", field.name)).collect();
            let _ = writeln!(text, "| `{}` | {} | {} |", variant.name, variant.about, fields.join(", "));
        }
    }
    text
}

fn command_line() -> String {
    let mut text = String::from(
        "# Command line\n\nGenerated from `src/cli` by `make docs`; do not edit.\n\n\
         Exit status: 0 done, 1 failed, 2 wrong usage. With `--json` a command prints one JSON object on standard output and nothing else\n\
         there. Every command works beside a running server and without one.\n",
    );
    let mut program = kinora::cli::Cli::command().term_width(100);
    program.build();
    describe(&mut text, &mut program, "kinora");
    text
}

fn describe(text: &mut String, command: &mut clap::Command, path: &str) {
    let help = command.render_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    let _ = write!(text, "\n## {path}\n\n```text\n{}\n```\n", help.join("\n").trim());
    let names: Vec<String> = command
        .get_subcommands()
        .map(|sub| sub.get_name().to_owned())
        .filter(|name| name != "help")
        .collect();
    for name in names {
        if let Some(sub) = command.find_subcommand_mut(&name) {
            describe(text, sub, &format!("{path} {name}"));
        }
    }
}

#[test]
fn every_documented_setting_of_the_package_is_known() {
    let packaged = fs::read_to_string(here("deploy/etc/kinora/kinora.toml")).expect("read");
    // Commented-out settings count too: people take the mark away.
    let all: String = packaged
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(setting)
                if setting
                    .split_once(" = ")
                    .is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_lowercase() || c == '_')) =>
            {
                setting
            }
            _ => line,
        })
        .collect::<Vec<_>>()
        .join("\n");
    let folder = tempfile::TempDir::new().expect("a folder");
    let file = folder.path().join("kinora.toml");
    fs::write(&file, all).expect("written");
    kinora::config::read_only(Some(&file), toml::Table::new()).expect("every setting is known");
}
