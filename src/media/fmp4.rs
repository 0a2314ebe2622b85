//! Fragmented MP4 (CMAF) written and read by `mp4-atom`: an initialisation file and one fragment per
//! independently coded segment, each with its own decode time, so that segments may be finished in
//! any order.

use super::MediaTrouble;
use super::av1::Segment;
use super::ladder::{Size, av1_level};
use super::probe::Colour;
use mp4_atom::{
    Atom, Av01, Av1c, Codec, Colr, Dinf, Dref, DrefEntry, Encode, FixedPoint, FourCC, Ftyp, Hdlr, Mdat, Mdhd,
    Mdia, Mfhd, Minf, Moof, Moov, Mvex, Mvhd, Pasp, Stbl, Stco, Stsd, Styp, Tfdt, Tfhd, Tkhd, Traf, Trak,
    Trex, Trun, TrunEntry, Url, Visual, Vmhd,
};

/// What an AV1 track is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Av1Track {
    /// Size of the frames.
    pub size: Size,
    /// Frames a second; the numerator is the time scale, each frame lasts the denominator.
    pub rate: (u32, u32),
    /// Colour description.
    pub colour: Colour,
}

fn trouble(_: mp4_atom::Error) -> MediaTrouble {
    MediaTrouble::internal("MP4 atoms cannot be written or read")
}

/// The initialisation file of an AV1 track; `sequence_header` comes from [`sequence_header`].
///
/// # Errors
/// If the atoms cannot be written.
pub fn av1_init(track: &Av1Track, sequence_header: &[u8]) -> Result<Vec<u8>, MediaTrouble> {
    let (width, height) = (track.size.width, track.size.height);
    let side = |n: u32| u16::try_from(n).map_err(|_| MediaTrouble::internal("picture too large for MP4"));
    let entry = Av01 {
        visual: Visual {
            data_reference_index: 1,
            width: side(width)?,
            height: side(height)?,
            ..Visual::default()
        },
        av1c: Av1c {
            seq_profile: 0,
            seq_level_idx_0: level(track, sequence_header),
            high_bitdepth: track.colour.deep,
            chroma_subsampling_x: true,
            chroma_subsampling_y: true,
            config_obus: sequence_header.to_vec(),
            ..Av1c::default()
        },
        colr: colr(&track.colour),
        pasp: Some(Pasp { h_spacing: 1, v_spacing: 1 }),
        ..Av01::default()
    };
    let ftyp = Ftyp {
        major_brand: FourCC::new(b"iso6"),
        minor_version: 0,
        compatible_brands: [b"iso6", b"cmfc", b"av01", b"mp41"].map(FourCC::new).to_vec(),
    };
    let moov = Moov {
        mvhd: Mvhd {
            timescale: track.rate.0,
            rate: FixedPoint::new(1, 0),
            volume: FixedPoint::new(1, 0),
            next_track_id: 2,
            ..Mvhd::default()
        },
        mvex: Some(Mvex {
            mehd: None,
            trex: vec![Trex { track_id: 1, default_sample_description_index: 1, ..Trex::default() }],
        }),
        trak: vec![Trak {
            tkhd: Tkhd {
                track_id: 1,
                enabled: true,
                in_movie: true,
                width: FixedPoint::new(side(width)?, 0),
                height: FixedPoint::new(side(height)?, 0),
                ..Tkhd::default()
            },
            mdia: Mdia {
                mdhd: Mdhd { timescale: track.rate.0, language: "und".into(), ..Mdhd::default() },
                hdlr: Hdlr { handler: FourCC::new(b"vide"), name: "Video".into() },
                minf: Minf {
                    vmhd: Some(Vmhd::default()),
                    dinf: Dinf { dref: Dref { entries: vec![DrefEntry::Url(Url::default())] } },
                    stbl: Stbl {
                        stsd: Stsd { codecs: vec![Codec::Av01(entry)] },
                        stco: Some(Stco::default()),
                        ..Stbl::default()
                    },
                    ..Minf::default()
                },
            },
            ..Trak::default()
        }],
        ..Moov::default()
    };
    let mut out = vec![];
    ftyp.encode(&mut out).map_err(trouble)?;
    moov.encode(&mut out).map_err(trouble)?;
    Ok(out)
}

