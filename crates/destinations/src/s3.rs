//! Amazon S3, and whatever speaks its language: Cloudflare R2, MinIO, DigitalOcean Spaces, Wasabi, Backblaze B2. Source: Amazon S3 API
//! Reference, `PutObject` and "Error responses", read 2026-11.
//!
//! A batch is one object, `<prefix>/v1/date=2026-11-20/hour=09/<batch>.jsonl.gz`: date and hour, in UTC, are those at which its first event was recorded,
//! so that an hour that is over gets no more. The batch is called by the id of its first event and, of more, by a digest of all their ids: a
//! repetition overwrites what was there, and nothing is overwritten by less. Columns are those of the statement on BigQuery's page, in that order;
//! lines of JSON leave out what is unknown, a table has its lists as JSON.
//!
//! `PUT` is signed with the digest of the body. AWS is addressed by the host of the bucket, others, and buckets with dots in
//! their names, which no certificate covers, by the path.
//!
//! Answers: 301 and 307 are said where the region is wrong, 403 to a wrong key and to a wrong clock, 503 `SlowDown` to too many. Nothing is sent under
//! a condition: 412, where somebody demands one, says that the object is there.
//!
//! Requests are signed with the key of a user of IAM. The role of the machine, from its metadata service or by a web identity, is not taken: it is given to
//! who runs this server, and would be used by who sets up a project; and what is at that service's address, no integration may ask.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Invalid, Method, Outcome,
    Request, Response, Spec, Travel, Unsendable, aws,
    aws::Account,
    common::{self, Common},
    encode, files,
    files::{File, Store},
    settings::{gather, take},
    spec::fields,
};
use domain::EventKind;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// The entry in [`crate::ALL`].
pub struct S3;

const OWN: &[Field] = &[Field::new(
    "bucket",
    FieldKind::Text,
    "Name of the bucket. Another service than AWS is named by `endpoint`.",
)];

static SPEC: Spec = Spec {
    key: "s3",
    title: "Amazon S3 and compatible storage",
    category: Category::Storage,
    summary: "Files of events in a bucket, for Athena, Snowflake, Databricks, Redshift, or a spreadsheet.",
    notes: &[
        "The key needs `s3:PutObject` below the prefix, and `kms:GenerateDataKey` where the bucket is encrypted with a key of yours.",
        "An answer that was lost can leave an event in two files: count by the column `id`.",
        "A file lies under the hour of its first event; the last of an hour may hold events of the next.",
    ],
    fields: fields!(
        OWN,
        aws::FIELDS,
        files::FIELDS,
        common::EVENT_SWITCHES,
        common::EXCLUDE_SANDBOX,
        common::ATTRIBUTES,
        common::ENDPOINT,
        common::BY_ID,
    ),
    travels: &[Travel {
        secret: "secret_access_key",
        to: &["bucket", "region", "endpoint"],
    }],
    events: EventKind::ALL,
    ordered: true,
    concurrency: 4,
};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    bucket: String,
}

struct Bucket {
    name: String,
    account: Account,
}

/// Source: Amazon S3, "General purpose bucket naming rules"; older ones may have more letters.
fn check_bucket(bucket: &str) -> Option<Invalid> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let is_fine = bucket.bytes().all(is_letter) && bucket.len() <= 63 && !bucket.contains("..");
    (!is_fine).then(|| {
        Invalid::new(
            "bucket",
            "is 3 to 63 letters, digits, dots and hyphens, without s3://",
        )
    })
}

impl Destination for S3 {
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

impl Bucket {
    fn url(&self, common: &Common, path: &str) -> String {
        let (host, name) = (self.account.host("s3"), &self.name);
        if common.has_endpoint() || name.contains('.') {
            return common.url(&host, &format!("/{name}/{path}"));
        }
        let host = host.replacen("https://", &format!("https://{name}."), 1);
        format!("{host}/{path}")
    }
}

impl Store for Bucket {
    fn read(settings: &Value) -> Result<(Self, Common), Vec<Invalid>> {
        let mut problems = Vec::new();
        let (account, own) = take::<Account>(settings, aws::FIELDS);
        let account = gather(account, &mut problems);
        let own = gather(common::read::<Settings>(&own, &SPEC), &mut problems);
        problems.extend(account.iter().flat_map(Account::problems));
        problems.extend(own.iter().filter_map(|(own, _)| check_bucket(&own.bucket)));
        match (account, own) {
            (Some(account), Some((own, common))) if problems.is_empty() => {
                let name = own.bucket;
                Ok((Self { name, account }, common))
            }
            _ => Err(problems),
        }
    }

    fn put(&self, common: &Common, file: File) -> Result<Request, Unsendable> {
        self.account.check()?;
        if self.name.is_empty() {
            return Err(Unsendable::lacks_setting("bucket"));
        }
        let digest = encode::sha256(&file.body);
        let request = Request::new(Method::Put, self.url(common, &file.path()))
            .with_body(file.media_type, file.body);
        Ok(request.with_header("x-amz-content-sha256", digest))
    }

    fn sign(&self, request: &mut Request, at: Timestamp) {
        self.account.sign(request, "s3", at);
    }

    fn classify(&self, response: &Response) -> Outcome {
        match response.status {
            412 => Outcome::Delivered,
            _ => aws::outcome(response, "the storage"),
        }
    }
}
