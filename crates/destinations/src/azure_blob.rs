//! Azure Blob Storage, by its REST API. Source: Microsoft, "Put Blob", "Authorize with Shared Key", "Blob service error codes", version 2023-11-03,
//! read 2026-11.
//!
//! A batch is one block blob, `<prefix>/v1/date=2026-11-20/hour=09/<batch>.jsonl.gz`: date and hour, in UTC, are those at which its first event was recorded,
//! so that an hour that is over gets no more. The batch is called by the id of its first event and, of more, by a digest of all their ids: a
//! repetition overwrites what was there, and nothing is overwritten by less. Columns are those of the statement on BigQuery's page, in that order;
//! lines of JSON leave out what is unknown, a table has its lists as JSON.
//!
//! A request is signed with a key of the account, or carries a shared access signature in its query.
//!
//! Answers: 201; 403 to a wrong key and to a clock that is wrong, 404 to a container that is not there, 503 to too many. Nothing is sent under a
//! condition: 412, where somebody demands one, says that the blob is there.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Invalid, Method, Outcome,
    Request, Response, Spec, Travel, Unsendable,
    common::{self, Common},
    encode, files,
    files::{File, Store},
    sign::shared_key,
    spec::fields,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{EventKind, secret::Secret};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// The entry in [`crate::ALL`].
pub struct AzureBlob;

const OWN: &[Field] = &[
    Field::new("account", FieldKind::Text, "Name of the storage account."),
    Field::new("container", FieldKind::Text, "Name of the container."),
    Field::new(
        "account_key",
        FieldKind::Secret,
        "Key of the account. Requests are signed with it; it is not sent.",
    ),
    Field::new(
        "sas_token",
        FieldKind::Secret,
        "Instead of the key: a shared access signature of the container that may create and write.",
    ),
];

static SPEC: Spec = Spec {
    key: "azure_blob",
    title: "Azure Blob Storage",
    category: Category::Storage,
    summary: "Files of events in a container, for Synapse, Fabric, Snowflake, Databricks, or a spreadsheet.",
    notes: &[
        "A shared access signature ends on a day: nothing gets through from then on.",
        "An answer that was lost can leave an event in two files: count by the column `id`.",
        "A file lies under the hour of its first event; the last of an hour may hold events of the next.",
    ],
    fields: fields!(
        OWN,
        files::FIELDS,
        common::EVENT_SWITCHES,
        common::EXCLUDE_SANDBOX,
        common::ATTRIBUTES,
        common::ENDPOINT,
        common::BY_ID,
    ),
    travels: &[
        Travel {
            secret: "account_key",
            to: &["account", "endpoint"],
        },
        Travel {
            secret: "sas_token",
            to: &["account", "endpoint"],
        },
    ],
    events: EventKind::ALL,
    ordered: true,
    concurrency: 4,
};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    account: String,
    #[serde(default)]
    container: String,
    #[serde(default)]
    account_key: Secret,
    #[serde(default)]
    sas_token: Secret,
}

impl Settings {
    fn problems(&self) -> Vec<Invalid> {
        let mut problems = Vec::new();
        // Source: "Storage account overview" and "Naming and referencing containers".
        if !self
            .account
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric())
            || self.account.len() > 24
        {
            problems.push(Invalid::new("account", "is 3 to 24 letters and digits"));
        }
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-$".contains(&byte);
        if !self.container.bytes().all(is_letter) || self.container.len() > 63 {
            problems.push(Invalid::new(
                "container",
                "is 3 to 63 letters, digits and hyphens",
            ));
        }
        if STANDARD.decode(self.account_key.expose()).is_err() {
            problems.push(Invalid::new("account_key", "is no base64"));
        }
        if !self.account_key.is_empty() && !self.sas_token.is_empty() {
            problems.push(Invalid::new(
                "sas_token",
                "and `account_key` are two ways to be known; give one of them",
            ));
        }
        let sas = self.sas_token.expose();
        if sas.contains(|letter: char| letter.is_whitespace() || letter == '#') {
            problems.push(Invalid::new(
                "sas_token",
                "is a query such as sv=...&sig=...",
            ));
        }
        problems
    }
}

impl Destination for AzureBlob {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(
        &self,
        settings: &Value,
        _: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>> {
        files::configure::<Settings>(settings)
    }
}

impl Store for Settings {
    fn read(settings: &Value) -> Result<(Self, Common), Vec<Invalid>> {
        let (settings, common) = common::read::<Self>(settings, &SPEC)?;
        let problems = settings.problems();
        if problems.is_empty() {
            Ok((settings, common))
        } else {
            Err(problems)
        }
    }

    fn put(&self, common: &Common, file: File) -> Result<Request, Unsendable> {
        for (name, value) in [("account", &self.account), ("container", &self.container)] {
            if value.is_empty() {
                return Err(Unsendable::lacks_setting(name));
            }
        }
        if self.account_key.is_empty() && self.sas_token.is_empty() {
            return Err(Unsendable::lacks_setting("account_key"));
        }
        let host = format!("https://{}.blob.core.windows.net", self.account);
        let container = encode::percent(&self.container);
        let mut url = common.url(&host, &format!("/{container}/{}", file.path()));
        let sas = self.sas_token.expose().trim_start_matches('?');
        if !sas.is_empty() {
            url = format!("{url}?{sas}");
        }
        Ok(Request::new(Method::Put, url)
            .with_body(file.media_type, file.body)
            .with_header("x-ms-blob-type", "BlockBlob")
            .with_header("x-ms-version", "2023-11-03")
            .redacting(&Secret::new(sas)))
    }

    fn sign(&self, request: &mut Request, at: Timestamp) {
        if !self.account_key.is_empty() {
            shared_key::sign(request, &self.account, self.account_key.expose(), at);
        }
    }

    fn classify(&self, response: &Response) -> Outcome {
        let said = response.said();
        let code = response.headers.first("x-ms-error-code").unwrap_or(&said);
        let why = || format!("the storage answered {}: {said}", response.status);
        let is_clock = code.contains("RequestTimeTooSkewed");
        match response.status {
            200..=299 | 412 => Outcome::Delivered,
            403 if is_clock => Outcome::Retry(response.retry_after),
            300..=399 | 401 | 403 | 404 => Outcome::CredentialsRefused(why()),
            // A lease on the blob, or an account that is moved.
            409 | 408 | 429 | 500.. => Outcome::Retry(response.retry_after),
            _ => Outcome::Rejected(why()),
        }
    }
}
