//! `tidings import`: customers and their purchases, from a file. The stores say what was bought; the file only says whose.

use crate::{allowed::Allowed, cli::Data, say, stores, trusted::Trusted};
use anyhow::{Context, Result, bail};
use clap::Args;
use engine::{Engine, Imported, NetworkTransport, Parts, Retention, WallSystem};
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use sources::{
    Receipt, Sender, Web,
    table::{self, Table},
};
use std::{
    collections::BTreeSet,
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

/// Rows under way at once; each app also asks its store at that store's pace.
const AT_ONCE: usize = 8;

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    data: Data,
    /// Key of the project.
    #[arg(long)]
    project: String,
    /// CSV with a header `app,app_user_id,token`, or one JSON object with these members per line. `app` is the key of an app;
    /// `token` a transaction id or receipt, a purchase token, or a Stripe id.
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

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    app: String,
    app_user_id: String,
    token: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Outcome {
    line: usize,
    app_user_id: String,
    outcome: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    detail: String,
}

/// Columns that a table must have.
const COLUMNS: [&str; 3] = ["app", "app_user_id", "token"];

/// The rows of a file with their line numbers, from 1; a row that cannot be read is an error of its own. JSON lines when the
/// file begins with a brace, CSV otherwise.
fn rows(text: &str) -> Result<Vec<(usize, Result<Row, String>)>> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with('{') {
        Ok(of_json(text))
    } else {
        of_table(text)
    }
}

fn of_json(text: &str) -> Vec<(usize, Result<Row, String>)> {
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| {
            let row = serde_json::from_str(line).map_err(|error| error.to_string());
            (index + 1, row)
        })
        .collect()
}

fn of_table(text: &str) -> Result<Vec<(usize, Result<Row, String>)>> {
    let Some(Table { header, rows }) = table::read(text) else {
        return Ok(Vec::new());
    };
    let place = |column: &str| header.cells.iter().position(|name| name == column);
    let [Some(app), Some(app_user_id), Some(token)] = COLUMNS.map(place) else {
        bail!(
            "line {}: expected a header with app, app_user_id and token, found {:?}",
            header.line,
            header.cells.join(",")
        );
    };
    let row = |row: &table::Row| {
        let cell = |place: usize| {
            let cell = row.cells.get(place).filter(|cell| !cell.is_empty());
            cell.cloned().ok_or_else(|| {
                format!(
                    "expected {} cells, of which app, app_user_id and token are not empty",
                    header.cells.len()
                )
            })
        };
        if !row.is_empty_from(header.cells.len()) {
            return Err(format!("expected {} cells, found more", header.cells.len()));
        }
        if row.cells.iter().any(|cell| cell.contains(['\r', '\n'])) {
            return Err("a cell goes on in the next line: a quotation mark is not closed".into());
        }
        Ok(Row {
            app: cell(app)?,
            app_user_id: cell(app_user_id)?,
            token: cell(token)?,
        })
    };
    Ok(rows.iter().map(|each| (each.line, row(each))).collect())
}

fn imported_before(report: &PathBuf) -> Result<BTreeSet<usize>> {
    let Ok(file) = File::open(report) else {
        return Ok(BTreeSet::new());
    };
    let mut lines = BTreeSet::new();
    for line in BufReader::new(file).lines() {
        let line = line.with_context(|| format!("cannot read {}", report.display()))?;
        // The last line may be cut off by whatever stopped the run before.
        if let Ok(outcome) = serde_json::from_str::<Outcome>(&line)
            && outcome.outcome == "imported"
        {
            lines.insert(outcome.line);
        }
    }
    Ok(lines)
}

