//! HTTP over the host's own Unix socket, `state/qiao.sock`: what a running host tells the commands.
//!
//! The socket lies in the private state folder, so that only the user who runs the host can ask. [`serve`] answers, [`client`]
//! asks, and [`view`] is what both sides show.

pub mod client;
pub mod view;

use std::io;
use std::path::{Path, PathBuf};

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;
use tokio::net::UnixListener;

use crate::engine::reload::Serving;

/// The plugins that serve ([`view::plugins`]).
pub const PLUGINS: &str = "/v1/plugins";

/// The schemes ([`view::schemes`]).
pub const SCHEMES: &str = "/v1/schemes";

fn socket(state_dir: &Path) -> PathBuf {
    state_dir.join("qiao.sock")
}

/// Opens the socket. Only one host has a project's journal open, so one that lies there was left by a host that is gone.
pub fn listen(state_dir: &Path) -> io::Result<Listening> {
    let path = socket(state_dir);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    Ok(Listening { listener: Some(listener), path })
}

/// An open socket; its file goes with it.
pub struct Listening {
    listener: Option<UnixListener>,
    path: PathBuf,
}

impl Drop for Listening {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.path));
    }
}

/// Answers until it is dropped.
pub async fn serve(mut listening: Listening, serving: Serving) -> io::Result<()> {
    let routes = Router::new().route(PLUGINS, get(plugins)).route(SCHEMES, get(schemes)).with_state(serving);
    match listening.listener.take() {
        Some(listener) => axum::serve(listener, routes).await,
        None => Ok(()),
    }
}

async fn plugins(State(serving): State<Serving>) -> Json<Value> {
    Json(view::plugins(&serving.standing(), true))
}

async fn schemes(State(serving): State<Serving>) -> Json<Value> {
    Json(view::schemes(&serving.standing(), true))
}
