//! Azure Blob Storage as Microsoft's own emulator has it.

use super::{
    Shop,
    counterpart::{Counterpart, python},
};
use crate::server::published;
use serde_json::json;
use std::process::Command;

const NEEDS: &str =
    "this test needs Azurite: npm fetches it, and node runs it (`apt-get install npm`)";
/// Source: Azurite, README, "Default storage account": everybody knows it.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// Asks Azurite as its owner, signed apart from our code. Source: Azure docs, "Authorize with Shared Key".
const ASK: &str = r#"
import base64, hashlib, hmac, sys, urllib.request
from email.utils import formatdate
from urllib.parse import urlsplit, parse_qsl
method, url, account, key = sys.argv[1:5]
parts = urlsplit(url)
date = formatdate(usegmt=True)
resource = "/" + account + parts.path + "".join("\n%s:%s" % pair for pair in sorted(parse_qsl(parts.query)))
text = method + "\n" * 12 + "x-ms-date:" + date + "\nx-ms-version:2021-12-02\n" + resource
signed = base64.b64encode(hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()).decode()
headers = {"x-ms-date": date, "x-ms-version": "2021-12-02", "Authorization": "SharedKey %s:%s" % (account, signed)}
request = urllib.request.Request(url, method=method, headers=headers)
print(urllib.request.urlopen(request).read().decode())
"#;

fn asked(method: &str, url: &str) -> String {
    let output = Command::new(python("hmac", "this test needs Python"))
        .args(["-c", ASK, method, url, ACCOUNT, KEY])
        .env("no_proxy", "127.0.0.1")
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{method} {url}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_azure_are_there_whole() {
    let program = published("azurite@3", "azurite/dist/src/blob/main.js");
    let shop = Shop::telling(&[]).await;
    let kept = shop.site.directory.join("azurite");
    let command = |port: u16| {
        let mut command = Command::new("node");
        command
            .arg(program)
            .args(["--silent", "--blobHost", "127.0.0.1", "--blobPort"]);
        command.arg(port.to_string()).arg("--location").arg(&kept);
        command
    };
    let azurite = Counterpart::start(command, NEEDS).await;
    let account = format!("{}/{ACCOUNT}", azurite.url);
    asked("PUT", &format!("{account}/coach?restype=container"));
    let settings = json!({
        "endpoint": account, "account": ACCOUNT, "account_key": KEY, "container": "coach",
        "format": "jsonl", "max_age_seconds": 1,
        "retry": { "policy": "custom", "delays": [1, 1, 1] },
    });
    shop.put("azure_blob", settings).await;
    shop.buy("order-1").await;
    shop.until("order-1", &["azure_blob"], "delivered").await;
    let listed = asked(
        "GET",
        &format!("{account}/coach?comp=list&restype=container"),
    );
    let names = listed.split("<Name>").skip(1);
    let names: Vec<_> = names
        .filter_map(|rest| rest.split("</Name>").next())
        .collect();
    let files = names
        .iter()
        .map(|name| asked("GET", &format!("{account}/coach/{name}")));
    let lines: String = files.collect();
    assert!(lines.contains("order-1"), "{names:?}: {lines}");
}
