//! A large upload whose connection is cut again and again arrives whole, and little is sent twice.

use super::{begin, number, offset, patch};
use crate::accounts::{person, signed_in};
use crate::media::wait;
use crate::support::Studio;
use kinora::domain::shared::Role;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const PIECE: u64 = 64 << 10;
/// At most so much may be sent twice after a cut.
const TWICE: u64 = 8 << 20;

/// The content of one piece: noise that anybody can make again.
fn piece(number: u64) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(PIECE as usize);
    while bytes.len() < PIECE as usize {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes
}

/// The content from `at` on, in pieces, with a broken connection after `until`; counts what is handed over.
fn content(at: u64, until: u64, length: u64, handed: Arc<AtomicU64>) -> reqwest::Body {
    let stream = futures_util::stream::unfold(at, move |at| {
        let handed = Arc::clone(&handed);
        async move {
            if at >= length {
                return None;
            }
            if at >= until {
                let broken = std::io::Error::from(std::io::ErrorKind::ConnectionAborted);
                return Some((Err(broken), length));
            }
            let bytes = piece(at / PIECE).split_off((at % PIECE) as usize);
            let next = at + bytes.len() as u64;
            handed.store(next, Ordering::Relaxed);
            Some((Ok(bytes), next))
        }
    });
    reqwest::Body::wrap_stream(stream)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_cut_again_and_again_arrives_whole_and_little_is_sent_twice() {
    let cuts = number("UPLOAD_CUTS", 6);
    let length = number("UPLOAD_MIB", 24) << 20;
    let mut dice = StdRng::seed_from_u64(number("UPLOAD_SEED", 1));
    let studio = Studio::start_with(|c| c.limits.upload_bytes = length).await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let token = maker.get("/studio/uploads").await.hidden("_csrf").expect("token");
    let mut hash = Sha256::new();
    for n in 0..length / PIECE {
        hash.update(piece(n));
    }
    let hash = hex::encode(hash.finalize());

    let place = begin(&maker, &token, length, "Noise").await;
    let (mut at, mut most, mut again) = (0, 0, 0);
    let started = Instant::now();
    // Cut at any byte of the even share that follows.
    let mut ends: Vec<u64> = (1..=cuts).map(|n| length / (cuts + 1) * n).collect();
    for end in &mut ends {
        *end = end.saturating_sub(dice.random_range(0..length / (cuts + 1)));
    }
    for end in ends.iter().copied().filter(|end| *end > 0).chain([u64::MAX]) {
        let handed = Arc::new(AtomicU64::new(at));
        let sent = patch(&maker, &place, &token, at)
            .body(content(at, end, length, Arc::clone(&handed)))
            .send()
            .await;
        if end == u64::MAX {
            let sent = sent.expect("an answer");
            assert_eq!(sent.status(), 204, "{}", sent.text().await.unwrap_or_default());
            break;
        }
        // The studio may still be reading what the network held when it was cut.
        let until = Instant::now() + Duration::from_secs(30);
        let mut have = offset(&maker, &place, &token).await;
        loop {
            let probe = patch(&maker, &place, &token, have).body(Vec::new()).send().await.expect("an answer");
            match probe.status().as_u16() {
                204 => break,
                409 | 423 => {}
                other => panic!("{other}: {}", probe.text().await.unwrap_or_default()),
            }
            assert!(Instant::now() < until, "the upload stayed locked");
            tokio::time::sleep(Duration::from_millis(50)).await;
            have = offset(&maker, &place, &token).await;
        }
        assert!(have >= at, "what had arrived was lost: {have} after {at}");
        let twice = handed.load(Ordering::Relaxed).saturating_sub(have);
        most = most.max(twice);
        again += twice;
        assert!(twice <= TWICE, "{twice} bytes have to be sent twice");
        at = have;
    }
    let work = wait(&studio, "Noise", |w| !w.sha256.is_empty()).await;
    assert_eq!((work.sha256.as_str(), work.bytes), (hash.as_str(), length));
    println!(
        "{cuts} cuts of {} MiB in {:.0} s: at most {:.1} MiB sent twice after one, {:.1} MiB in all",
        length >> 20,
        started.elapsed().as_secs_f64(),
        most as f64 / f64::from(1 << 20),
        again as f64 / f64::from(1 << 20)
    );
    studio.close().await;
}
