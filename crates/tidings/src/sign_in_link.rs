//! `tidings sign-in-link`.

use crate::{options::Data, public_url::PublicUrl, say};
use anyhow::{Result, bail};
use clap::Args;
use engine::{System, WallSystem};
use web::access::new_operator_link;

/// Who made the link, for the audit log.
const MADE_BY: &str = "command line";

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    data: Data,
    /// Where people reach the server; as it was started last, unless its data is in PostgreSQL.
    #[arg(long, env = "TIDINGS_PUBLIC_URL")]
    public_url: Option<PublicUrl>,
}

/// Whoever can read the data may do everything anyway. The running server learns of the link when it is opened.
pub(crate) async fn run(options: Options) -> Result<()> {
    let reached = options.data.reached(options.public_url.as_ref())?;
    let ledger = options.data.open_ledger().await?;
    for _ in 0..10 {
        let current = ledger.configuration().await?;
        let (token, changes) = new_operator_link(&WallSystem, &current, MADE_BY);
        let now = WallSystem.now();
        if ledger
            .configure(current.revision, changes, MADE_BY, now)
            .await?
        {
            say::line(format!("{}/signin/{token}", reached.url));
            say::line("It signs in once, within 15 minutes.");
            reached.remark().into_iter().for_each(say::line);
            return Ok(());
        }
    }
    bail!("the configuration is being changed all the time; try again");
}
