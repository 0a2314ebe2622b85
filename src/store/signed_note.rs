//! Signed statements about the log: "these are its first N events". The text is a checkpoint after
//! C2SP `tlog-checkpoint` in a note after C2SP `signed-note`, signed with Ed25519. Instead of the root
//! of a Merkle tree its third line holds the link of our hash chain ([`super::chain`]) at N.
//!
//! ```text
//! kinora/3b0c…          the log: named after its key
//! 1234                  events
//! base64 of hash(1234)
//! time 2026-11-27T02:00:00Z
//!
//! — kinora/3b0c… base64(first four bytes of the key's hash ‖ signature)
//! ```

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

/// The kind of key, as the note's format numbers it.
const ED25519: u8 = 1;

/// What a checkpoint says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// How many events it covers: the position of the last of them.
    pub position: i64,
    /// The link of the hash chain there.
    pub hash: Vec<u8>,
    /// When it was signed.
    pub at: DateTime<Utc>,
}

/// Why a note is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not in the form of a note.
    #[error("it is not in the form of a signed checkpoint")]
    Form,
    /// Not signed by this key.
    #[error("its signature is not by this log's key")]
    Signature,
}

/// Who believes a note: the public half of the key.
#[derive(Clone, Debug)]
pub struct Verifier {
    name: String,
    key: VerifyingKey,
}

/// Who signs.
#[derive(Clone)]
pub struct Signer {
    verifier: Verifier,
    key: SigningKey,
}

impl Signer {
    /// From the 32 bytes of `audit.key`.
    #[must_use]
    pub fn new(seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        let public = key.verifying_key();
        let name = format!("kinora/{}", hex::encode(&Sha256::digest(public.as_bytes())[..8]));
        Self { verifier: Verifier { name, key: public }, key }
    }

    /// The public half.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The note for a checkpoint.
    #[must_use]
    pub fn sign(&self, checkpoint: &Checkpoint) -> String {
        let name = &self.verifier.name;
        let text = format!(
            "{name}\n{}\n{}\ntime {}\n",
            checkpoint.position,
            STANDARD.encode(&checkpoint.hash),
            checkpoint.at.to_rfc3339_opts(SecondsFormat::Secs, true),
        );
        let signature = self.key.sign(text.as_bytes()).to_bytes();
        let signed = [self.verifier.key_hash().as_slice(), &signature].concat();
        format!("{text}\n\u{2014} {name} {}\n", STANDARD.encode(signed))
    }
}

impl Verifier {
    /// The log's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    fn key_hash(&self) -> [u8; 4] {
        let mut hash = Sha256::new();
        hash.update(self.name.as_bytes());
        hash.update(b"\n");
        hash.update([ED25519]);
        hash.update(self.key.as_bytes());
        let hash = hash.finalize();
        [hash[0], hash[1], hash[2], hash[3]]
    }

    /// The key as programs for signed notes want it: `name+hash+base64`.
    #[must_use]
    pub fn to_line(&self) -> String {
        let key = [&[ED25519], self.key.as_bytes().as_slice()].concat();
        format!("{}+{}+{}", self.name, hex::encode(self.key_hash()), STANDARD.encode(key))
    }

    /// The key as OpenSSL wants it.
    #[must_use]
    pub fn to_pem(&self) -> String {
        // SubjectPublicKeyInfo of RFC 8410: the algorithm Ed25519 and a bit string of 32 bytes.
        let head = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
        let body = STANDARD.encode([head.as_slice(), self.key.as_bytes()].concat());
        format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
    }

    /// What a note says, if it is signed by this key.
    ///
    /// # Errors
    /// If it is no note or not signed by us.
    pub fn open(&self, note: &str) -> Result<Checkpoint, NoteError> {
        let (text, signatures) = note.split_once("\n\n").ok_or(NoteError::Form)?;
        let text = format!("{text}\n");
        let start = format!("\u{2014} {} ", self.name);
        let signed = signatures
            .lines()
            .filter_map(|line| line.strip_prefix(&start))
            .filter_map(|body| STANDARD.decode(body).ok())
            .find(|body| body.len() == 68 && body[..4] == self.key_hash())
            .ok_or(NoteError::Signature)?;
        let signature = Signature::from_slice(&signed[4..]).map_err(|_| NoteError::Form)?;
        self.key.verify_strict(text.as_bytes(), &signature).map_err(|_| NoteError::Signature)?;
        let mut lines = text.lines();
        let (origin, position, hash, time) = (lines.next(), lines.next(), lines.next(), lines.next());
        if origin != Some(self.name.as_str()) {
            return Err(NoteError::Form);
        }
        Ok(Checkpoint {
            position: position.and_then(|p| p.parse().ok()).ok_or(NoteError::Form)?,
            hash: hash.and_then(|h| STANDARD.decode(h).ok()).ok_or(NoteError::Form)?,
            at: time
                .and_then(|t| t.strip_prefix("time ")?.parse::<DateTime<Utc>>().ok())
                .ok_or(NoteError::Form)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    fn checkpoint() -> Checkpoint {
        let at = Utc.with_ymd_and_hms(2026, 11, 27, 2, 0, 0).single().expect("a time");
        Checkpoint { position: 1234, hash: vec![7; 32], at }
    }

    #[test]
    fn a_note_opens_with_its_key_only_and_only_unchanged() {
        let signer = Signer::new(&[1; 32]);
        let note = signer.sign(&checkpoint());
        assert_eq!(signer.verifier().open(&note), Ok(checkpoint()));
        assert_eq!(Signer::new(&[2; 32]).verifier().open(&note), Err(NoteError::Signature));
        assert_eq!(signer.verifier().open(&note.replace("1234", "1235")), Err(NoteError::Signature));
        assert_eq!(signer.verifier().open("nothing"), Err(NoteError::Form));
    }

    #[test]
    fn the_form_of_a_note_stays() {
        insta::assert_snapshot!(Signer::new(&[1; 32]).sign(&checkpoint()));
        insta::assert_snapshot!(Signer::new(&[1; 32]).verifier().to_line());
    }
}