/// The level as the sequence header says it; what it leaves open comes from the table.
#[must_use]
pub fn level(track: &Av1Track, sequence_header: &[u8]) -> u8 {
    told_level(sequence_header).unwrap_or_else(|| av1_level(track.size, track.rate))
}

/// Profile (3 bits), two flags of stills, whether times of frames follow, whether a delay follows, the number of
/// operating points (5), what the first is made of (12), and its level (5): AV1 specification, 5.5.1.
fn told_level(header: &[u8]) -> Option<u8> {
    // Behind the header of the OBU and its length, of which ours have one byte each.
    let &[first, size, a, _, _, level, ..] = header else { return None };
    let plain = (first >> 3) & 15 == 1 && first & 4 == 0 && size & 0x80 == 0;
    (plain && a & 0b0001_1100 == 0).then_some(level >> 3)
}

fn colr(colour: &Colour) -> Option<Colr> {
    let description = super::av1::colour_description(colour)?;
    Some(Colr::Nclx {
        colour_primaries: description.color_primaries as u16,
        transfer_characteristics: description.transfer_characteristics as u16,
        matrix_coefficients: description.matrix_coefficients as u16,
        full_range_flag: colour.full_range,
    })
}

/// One fragment. `number` counts from 0; `first_frame` is the frame with which it begins.
///
/// # Errors
/// If the atoms cannot be written.
pub fn av1_fragment(
    segment: &Segment,
    rate: (u32, u32),
    number: u32,
    first_frame: u64,
) -> Result<Vec<u8>, MediaTrouble> {
    // A key frame depends on nothing; the others do and are no sync samples.
    const KEY: u32 = 0x0200_0000;
    const OTHER: u32 = 0x0101_0000;
    let entries = segment
        .units
        .iter()
        .map(|(data, key)| TrunEntry {
            duration: Some(rate.1),
            size: u32::try_from(data.len()).ok(),
            flags: Some(if *key { KEY } else { OTHER }),
            cts: None,
        })
        .collect::<Vec<_>>();
    let mut moof = Moof {
        mfhd: Mfhd { sequence_number: number + 1 },
        traf: vec![Traf {
            tfhd: Tfhd { track_id: 1, default_base_is_moof: true, ..Tfhd::default() },
            tfdt: Some(Tfdt { base_media_decode_time: first_frame * u64::from(rate.1) }),
            trun: vec![Trun { data_offset: Some(0), samples: entries.into() }],
            ..Traf::default()
        }],
    };
    let mut measured = vec![];
    moof.encode(&mut measured).map_err(trouble)?;
    // The samples begin behind the header of the mdat box that follows.
    let offset =
        i32::try_from(measured.len() + 8).map_err(|_| MediaTrouble::internal("fragment too large"))?;
    if let Some(run) = moof.traf.first_mut().and_then(|t| t.trun.first_mut()) {
        run.data_offset = Some(offset);
    }
    let brands = [b"msdh", b"msix", b"cmfs"].map(FourCC::new).to_vec();
    let mut out = vec![];
    Styp { major_brand: FourCC::new(b"msdh"), minor_version: 0, compatible_brands: brands }
        .encode(&mut out)
        .map_err(trouble)?;
    moof.encode(&mut out).map_err(trouble)?;
    let data = segment.units.iter().flat_map(|(d, _)| d.iter().copied()).collect();
    Mdat { data }.encode(&mut out).map_err(trouble)?;
    Ok(out)
}

/// What a fragment says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FragmentFacts {
    /// Number of frames (samples).
    pub frames: u64,
    /// Decode time of the first one.
    pub begin: u64,
}

