//! `qiao records`: bills, one by one.

mod show;

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::project::state_dir;
use super::status::{NOTHING_RAN, journal, stem_of};
use super::{CommandError, CommandResult, Common, FAILED, output};
use crate::engine::records::{self, Decided, Decision, Listed, Shown, Wanted};
use crate::journal::{Intervened, Intervention, Status};
use crate::web::bills::{DECIDE, LIST, SHOW, ToShow};
use crate::web::client;

/// What can be done with bills.
#[derive(Subcommand)]
pub(super) enum Command {
    /// List bills: without `--status`, those that are dead, will be retried, or were claimed.
    List {
        /// Of this scheme only.
        #[arg(long, value_name = "SCHEME")]
        scheme: Option<String>,
        /// Of this status only; may be given more than once.
        #[arg(long, value_name = "STATUS")]
        status: Vec<StatusName>,
        /// The most bills to list.
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: usize,
    },
    /// Show all that is known of a bill: where it stands, its rows, each attempt with what was sent and answered.
    Show {
        /// The bill: its merge key, or its row's id, as `list` shows it.
        bill: String,
        /// Its scheme; needed only where several have a bill of this name.
        #[arg(long, value_name = "SCHEME")]
        scheme: Option<String>,
    },
    /// Try bills again now, as if for the first time. Uncertain ones are looked up at the vendor first.
    Retry {
        #[command(flatten)]
        which: Which,
        /// You have seen that the vendor does not have them: send uncertain bills without looking them up.
        #[arg(long)]
        absent: bool,
    },
    /// Give bills up. Their rows stay: when one of them changes at the source, there is a new version.
    Drop {
        #[command(flatten)]
        which: Which,
        /// You have seen that the vendor has this uncertain bill, under this id: it counts as delivered.
        #[arg(long, value_name = "ID")]
        delivered_as: Option<String>,
    },
}

/// The bills that are meant.
#[derive(Args)]
pub(super) struct Which {
    /// Bills: their merge keys, or their rows' ids, as `list` shows them.
    #[arg(value_name = "BILL", required_unless_present = "all")]
    bills: Vec<String>,
    /// Of this scheme only.
    #[arg(long, value_name = "SCHEME")]
    scheme: Option<String>,
    /// All bills of a status: the dead ones, if `--status` names no other.
    #[arg(long)]
    all: bool,
    /// With `--all`: of this status; may be given more than once.
    #[arg(long, value_name = "STATUS", requires = "all")]
    status: Vec<StatusName>,
}

/// A status, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum StatusName {
    /// Not yet sent.
    Waiting,
    /// May have reached the vendor.
    Claimed,
    /// Delivered.
    Done,
    /// Will be retried.
    Failed,
    /// Needs a person.
    Dead,
}

impl From<StatusName> for Status {
    fn from(name: StatusName) -> Self {
        match name {
            StatusName::Waiting => Self::Waiting,
            StatusName::Claimed => Self::Claimed,
            StatusName::Done => Self::Done,
            StatusName::Failed => Self::Failed,
            StatusName::Dead => Self::Dead,
        }
    }
}

pub(super) async fn records(common: &Common, command: &Command) -> CommandResult {
    match command {
        Command::List { scheme, status, limit } => {
            let wanted = Wanted {
                scheme: scheme.as_deref().map(stem_of),
                statuses: status.iter().copied().map(Into::into).collect(),
                limit: *limit,
            };
            list(common, wanted).await
        }
        Command::Show { bill, scheme } => show(common, bill, scheme.as_deref()).await,
        Command::Retry { which, absent } => {
            let decided = if *absent { Intervention::RetryAbsent } else { Intervention::Retry };
            decide(common, which, decided).await
        }
        Command::Drop { which, delivered_as } => {
            let decided = match delivered_as {
                Some(id) => Intervention::Delivered { id: id.clone() },
                None => Intervention::Drop,
            };
            decide(common, which, decided).await
        }
    }
}

async fn list(common: &Common, wanted: Wanted) -> CommandResult {
    let listed: Listed = match client::request(&state_dir(common), LIST, serde_json::to_string(&wanted)?).await? {
        Some(told) => serde_json::from_value(told)?,
        None => match journal(common)? {
            Some(journal) => records::list(&*journal, &wanted).await?,
            None => return Err(CommandError(NOTHING_RAN.to_owned())),
        },
    };
    if common.json {
        output::line(&serde_json::to_string(&listed)?);
    } else {
        show::list(&listed, wanted.limit);
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(common: &Common, bill: &str, scheme: Option<&str>) -> CommandResult {
    let asked = ToShow { scheme: scheme.map(stem_of), bill: bill.to_owned() };
    let shown: Vec<Shown> = match client::request(&state_dir(common), SHOW, serde_json::to_string(&asked)?).await? {
        Some(told) => serde_json::from_value(told)?,
        None => match journal(common)? {
            Some(journal) => records::show(&*journal, asked.scheme.as_deref(), bill).await?,
            None => return Err(CommandError(NOTHING_RAN.to_owned())),
        },
    };
    if shown.is_empty() {
        let of = asked.scheme.map(|scheme| format!(" of scheme `{scheme}`")).unwrap_or_default();
        return Err(CommandError(format!(
            "there is no bill `{bill}`{of}\n  hint: a bill is named by its merge key, or by its row's id: see `qiao records list --status done`"
        )));
    }
    if common.json {
        output::line(&json!({ "records": shown }).to_string());
    } else {
        shown.iter().for_each(show::record);
    }
    Ok(ExitCode::SUCCESS)
}

async fn decide(common: &Common, which: &Which, decided: Intervention) -> CommandResult {
    if matches!(decided, Intervention::Delivered { .. }) && (which.all || which.bills.len() > 1) {
        return Err(CommandError(
            "`--delivered-as` is about one bill\n  hint: every bill has an id of its own at the vendor".to_owned(),
        ));
    }
    let all: Vec<Status> = match (which.all, which.status.as_slice()) {
        (false, _) => Vec::new(),
        (true, []) => vec![Status::Dead],
        (true, statuses) => statuses.iter().copied().map(Into::into).collect(),
    };
    let scheme = which.scheme.as_deref().map(stem_of);
    let decision = Decision { decided, bills: which.bills.clone(), all, scheme };
    let told = client::request(&state_dir(common), DECIDE, serde_json::to_string(&decision)?).await?;
    let (decided, is_running): (Vec<Decided>, bool) = match told {
        Some(told) => (serde_json::from_value(told)?, true),
        None => match journal(common)? {
            Some(journal) => (records::decide(&*journal, &decision).await?, false),
            None => return Err(CommandError(NOTHING_RAN.to_owned())),
        },
    };
    let failed = decided.iter().filter(|decided| decided.result != Intervened::Done).count();
    if common.json {
        output::line(&json!({ "records": decided }).to_string());
    } else {
        show::decided(&decision.decided, &decided, is_running);
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}
