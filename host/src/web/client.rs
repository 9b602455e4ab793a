//! Asking a running host.

use std::path::Path;
use std::time::Duration;

use reqwest::{Client, RequestBuilder};
use serde::Serialize;
use serde_json::Value;

use super::socket;
use crate::capability::choose_cryptography;

/// How long a host may take to answer: it has everything at hand.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long it may take where it has to ask vendors.
const PATIENCE: Duration = Duration::from_mins(5);

/// Why a host that runs did not answer.
#[derive(Debug, thiserror::Error)]
#[error("the running host does not answer: {0}\n  hint: is it of another version than this command?")]
pub struct NoAnswer(reqwest::Error);

/// What the host of this project says; `None`: none runs.
pub async fn ask(state_dir: &Path, path: &str) -> Result<Option<Value>, NoAnswer> {
    let nothing: [(&str, &str); 0] = [];
    ask_with(state_dir, path, &nothing).await
}

/// The same, asked with something: members of an object, which are texts.
pub async fn ask_with(state_dir: &Path, path: &str, with: &(impl Serialize + Sync)) -> Result<Option<Value>, NoAnswer> {
    send(state_dir, TIMEOUT, |client| client.get(url(path)).query(with)).await
}

/// What the host of this project makes of a request, a JSON text; `None`: none runs.
pub async fn request(state_dir: &Path, path: &str, body: String) -> Result<Option<Value>, NoAnswer> {
    send(state_dir, PATIENCE, |client| client.post(url(path)).body(body)).await
}

fn url(path: &str) -> String {
    format!("http://localhost{path}")
}

async fn send(
    state_dir: &Path,
    timeout: Duration,
    request: impl FnOnce(&Client) -> RequestBuilder,
) -> Result<Option<Value>, NoAnswer> {
    let socket = socket(state_dir);
    if !socket.exists() {
        return Ok(None);
    }
    choose_cryptography();
    let client = Client::builder().unix_socket(socket).timeout(timeout).no_proxy().build().map_err(NoAnswer)?;
    match request(&client).send().await {
        // Left by a host that was killed.
        Err(error) if error.is_connect() => Ok(None),
        Err(error) => Err(NoAnswer(error)),
        Ok(answer) => {
            let body = answer.error_for_status().map_err(NoAnswer)?.bytes().await.map_err(NoAnswer)?;
            Ok(serde_json::from_slice(&body).ok())
        }
    }
}
