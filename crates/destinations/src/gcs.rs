//! Google Cloud Storage, by its JSON API. Source: Google Cloud Storage JSON API, "Objects: insert", simple upload, and "HTTP status and error
//! codes", read 2026-11.
//!
//! A batch is one object, `<prefix>/v1/date=2026-11-20/hour=09/<batch>.jsonl.gz`: date and hour, in UTC, are those at which its first event was recorded,
//! so that an hour that is over gets no more. The batch is called by the id of its first event and, of more, by a digest of all their ids: a
//! repetition overwrites what was there, and nothing is overwritten by less. Columns are those of the statement on BigQuery's page, in that order;
//! lines of JSON leave out what is unknown, a table has its lists as JSON.
//!
//! The token is that of a service account, for `devstorage.read_write`.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Grant, Invalid, Method, Outcome,
    Request, Response, ServiceAccount, Spec, Unsendable,
    common::{self, Common},
    encode, files,
    files::{File, Store},
    google,
    spec::fields,
};
use domain::{EventKind, secret::Secret};
use serde::Deserialize;
use serde_json::Value;

/// The entry in [`crate::ALL`].
pub struct Gcs;

const OWN: &[Field] = &[
    Field::new("bucket", FieldKind::Text, "Name of the bucket."),
    google::SERVICE_ACCOUNT,
];

static SPEC: Spec = Spec {
    key: "gcs",
    title: "Google Cloud Storage",
    category: Category::Storage,
    summary: "Files of events in a bucket, for BigQuery's external tables, Snowflake, Databricks, or a spreadsheet.",
    notes: &[
        "The service account needs the role Storage Object User, or Creator and Viewer, on the bucket: a repetition overwrites.",
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
    travels: google::TRAVELS,
    events: EventKind::ALL,
    ordered: true,
    concurrency: 4,
};

const SCOPE: &str = "https://www.googleapis.com/auth/devstorage.read_write";

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    bucket: String,
    #[serde(default)]
    service_account: Secret,
}

struct Bucket {
    name: String,
    account: Option<ServiceAccount>,
}

impl Destination for Gcs {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(
        &self,
        settings: &Value,
        _: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>> {
        files::configure::<Bucket>(settings)
    }
}

impl Store for Bucket {
    fn read(settings: &Value) -> Result<(Self, Common), Vec<Invalid>> {
        let (settings, common) = common::read::<Settings>(settings, &SPEC)?;
        let account = google::account(&settings.service_account, SCOPE)?;
        let name = settings.bucket;
        Ok((Self { name, account }, common))
    }

    fn put(&self, common: &Common, file: File) -> Result<Request, Unsendable> {
        if self.name.is_empty() {
            return Err(Unsendable::lacks_setting("bucket"));
        }
        let account = google::given(self.account.as_ref())?;
        let path = format!("/upload/storage/v1/b/{}/o", encode::percent(&self.name));
        let url = common.url("https://storage.googleapis.com", &path);
        let request = Request::new(Method::Post, url)
            .with_query([("uploadType", "media"), ("name", &file.name)])
            .with_body(file.media_type, file.body);
        Ok(request.with_grant(Grant::ServiceAccount(account)))
    }

    fn classify(&self, response: &Response) -> Outcome {
        match response.status {
            412 => Outcome::Delivered,
            _ => google::outcome(response, "Google Cloud Storage"),
        }
    }
}
