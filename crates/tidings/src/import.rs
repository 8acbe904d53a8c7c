//! `tidings import`: customers and their purchases, from a file of our own form or of another vendor's. The stores say what was bought; the file only
//! says whose, and what else is known of them.

mod adapty;
mod bring;
mod cells;
mod entry;
mod report;
mod revenuecat;
mod rows;

use crate::{
    allowed::Allowed,
    options::Data,
    process::{self, Shares},
    say, stores,
    trusted::Trusted,
};
use anyhow::{Context, Result, anyhow, bail};
use bring::Project;
use clap::{Args, Subcommand};
use engine::{Engine, NetworkTransport, Parts, Retention, System, WallSystem};
use entry::Line;
use futures_util::{StreamExt, stream};
use report::{Bar, Report, imported_before};
use sources::Web;
use std::{collections::BTreeSet, path::PathBuf, process::ExitCode, sync::Arc};
use web::counted;

/// Rows under way at once; each app also asks its store at that store's pace.
const AT_ONCE: usize = 8;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Options {
    #[command(flatten)]
    own: Option<Given>,
    #[command(subcommand)]
    theirs: Option<Theirs>,
}

/// Whose files are read.
#[derive(Debug, Subcommand)]
enum Theirs {
    /// Customers, names, attributes and purchases from RevenueCat: the CSV of its transactions feed, a CSV of customers (`app_user_id`, `$...`), or
    /// pages of its API v2 as they were answered (customers, subscriptions, purchases), one or many in a file.
    Revenuecat(Given),
    /// The same from Adapty: the CSV of its event export, or profiles as its server API answers them, one in each line.
    Adapty(Given),
}

/// What is brought in, and how.
// The group is how it is known to be there; clap fills none that other groups are in.
#[derive(Debug, Args)]
#[group(args = ["project", "file"])]
pub(crate) struct Given {
    #[command(flatten)]
    data: Data,
    /// Key of the project.
    #[arg(long)]
    project: String,
    /// CSV with a header `app,app_user_id,token`, or one JSON object with these members per line. `app` is the key of an app;
    /// `token` a transaction id or receipt, a purchase token, or a Stripe id. For another vendor's, see the command of its name.
    file: PathBuf,
    /// Where the outcome of every row is written, one JSON object per line; rows found there as imported are not repeated.
    /// The file with `.report` appended when absent.
    #[arg(long)]
    report: Option<PathBuf>,
    /// Tell the latest event of each purchase. Without this an import tells none.
    #[arg(long)]
    tell_events: bool,
    #[command(flatten)]
    allowed: Allowed,
    #[command(flatten)]
    trusted: Trusted,
}

/// How a file is read.
type Read = fn(&str) -> Result<Vec<Line>>;

pub(crate) async fn run(options: &Options) -> Result<ExitCode> {
    let (given, read): (_, Read) = match (&options.theirs, &options.own) {
        (Some(Theirs::Revenuecat(given)), _) => (given, revenuecat::read),
        (Some(Theirs::Adapty(given)), _) => (given, adapty::read),
        (None, Some(given)) => (given, rows::read),
        (None, None) => bail!("name a file, or whose file it is"),
    };
    import(given, read).await
}

async fn import(options: &Given, read: Read) -> Result<ExitCode> {
    let text = std::fs::read_to_string(&options.file)
        .with_context(|| format!("cannot read {}", options.file.display()))?;
    let rows = once(read(&text)?);
    let beside = || PathBuf::from(format!("{}.report", options.file.display()));
    let report = options.report.clone().unwrap_or_else(beside);
    let done = imported_before(&report)?;
    let engine = engine(options).await?;
    let setup = engine.setup();
    let project = setup
        .find_project(&options.project)
        .with_context(|| format!("there is no project {:?}", options.project))?
        .row
        .id;
    let mut report = Report::append(report)?;
    let total = rows.len();
    let began = WallSystem.uptime();
    let todo: Vec<_> = rows
        .into_iter()
        .filter(|line| !done.contains(&line.number))
        .collect();
    say::line(format!(
        "{}, {} imported before",
        counted(total, "row"),
        total - todo.len()
    ));
    let into = Project {
        engine: &engine,
        setup: &setup,
        id: project,
        tell_events: options.tell_events,
    };
    let work = todo.into_iter().map(|line| into.bring(line));
    let mut outcomes = stream::iter(work).buffer_unordered(AT_ONCE);
    let mut bar = Bar::of(total, done.len());
    while let Some(outcome) = outcomes.next().await {
        report.put(&outcome)?;
        bar.step(WallSystem.uptime().saturating_sub(began));
    }
    bar.end();
    report.close()
}

/// Each purchase of a customer once: an export has a line for each of its charges.
fn once(lines: Vec<Line>) -> Vec<Line> {
    let mut seen = BTreeSet::new();
    let is_new = |line: &Line| {
        let Ok(entry) = &line.entry else { return true };
        seen.insert(format!("{entry:?}"))
    };
    lines.into_iter().filter(is_new).collect()
}

async fn engine(options: &Given) -> Result<Engine> {
    let opened = options.data.open().await?;
    let shares = Shares::of(process::descriptors(), 0, options.data.most_connections())
        .map_err(|why| anyhow!(why))?;
    let transport = Arc::new(
        NetworkTransport::new(
            options.allowed.networks.clone(),
            options.trusted.read()?,
            shares.outgoing,
        )
        .context("the HTTP client cannot be set up")?,
    );
    let parts = Parts {
        ledger: opened.ledger,
        system: Arc::new(WallSystem),
        web: Arc::clone(&transport) as Arc<dyn Web>,
        transport,
        vault: opened.vault,
        public_url: String::new(),
        make_source: stores::sources(),
        most_waiting: usize::MAX,
        retention: Retention::DEFAULT,
    };
    Ok(Engine::quiet(parts).await?)
}
