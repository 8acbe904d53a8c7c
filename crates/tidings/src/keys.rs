//! `tidings keys`.

use crate::{options::Data, say};
use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, Subcommand};
use domain::ApiKeyId;
use engine::{System, WallSystem};
use ledger::{ConfigurationChange, Ledger, Scope};

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a key. It is shown once.
    Create {
        #[command(flatten)]
        data: Data,
        /// What it is for.
        #[arg(long)]
        name: String,
        /// Key of the only project it reaches; all projects when absent.
        #[arg(long)]
        project: Option<String>,
        /// Read only.
        #[arg(long)]
        read_only: bool,
    },
    /// Make the public key of an app, for client SDKs.
    Client {
        #[command(flatten)]
        data: Data,
        /// Key of the project.
        #[arg(long)]
        project: String,
        /// Key of the app.
        #[arg(long)]
        app: String,
    },
    /// List keys.
    List {
        #[command(flatten)]
        data: Data,
    },
    /// Revoke a key.
    Revoke {
        #[command(flatten)]
        data: Data,
        /// Its id, `key_...`.
        id: ApiKeyId,
    },
}

pub(crate) async fn run(options: Options) -> Result<()> {
    match options.action {
        Action::Create {
            data,
            name,
            project,
            read_only,
        } => {
            let scope = if read_only { Scope::Read } else { Scope::Write };
            create(&data, &name, project, scope).await
        }
        Action::Client { data, project, app } => client(&data, &project, &app).await,
        Action::List { data } => list(&data).await,
        Action::Revoke { data, id } => revoke(&data, id).await,
    }
}

async fn create(data: &Data, name: &str, project: Option<String>, scope: Scope) -> Result<()> {
    let ledger = data.open_ledger().await?;
    let configuration = ledger.configuration().await?;
    let project = project
        .map(|key| {
            let mut projects = configuration.projects.iter();
            projects
                .find(|project| project.key == key)
                .map(|project| project.id)
                .with_context(|| format!("there is no project {key:?}"))
        })
        .transpose()?;
    let made = web::access::new_api_key(&WallSystem, project, name, scope);
    let (text, key) = made.map_err(|problem| anyhow!("--name {problem}"))?;
    change(&*ledger, &ConfigurationChange::PutApiKey(key)).await?;
    say::line(&text);
    Ok(())
}

async fn client(data: &Data, project: &str, app: &str) -> Result<()> {
    let ledger = data.open_ledger().await?;
    let configuration = ledger.configuration().await?;
    let of = configuration
        .projects
        .iter()
        .find(|known| known.key == project)
        .with_context(|| format!("there is no project {project:?}"))?;
    let app = configuration
        .apps
        .iter()
        .find(|known| known.project == of.id && known.key == app)
        .with_context(|| format!("project {project:?} has no app {app:?}"))?;
    let (text, key) = web::access::new_client_key(&WallSystem, app);
    change(&*ledger, &ConfigurationChange::PutApiKey(key)).await?;
    say::line(&text);
    Ok(())
}

async fn list(data: &Data) -> Result<()> {
    for key in data.open_ledger().await?.configuration().await?.api_keys {
        let project = key
            .project
            .map_or_else(|| "all projects".to_owned(), |project| project.to_string());
        say::line(format!(
            "{}  {:<24} {:<6} {project}  {}",
            key.id,
            key.name,
            match key.scope {
                Scope::Client => "client",
                Scope::Read => "read",
                Scope::Write => "write",
            },
            key.created_at
        ));
    }
    Ok(())
}

async fn revoke(data: &Data, id: ApiKeyId) -> Result<()> {
    let ledger = data.open_ledger().await?;
    let configuration = ledger.configuration().await?;
    if !configuration.api_keys.iter().any(|key| key.id == id) {
        bail!("there is no key {id}");
    }
    change(&*ledger, &ConfigurationChange::RemoveApiKey(id)).await
}

/// Keys depend on nothing else, so a change that came in between is no reason to give up.
async fn change(ledger: &dyn Ledger, change: &ConfigurationChange) -> Result<()> {
    for _ in 0..10 {
        let revision = ledger.configuration_revision().await?;
        if ledger
            .configure(
                revision,
                vec![change.clone()],
                "command line",
                WallSystem.now(),
            )
            .await?
        {
            return Ok(());
        }
    }
    bail!("the configuration is being changed all the time; try again");
}
