use prometheus::Registry;

use super::{Metrics, markdown, sample_host};

fn fresh() -> Metrics {
    Metrics::new(&Registry::new()).expect("every family has a name of its own")
}

#[test]
fn every_family_is_named_for_kinora_and_explained() {
    let metrics = fresh();
    assert!(metrics.families().len() > 50);
    for family in metrics.families() {
        assert!(family.name.starts_with("kinora_"), "{}", family.name);
        assert!(family.help.ends_with('.'), "{} needs a whole sentence", family.name);
        assert_eq!(family.kind == "counter", family.name.ends_with("_total"), "{}", family.name);
    }
}

#[test]
fn a_second_declaration_in_the_same_registry_is_refused() {
    let registry = Registry::new();
    let _first = Metrics::new(&registry).expect("first");
    assert!(Metrics::new(&registry).is_err());
}

#[test]
fn the_text_holds_series_before_anything_happened() {
    let metrics = fresh();
    metrics.know_actor("media");
    metrics.know_job("clock-tick");
    let text = metrics.render().expect("renders");
    for series in [
        r#"kinora_payments_total{gateway="sandbox",outcome="declined"} 0"#,
        r#"kinora_actor_mailbox_refused_total{actor="media"} 0"#,
        r#"kinora_scheduled_runs_total{command="clock-tick",outcome="failed"} 0"#,
    ] {
        assert!(text.contains(series), "{series} is missing");
    }
}

#[test]
fn a_sample_of_the_host_has_its_memory_disk_and_processors() {
    let metrics = fresh();
    sample_host(&metrics, std::path::Path::new("/"));
    assert!(metrics.host.cpus.get() >= 1);
    assert!(metrics.host.memory_total.get() > metrics.host.memory_available.get());
    assert!(metrics.host.disk_total.get() >= metrics.host.disk_free.get());
    assert!(metrics.host.process_resident.get() > 0);
    let before = metrics.host.process_cpu.get();
    sample_host(&metrics, std::path::Path::new("/"));
    assert!(metrics.host.process_cpu.get() >= before);
}

#[test]
fn the_reference_on_disk_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");
    let wanted = markdown(&fresh());
    if std::env::var_os("WRITE_DOCS").is_some() {
        std::fs::write(path, &wanted).expect("docs/metrics.md can be written");
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(found == wanted, "docs/metrics.md is out of date; run `make docs`");
}
