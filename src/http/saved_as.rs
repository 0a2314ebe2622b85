//! Under which name a file is saved: `Content-Disposition` as RFC 6266 and RFC 8187 want it.

use std::fmt::Write;

/// Longest name, in letters; file systems take 255 bytes.
const LONGEST: usize = 80;

/// The header's value for a file that is saved. `plain` is a name of ours, in ASCII; `title` is what people call
/// it, and counts where that has letters which ASCII lacks.
#[must_use]
pub fn saved_as(plain: &str, title: &str) -> String {
    let mut value = format!("attachment; filename=\"{plain}\"");
    let name = file_name(title);
    if name.is_ascii() {
        return value;
    }
    let ending = plain.rsplit_once('.').map(|(_, ending)| format!(".{ending}")).unwrap_or_default();
    value.push_str("; filename*=UTF-8''");
    for byte in name.bytes().chain(ending.bytes()) {
        // What RFC 8187 calls attr-char.
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            value.push(char::from(byte));
        } else {
            let _ = write!(value, "%{byte:02X}");
        }
    }
    value
}

/// A title without what file systems refuse, and without letters that turn the direction of the text around,
/// which could hide the true ending.
fn file_name(title: &str) -> String {
    let turns =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let letters = title.chars().filter(|c| !c.is_control() && !turns(*c));
    let letters = letters.map(|c| if r#"/\:*?"<>|"#.contains(c) { ' ' } else { c });
    let words: String = letters.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ");
    words.chars().take(LONGEST).collect::<String>().trim_matches(['.', ' ']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_the_letters_of_their_title() {
        let plain = "attachment; filename=\"salt.mp4\"";
        assert_eq!(saved_as("salt.mp4", "Salt"), plain);
        assert_eq!(
            saved_as("salt.mp4", "Der Hüter"),
            format!("{plain}; filename*=UTF-8''Der%20H%C3%BCter.mp4")
        );
        assert_eq!(
            saved_as("salt.mp4", "塩の番人"),
            format!("{plain}; filename*=UTF-8''%E5%A1%A9%E3%81%AE%E7%95%AA%E4%BA%BA.mp4")
        );
        assert_eq!(
            saved_as("x", "é\"; a=b"),
            "attachment; filename=\"x\"; filename*=UTF-8''%C3%A9%20%3B%20a%3Db"
        );
    }

    #[test]
    fn no_title_makes_a_path_another_ending_or_another_header() {
        for (title, name) in [
            ("../../é", "é"),
            ("é\r\nSet-Cookie: a=b", "éSet-Cookie a=b"),
            ("é\u{202e}4pm.exe", "é4pm.exe"),
            ("  é \\ : * ? < > |  ", "é"),
            (". . .", ""),
        ] {
            assert_eq!(file_name(title), name, "{title:?}");
        }
        let long = saved_as("x.mp4", &"ü".repeat(300));
        assert!(long.is_ascii() && long.matches("%C3%BC").count() == LONGEST && long.ends_with(".mp4"));
    }
}
