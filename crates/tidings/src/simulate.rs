//! `tidings simulate`: drive any running server with simulated customers.

use crate::say;
use anyhow::{Context, Result};
use clap::Args;
use engine::{System, WallSystem};
use jiff::SignedDuration;
use simulator::{
    API_KEY, App, Authority, Channel, Driver, Faults, PUSH_ACCOUNT, Pace, SIGNING_SECRET, Stores,
};
use std::{net::SocketAddr, path::PathBuf, time::Duration};
use web::counted;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Callback URLs of the apps, as `tidings apply` prints them; one per store at most. Without any, the apps to add to a
    /// project file are shown.
    #[arg(long)]
    url: Vec<String>,
    /// Where the simulated stores' APIs listen while customers live.
    #[arg(long, default_value = "127.0.0.1:8090")]
    api: SocketAddr,
    /// Bundle id of the App Store app and package of the Play app.
    #[arg(long, default_value = "com.example.app")]
    bundle_id: String,
    /// File of the simulated store's certificates; created when it does not exist.
    #[arg(long, default_value = "simulator.json")]
    authority: PathBuf,
    /// How many customers of each store.
    #[arg(long, default_value_t = 50)]
    customers: u64,
    /// Most messages about each customer.
    #[arg(long, default_value_t = 20)]
    messages: usize,
    /// What a day lasts, in milliseconds.
    #[arg(long, default_value_t = 200)]
    day_ms: i64,
    /// The same seed plays the same lives.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Percent of messages sent twice.
    #[arg(long, default_value_t = 0)]
    twice: u64,
    /// Percent of messages sent late, behind later ones.
    #[arg(long, default_value_t = 0)]
    late: u64,
    /// Percent of messages lost, and sent again after everything else.
    #[arg(long, default_value_t = 0)]
    lost: u64,
    /// How long the stores' APIs go on answering after the last message, in seconds.
    #[arg(long, default_value_t = 5)]
    stay: u64,
}

/// Reads the certificates, or makes and keeps new ones.
fn authority(path: &PathBuf) -> Result<Authority> {
    match std::fs::read_to_string(path) {
        Ok(json) => {
            Authority::from_json(&json).with_context(|| format!("cannot use {}", path.display()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let authority = Authority::create()?;
            std::fs::write(path, authority.to_json()?)
                .with_context(|| format!("cannot write {}", path.display()))?;
            Ok(authority)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// The apps of a project file that hear and ask the simulated stores.
fn apps(options: &Options, stores: &Stores) -> Result<String> {
    let (bundle_id, api) = (&options.bundle_id, format!("http://{}", options.api));
    Ok(format!(
        "[apps.simulated_ios]
store = \"app_store\"
bundle_id = \"{bundle_id}\"
environments = [\"local_testing\"]
local_roots = [\"{root}\"]
api_issuer = \"simulated\"
api_key_id = \"simulated\"
api_key = {api_key:?}
api_url = \"{api}\"

[apps.simulated_android]
store = \"play_store\"
package = \"{bundle_id}\"
push_service_account = \"{PUSH_ACCOUNT}\"
push_keys_url = \"{api}/certs\"
service_account = '{service_account}'
api_url = \"{api}\"

[apps.simulated_web]
store = \"stripe\"
api_key = \"{API_KEY}\"
signing_secrets = [\"{SIGNING_SECRET}\"]
api_url = \"{api}\"",
        root = stores.authority.root(),
        api_key = simulator::api_key()?,
        service_account = stores.play.api.service_account(&api),
    ))
}

pub(crate) async fn run(options: Options) -> Result<()> {
    let stores = Stores::new(authority(&options.authority)?, &options.bundle_id)?;
    if options.url.is_empty() {
        say::line(
            "# Add these apps to your project file, or those of the stores you want, and apply it:",
        );
        say::line(apps(&options, &stores)?);
        return Ok(());
    }
    let channel_of = |url: &String| {
        let channel = Channel::of_url(url).with_context(|| {
            format!("{url} is no callback URL: expected http://.../callbacks/apple/..., .../callbacks/google/... or .../callbacks/stripe/...")
        })?;
        Ok((channel, url.clone()))
    };
    let urls: Vec<_> = options.url.iter().map(channel_of).collect::<Result<_>>()?;
    let app = App {
        bundle_id: options.bundle_id,
        environment: "LocalTesting".into(),
    };
    let now = WallSystem.now();
    let listening = stores.serve(options.api, now).await;
    listening.with_context(|| format!("the simulated stores cannot listen on {}", options.api))?;
    let pace = Pace {
        day: SignedDuration::from_millis(options.day_ms.max(1)),
    };
    let mut driver = Driver::new(stores, app, urls.clone(), pace, options.seed)?;
    driver.faults = Faults {
        twice: options.twice,
        late: options.late,
        lost: options.lost,
    };
    let spread = SignedDuration::from_millis(options.day_ms * 30);
    let mut turns = Vec::new();
    for (channel, _) in urls {
        let customers = 0..options.customers;
        turns.extend(driver.script(channel, customers, now, spread, options.messages));
    }
    turns.sort_by_key(|turn| turn.at);
    say::line(format!(
        "{} of {} of each store, seed {}",
        counted(turns.iter().filter(|turn| turn.tells).count(), "message"),
        counted(options.customers, "customer"),
        options.seed
    ));
    let report = driver.run(turns, now, 64, Duration::from_mins(1)).await?;
    say::line(format!(
        "{} accepted, {} refused or unanswered",
        report.messages, report.refused
    ));
    if options.stay > 0 {
        say::line(format!(
            "the stores can be asked for another {}",
            counted(options.stay, "second")
        ));
        tokio::time::sleep(Duration::from_secs(options.stay)).await;
    }
    Ok(())
}
