//! What happened, one JSON line each, so that a demo killed at any instant goes on with vendors that remember.
//!
//! A line is written before the answer is sent. A process killed half way through a line has answered nobody, so a torn last line is
//! cut off at the next start: to the caller it is a request without an answer, which is exactly what it was. Nothing is synced to
//! the disk: processes are killed here, machines are not.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Mutex;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::lock;

/// An append-only file of JSON lines, or nothing at all when the vendors live in memory only.
#[derive(Debug, Default)]
pub(crate) struct Store {
    file: Option<Mutex<File>>,
}

impl Store {
    /// Opens `path`, and returns what it holds in the order it was written.
    pub(crate) fn open<T: DeserializeOwned>(path: &Path) -> io::Result<(Self, Vec<T>)> {
        let mut bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        bytes.truncate(whole);
        let mut records = Vec::new();
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if line.is_empty() {
                continue;
            }
            records.push(serde_json::from_slice(line).map_err(|error| {
                io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("line {} of `{}`: {error}", index + 1, path.display()),
                )
            })?);
        }
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        file.set_len(u64::try_from(whole).unwrap_or(u64::MAX))?;
        Ok((Self { file: Some(Mutex::new(file)) }, records))
    }

    /// Appends one record. In one write, so that a kill leaves a whole line or a torn last one.
    pub(crate) fn append<T: Serialize>(&self, record: &T) -> io::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        lock(file).write_all(&line)
    }
}
