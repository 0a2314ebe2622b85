//! Coded frames in a pipe (IVF): what another process that encodes gives.

use super::encode::{Segment, without_delimiter};
use crate::media::MediaTrouble;
use crate::media::sandbox::Cancel;
use std::io::{self, Read, Write};

/// Reads the coded frames from an IVF stream. `progress` hears the number of them after each.
pub(super) fn read(
    mut pipe: impl Read,
    cancel: &Cancel,
    progress: &mut impl FnMut(u64),
) -> Result<Segment, MediaTrouble> {
    /// No frame of a rung is larger.
    const MOST: u32 = 64 << 20;
    let broken = || MediaTrouble::internal("encoder: its stream is broken");
    let mut head = [0_u8; 32];
    pipe.read_exact(&mut head).map_err(|_| broken())?;
    if &head[..4] != b"DKIF" {
        return Err(broken());
    }
    let mut segment = Segment::default();
    loop {
        if cancel.is_cancelled() {
            return Err(MediaTrouble::Cancelled);
        }
        let mut frame = [0_u8; 12];
        match pipe.read(&mut frame[..1])? {
            0 => break,
            _ => pipe.read_exact(&mut frame[1..]).map_err(|_| broken())?,
        }
        let length = u32::from_le_bytes([frame[0], frame[1], frame[2], frame[3]]);
        if length > MOST {
            return Err(broken());
        }
        let mut unit = vec![0; length as usize];
        pipe.read_exact(&mut unit).map_err(|_| broken())?;
        let unit = without_delimiter(&unit);
        // A sequence header stands before key frames and nowhere else.
        let key = unit.first().is_some_and(|first| (first >> 3) & 15 == 1);
        segment.units.push((unit, key));
        progress(segment.units.len() as u64);
    }
    if segment.units.first().is_some_and(|(_, key)| *key) { Ok(segment) } else { Err(broken()) }
}

/// Writes the head of a stream; readers of ours ask for nothing in it but its name.
pub(super) fn write_head(out: &mut impl Write) -> io::Result<()> {
    let mut head = [0_u8; 32];
    head[..12].copy_from_slice(b"DKIF\0\0\x20\0AV01");
    out.write_all(&head)
}

/// Writes a temporal unit, at once.
pub(super) fn write(out: &mut impl Write, unit: &[u8], number: u64) -> io::Result<()> {
    let length = u32::try_from(unit.len()).map_err(io::Error::other)?;
    out.write_all(&[&length.to_le_bytes()[..], &number.to_le_bytes(), unit].concat())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_read_and_a_broken_one_noticed() {
        let mut stream = vec![];
        write_head(&mut stream).unwrap();
        for (number, unit) in [(0, &[0x12, 0, 0x0a, 1, 7][..]), (1, &[0x12, 0, 0x32, 1, 9])] {
            write(&mut stream, unit, number).unwrap();
        }
        let mut heard = vec![];
        let read_all =
            |bytes: &[u8], heard: &mut Vec<u64>| read(bytes, &Cancel::default(), &mut |n| heard.push(n));
        let segment = read_all(&stream, &mut heard).unwrap();
        assert_eq!(segment.units, [(vec![0x0a, 1, 7], true), (vec![0x32, 1, 9], false)]);
        assert_eq!(heard, [1, 2]);
        for cut in [10, 32, 40, stream.len() - 1] {
            assert!(read_all(&stream[..cut], &mut vec![]).is_err(), "{cut}");
        }
        let cancel = Cancel::default();
        cancel.cancel();
        assert!(matches!(read(stream.as_slice(), &cancel, &mut |_| {}), Err(MediaTrouble::Cancelled)));
    }
}
