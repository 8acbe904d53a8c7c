//! `tidings import`: customers and their purchases, from a file. The stores say what was bought; the file only says whose.

use crate::{
    allowed::Allowed,
    options::Data,
    process::{self, Shares},
    say, stores,
    trusted::Trusted,
};
use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use domain::ProjectId;
use engine::{Engine, Imported, NetworkTransport, Parts, Retention, Setup, WallSystem};
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
use web::counted;

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

/// A line of a file, from 1, and the row in it, or why it cannot be read.
#[derive(Debug, PartialEq)]
struct Line {
    number: usize,
    row: Result<Row, String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Outcome {
    line: usize,
    app_user_id: String,
    outcome: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    detail: String,
}

/// What is said of a row that need not be repeated.
const IMPORTED: &str = "imported";

/// Columns that a table must have.
const COLUMNS: [&str; 3] = ["app", "app_user_id", "token"];

/// The rows of a file. JSON lines when it begins with a brace, CSV otherwise.
fn rows(text: &str) -> Result<Vec<Line>> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with('{') {
        Ok(of_json(text))
    } else {
        of_table(text)
    }
}

fn of_json(text: &str) -> Vec<Line> {
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| Line {
            number: index + 1,
            row: serde_json::from_str(line).map_err(|error| error.to_string()),
        })
        .collect()
}

fn of_table(text: &str) -> Result<Vec<Line>> {
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
    let lines = rows.iter().map(|each| Line {
        number: each.line,
        row: row(each),
    });
    Ok(lines.collect())
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
            && outcome.outcome == IMPORTED
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
        bar.step();
    }
    bar.end();
    report.close()
}

async fn engine(options: &Options) -> Result<Engine> {
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

/// Where rows go, and how.
#[derive(Clone, Copy)]
struct Project<'a> {
    engine: &'a Engine,
    setup: &'a Setup,
    id: ProjectId,
    tell_events: bool,
}

impl Project<'_> {
    /// Brings in one row, or says why not.
    async fn bring(self, line: Line) -> Outcome {
        let (app_user_id, imported) = match line.row {
            Ok(row) => (row.app_user_id.clone(), self.import(row).await),
            Err(problem) => (String::new(), Err(problem)),
        };
        let (outcome, detail) = match imported {
            Ok(Imported::Purchase) => (IMPORTED, String::new()),
            Ok(Imported::Nothing) => {
                let detail = "the store knows it, but nothing was paid yet";
                (IMPORTED, detail.into())
            }
            Err(problem) => ("failed", problem),
        };
        Outcome {
            line: line.number,
            app_user_id,
            outcome: outcome.into(),
            detail,
        }
    }

    async fn import(self, row: Row) -> Result<Imported, String> {
        let mut apps = self.setup.apps().map(|app| &app.row);
        let app = apps.find(|app| app.project == self.id && app.key == row.app);
        let app = app.ok_or_else(|| format!("the project has no app {:?}", row.app))?;
        let receipt = Receipt {
            offering: None,
            claimed_price: None,
            token: row.token,
            product: None,
            app_user_id: row.app_user_id,
            sender: Sender::Project,
        };
        let intake = self.engine.intake();
        let imported = intake.import(app.id, &receipt, self.tell_events).await;
        imported.map_err(|error| error.to_string())
    }
}

/// What became of every row, written as it happens.
struct Report {
    path: PathBuf,
    file: File,
    imported: usize,
    failed: usize,
}

impl Report {
    fn append(path: PathBuf) -> Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self {
            path,
            file,
            imported: 0,
            failed: 0,
        })
    }

    fn put(&mut self, outcome: &Outcome) -> Result<()> {
        if outcome.outcome == IMPORTED {
            self.imported += 1;
        } else {
            self.failed += 1;
        }
        let text = serde_json::to_string(outcome)?;
        writeln!(self.file, "{text}")
            .with_context(|| format!("cannot write {}", self.path.display()))
    }

    fn close(self) -> Result<ExitCode> {
        self.file.sync_all()?;
        say::line(format!(
            "{} imported, {} not; every row is in {}",
            self.imported,
            self.failed,
            self.path.display()
        ));
        Ok(if self.failed == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

/// How far it came, for whoever watches a terminal.
struct Bar {
    count: usize,
    total: usize,
    is_seen: bool,
}

impl Bar {
    fn of(total: usize, done: usize) -> Self {
        Self {
            count: done.min(total),
            total,
            is_seen: std::io::stderr().is_terminal(),
        }
    }

    fn step(&mut self) {
        self.count += 1;
        if self.is_seen {
            let filled = self.count * 30 / self.total.max(1);
            drop(write!(
                std::io::stderr(),
                "\r[{}{}] {}/{}",
                "#".repeat(filled),
                " ".repeat(30 - filled),
                self.count,
                self.total
            ));
        }
    }

    fn end(self) {
        if self.is_seen {
            drop(writeln!(std::io::stderr()));
        }
    }
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

    fn line(number: usize, row: Row) -> Line {
        let row = Ok(row);
        Line { number, row }
    }

    #[test]
    fn both_forms_are_read_and_bad_lines_are_named() {
        let csv = "\u{feff}token,app_user_id,app\n123,\"Ann, \"\"A\"\"\",ios\n\n,bob,ios\n";
        let read = rows(csv).unwrap();
        assert_eq!(read[0], line(2, row("ios", "Ann, \"A\"", "123")));
        assert!(read[1].number == 4 && read[1].row.is_err());
        let json = "{\"app\":\"ios\",\"app_user_id\":\"ann\",\"token\":\"1\"}\n{\"app\":1}\n";
        let read = rows(json).unwrap();
        assert_eq!(read[0], line(1, row("ios", "ann", "1")));
        assert!(read[1].row.is_err());
        assert!(rows("").unwrap().is_empty());
    }

    #[test]
    fn columns_are_found_by_name_and_a_missing_one_is_told_with_its_line() {
        let read = rows("note,token,app,app_user_id\r\nx, 1 ,ios,ann\r\n").unwrap();
        assert_eq!(read, [line(2, row("ios", "ann", "1"))]);
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
            .map(|line| (line.number, line.row.err().unwrap_or_default()))
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
