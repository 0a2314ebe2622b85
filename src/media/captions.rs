//! Captions as people have them (SRT, WebVTT, ASS, in whatever encoding) become one clean WebVTT file.
//!
//! Formats: WebVTT <https://www.w3.org/TR/webvtt1/>; SubRip as the Matroska specification describes it;
//! ASS version 4+, of which text and times are kept and the typesetting is not.

use std::fmt::Write;

/// Largest caption file, in bytes.
pub const MOST_BYTES: usize = 4 << 20;
/// Most captions in one file.
const MOST_CUES: usize = 50_000;
/// Longest text of one caption, in characters.
const MOST_TEXT: usize = 2_000;

/// Why a caption file is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaptionError {
    /// Nothing in it.
    #[error("The file is empty.")]
    Empty,
    /// Too large.
    #[error("The file is larger than 4 MB. Captions hold only text: is this the right file?")]
    TooLarge,
    /// Not text at all.
    #[error("This is not a caption file. Send SRT, WebVTT (.vtt) or ASS.")]
    NotCaptions,
    /// Text without a single caption.
    #[error("No captions were found in it. Send SRT, WebVTT (.vtt) or ASS with times such as 00:01:02,500.")]
    NoCues,
    /// It goes on when the film is over.
    #[error("A caption begins at {from}, after the end of the work ({end}). Is this the right file?")]
    AfterTheEnd {
        /// Where it begins.
        from: String,
        /// Length of the work.
        end: String,
    },
    /// More than anybody reads.
    #[error("It holds more than 50,000 captions.")]
    TooMany,
}

/// One caption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cue {
    /// Appears, in milliseconds.
    pub from_ms: u64,
    /// Disappears, in milliseconds.
    pub to_ms: u64,
    /// WebVTT text: escaped, with `<b>`, `<i>`, `<u>` and nothing else.
    pub text: String,
    /// Cue settings of WebVTT that were understood, such as `line:0`.
    pub settings: String,
}

/// Reads a caption file and writes it as WebVTT. Gives the file and the number of captions.
///
/// # Errors
/// With a sentence for whoever sent it.
pub fn to_webvtt(bytes: &[u8]) -> Result<(String, u32), CaptionError> {
    let cues = read(bytes)?;
    let mut file = String::from("WEBVTT\n");
    for cue in &cues {
        // Writing into a text cannot fail.
        let _ = write!(file, "\n{} --> {}", stamp(cue.from_ms), stamp(cue.to_ms));
        if !cue.settings.is_empty() {
            let _ = write!(file, " {}", cue.settings);
        }
        let _ = write!(file, "\n{}\n", cue.text);
    }
    Ok((file, u32::try_from(cues.len()).unwrap_or(u32::MAX)))
}

/// Refuses a file of ours in which something is said when the work is over; of a length of 0 nobody knows that.
///
/// # Errors
/// [`CaptionError::AfterTheEnd`] with both times.
pub fn check_within(file: &str, length_ms: u64) -> Result<(), CaptionError> {
    match from_blocks(file).last() {
        Some(last) if length_ms > 0 && last.from_ms >= length_ms => {
            Err(CaptionError::AfterTheEnd { from: stamp(last.from_ms), end: stamp(length_ms) })
        }
        _ => Ok(()),
    }
}

/// What is said in a file of ours, without times and marks.
#[must_use]
pub fn words(file: &str) -> String {
    let mut all = String::new();
    for cue in from_blocks(file) {
        let plain =
            ["<b>", "</b>", "<i>", "</i>", "<u>", "</u>"].iter().fold(cue.text, |t, m| t.replace(m, ""));
        all.push_str(&unescape(&plain));
        all.push('\n');
    }
    all
}

