//! `tidings rederive`: are all events what the raw messages lead to?

use crate::{data::Opened, options::Data, say, stores};
use anyhow::{Context, Result, bail};
use clap::Args;
use domain::ProjectId;
use engine::rederive::{Difference, Report};
use ledger_sqlite::SqliteLedger;
use std::{process::ExitCode, sync::Arc};
use web::counted;

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    data: Data,
    /// Only compare and report. Nothing else is possible: events are never changed.
    #[arg(long)]
    dry_run: bool,
    /// Key of the project; all projects when absent.
    #[arg(long)]
    project: Option<String>,
}

pub(crate) async fn run(options: &Options) -> Result<ExitCode> {
    if !options.dry_run {
        bail!("rederive changes nothing: run it with --dry-run");
    }
    let opened = options.data.open().await?;
    let configuration = opened.ledger.configuration().await?;
    let wanted = |key: &str| options.project.as_ref().is_none_or(|wanted| wanted == key);
    let projects: Vec<_> = configuration
        .projects
        .iter()
        .filter(|project| wanted(&project.key))
        .collect();
    if let (Some(project), true) = (&options.project, projects.is_empty()) {
        bail!("there is no project {project:?}");
    }
    let mut differences = 0;
    for project in projects {
        let report = rederived(&options.data, &opened, project.id).await?;
        tell(&project.key, &report);
        differences += report.differences.len();
    }
    Ok(if differences == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What every event of a project would be, derived again beside the data in a ledger that is gone afterwards.
async fn rederived(data: &Data, opened: &Opened, project: ProjectId) -> Result<Report> {
    let directory = &data.data;
    std::fs::create_dir_all(directory).with_context(|| format!("{}", directory.display()))?;
    let path = directory.join(format!("rederive-{}.db", std::process::id()));
    let scratch = Arc::new(SqliteLedger::open(&path).context("no room for a second database")?);
    let report = engine::rederive::rederive(
        &*opened.ledger,
        scratch,
        opened.vault.clone(),
        stores::sources(),
        project,
        |count| {
            if count % 10_000 == 0 {
                say::line(format!("{count} messages"));
            }
        },
    )
    .await;
    for suffix in ["", "-wal", "-shm"] {
        let file = format!("{}{suffix}", path.display());
        if let Err(error) = std::fs::remove_file(&file)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            say::line(format!("{file} could not be removed: {error}"));
        }
    }
    Ok(report?)
}

/// Every difference, and how many there are.
fn tell(project: &str, report: &Report) {
    for difference in &report.differences {
        say::line(match difference {
            Difference::Missing(told) => format!("no longer derived: {told:?}"),
            Difference::Extra(told) => format!("not recorded: {told:?}"),
            Difference::Changed { recorded, derived }
            | Difference::Renamed { recorded, derived } => {
                format!("recorded {recorded:?}\n  derived {derived:?}")
            }
        });
        say::line(format!("  {}", difference.why()));
    }
    if report.redated > 0 {
        say::line(format!(
            "{project}: {} would have another id, because an earlier release dated it by the answer that showed what happened; what was told keeps its id",
            counted(report.redated, "event")
        ));
    }
    say::line(format!(
        "{project}: {}, {}, {}",
        counted(report.messages, "message"),
        counted(report.events, "event"),
        counted(report.differences.len(), "difference")
    ));
}
