//! `tidings apply`: a project from a file, with a plan shown first. The file is read by `project_file`.

use crate::{
    data::Opened,
    options::Data,
    project_file::{Located, located, read},
    public_url::PublicUrl,
    reached::Reached,
    say,
};
use anyhow::{Context, Result, bail};
use clap::Args;
use configuration::{Action, Desired, Means, Problem, Step};
use engine::{System, WallSystem};
use ledger::Configuration;
use std::{path::PathBuf, process::ExitCode};

/// How often it is planned against a configuration that keeps changing.
const TRIES: u32 = 32;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The project file.
    file: PathBuf,
    #[command(flatten)]
    data: Data,
    /// Show the plan, change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Where stores reach the server, for the callback URLs shown; as it was started last, unless its data is in PostgreSQL.
    #[arg(long, env = "TIDINGS_PUBLIC_URL")]
    public_url: Option<PublicUrl>,
}

pub(crate) async fn run(options: &Options) -> Result<ExitCode> {
    let text = std::fs::read_to_string(&options.file)
        .with_context(|| format!("cannot read {}", options.file.display()))?;
    let name = options.file.display().to_string();
    let environment = |name: &str| environment_variable(name);
    let wanted = match read(&text, &environment) {
        Ok(wanted) => wanted,
        Err(problems) => return Ok(report(&name, &problems)),
    };
    let opened = options.data.open().await?;
    let reached = options.data.reached(options.public_url.as_ref())?;
    let public_url = reached.url.to_string();
    match applied(&opened, &wanted, &public_url, options.dry_run).await? {
        Ok(Applied::InEffect) => {
            tell_callbacks(&opened, &wanted.project.key, &reached).await?;
            Ok(ExitCode::SUCCESS)
        }
        Ok(Applied::OnlyShown) => {
            say::line("Nothing was changed (--dry-run).");
            Ok(ExitCode::SUCCESS)
        }
        Err(problems) => Ok(report(&name, &located(&text, problems))),
    }
}

/// What became of a plan.
enum Applied {
    InEffect,
    OnlyShown,
}

/// Shows what has to change and changes it, planned again where the configuration has moved meanwhile; or answers with everything
/// that is wrong.
async fn applied(
    opened: &Opened,
    wanted: &Desired,
    public_url: &str,
    is_dry: bool,
) -> Result<Result<Applied, Vec<Problem>>> {
    let mut shown = String::new();
    for _ in 0..TRIES {
        let (steps, current) = match plan(opened, wanted, public_url).await? {
            Ok(planned) => planned,
            Err(problems) => return Ok(Err(problems)),
        };
        // Where it has to be planned again, it is mostly the same plan.
        let plan = told(&steps);
        if plan != shown {
            say::line(&plan);
            shown = plan;
        }
        if is_dry {
            return Ok(Ok(Applied::OnlyShown));
        }
        let (mut changes, mut made) = (Vec::new(), Vec::new());
        for step in steps {
            changes.extend(step.change);
            made.extend(step.made.map(|secret| (step.subject, secret)));
        }
        let (ledger, now) = (&opened.ledger, WallSystem.now());
        let again = engine::mended(&current, &changes);
        let revision = current.revision;
        if changes.is_empty()
            || ledger
                .configure_and_requeue(revision, changes, again, "command line", now)
                .await?
        {
            for (subject, secret) in &made {
                let secret = secret.expose();
                say::line(format!("{subject} signs with {secret}, shown this once"));
            }
            return Ok(Ok(Applied::InEffect));
        }
    }
    bail!("the configuration is being changed all the time; apply again")
}

/// Where stores reach the apps of a project.
async fn tell_callbacks(opened: &Opened, project: &str, reached: &Reached) -> Result<()> {
    let after = opened.ledger.configuration().await?;
    let project = after
        .projects
        .iter()
        .find(|known| known.key == project)
        .map(|project| project.id);
    let apps = after.apps.iter();
    let mut callbacks = apps
        .filter(|app| Some(app.project) == project)
        .filter_map(|app| Some((app, web::callback_path(app)?)))
        .peekable();
    // Without a callback nobody has to know where the server is.
    let remark = callbacks.peek().and_then(|_| reached.remark());
    for (app, path) in callbacks {
        say::line(format!(
            "{} notification URL of {}: {}{path}",
            app.store().title(),
            app.key,
            reached.url
        ));
    }
    remark.into_iter().for_each(say::line);
    Ok(())
}

/// What has to change, and of which configuration; or everything that is wrong.
async fn plan(
    opened: &Opened,
    wanted: &Desired,
    public_url: &str,
) -> Result<Result<(Vec<Step>, Configuration), Vec<Problem>>> {
    let current = opened.ledger.configuration().await?;
    let means = Means {
        current: &current,
        vault: &opened.vault,
        public_url,
        fresh: &|| WallSystem.uuid(),
    };
    let steps = match configuration::plan(wanted, &means) {
        Ok(steps) => steps,
        Err(problems) => return Ok(Err(problems)),
    };
    let waiting = web::configure::under_backlog(&*opened.ledger, &steps, &current).await?;
    Ok(if waiting.is_empty() {
        Ok((steps, current))
    } else {
        Err(waiting)
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "secrets named in the project file come from the environment of this command"
)]
fn environment_variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn report(file: &str, problems: &[Located]) -> ExitCode {
    for problem in problems {
        say::line(format!("{file}:{}: {}", problem.line, problem.message));
    }
    say::line("Nothing was changed.");
    ExitCode::FAILURE
}

/// A plan, a line for each step.
fn told(steps: &[Step]) -> String {
    let lines = steps.iter().map(|step| {
        let (sign, word) = match step.action {
            Action::Create => ("+", "create"),
            Action::Update => ("~", "update"),
            Action::Keep => ("=", "keep"),
        };
        format!("{sign} {word:<6} {}", step.subject)
    });
    lines.collect::<Vec<_>>().join("\n")
}