/// Chapters as WebVTT: each lasts until the next, the last until the end.
#[must_use]
pub fn chapters_vtt<'a>(chapters: impl IntoIterator<Item = (u64, &'a str)>, length_ms: u64) -> String {
    let mut all: Vec<(u64, &str)> = chapters.into_iter().collect();
    all.push((length_ms, ""));
    let mut file = String::from("WEBVTT\n");
    for pair in all.windows(2) {
        let to = pair[1].0.max(pair[0].0 + 1);
        let _ = write!(file, "\n{} --> {}\n{}\n", stamp(pair[0].0), stamp(to), escape(pair[0].1));
    }
    file
}

/// Reads a caption file.
///
/// # Errors
/// With a sentence for whoever sent it.
pub fn read(bytes: &[u8]) -> Result<Vec<Cue>, CaptionError> {
    if bytes.is_empty() {
        return Err(CaptionError::Empty);
    }
    if bytes.len() > MOST_BYTES {
        return Err(CaptionError::TooLarge);
    }
    let text = decode(bytes).ok_or(CaptionError::NotCaptions)?.replace("\r\n", "\n").replace('\r', "\n");
    let mut cues = if text.lines().any(|l| l.trim().eq_ignore_ascii_case("[Events]")) {
        from_ass(&text)
    } else {
        from_blocks(&text)
    };
    cues.retain(|c| c.to_ms > c.from_ms && !c.text.trim().is_empty());
    cues.sort_by_key(|c| (c.from_ms, c.to_ms));
    match cues.len() {
        0 => Err(CaptionError::NoCues),
        n if n > MOST_CUES => Err(CaptionError::TooMany),
        _ => Ok(cues),
    }
}

/// UTF-8 and UTF-16 by their marks, UTF-8 if it is valid, otherwise what the letters look like.
/// `None` for what is no text.
fn decode(bytes: &[u8]) -> Option<String> {
    let text = if let Some((encoding, mark)) = encoding_rs::Encoding::for_bom(bytes) {
        encoding.decode_without_bom_handling(&bytes[mark..]).0.into_owned()
    } else if let Ok(text) = std::str::from_utf8(bytes) {
        text.to_owned()
    } else {
        let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Allow);
        detector.feed(bytes, true);
        detector.guess(None, chardetng::Utf8Detection::Deny).decode_without_bom_handling(bytes).0.into_owned()
    };
    let strange =
        text.chars().filter(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\x0c')).count();
    (strange * 100 <= text.chars().count()).then_some(text)
}

/// SRT and WebVTT: blocks with a line of two times, then text up to the next blank line. Headers,
/// numbers, notes and style sheets have no such line and fall away.
fn from_blocks(text: &str) -> Vec<Cue> {
    let mut cues = vec![];
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((from_ms, to_ms, rest)) = times(line) else { continue };
        let mut words: Vec<&str> = vec![];
        while let Some(next) = lines.peek() {
            // Some writers forget the blank line; the next times end the text as well.
            if next.trim().is_empty() || times(next).is_some() {
                break;
            }
            words.push(next.trim_end());
            lines.next();
        }
        // Then the number of the next caption was taken for text.
        if lines.peek().is_some_and(|l| times(l).is_some())
            && words.len() > 1
            && words.last().is_some_and(|w| w.trim().parse::<u32>().is_ok())
        {
            words.pop();
        }
        cues.push(Cue { from_ms, to_ms, text: clean(&words.join("\n")), settings: settings(rest) });
    }
    cues
}

