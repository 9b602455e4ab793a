//! Asking a running host.

use std::path::Path;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde::Serialize;
use serde_json::Value;

use super::socket;
use crate::capability::choose_cryptography;

/// How long a host may take to answer: it has everything at hand.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long it may take where it has to ask vendors.
const PATIENCE: Duration = Duration::from_mins(5);

/// Why a host that runs did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// It gave no answer that can be read.
    #[error("the running host does not answer: {0}\n  hint: is it of another version than this command?")]
    NoAnswer(#[from] reqwest::Error),
    /// It has no such thing to ask for.
    #[error(
        "the running host does not know what it is asked ({0})\n  hint: it is of another version than this command: restart it, or use the command of its version"
    )]
    Unknown(StatusCode),
    /// It refuses, and says why.
    #[error("{0}")]
    Refused(String),
}

/// What the host of this project says; `None`: none runs.
pub async fn ask(state_dir: &Path, path: &str) -> Result<Option<Value>, AskError> {
    let nothing: [(&str, &str); 0] = [];
    ask_with(state_dir, path, &nothing).await
}

/// The same, asked with something: members of an object, which are texts.
pub async fn ask_with(state_dir: &Path, path: &str, with: &(impl Serialize + Sync)) -> Result<Option<Value>, AskError> {
    send(state_dir, TIMEOUT, |client| client.get(url(path)).query(with)).await
}

/// What the host of this project makes of a request, a JSON text; `None`: none runs.
pub async fn request(state_dir: &Path, path: &str, body: String) -> Result<Option<Value>, AskError> {
    send(state_dir, PATIENCE, |client| client.post(url(path)).header(CONTENT_TYPE, "application/json").body(body)).await
}

fn url(path: &str) -> String {
    format!("http://localhost{path}")
}

async fn send(
    state_dir: &Path,
    timeout: Duration,
    request: impl FnOnce(&Client) -> RequestBuilder,
) -> Result<Option<Value>, AskError> {
    let socket = socket(state_dir);
    if !socket.exists() {
        return Ok(None);
    }
    choose_cryptography();
    let client = Client::builder().unix_socket(socket).timeout(timeout).no_proxy().build()?;
    match request(&client).send().await {
        // Left by a host that was killed.
        Err(error) if error.is_connect() => Ok(None),
        Err(error) => Err(error.into()),
        Ok(answer) => {
            let status = answer.status();
            if status.is_success() {
                return Ok(serde_json::from_slice(&answer.bytes().await?).ok());
            }
            let reason = answer.text().await?;
            Err(if reason.is_empty() { AskError::Unknown(status) } else { AskError::Refused(reason) })
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use axum::Router;
    use axum::routing::get;
    use tokio::net::UnixListener;

    use super::*;

    #[tokio::test]
    async fn what_a_host_refuses_is_said_in_its_own_words() {
        let folder = tempfile::tempdir().unwrap();
        assert!(ask(folder.path(), "/busy").await.unwrap().is_none(), "no host");
        let listener = UnixListener::bind(socket(folder.path())).unwrap();
        let routes = Router::new()
            .route("/known", get(async || "[1]"))
            .route("/busy", get(async || (StatusCode::CONFLICT, "订单 is busy\n  hint: wait")));
        let host = tokio::spawn(async move { axum::serve(listener, routes).await });

        assert_eq!(ask(folder.path(), "/known").await.unwrap(), Some(serde_json::json!([1])));
        assert_eq!(ask(folder.path(), "/busy").await.unwrap_err().to_string(), "订单 is busy\n  hint: wait");
        let unknown = ask(folder.path(), "/unknown").await.unwrap_err().to_string();
        assert!(unknown.starts_with("the running host does not know what it is asked (404"), "{unknown}");
        host.abort();
    }
}
