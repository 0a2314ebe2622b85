//! Mail as files: one `.eml` each in `<data>/mail/`, for development and the demo.

use super::smtp::{Outgoing, SendError, message};
use chrono::{DateTime, Utc};
use mailparse::MailHeaderMap as _;
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    time::SystemTime,
};
use uuid::Uuid;

/// The folder that mails are written to instead of being sent.
#[derive(Clone, Debug)]
pub struct MailFolder {
    folder: PathBuf,
}

impl MailFolder {
    /// Uses `folder`, which is made when the first mail is written.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The file of the mail with this id, which is about or goes to `people`. They are in the name so that all
    /// mails of a person can be removed without reading them.
    #[must_use]
    pub fn path(&self, people: &[Uuid], id: Uuid) -> PathBuf {
        let people: Vec<String> = people.iter().map(Uuid::to_string).collect();
        self.folder.join(format!("{id}_{}.eml", people.join("_")))
    }

    /// Writes the mail. The same mail written twice is one file.
    ///
    /// # Errors
    /// [`SendError::Address`] if the addresses cannot be used, [`SendError::Later`] if the folder
    /// cannot be written.
    pub fn write(&self, people: &[Uuid], mail: &Outgoing) -> Result<(), SendError> {
        let bytes = message(mail)?.formatted();
        self.put(&self.path(people, mail.id), &bytes).map_err(|e| SendError::Later(e.kind().to_string()))
    }

    fn put(&self, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
        use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let unfinished = path.with_extension("part");
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&unfinished, path)
    }

    /// Removes every mail about or to this person and says how many there were.
    ///
    /// # Errors
    /// If the folder cannot be read or a file not be removed.
    pub fn remove_of(&self, person: Uuid) -> std::io::Result<u64> {
        let entries = match fs::read_dir(&self.folder) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(0),
            entries => entries?,
        };
        let mut removed = 0;
        for entry in entries {
            let entry = entry?;
            if entry.file_name().to_string_lossy().contains(&person.to_string()) {
                fs::remove_file(entry.path())?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

/// A mail of the folder as it can be read.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Name of its file without the ending; part of addresses.
    pub name: String,
    /// Whom it is to.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// Its text part.
    pub text: String,
    /// When it was written, by the instance's clock.
    pub at: DateTime<Utc>,
}

impl MailFolder {
    /// The newest mails, at most `limit`.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn newest(&self, limit: usize) -> std::io::Result<Vec<Letter>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(vec![]),
            entries => entries?,
        };
        let mut files: Vec<(SystemTime, PathBuf)> = entries
            .flatten()
            .map(|e| (e.metadata().and_then(|m| m.modified()).unwrap_or(SystemTime::UNIX_EPOCH), e.path()))
            .filter(|(_, path)| path.extension().is_some_and(|e| e == "eml"))
            .collect();
        files.sort();
        Ok(files.iter().rev().take(limit).filter_map(|(_, path)| read(path)).collect())
    }

    /// One mail by its name.
    #[must_use]
    pub fn letter(&self, name: &str) -> Option<Letter> {
        let plain = name.chars().all(|c| c.is_ascii_hexdigit() || c == '-' || c == '_');
        if plain { read(&self.folder.join(format!("{name}.eml"))) } else { None }
    }
}

fn read(path: &Path) -> Option<Letter> {
    let bytes = fs::read(path).ok()?;
    let mail = mailparse::parse_mail(&bytes).ok()?;
    let header = |name: &str| mail.headers.get_first_value(name).unwrap_or_default();
    let body = mail.subparts.first().unwrap_or(&mail).get_body().ok()?;
    let at = mailparse::dateparse(&header("Date")).ok().and_then(|s| DateTime::from_timestamp(s, 0));
    Some(Letter {
        name: path.file_stem()?.to_str()?.to_owned(),
        to: header("To"),
        subject: header("Subject"),
        text: body.replace("\r\n", "\n"),
        at: at.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emails::Mail;

    fn outgoing(id: u128) -> Outgoing {
        Outgoing {
            id: Uuid::from_u128(id),
            from: "Studio <studio@example.org>".into(),
            to: "ada@example.org".into(),
            mail: Mail {
                subject: "Grüße".into(),
                text: "Text".into(),
                html: "<p>Text</p>".into(),
                unsubscribe: None,
            },
            at: chrono::DateTime::from_timestamp(1_795_000_000, 0).unwrap(),
        }
    }

    #[test]
    fn a_mail_is_one_file_however_often_it_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let folder = MailFolder::new(dir.path().join("mail"));
        let (ada, ben) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(folder.remove_of(ada).unwrap(), 0);
        for (account, id) in [(ada, 10), (ada, 10), (ada, 11), (ben, 12)] {
            folder.write(&[account], &outgoing(id)).unwrap();
        }
        let text = fs::read_to_string(folder.path(&[ada], Uuid::from_u128(10))).unwrap();
        assert!(text.contains("To: ada@example.org") && text.contains("Subject: =?utf-8?"), "{text}");
        assert!(text.contains("Message-ID: <") && text.contains("multipart/alternative"), "{text}");
        assert_eq!(fs::read_dir(dir.path().join("mail")).unwrap().count(), 3);
        let letters = folder.newest(2).unwrap();
        assert_eq!(letters.len(), 2);
        let letter = folder.letter(&letters[0].name).unwrap();
        assert_eq!((letter.subject.as_str(), letter.to.as_str()), ("Grüße", "ada@example.org"));
        assert!(letter.text.starts_with("Text"), "{letter:?}");
        assert!(folder.letter("../secrets/session").is_none());
        assert_eq!(folder.remove_of(ada).unwrap(), 2);
        assert!(folder.path(&[ben], Uuid::from_u128(12)).exists());
    }

    #[test]
    fn an_address_that_cannot_be_used_is_no_reason_to_try_again() {
        let dir = tempfile::tempdir().unwrap();
        let mail = Outgoing { to: "nobody".into(), ..outgoing(1) };
        let result = MailFolder::new(dir.path()).write(&[Uuid::nil()], &mail);
        assert!(matches!(result, Err(SendError::Address)));
    }
}
