//! The country of somebody whose billing country is not known yet, by a database of addresses. The databases are
//! written here, in the published format (MaxMind DB 2.0).

use crate::support::Studio;
use kinora::adapters::geoip::{self, GeoIp};
use kinora::domain::shared::tax::Country;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

fn text(s: &str) -> Vec<u8> {
    [&[0x40 | u8::try_from(s.len()).unwrap()], s.as_bytes()].concat()
}

fn map(pairs: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut out = vec![0xE0 | u8::try_from(pairs.len()).unwrap()];
    for (key, value) in pairs {
        out.extend(text(key));
        out.extend(value);
    }
    out
}

fn small(n: u16) -> Vec<u8> {
    [&[0xA2][..], &n.to_be_bytes()].concat()
}

/// A database that says for networks of IPv4 in which country they are; as one for both kinds of addresses.
fn database(networks: &[(Ipv4Addr, u32, &str)]) -> Vec<u8> {
    let (mut data, mut places) = (Vec::new(), BTreeMap::new());
    for (_, _, code) in networks {
        places.entry(*code).or_insert_with(|| {
            let at = data.len();
            data.extend(map(&[("country", map(&[("iso_code", text(code))]))]));
            at
        });
    }
    // A node has two branches: another node, data, or nothing.
    #[derive(Clone, Copy)]
    enum Branch {
        Nothing,
        Node(usize),
        Data(usize),
    }
    let mut nodes = vec![[Branch::Nothing; 2]];
    for (network, length, code) in networks {
        let bits = u128::from(u32::from(*network));
        let mut at = 0;
        let length = 96 + length;
        for depth in 0..length {
            let side = usize::from((bits >> (127 - depth)) & 1 == 1);
            if depth + 1 == length {
                nodes[at][side] = Branch::Data(places[code]);
                break;
            }
            at = match nodes[at][side] {
                Branch::Node(next) => next,
                _ => {
                    nodes.push([Branch::Nothing; 2]);
                    let next = nodes.len() - 1;
                    nodes[at][side] = Branch::Node(next);
                    next
                }
            };
        }
    }
    let mut out = Vec::new();
    for branches in &nodes {
        for branch in branches {
            let value = match branch {
                Branch::Nothing => nodes.len(),
                Branch::Node(next) => *next,
                Branch::Data(at) => nodes.len() + 16 + at,
            };
            out.extend(&u32::try_from(value).unwrap().to_be_bytes()[1..]);
        }
    }
    out.extend([0; 16]);
    out.extend(data);
    out.extend(b"\xAB\xCD\xEFMaxMind.com");
    let epoch = [&[0x08, 0x02][..], &1_700_000_000_u64.to_be_bytes()].concat();
    let count = [&[0xC4][..], &u32::try_from(nodes.len()).unwrap().to_be_bytes()].concat();
    out.extend(map(&[
        ("binary_format_major_version", small(2)),
        ("binary_format_minor_version", small(0)),
        ("build_epoch", epoch),
        ("database_type", text("Test-Country")),
        ("description", map(&[])),
        ("ip_version", small(6)),
        ("languages", vec![0x00, 0x04]),
        ("node_count", count),
        ("record_size", small(24)),
    ]));
    out
}

const GERMAN: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));
const AMERICAN: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));

fn known() -> Vec<u8> {
    database(&[(Ipv4Addr::new(203, 0, 113, 0), 24, "DE"), (Ipv4Addr::new(198, 51, 100, 0), 24, "US")])
}

#[tokio::test]
async fn it_is_read_once_and_again_when_the_file_changes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("countries.mmdb");
    let code = |c: Option<Country>| c.map(|c| c.code().to_owned());
    assert!(geoip::check(&file).unwrap_err().to_string().contains("cannot be read"));
    std::fs::write(&file, known()).unwrap();
    geoip::check(&file).expect("a good one");
    let geo = GeoIp::default();
    assert_eq!(code(geo.country(&file, GERMAN).await).as_deref(), Some("DE"));
    assert_eq!(code(geo.country(&file, AMERICAN).await).as_deref(), Some("US"));
    let mapped = IpAddr::V6(Ipv4Addr::new(203, 0, 113, 9).to_ipv6_mapped());
    assert_eq!(code(geo.country(&file, mapped).await).as_deref(), Some("DE"));
    for unknown in ["127.0.0.1", "203.0.114.1", "2001:db8::1", "::1"] {
        assert_eq!(geo.country(&file, unknown.parse().unwrap()).await, None, "{unknown}");
    }
    // Another edition; then one that is cut off: what was read is used on.
    std::fs::write(&file, database(&[(Ipv4Addr::new(203, 0, 112, 0), 20, "AT")])).unwrap();
    geo.refresh(&file).await;
    assert_eq!(code(geo.country(&file, GERMAN).await).as_deref(), Some("AT"));
    for broken in [&known()[..400], b"", b"hello"] {
        std::fs::write(&file, broken).unwrap();
        geo.refresh(&file).await;
        assert_eq!(code(geo.country(&file, GERMAN).await).as_deref(), Some("AT"));
        assert!(geoip::check(&file).unwrap_err().to_string().contains("no MaxMind DB file"));
    }
    std::fs::remove_file(&file).unwrap();
    geo.refresh(&file).await;
    assert_eq!(code(geo.country(&file, GERMAN).await).as_deref(), Some("AT"));
}

/// What the page of prices says to somebody who comes through the proxy from an address.
async fn prices(studio: &Studio, query: &str, forwarded: &str) -> String {
    let browser = studio.browser();
    let request = browser.client.get(format!("{}/join{query}", browser.url));
    browser.answer(request.header("x-forwarded-for", forwarded)).await.body
}

fn write(path: &Path) {
    std::fs::write(path, known()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_country_that_is_chosen_decides_then_the_address_then_the_studios_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("countries.mmdb");
    write(&file);
    let studio = Studio::start_with(|c| c.billing.geoip_db = Some(file.clone())).await;
    let cx = &studio.instance.services;
    let meta = kinora::store::Metadata::system("test", uuid::Uuid::now_v7(), cx.clock.now());
    kinora::actors::demo_plans::load(cx, &meta).await.expect("plans");
    studio.settle().await;
    let home = prices(&studio, "", "192.0.2.1").await;
    assert!(home.contains("customers in the Netherlands"), "{home}");
    assert!(prices(&studio, "", "203.0.113.7").await.contains("customers in Germany"));
    // The proxy adds the address it sees at the end; what stands before is anybody's word.
    assert!(prices(&studio, "", "198.51.100.7, 203.0.113.7").await.contains("customers in Germany"));
    assert!(prices(&studio, "", "203.0.113.7, 192.0.2.1").await.contains("customers in the Netherlands"));
    let american = prices(&studio, "", "198.51.100.7").await;
    assert!(american.contains("customers in the United States") && american.contains('$'), "{american}");
    assert!(prices(&studio, "?country=FR", "203.0.113.7").await.contains("customers in France"));
    assert!(prices(&studio, "?country=ZZ", "203.0.113.7").await.contains("customers in Germany"));
    // Nothing of it is kept.
    let client = studio.client().await;
    let kept: i64 = client
        .query_one("select count(*) from events where payload::text ~ '203.0.113|198.51.100' or metadata::text ~ '203.0.113|198.51.100'", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(kept, 0);
    drop(client);
    studio.close().await;
}