pub(crate) async fn run(options: &Options) -> Result<ExitCode> {
    let text = std::fs::read_to_string(&options.file)
        .with_context(|| format!("cannot read {}", options.file.display()))?;
    let rows = rows(&text)?;
    let report_path = options
        .report
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("{}.report", options.file.display())));
    let done = imported_before(&report_path)?;
    let opened = options.data.open().await?;
    let transport = Arc::new(
        NetworkTransport::new(options.allowed.networks.clone(), options.trusted.read()?)
            .context("the HTTP client cannot be set up")?,
    );
    let engine = Engine::quiet(Parts {
        ledger: opened.ledger,
        system: Arc::new(WallSystem),
        web: Arc::clone(&transport) as Arc<dyn Web>,
        transport,
        vault: opened.vault,
        public_url: String::new(),
        make_source: stores::sources(),
        retention: Retention::DEFAULT,
    })
    .await?;
    let setup = engine.setup();
    let project = setup
        .find_project(&options.project)
        .with_context(|| format!("there is no project {:?}", options.project))?
        .row
        .id;
    let mut report = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&report_path)
        .with_context(|| format!("cannot write {}", report_path.display()))?;
    let total = rows.len();
    let todo: Vec<_> = rows
        .into_iter()
        .filter(|(line, _)| !done.contains(line))
        .collect();
    say::line(format!(
        "{total} rows, {} imported before",
        total - todo.len()
    ));
    let work = todo.into_iter().map(|(line, row)| {
        let (engine, setup) = (&engine, &setup);
        async move {
            let row = match row {
                Ok(row) => row,
                Err(problem) => return (line, String::new(), Err(problem)),
            };
            let app = setup
                .apps()
                .find(|app| app.row.project == project && app.row.key == row.app)
                .map(|app| app.row.id);
            let outcome = match app {
                None => Err(format!("the project has no app {:?}", row.app)),
                Some(app) => {
                    let receipt = Receipt {
                        offering: None,
                        claimed_price: None,
                        token: row.token,
                        product: None,
                        app_user_id: row.app_user_id.clone(),
                        sender: Sender::Project,
                    };
                    engine
                        .intake()
                        .import(app, &receipt, options.tell_events)
                        .await
                        .map_err(|error| error.to_string())
                }
            };
            (line, row.app_user_id, outcome)
        }
    });
    let mut outcomes = stream::iter(work).buffer_unordered(AT_ONCE);
    let (mut imported, mut failed, mut count) = (0, 0, done.len().min(total));
    let bar = std::io::stderr().is_terminal();
    while let Some((line, app_user_id, outcome)) = outcomes.next().await {
        let (outcome, detail) = match outcome {
            Ok(Imported::Purchase) => ("imported", String::new()),
            Ok(Imported::Nothing) => (
                "imported",
                "the store knows it, but nothing was paid yet".into(),
            ),
            Err(problem) => ("failed", problem),
        };
        if outcome == "imported" {
            imported += 1;
        } else {
            failed += 1;
        }
        let row = Outcome {
            line,
            app_user_id,
            outcome: outcome.into(),
            detail,
        };
        let text = serde_json::to_string(&row)?;
        writeln!(report, "{text}")
            .with_context(|| format!("cannot write {}", report_path.display()))?;
        count += 1;
        if bar {
            let filled = count * 30 / total.max(1);
            drop(write!(
                std::io::stderr(),
                "\r[{}{}] {count}/{total}",
                "#".repeat(filled),
                " ".repeat(30 - filled)
            ));
        }
    }
    if bar {
        drop(writeln!(std::io::stderr()));
    }
    report.sync_all()?;
    say::line(format!(
        "{imported} imported, {failed} not; every row is in {}",
        report_path.display()
    ));
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(app: &str, who: &str, token: &str) -> Row {
        Row {
            app: app.into(),
            app_user_id: who.into(),
            token: token.into(),
        }
    }

    #[test]
    fn both_forms_are_read_and_bad_lines_are_named() {
        let csv = "\u{feff}token,app_user_id,app\n123,\"Ann, \"\"A\"\"\",ios\n\n,bob,ios\n";
        let read = rows(csv).unwrap();
        assert_eq!(read[0], (2, Ok(row("ios", "Ann, \"A\"", "123"))));
        assert!(read[1].0 == 4 && read[1].1.is_err());
        let json = "{\"app\":\"ios\",\"app_user_id\":\"ann\",\"token\":\"1\"}\n{\"app\":1}\n";
        let read = rows(json).unwrap();
        assert_eq!(read[0], (1, Ok(row("ios", "ann", "1"))));
        assert!(read[1].1.is_err());
        assert!(rows("").unwrap().is_empty());
    }

    #[test]
    fn columns_are_found_by_name_and_a_missing_one_is_told_with_its_line() {
        let read = rows("note,token,app,app_user_id\r\nx, 1 ,ios,ann\r\n").unwrap();
        assert_eq!(read, [(2, Ok(row("ios", "ann", "1")))]);
        for (text, problem) in [
            (
                "user,token\n",
                "line 1: expected a header with app, app_user_id and token, found \"user,token\"",
            ),
            (
                "\n\nios,ann,1\n",
                "line 3: expected a header with app, app_user_id and token, found \"ios,ann,1\"",
            ),
        ] {
            assert_eq!(rows(text).unwrap_err().to_string(), problem);
        }
    }

    #[test]
    fn what_a_row_does_not_say_plainly_is_an_error_of_that_row() {
        let text =
            "app,app_user_id,token\nios,ann\nios,bob,2,3\nios,cid,3,,\nios,\"dan,4\nios,eve,5\n";
        let problems: Vec<_> = rows(text)
            .unwrap()
            .into_iter()
            .map(|(line, row)| (line, row.err().unwrap_or_default()))
            .collect();
        let told = [
            (
                2,
                "expected 3 cells, of which app, app_user_id and token are not empty",
            ),
            (3, "expected 3 cells, found more"),
            (4, ""),
            (
                5,
                "a cell goes on in the next line: a quotation mark is not closed",
            ),
        ];
        assert_eq!(
            problems,
            told.map(|(line, problem)| (line, problem.to_owned()))
        );
    }
}