/// `00:01:02,500 --> 00:01:04.000 line:0`, with hours or without.
fn times(line: &str) -> Option<(u64, u64, &str)> {
    let (from, rest) = line.split_once("-->")?;
    let rest = rest.trim_start();
    let (to, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    Some((moment(from.trim())?, moment(to)?, rest))
}

/// A point in time in milliseconds: `[h:]m:s[.,]fraction`.
#[must_use]
pub fn moment(text: &str) -> Option<u64> {
    let digits = |t: &str| (!t.is_empty() && t.len() <= 9).then(|| t.parse::<u64>().ok()).flatten();
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let parts: Vec<u64> = whole.split(':').map(digits).collect::<Option<_>>()?;
    let (hours, minutes, seconds) = match parts.as_slice() {
        [m, s] => (0, *m, *s),
        [h, m, s] if *m < 60 => (*h, *m, *s),
        _ => return None,
    };
    let thousandths = digits(&format!("{:0<3}", fraction.get(..3.min(fraction.len()))?))?;
    (seconds < 60 && hours < 1000).then_some(((hours * 60 + minutes) * 60 + seconds) * 1000 + thousandths)
}

fn stamp(ms: u64) -> String {
    format!("{:02}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}

/// The settings of WebVTT of which the form is known; SRT's `X1:… Y1:…` falls away.
fn settings(rest: &str) -> String {
    let known = |setting: &&str| {
        let Some((name, value)) = setting.split_once(':') else { return false };
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '%' | ',' | '-');
        matches!(name, "line" | "position" | "size" | "align" | "vertical")
            && (1..=24).contains(&value.len())
            && value.chars().all(good)
    };
    rest.split_whitespace().filter(known).collect::<Vec<_>>().join(" ")
}

/// ASS and SSA: the `Dialogue` lines of the part `[Events]`, by the columns that its `Format` names.
fn from_ass(text: &str) -> Vec<Cue> {
    let mut columns: Vec<String> =
        ["layer", "start", "end", "style", "name", "ml", "mr", "mv", "effect", "text"]
            .map(String::from)
            .to_vec();
    let mut inside = false;
    let mut cues = vec![];
    for line in text.lines() {
        let line = line.trim_start();
        if line.starts_with('[') {
            inside = line.trim_end().eq_ignore_ascii_case("[Events]");
        } else if let Some(format) = line.strip_prefix("Format:").filter(|_| inside) {
            columns = format.split(',').map(|c| c.trim().to_ascii_lowercase()).collect();
        } else if let Some(dialogue) = line.strip_prefix("Dialogue:").filter(|_| inside) {
            let fields: Vec<&str> = dialogue.splitn(columns.len().max(1), ',').collect();
            let field = |name: &str| {
                columns.iter().position(|c| c == name).and_then(|at| fields.get(at)).map(|f| f.trim())
            };
            let times = (field("start").and_then(moment), field("end").and_then(moment));
            if let ((Some(from_ms), Some(to_ms)), Some(words)) = (times, field("text")) {
                cues.push(Cue { from_ms, to_ms, text: clean(&ass_words(words)), settings: String::new() });
            }
        }
    }
    cues
}

/// Text without override blocks and drawings.
fn ass_words(text: &str) -> String {
    let mut words = String::new();
    let mut drawing = false;
    for (n, part) in text.split('{').enumerate() {
        let rest = match part.split_once('}') {
            Some((codes, rest)) if n > 0 => {
                for code in codes.split('\\') {
                    match code.trim() {
                        "p0" => drawing = false,
                        "i1" => words.push_str("<i>"),
                        "i0" => words.push_str("</i>"),
                        "b1" => words.push_str("<b>"),
                        "b0" => words.push_str("</b>"),
                        other => {
                            drawing |=
                                other.strip_prefix('p').is_some_and(|d| d.parse::<u8>().is_ok_and(|d| d > 0));
                        }
                    }
                }
                rest
            }
            _ => part,
        };
        if !drawing {
            words.push_str(rest);
        }
    }
    words.replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ")
}

/// Keeps bold, italic and underlined, in pairs; every other tag falls away and every other sign that
/// WebVTT reads as markup is escaped.
fn clean(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control() || *c == '\n').take(MOST_TEXT).collect();
    let mut out = String::new();
    let mut open: Vec<char> = vec![];
    let mut rest = text.as_str();
    while let Some(at) = rest.find('<') {
        out.push_str(&escape(&unescape(&rest[..at])));
        let after = &rest[at + 1..];
        let tag = after.split_once('>').filter(|(tag, _)| tag.len() <= 200 && is_tag(tag));
        let Some((tag, next)) = tag else {
            out.push_str("&lt;");
            rest = after;
            continue;
        };
        rest = next;
        match tag.to_ascii_lowercase().as_str() {
            "b" | "i" | "u" => {
                let name = tag.to_ascii_lowercase().chars().next().unwrap_or('i');
                if !open.contains(&name) {
                    open.push(name);
                    out.push_str(&format!("<{name}>"));
                }
            }
            "/b" | "/i" | "/u" => {
                let name = tag.to_ascii_lowercase().chars().nth(1).unwrap_or('i');
                // Those opened later are closed with it, so that pairs never cross.
                if let Some(from) = open.iter().position(|o| *o == name) {
                    for closed in open.drain(from..).rev() {
                        out.push_str(&format!("</{closed}>"));
                    }
                }
            }
            _ => {}
        }
    }
    out.push_str(&escape(&unescape(rest)));
    for closed in open.iter().rev() {
        out.push_str(&format!("</{closed}>"));
    }
    // A blank line would end the caption, and `-->` would begin one.
    let lines: Vec<&str> = out.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    lines.join("\n").replace("--&gt;", "→").replace("-->", "→")
}

/// A tag begins with a letter or a slash and a letter, or is a time within a karaoke line.
fn is_tag(tag: &str) -> bool {
    let name = tag.strip_prefix('/').unwrap_or(tag);
    name.starts_with(|c: char| c.is_ascii_alphabetic()) || moment(name).is_some() || tag == "/"
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&nbsp;", "\u{a0}")
        .replace("&lrm;", "\u{200e}")
        .replace("&rlm;", "\u{200f}")
        .replace("&amp;", "&")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vtt(text: &str) -> String {
        to_webvtt(text.as_bytes()).unwrap().0
    }

    #[test]
    fn what_begins_after_the_end_is_refused_where_the_end_is_known() {
        let (file, _) = to_webvtt(b"1\n00:00:59,000 --> 00:01:05,000\nThe end\n").unwrap();
        assert_eq!(check_within(&file, 59_001), Ok(()), "it may last longer");
        assert_eq!(check_within(&file, 0), Ok(()));
        let late = check_within(&file, 59_000).unwrap_err().to_string();
        assert!(late.contains("00:00:59.000, after the end of the work (00:00:59.000)"), "{late}");
    }

    #[test]
    fn srt_becomes_webvtt() {
        let srt = "\u{feff}1\r\n00:00:01,000 --> 00:00:02,500\r\nOne <font color=\"red\">& two</font>\r\n<I>three\r\n\r\n\
                   2\r\n00:01:00,5 --> 00:01:02,25 X1:10 Y1:20\r\n5 < 6 --> 7\r\n";
        assert_eq!(
            vtt(srt),
            "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\nOne &amp; two\n<i>three</i>\n\n\
             00:01:00.500 --> 00:01:02.250\n5 &lt; 6 → 7\n"
        );
    }

    #[test]
    fn webvtt_keeps_settings_and_loses_styles_and_scripts() {
        let text = "WEBVTT - title\nKind: captions\n\nSTYLE\n::cue { background: url(x) }\n\nNOTE not this\n\n\
                    intro\n00:01.000 --> 00:02.000 line:0 region:x align:start evil:\"><\n<v Anna>Hi <c.red>there</c> &lt;3\n\n\
                    01:00:03.000 --> 01:00:04.000\n<script>alert(1)</script>\n";
        assert_eq!(
            vtt(text),
            "WEBVTT\n\n00:00:01.000 --> 00:00:02.000 line:0 align:start\nHi there &lt;3\n\n\
             01:00:03.000 --> 01:00:04.000\nalert(1)\n"
        );
    }

    #[test]
    fn ass_loses_its_typesetting() {
        let text = "[Script Info]\nTitle: x\n[V4+ Styles]\nFormat: Name\nStyle: a\n[Events]\n\
                    Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n\
                    Comment: 0,0:00:00.00,0:00:09.00,a,,0,0,0,,not this\n\
                    Dialogue: 0,0:00:01.50,0:00:03.00,a,,0,0,0,,{\\an8\\i1}Well,{\\i0} then\\Nsecond\n\
                    Dialogue: 0,0:00:04.00,0:00:05.00,a,,0,0,0,,{\\p1}m 0 0 l 1 1{\\p0}\n";
        assert_eq!(vtt(text), "WEBVTT\n\n00:00:01.500 --> 00:00:03.000\n<i>Well,</i> then\nsecond\n");
    }

    #[test]
    fn what_is_said_is_read_without_times_and_marks() {
        let file = vtt(
            "1\n00:00:01,000 --> 00:00:02,000\n<i>Salt</i> & <b>light</b>\n\n2\n00:00:03,000 --> 00:00:04,000\n1 < 2\n",
        );
        assert_eq!(words(&file), "Salt & light\n1 < 2\n");
        assert_eq!(words("WEBVTT\n"), "");
    }

    #[test]
    fn encodings_are_recognised() {
        let line = |word: &[u8]| [b"1\n00:00:01,000 --> 00:00:02,000\n", word, b"\n"].concat();
        assert!(to_webvtt(&line("Grüße".as_bytes())).unwrap().0.contains("Grüße"));
        assert!(
            to_webvtt(&line(b"Gr\xfc\xdfe aus K\xf6ln, sch\xf6n"))
                .unwrap()
                .0
                .contains("Grüße aus Köln, schön")
        );
        let wide: Vec<u8> = [0xff, 0xfe]
            .into_iter()
            .chain("00:01.000 --> 00:02.000\nžluť\n".encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        assert!(to_webvtt(&wide).unwrap().0.contains("žluť"));
    }

    #[test]
    fn forgotten_blank_lines_and_wrong_order_are_mended() {
        let text = "2\n00:00:05,000 --> 00:00:06,000\nlater\n3\n00:00:01,000 --> 00:00:02,000\nearlier\n4\n00:00:09,000 --> 00:00:08,000\nbackwards\n";
        assert_eq!(
            vtt(text),
            "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nearlier\n\n00:00:05.000 --> 00:00:06.000\nlater\n"
        );
    }

    #[test]
    fn what_is_no_caption_file_is_refused_in_words() {
        assert_eq!(read(b""), Err(CaptionError::Empty));
        assert_eq!(read(&vec![b'a'; MOST_BYTES + 1]), Err(CaptionError::TooLarge));
        assert_eq!(read(&[0, 1, 2, 3, 200].repeat(50)), Err(CaptionError::NotCaptions));
        assert_eq!(read(b"Dear all,\nsee you.\n"), Err(CaptionError::NoCues));
        assert!(
            read(&[b"00:00.0 --> 00:01.0\nx\n\n".repeat(MOST_CUES + 1)].concat())
                == Err(CaptionError::TooMany)
        );
    }

    #[test]
    fn chapters_last_until_the_next() {
        assert_eq!(
            chapters_vtt([(0, "A & B"), (1500, "C")], 3000),
            "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nA &amp; B\n\n00:00:01.500 --> 00:00:03.000\nC\n"
        );
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_the_answer_is_read_again_the_same(text in "(?s).{0,200}", from in 0_u64..90_000_000) {
            let file = format!("{} --> {}\n{text}\n", stamp(from), stamp(from + 1000));
            if let Ok((once, cues)) = to_webvtt(file.as_bytes()) {
                proptest::prop_assert_eq!(to_webvtt(once.as_bytes()).unwrap(), (once, cues));
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            let _ = read(&bytes);
        }
    }
}
