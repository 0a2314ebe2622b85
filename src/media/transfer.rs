//! From one store to the other: a copy counts once it was read back with the same hash.

use super::files::{Files, Found, PATIENCE, failed, in_time};
use crate::domain::media::Place;
use object_store::path::Path as Key;
use object_store::{Attribute, Attributes, PutMultipartOptions, PutOptions, PutPayload, WriteMultipart};
use std::io;
use std::time::Duration;
use tokio::io::AsyncReadExt;

/// Up to this length a file is sent in one request.
const WHOLE: u64 = 16 << 20;
/// Length of a part of larger ones. At most ten thousand parts make a file: 160 GiB.
const PART: usize = 16 << 20;
/// Parts that are on their way at once.
const AT_ONCE: usize = 2;
/// How long a part may take.
const PART_TIME: Duration = Duration::from_secs(600);

/// Under this name an object of the bucket carries the hash of its bytes.
const HASH: &str = "sha256";

fn differs(key: &str) -> io::Error {
    let kind = key.split('/').next().unwrap_or_default();
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("a copy below {kind} has other bytes than the file it was made of"),
    )
}

impl Files {
    /// Copies a file to a store and reads it back. Gives its length, and whether bytes were sent: a good copy
    /// that is there already is kept.
    ///
    /// # Errors
    /// If a store fails or the copy has another hash; then nothing may be removed.
    pub async fn copy(&self, key: &str, to: Place) -> io::Result<(u64, bool)> {
        let from = to.other();
        let (sha256, length) = self.hash(key, from).await?;
        if let Some(there) = self.find_in(key, to).await?
            && there.length == length
            && self.hash(key, to).await? == (sha256.clone(), length)
        {
            return Ok((length, false));
        }
        match to {
            Place::S3 => {
                let found = self.find_in(key, from).await?.ok_or(io::ErrorKind::NotFound)?;
                self.put(key, found, &sha256).await?;
            }
            Place::Local => {
                let found = self.find_in(key, from).await?.ok_or(io::ErrorKind::NotFound)?;
                let noted = self.noted_hash(key).await?;
                if noted.is_some_and(|n| n != sha256) {
                    return Err(differs(key));
                }
                self.bring(key, found, Some(&sha256)).await?;
            }
        }
        if self.hash(key, to).await? == (sha256, length) { Ok((length, true)) } else { Err(differs(key)) }
    }

    /// Removes a file of which a good copy lies in the other store, and the folders that are empty then.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub async fn drop_moved(&self, key: &str, from: Place) -> io::Result<()> {
        self.remove(key, from).await?;
        if from == Place::Local {
            self.tidy(key);
        }
        Ok(())
    }

    /// The hash that an object of the bucket carries, if it was put there by us.
    ///
    /// # Errors
    /// If the bucket cannot be asked.
    pub async fn noted_hash(&self, key: &str) -> io::Result<Option<String>> {
        let Some(bucket) = &self.bucket else { return Ok(None) };
        let options = object_store::GetOptions { head: true, ..object_store::GetOptions::default() };
        let got = in_time(bucket.get_opts(&Key::from(key), options)).await?;
        Ok(got.attributes.get(&Attribute::Metadata(HASH.into())).map(|v| v.as_ref().to_owned()))
    }

    async fn put(&self, key: &str, found: Found, sha256: &str) -> io::Result<()> {
        let bucket = self.bucket.as_ref().ok_or(io::ErrorKind::NotFound)?;
        let path = found.path().ok_or(io::ErrorKind::NotFound)?;
        let mut file = tokio::fs::File::open(path).await?;
        let name = Key::from(key);
        let attributes = Attributes::from_iter([(Attribute::Metadata(HASH.into()), sha256.to_owned())]);
        if found.length <= WHOLE {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).await?;
            let options = PutOptions { attributes, ..PutOptions::default() };
            in_time(bucket.put_opts(&name, PutPayload::from(bytes), options)).await?;
            return Ok(());
        }
        let options = PutMultipartOptions { attributes, ..PutMultipartOptions::default() };
        let begun = in_time(bucket.put_multipart_opts(&name, options)).await?;
        let mut upload = WriteMultipart::new_with_chunk_size(begun, PART);
        let mut buffer = vec![0; 1 << 20];
        let sent = async {
            loop {
                let n = file.read(&mut buffer).await?;
                if n == 0 {
                    return Ok(());
                }
                let room = tokio::time::timeout(PART_TIME, upload.wait_for_capacity(AT_ONCE)).await;
                room.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?.map_err(failed)?;
                upload.write(&buffer[..n]);
            }
        };
        let sent: io::Result<()> = sent.await;
        if let Err(error) = sent {
            // What cannot be taken back now is removed by the rule of the bucket for unfinished uploads.
            let _ = tokio::time::timeout(PATIENCE, upload.abort()).await;
            return Err(error);
        }
        match tokio::time::timeout(PART_TIME * 2, upload.finish()).await {
            Ok(done) => done.map(drop).map_err(failed),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}
