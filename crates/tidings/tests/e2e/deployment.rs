//! The files to deploy with speak of what there is: metrics, options, probes.

use engine::metric::Metric;
use std::{collections::BTreeSet, fs, path::Path};

fn file(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(name)).unwrap()
}

/// Words of a text that begin with `tidings_` and are no longer a name's part.
fn metrics(text: &str) -> BTreeSet<&str> {
    text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'))
        .filter(|word| word.starts_with("tidings_"))
        .collect()
}

#[test]
fn dashboards_and_alerts_ask_for_metrics_that_exist() {
    let known: BTreeSet<&str> = Metric::ALL.iter().map(|metric| metric.name()).collect();
    let mut asked = BTreeSet::new();
    let (dashboard, alerts) = (file("deploy/grafana.json"), file("deploy/alerts.yaml"));
    serde_json::from_str::<serde_json::Value>(&dashboard).unwrap();
    for name in metrics(&dashboard).into_iter().chain(metrics(&alerts)) {
        let base = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|part| name.strip_suffix(part))
            .unwrap_or(name);
        assert!(known.contains(base), "{name} is no metric");
        asked.insert(base);
    }
    assert_eq!(
        asked, known,
        "each metric is on the dashboard or in an alert"
    );
}

#[test]
fn deployments_set_variables_that_exist() {
    let options = file("crates/tidings/src/options.rs");
    for name in [
        "deploy/compose.yaml",
        "deploy/kubernetes/tidings.yaml",
        "deploy/tidings.service",
        "Dockerfile",
    ] {
        let text = file(name);
        let variables = text
            .split(|letter: char| !(letter.is_ascii_uppercase() || letter == '_'))
            .filter(|word| word.starts_with("TIDINGS_") && word.len() > 8);
        let mut count = 0;
        for variable in variables {
            let is_known = options.contains(&format!("env = \"{variable}\""));
            assert!(is_known, "{name}: {variable} is no option");
            count += 1;
        }
        assert!(count > 0, "{name}");
    }
}

/// Lines that a file must have, as they stand or after more words.
fn has(name: &str, lines: &[&str]) {
    let text = file(name);
    for line in lines {
        let is_there = text
            .lines()
            .any(|found| found.trim() == *line || found.trim().ends_with(line));
        assert!(is_there, "{name}: {line}");
    }
}

#[test]
fn deployments_give_the_server_no_more_than_it_needs() {
    has(
        "deploy/tidings.service",
        &[
            "DynamicUser=yes",
            "NoNewPrivileges=yes",
            "CapabilityBoundingSet=",
            "ProtectSystem=strict",
            "StateDirectoryMode=0700",
            "UMask=0077",
            "SystemCallFilter=@system-service",
            "TimeoutStopSec=30",
        ],
    );
    has(
        "deploy/compose.yaml",
        &[
            "user: \"10001:10001\"",
            "read_only: true",
            "cap_drop: [ALL]",
            "security_opt: [\"no-new-privileges:true\"]",
            "TIDINGS_SECRET_KEY_FILE: /run/secrets/secret-key",
            "stop_grace_period: 30s",
        ],
    );
    let kubernetes = file("deploy/kubernetes/tidings.yaml");
    for part in [
        "runAsNonRoot: true",
        "readOnlyRootFilesystem: true",
        "allowPrivilegeEscalation: false",
        "drop: [ALL]",
        "automountServiceAccountToken: false",
        "path: /readyz, port: operations",
        "path: /healthz, port: operations",
        "prometheus.io/port: \"9090\"",
    ] {
        assert!(kubernetes.contains(part), "{part}");
    }
    assert!(!kubernetes.contains("secretKeyRef"), "secrets are files");
    let ports = kubernetes.split("kind: Service").nth(1).unwrap();
    assert!(
        !ports.contains("operations"),
        "metrics are not for everybody"
    );
}