/// Counts the frames of a fragment, whoever wrote it.
///
/// # Errors
/// If it is no fragment.
pub fn fragment_facts(bytes: &[u8]) -> Result<FragmentFacts, MediaTrouble> {
    let mut facts = FragmentFacts::default();
    let mut first = true;
    each_atom(bytes, |kind, body| {
        if kind == Moof::KIND {
            let moof = Moof::decode_body(&mut std::io::Cursor::new(body)).map_err(trouble)?;
            for traf in &moof.traf {
                if first {
                    facts.begin = traf.tfdt.as_ref().map_or(0, |t| t.base_media_decode_time);
                    first = false;
                }
                facts.frames += traf.trun.iter().map(|r| r.samples.len() as u64).sum::<u64>();
            }
        }
        Ok(())
    })?;
    if first {
        return Err(MediaTrouble::internal("a fragment without frames"));
    }
    Ok(facts)
}

/// The sequence header OBU with which a fragment of ours begins.
///
/// # Errors
/// If there is none.
pub fn sequence_header(fragment: &[u8]) -> Result<Vec<u8>, MediaTrouble> {
    let mut found = None;
    each_atom(fragment, |kind, body| {
        if kind == Mdat::KIND && found.is_none() {
            found = first_obu(body).map(<[u8]>::to_vec);
        }
        Ok(())
    })?;
    found.ok_or_else(|| MediaTrouble::internal("a segment without sequence header"))
}

/// The first OBU if it is a sequence header (type 1) with a size field.
fn first_obu(data: &[u8]) -> Option<&[u8]> {
    let header = *data.first()?;
    if (header >> 3) & 15 != 1 || header & 2 == 0 {
        return None;
    }
    let extension = usize::from(header & 4 != 0);
    let mut size = 0_usize;
    let mut at = 1 + extension;
    for shift in 0..8 {
        let byte = *data.get(at)?;
        at += 1;
        size |= usize::from(byte & 0x7f) << (7 * shift);
        if byte & 0x80 == 0 {
            return data.get(..at + size);
        }
    }
    None
}

/// The RFC 6381 string of the H.264 track in an initialisation file, from its real `avcC`.
///
/// # Errors
/// If there is no H.264 track.
pub fn h264_codec_string(init: &[u8]) -> Result<String, MediaTrouble> {
    let mut found = None;
    each_atom(init, |kind, body| {
        if kind == Moov::KIND {
            let moov = Moov::decode_body(&mut std::io::Cursor::new(body)).map_err(trouble)?;
            for codec in moov.trak.iter().flat_map(|t| &t.mdia.minf.stbl.stsd.codecs) {
                if let Codec::Avc1(avc1) = codec {
                    let c = &avc1.avcc;
                    found = Some(format!(
                        "avc1.{:02x}{:02x}{:02x}",
                        c.avc_profile_indication, c.profile_compatibility, c.avc_level_indication
                    ));
                }
            }
        }
        Ok(())
    })?;
    found.ok_or_else(|| MediaTrouble::internal("no H.264 track"))
}

/// Walks over the boxes at the top of a file.
fn each_atom(
    bytes: &[u8],
    mut visit: impl FnMut(FourCC, &[u8]) -> Result<(), MediaTrouble>,
) -> Result<(), MediaTrouble> {
    let mut rest = bytes;
    while let Some((head, _)) = rest.split_at_checked(8) {
        let short = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        let kind = FourCC::new(&[head[4], head[5], head[6], head[7]]);
        let (size, skip) = match (short, rest.get(8..16)) {
            (1, Some(long)) => {
                (usize::try_from(u64::from_be_bytes(long.try_into().unwrap_or([0; 8]))).unwrap_or(0), 16)
            }
            (0, _) => (rest.len(), 8),
            (n, _) => (n as usize, 8),
        };
        let Some(body) = rest.get(skip..size) else {
            return Err(MediaTrouble::internal("a box is cut off"));
        };
        visit(kind, body)?;
        rest = &rest[size..];
    }
    Ok(())
}
