//! The process that encodes: it gives the same bytes as threads of ours, and does not pass off half of a segment.

use kinora::media::Limits;
use kinora::media::av1::{Coder, EncodeSettings, apart, encode_segment};
use kinora::media::ladder::Size;
use kinora::media::probe::Colour;
use kinora::media::sandbox::{Cancel, Confinement, Sandbox};
use std::fs::Permissions;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

fn encoded(settings: &str, decoder: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_kinora"));
    program.args([apart::WORD, settings]).args(decoder).output().expect("it runs")
}

/// The frames of an IVF stream.
fn frames(mut stream: &[u8]) -> Vec<Vec<u8>> {
    assert_eq!(&stream[..4], b"DKIF");
    stream = &stream[32..];
    let mut all = vec![];
    while !stream.is_empty() {
        let length = u32::from_le_bytes(stream[..4].try_into().expect("four")) as usize;
        all.push(stream[12..12 + length].to_vec());
        stream = &stream[12 + length..];
    }
    all
}

fn segment(place: &Path) {
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=24:duration=1"])
        .args(["-c:v", "libx264", "-pix_fmt", "yuv420p"])
        .arg(place)
        .status();
    assert!(made.expect("ffmpeg").success());
}

#[test]
fn a_process_of_its_own_gives_the_bytes_that_threads_gave() {
    let folder = tempfile::tempdir().expect("folder");
    let source = folder.path().join("segment.mkv");
    segment(&source);
    let settings = EncodeSettings {
        size: Size { width: 160, height: 90 },
        rate: (24, 1),
        colour: Colour::default(),
        speed: 10,
        quantizer: 120,
        group: 144,
        coder: Coder::Rav1e,
    };
    let (sandbox, limits) = (Sandbox::detect(), Limits::default());
    let by_threads =
        encode_segment(&sandbox, &limits, &source, &settings, &Cancel::default(), |_| {}).expect("coded");
    assert_eq!(by_threads.units.len(), 24);

    let words = serde_json::to_string(&settings).expect("JSON");
    let input = source.to_string_lossy().into_owned();
    let raw = ["-strict", "-1", "-pix_fmt", "yuv420p", "-f", "yuv4mpegpipe", "pipe:1"];
    let decoder = [&["-nostdin", "-v", "error", "-i", &input][..], &raw].concat();
    let apart = encoded(&words, &decoder);
    assert!(apart.status.success(), "{}", String::from_utf8_lossy(&apart.stderr));
    let by_process = frames(&apart.stdout);
    assert_eq!(by_process, by_threads.units.into_iter().map(|(unit, _)| unit).collect::<Vec<_>>());

    // In each kind of sandbox that this machine has it reaches its segment and starts its decoder.
    let within = Confinement::Within { files: true, network: true };
    for sandbox in [sandbox, Sandbox::with(within), Sandbox::with(Confinement::LimitsOnly)] {
        let program = Path::new(env!("CARGO_BIN_EXE_kinora"));
        let mut job = sandbox.encoder_job(program, &limits, Duration::from_secs(300)).expect("a job");
        job.at_leisure();
        let seen = format!("file:{}", job.reads(&source).expect("there"));
        job.args([apart::WORD, &words, "-nostdin", "-v", "error", "-i", &seen]).args(raw);
        let mut running = match job.start(&Cancel::default()) {
            Err(e) if sandbox.confinement() == within => {
                eprintln!("not tried: {e}");
                continue;
            }
            started => started.expect("started"),
        };
        let mut out = vec![];
        running.stdout().expect("a pipe").read_to_end(&mut out).expect("read");
        running.finish().unwrap_or_else(|e| panic!("{:?}: {e}", sandbox.confinement()));
        assert_eq!(frames(&out), by_process, "{:?}", sandbox.confinement());
    }

    // A decoder that fails after its last frame: what came is not taken for all of it.
    let failing = folder.path().join("ffmpeg");
    std::fs::write(&failing, "#!/bin/sh\n/usr/bin/ffmpeg \"$@\"\nexit 3\n").expect("written");
    std::fs::set_permissions(&failing, Permissions::from_mode(0o755)).expect("a program");
    let mut program = Command::new(env!("CARGO_BIN_EXE_kinora"));
    program.env("PATH", folder.path()).args([apart::WORD, &words]).args(&decoder);
    let failed = program.output().expect("it runs");
    assert_eq!(frames(&failed.stdout).len(), 24);
    assert!(!failed.status.success());
    assert!(String::from_utf8_lossy(&failed.stderr).contains("the decoder failed"));

    std::fs::remove_file(&source).expect("gone");
    let none = encoded(&words, &decoder);
    assert!(!none.status.success());
    let said = String::from_utf8_lossy(&none.stderr).into_owned();
    assert!(said.contains("No such file"), "{said}");
    assert!(!encoded("{\"size\":1}", &decoder).status.success(), "settings of another version");
}
