//! Where schemes stand, bills, and what a person decides of them.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use super::Host;
use crate::engine::records::{self, Decided, Decision, Listed, Shown, Wanted};
use crate::engine::status::{self, Standings};

/// Where everything stands ([`OfScheme`], [`Standings`]).
pub const STATUS: &str = "/v1/status";

/// A list of bills: a [`Wanted`] is posted, a [`Listed`] comes back.
pub const LIST: &str = "/v1/records/list";

/// All of some bills: a [`ToShow`] is posted, [`Shown`]s come back.
pub const SHOW: &str = "/v1/records/show";

/// What is to become of bills: a [`Decision`] is posted, [`Decided`]s come back.
pub const DECIDE: &str = "/v1/records/decide";

/// A scheme is paused: its stem is posted.
pub const PAUSE: &str = "/v1/schemes/pause";

/// A paused scheme goes on: its stem is posted.
pub const RESUME: &str = "/v1/schemes/resume";

/// The vendor has no bill of a scheme that the journal has lost: its stem is posted; whether there was any doubt comes back.
pub const CONFIRM: &str = "/v1/schemes/confirm";

/// What [`STATUS`] is asked with.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct OfScheme {
    /// Of this scheme; absent: of all.
    pub scheme: Option<String>,
}

/// What [`SHOW`] is asked with.
#[derive(Debug, Serialize, Deserialize)]
pub struct ToShow {
    /// Of this scheme; `None`: of all that have such a bill.
    pub scheme: Option<String>,
    /// The bill.
    pub bill: String,
}

type Answer<T> = Result<Json<T>, (StatusCode, String)>;

pub(super) fn routes() -> Router<Host> {
    Router::new()
        .route(STATUS, get(stands))
        .route(LIST, post(list))
        .route(SHOW, post(show))
        .route(DECIDE, post(decide))
        .route(PAUSE, post(pause))
        .route(RESUME, post(resume))
        .route(CONFIRM, post(confirm))
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn failed(error: impl ToString) -> (StatusCode, String) {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

async fn stands(State(host): State<Host>, Query(asked): Query<OfScheme>) -> Answer<Standings> {
    let engine = host.engine.refreshed();
    status::status(&engine, asked.scheme.as_deref(), true).await.map(Json).map_err(failed)
}

async fn list(State(host): State<Host>, Json(wanted): Json<Wanted>) -> Answer<Listed> {
    records::list(&*host.engine.journal, &wanted).await.map(Json).map_err(failed)
}

async fn show(State(host): State<Host>, Json(asked): Json<ToShow>) -> Answer<Vec<Shown>> {
    records::show(&*host.engine.journal, asked.scheme.as_deref(), &asked.bill).await.map(Json).map_err(failed)
}

async fn decide(State(host): State<Host>, Json(decision): Json<Decision>) -> Answer<Vec<Decided>> {
    let decided = records::decide(&*host.engine.journal, &decision).await.map_err(failed)?;
    host.engine.wake();
    Ok(Json(decided))
}

async fn pause(State(host): State<Host>, Json(stem): Json<String>) -> Answer<()> {
    host.engine.pause(&stem).await.map(Json).map_err(failed)
}

async fn resume(State(host): State<Host>, Json(stem): Json<String>) -> Answer<()> {
    host.engine.resume(&stem).await.map(Json).map_err(failed)
}

async fn confirm(State(host): State<Host>, Json(stem): Json<String>) -> Answer<bool> {
    host.engine.confirm(&stem).await.map(Json).map_err(failed)
}
