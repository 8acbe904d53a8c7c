//! Options that several commands share, and those of the server. Each can also be given by an environment variable.

use crate::{
    allowed::Allowed,
    from_file::FromFile,
    http_url::HttpUrl,
    public_url::PublicUrl,
    telemetry::{LogFormat, Traces},
    trusted::Trusted,
};
use anyhow::{Result, bail};
use clap::{Args, value_parser};
use engine::{Networks, Retention};
use jiff::SignedDuration;
use std::{net::SocketAddr, path::PathBuf};
use web::{access::Lasting, paces::NEW_CUSTOMERS};

/// Where data lives.
#[derive(Debug, Clone, Args)]
pub(crate) struct Data {
    /// Directory of the database and the key file; created on first use.
    #[arg(long, env = "TIDINGS_DATA", default_value = "tidings-data")]
    pub(crate) data: PathBuf,
    /// A database of PostgreSQL instead, such as <postgres://user:password@host/database>; as many nodes as one likes share it.
    #[arg(long, env = "TIDINGS_DATABASE", hide_env_values = true)]
    pub(crate) database: Option<String>,
    /// A file with this URL instead.
    #[arg(long, env = "TIDINGS_DATABASE_FILE", conflicts_with = "database")]
    pub(crate) database_file: Option<FromFile>,
    /// A file with the password, where the URL has none.
    #[arg(long, env = "TIDINGS_DATABASE_PASSWORD_FILE")]
    pub(crate) database_password_file: Option<FromFile>,
    /// Connections to PostgreSQL, at most; one more listens.
    #[arg(long, env = "TIDINGS_DATABASE_CONNECTIONS", default_value_t = 14)]
    pub(crate) connections: u32,
    /// The key that secrets are sealed with, 64 hexadecimal digits, instead of the key file: nodes that share a database need
    /// the same one.
    #[arg(long, env = "TIDINGS_SECRET_KEY", hide_env_values = true)]
    pub(crate) secret_key: Option<String>,
    /// A file with this key, which is there already.
    #[arg(long, env = "TIDINGS_SECRET_KEY_FILE", conflicts_with = "secret_key")]
    pub(crate) secret_key_file: Option<FromFile>,
}

/// How the server listens and what it may reach.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServeOptions {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Start although the key is lost that secrets were sealed with: the one that is given, or a new one, takes its place for good, and apps and
    /// integrations with secrets stand still until these are given again. One start with it is enough.
    #[arg(long)]
    pub(crate) key_is_lost: bool,
    /// Address to listen on.
    #[arg(long, env = "TIDINGS_LISTEN", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Address to serve `/metrics`, `/readyz` and `/healthz` on, for operators; no metrics are served when absent.
    #[arg(long, env = "TIDINGS_OPERATIONS_LISTEN")]
    pub(crate) operations_listen: Option<SocketAddr>,
    /// Address to serve on what stores call, beside `--listen`, with connections that nobody else can take: an eighth of all.
    #[arg(long, env = "TIDINGS_STORES_LISTEN")]
    pub(crate) stores_listen: Option<SocketAddr>,
    /// Connections at once; fewer where the limit of open files is low.
    #[arg(long, env = "TIDINGS_MAX_CONNECTIONS", default_value_t = 4096)]
    pub(crate) max_connections: u16,
    /// Where people and stores reach this server, for links and callback URLs: scheme and host, no path; the listening address
    /// when absent.
    #[arg(long, env = "TIDINGS_PUBLIC_URL")]
    pub(crate) public_url: Option<PublicUrl>,
    #[command(flatten)]
    pub(crate) allowed: Allowed,
    #[command(flatten)]
    pub(crate) trusted: Trusted,
    /// Proxies in front of this server, as networks such as 10.0.0.0/8: what they say of who asks (X-Forwarded-For) is believed, and of no one else.
    #[arg(long, env = "TIDINGS_TRUSTED_PROXIES", default_value = "")]
    pub(crate) trusted_proxies: Networks,
    /// New customers a second that come with the public keys of apps, from all addresses together, and 2000 times as many at once; of one app half of both.
    #[arg(long, env = "TIDINGS_NEW_CUSTOMERS", default_value_t = NEW_CUSTOMERS, value_parser = value_parser!(u32).range(1..=100_000))]
    pub(crate) new_customers: u32,
    /// Hours after which a session ends that nobody uses.
    #[arg(long, env = "TIDINGS_SESSION_IDLE_HOURS", default_value_t = whole_hours(Lasting::DEFAULT.idle), value_parser = value_parser!(u16).range(1..))]
    pub(crate) session_idle_hours: u16,
    /// Hours after which a session ends however much it is used.
    #[arg(long, env = "TIDINGS_SESSION_HOURS", default_value_t = whole_hours(Lasting::DEFAULT.longest), value_parser = value_parser!(u16).range(1..))]
    pub(crate) session_hours: u16,
    /// Where exchange rates are read from once a day, in the form of the ECB's eurofxref.csv; never when absent.
    #[arg(long, env = "TIDINGS_RATES_URL")]
    pub(crate) rates_url: Option<HttpUrl>,
    /// Days that the audit log is kept: entries about configuration, accounts and signing in, and what members do.
    #[arg(long, env = "TIDINGS_AUDIT_DAYS", default_value_t = Retention::DEFAULT.audit_days, value_parser = value_parser!(u16).range(1..))]
    pub(crate) audit_days: u16,
    /// Days that its entries are kept about what programs write of customers.
    #[arg(long, env = "TIDINGS_PROGRAM_AUDIT_DAYS", default_value_t = Retention::DEFAULT.program_audit_days, value_parser = value_parser!(u16).range(1..))]
    pub(crate) program_audit_days: u16,
    /// `text` or `json`.
    #[arg(long, env = "TIDINGS_LOG_FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,
    /// What is logged, such as `info` or `warn,engine=debug`.
    #[arg(long, env = "TIDINGS_LOG", default_value = "info")]
    pub(crate) log: String,
    /// A collector of OpenTelemetry traces, such as <http://localhost:4318>; spoken to by OTLP over HTTP.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    pub(crate) otlp_endpoint: Option<HttpUrl>,
    /// Of the traces that begin here, how many are kept, from 0 to 1.
    #[arg(long, env = "TIDINGS_TRACE_RATIO", default_value_t = 1.0)]
    pub(crate) trace_ratio: f64,
}

/// As the command line says it.
pub(crate) fn whole_hours(time: SignedDuration) -> u16 {
    u16::try_from(time.as_hours()).unwrap_or(u16::MAX)
}

impl ServeOptions {
    /// How long somebody stays signed in.
    pub(crate) fn lasting(&self) -> Lasting {
        Lasting {
            idle: SignedDuration::from_hours(self.session_idle_hours.into()),
            longest: SignedDuration::from_hours(self.session_hours.into()),
        }
    }

    /// How long is kept what does not stay for ever.
    pub(crate) const fn retention(&self) -> Retention {
        Retention {
            audit_days: self.audit_days,
            program_audit_days: self.program_audit_days,
        }
    }

    /// Where traces go, if anywhere.
    pub(crate) fn traces(&self) -> Result<Option<Traces>> {
        let ratio = self.trace_ratio;
        if !(0.0..=1.0).contains(&ratio) {
            bail!("--trace-ratio {ratio}: a part of all, from 0 to 1");
        }
        let endpoint = self.otlp_endpoint.as_ref().and_then(HttpUrl::told);
        Ok(endpoint.map(|endpoint| Traces {
            endpoint: endpoint.to_owned(),
            ratio,
        }))
    }
}
