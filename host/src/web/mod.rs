//! HTTP over the host's own Unix socket, `state/qiao.sock`: what a running host tells the commands.
//!
//! The socket lies in the private state folder, so that only the user who runs the host can ask. [`serve`] answers, [`client`]
//! asks, and [`view`] is what both sides show.

pub mod bills;
pub mod client;
pub mod view;

use std::io;
use std::path::{Path, PathBuf};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::net::UnixListener;

use crate::engine::check::indexes;
use crate::engine::reload::Serving;
use crate::engine::{Engine, backfill, preview};

/// The plugins that serve ([`view::plugins`]).
pub const PLUGINS: &str = "/v1/plugins";

/// The schemes ([`view::schemes`]).
pub const SCHEMES: &str = "/v1/schemes";

/// Which of some indexes are not built ([`IndexesAsked`], [`indexes::UnbuiltIndex`]).
pub const UNBUILT_INDEXES: &str = "/v1/unbuilt-indexes";

/// What [`UNBUILT_INDEXES`] is asked with.
#[derive(Debug, Serialize, Deserialize)]
pub struct IndexesAsked {
    /// JSON: [`indexes::NeededIndex`]es.
    pub needed: String,
}

/// A preview: a [`preview::Request`] is posted, a [`preview::Report`] comes back.
pub const PREVIEW: &str = "/v1/preview";

/// A backfill: a [`backfill::Request`] is posted; how far one is, is asked with [`BackfillAsked`]. A [`backfill::Report`] comes back.
pub const BACKFILL: &str = "/v1/backfill";

/// Whose backfill is asked about.
#[derive(Debug, Serialize, Deserialize)]
pub struct BackfillAsked {
    /// The scheme's stem.
    pub scheme: String,
}

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

/// What is asked about.
#[derive(Clone)]
struct Host {
    serving: Serving,
    engine: Engine,
}

/// Answers until it is dropped.
pub async fn serve(mut listening: Listening, serving: Serving, engine: Engine) -> io::Result<()> {
    let routes = Router::new()
        .route(PLUGINS, get(plugins))
        .route(SCHEMES, get(schemes))
        .route(UNBUILT_INDEXES, get(unbuilt_indexes))
        // Rows are given along; who may ask may also fill the disk.
        .route(PREVIEW, post(show_preview).layer(DefaultBodyLimit::disable()))
        .route(BACKFILL, post(plan_backfill).get(show_backfill))
        .merge(bills::routes())
        .with_state(Host { serving, engine });
    match listening.listener.take() {
        Some(listener) => axum::serve(listener, routes).await,
        None => Ok(()),
    }
}

async fn plugins(State(host): State<Host>) -> Json<Value> {
    Json(view::plugins(&host.serving.standing(), true))
}

async fn schemes(State(host): State<Host>) -> Json<Value> {
    Json(view::schemes(&host.serving.standing(), true))
}

async fn show_preview(State(host): State<Host>, body: Bytes) -> Result<Json<preview::Report>, (StatusCode, String)> {
    let request = serde_json::from_slice(&body).map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
    let standing = host.serving.standing();
    let state = standing.snapshot.state.clone();
    Ok(Json(preview::preview(&standing, Some(host.engine.journal), state, request).await))
}

async fn plan_backfill(State(host): State<Host>, body: Bytes) -> Result<Json<backfill::Report>, (StatusCode, String)> {
    let request = serde_json::from_slice(&body).map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
    backfill::plan(&host.engine, &request).await.map(Json).map_err(|reason| (StatusCode::CONFLICT, reason))
}

async fn show_backfill(
    State(host): State<Host>,
    Query(BackfillAsked { scheme }): Query<BackfillAsked>,
) -> Result<Json<backfill::Report>, (StatusCode, String)> {
    backfill::report(&host.engine, &scheme).await.map(Json).map_err(|reason| (StatusCode::NOT_FOUND, reason))
}

async fn unbuilt_indexes(
    State(host): State<Host>,
    Query(IndexesAsked { needed }): Query<IndexesAsked>,
) -> Result<Json<Vec<indexes::UnbuiltIndex>>, (StatusCode, String)> {
    let needed: Vec<indexes::NeededIndex> =
        serde_json::from_str(&needed).map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
    let unbuilt = indexes::unbuilt(&*host.engine.journal, &needed).await;
    unbuilt.map(Json).map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}
