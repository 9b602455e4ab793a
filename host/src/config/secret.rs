//! Secrets: where they come from, and a text that does not show itself.
//!
//! A project's folder is copied, committed and mailed, so `qiao.toml` says only where a secret is: in an environment variable
//! or in a file. It is read when its connection is built, not when the project is loaded.

use std::fmt;
use std::path::{Path, PathBuf};

use super::problem::{Complaint, ConfigProblem};
use super::tree::fields::nearest;
use super::tree::{Data, Node, read};
use super::{QIAO_TOML, connection};

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// In this environment variable.
    Env(String),
    /// In this file, relative to the project's folder. One line end at its end is not part of the secret.
    File(PathBuf),
}

/// A secret. It is shown only to who calls [`Secret::expose`].
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl SecretSource {
    /// Reads the secret. The problem names variable or file; [`ConfigProblem::at`] adds which secret it is.
    pub fn read(&self, root: &Path) -> Result<Secret, ConfigProblem> {
        let problem = |message: String| ConfigProblem::error(QIAO_TOML, message);
        let (text, whose) = match self {
            Self::Env(name) => {
                let whose = format!("the environment variable `{name}`");
                let text = std::env::var(name).map_err(|error| match error {
                    std::env::VarError::NotPresent => problem(format!("{whose} is not set"))
                        .hint(format!("set it before `qiao` starts, for example by `export {name}=…`")),
                    std::env::VarError::NotUnicode(_) => problem(format!("{whose} is not UTF-8 text")),
                })?;
                (text, whose)
            }
            Self::File(path) => {
                let whose = format!("the file `{}`", path.display());
                let bytes = std::fs::read(root.join(path)).map_err(|error| {
                    problem(format!("{whose} cannot be read: {error}"))
                        .hint("its path is relative to the project's folder")
                })?;
                let mut text = String::from_utf8(bytes).map_err(|_| problem(format!("{whose} is not UTF-8 text")))?;
                if text.ends_with('\n') {
                    text.pop();
                    if text.ends_with('\r') {
                        text.pop();
                    }
                }
                (text, whose)
            }
        };
        if text.trim().is_empty() {
            return Err(problem(format!("{whose} is empty")));
        }
        Ok(Secret(text))
    }

    /// Reads `{ env = "…" }` or `{ file = "…" }`. What is there instead may be a secret: no message repeats it.
    pub(super) fn parse(node: &Node, connection: &str, secret: &str) -> Result<Self, Complaint> {
        let variable = connection::variable_name(connection, secret);
        let hint = format!("put it into an environment variable and write `{secret} = {{ env = \"{variable}\" }}`");
        let entries = match &node.data {
            Data::Map(entries) => entries,
            Data::Text(_) | Data::Number(_) | Data::Other(_) => {
                return Err(Complaint::new(format!("a secret is never written into `{QIAO_TOML}` itself")).hint(hint));
            }
            _ => return Err(Complaint::new("expected `{ env = \"…\" }` or `{ file = \"…\" }`").hint(hint)),
        };
        let [(key, value)] = entries.as_slice() else {
            return Err(Complaint::new("expected either `env` or `file`").hint(hint));
        };
        let place = |complaint: Complaint| complaint.place(value.place);
        match key.name.as_str() {
            "env" => Ok(Self::Env(read::text(value).map_err(place)?)),
            "file" => Ok(Self::File(read::text(value).map_err(place)?.into())),
            other => {
                let complaint = Complaint::new(format!("unknown key `{other}`, expected `env` or `file`"));
                let near = nearest(other, ["env", "file"]);
                Err(complaint.hint(near.map_or(hint, |near| format!("did you mean `{near}`?"))).place(key.place))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

    use super::*;

    #[test]
    fn secrets_are_read_and_not_shown() {
        let root = tempfile::tempdir().unwrap();
        for (content, expected) in [
            (&b"s3cret"[..], "s3cret"),
            (b"s3cret\r\n", "s3cret"),
            (b" s3 \n", " s3 "),
            (b"\n", "qiao.toml: the file `key` is empty"),
            (b"", "qiao.toml: the file `key` is empty"),
            (b"\xff", "qiao.toml: the file `key` is not UTF-8 text"),
        ] {
            std::fs::write(root.path().join("key"), content).unwrap();
            let found = SecretSource::File("key".into()).read(root.path());
            assert_eq!(found.map_or_else(|problem| problem.to_string(), |secret| secret.expose().to_owned()), expected);
        }
        let path = SecretSource::Env("PATH".to_owned()).read(root.path()).unwrap();
        assert_eq!(format!("{path} {path:?}"), "[secret] [secret]");
        assert_eq!(path.expose(), std::env::var("PATH").unwrap());
    }

    #[test]
    fn a_missing_secret_is_named() {
        let root = tempfile::tempdir().unwrap();
        let missing =
            |source: SecretSource| source.read(root.path()).unwrap_err().at("connections.a.secrets.b").to_string();
        assert_eq!(
            missing(SecretSource::Env("QIAO_TEST_NEVER_SET".to_owned())),
            "qiao.toml: connections.a.secrets.b: the environment variable `QIAO_TEST_NEVER_SET` is not set\
             \n  hint: set it before `qiao` starts, for example by `export QIAO_TEST_NEVER_SET=…`"
        );
        assert_eq!(
            missing(SecretSource::File("no/such".into())),
            "qiao.toml: connections.a.secrets.b: the file `no/such` cannot be read: No such file or directory (os error 2)\
             \n  hint: its path is relative to the project's folder"
        );
    }
}
