//! Asking a source for one page.

use jiff::Timestamp;
use tokio::time::Instant;

use crate::dialect::{MappingError, Variables};
use crate::engine::snapshot::Scheme;
use crate::engine::{Engine, EngineError, may_pass, retry};
use crate::journal::{PageRef, Scan, ScanKind};
use crate::plugin::Failure;
use crate::plugin::connector::{FetchedPage, SourceRequest};

/// Attempts at a page before the scan is left for the next time.
const ATTEMPTS: u32 = 8;

/// What is asked for, whatever the page.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Window {
    /// Whose request it is.
    pub(in crate::engine) kind: ScanKind,
    /// Where it begins, Unix seconds; `None`: no beginning.
    pub(in crate::engine) start: Option<i64>,
    /// Where it ends, Unix seconds.
    pub(in crate::engine) end: i64,
}

impl Window {
    pub(super) fn of(scan: &Scan) -> Self {
        Self { kind: scan.kind, start: scan.window_start, end: scan.window_end }
    }
}

/// Fetches a page, through failures that may pass.
pub(in crate::engine) async fn fetch(
    engine: &Engine,
    scheme: &Scheme,
    window: Window,
    page: &PageRef,
    until: Option<Instant>,
) -> Result<FetchedPage, EngineError> {
    let request = request(scheme, window, page)
        .map_err(|error| EngineError::Scheme(format!("the source's request: {error}\n  hint: {}", error.hint())))?;
    let connector = engine.snapshot.source_connector(scheme);
    let mut attempts = 0;
    loop {
        let failure = match connector.fetch(&request, page).await {
            Ok(fetched) => return Ok(fetched),
            Err(failure) => failure,
        };
        engine.progress.attempt_failed();
        if may_pass(failure.kind)
            && let Some(unavailable) = scheme.source.connection.unavailable()
        {
            return Err(EngineError::Unavailable(unavailable));
        }
        attempts += 1;
        let pause = retry::pause(&scheme.retry, attempts, failure.retry_after);
        let too_late = until.is_some_and(|until| pause > until.saturating_duration_since(Instant::now()));
        if !may_pass(failure.kind) || attempts >= ATTEMPTS || too_late {
            return Err(EngineError::Failure(located(failure, scheme, page)));
        }
        tracing::warn!(
            scheme = scheme.stem,
            page = page.index,
            attempts,
            "page not fetched, again in {pause:.1?}: {failure}"
        );
        engine.sleep(pause).await?;
    }
}

fn located(mut failure: Failure, scheme: &Scheme, page: &PageRef) -> Failure {
    let connection = scheme.source.connection.name();
    failure.message = format!("page {} from connection `{connection}`: {}", page.index, failure.message);
    failure
}

fn request(scheme: &Scheme, window: Window, page: &PageRef) -> Result<SourceRequest, MappingError> {
    let source = &scheme.source;
    let variables = Variables {
        last_sync_seconds: window.start,
        current_seconds: window.end,
        page_size: source.page_size.into(),
        start_row: page.start_row,
        page_no: u64::from(page.index) + 1,
    };
    let in_zone = |seconds: i64| {
        let timestamp = Timestamp::from_second(seconds).unwrap_or_default();
        let offset = source.time_zone.to_offset(timestamp);
        timestamp.display_with_offset(offset).to_string()
    };
    let (rendered, other_request) = match window.kind {
        ScanKind::Remedy => source.plan.render_remedy(&variables)?,
        ScanKind::Scheduled | ScanKind::Backfill => {
            (source.plan.render_request(&variables)?, source.plan.render_other_request(&variables)?)
        }
    };
    Ok(SourceRequest {
        api: source.plan.api().to_owned(),
        method: source.plan.method().to_owned(),
        request: rendered,
        other_request,
        id_field: Some(source.plan.id_field().to_owned()),
        window_start: window.start.map(in_zone),
        window_end: in_zone(window.end),
        page_size: source.page_size,
    })
}
