//! `tidings compare`: what another vendor's webhooks told, beside what ours tell of the same. Nothing is changed by it.

mod pair;
mod theirs;

use crate::{options::Data, say};
use anyhow::{Context, Result, anyhow};
use clap::{Args, ValueEnum};
use destinations::webhook::payloads;
use domain::{EventKind, Present, ProjectId, time};
use jiff::{SignedDuration, Timestamp};
use ledger::{EventFilter, Ledger, Page};
use pair::{Found, Pairs, paired};
use std::{io::Write, path::PathBuf, process::ExitCode};
use theirs::Told;
use web::counted;

/// Events read at once.
const PAGE: usize = 500;

/// Whose webhooks they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Vendor {
    Revenuecat,
    Adapty,
}

impl Vendor {
    /// The format in which ours say the same.
    const fn format(self) -> &'static str {
        match self {
            Self::Revenuecat => "revenuecat",
            Self::Adapty => "adapty",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    data: Data,
    /// Key of the project.
    #[arg(long)]
    project: String,
    /// Whose webhooks were recorded.
    #[arg(value_enum)]
    vendor: Vendor,
    /// The bodies of their webhooks, one JSON object per line, in any order.
    file: PathBuf,
    /// How far apart both may have told the same, in minutes.
    #[arg(long, default_value_t = 180)]
    window: i64,
    /// Where every finding is written, one JSON object per line. The file with `.compared` appended when absent.
    #[arg(long)]
    report: Option<PathBuf>,
}

pub(crate) async fn run(options: &Options) -> Result<ExitCode> {
    let text = std::fs::read_to_string(&options.file)
        .with_context(|| format!("cannot read {}", options.file.display()))?;
    let format = options.vendor.format();
    let (theirs, unread) = theirs::read(format, &text);
    let opened = options.data.open().await?;
    let configuration = opened.ledger.configuration().await?;
    let mut projects = configuration.projects.iter();
    let project = projects
        .find(|project| project.key == options.project)
        .ok_or_else(|| anyhow!("there is no project {:?}", options.project))?;
    let window = SignedDuration::from_mins(options.window);
    let times = theirs.iter().map(|told| told.at);
    let Some((first, last)) = times.clone().min().zip(times.max()) else {
        say::line("There is nothing to compare with: the file has no event that can be read.");
        return Ok(ExitCode::FAILURE);
    };
    let span = (time::before(first, window), time::after(last, window));
    let ours = ours(&*opened.ledger, project.id, format, span).await?;
    let found = paired(theirs, ours, window);
    write(options, &found)?;
    summary(&found, unread);
    Ok(if found.iter().all(Found::is_equal) && unread == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What we told in that time, in the words of the format.
async fn ours(
    ledger: &dyn Ledger,
    project: ProjectId,
    format: &str,
    (since, until): (Timestamp, Timestamp),
) -> Result<Vec<Told>> {
    let filter = EventFilter {
        project: Some(project),
        since: Some(since),
        until: Some(until),
        ..EventFilter::default()
    };
    let (mut told, mut after) = (Vec::new(), 0);
    loop {
        let rows = ledger.events(&filter, Page::After(after, PAGE)).await?;
        let is_last = rows.len() < PAGE;
        for row in rows {
            after = row.position;
            let is_said = row.event.kind == EventKind::Test
                || Present::from_rule(&row.event.cause.rule).is_some();
            if is_said {
                continue;
            }
            for payload in payloads(format, &row.event) {
                let body = String::from_utf8(payload.body?)?;
                told.extend(theirs::one(format, &body));
            }
        }
        if is_last {
            return Ok(told);
        }
    }
}

fn write(options: &Options, found: &[Found]) -> Result<()> {
    let beside = || PathBuf::from(format!("{}.compared", options.file.display()));
    let path = options.report.clone().unwrap_or_else(beside);
    let file = std::fs::File::create(&path);
    let mut file = file.with_context(|| format!("cannot write {}", path.display()))?;
    for one in found {
        let text = serde_json::to_string(one)?;
        writeln!(file, "{text}").with_context(|| format!("cannot write {}", path.display()))?;
    }
    say::line(format!("Every finding is in {}.", path.display()));
    Ok(())
}

fn summary(found: &[Found], unread: usize) {
    let pairs = Pairs::of(found);
    for (what, number) in [
        ("equal", pairs.equal),
        ("with other fields", pairs.different),
        ("only theirs", pairs.only_theirs),
        ("only ours", pairs.only_ours),
        ("of theirs could not be read", unread),
    ] {
        say::line(format!("{number:>8}  {what}"));
    }
    for (field, number) in &pairs.fields {
        say::line(format!("{number:>8}  differ in {field}"));
    }
    if let Some((median, most)) = pairs.delays {
        say::line(format!(
            "Ours were told {median} s after theirs in the middle, {most} s at most, of {}.",
            counted(pairs.equal + pairs.different, "pair")
        ));
    }
}
