//! Names of metrics, in one place. Base units; counters end in `_total`; labels come from bounded sets.

use metrics::{counter, gauge, histogram};
use std::time::Duration;

/// A metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Messages received, by `source` and `outcome`.
    MessagesReceived,
    /// Questions asked of stores, by `source` and `outcome`.
    StoreQuestions,
    /// Events recorded, by `kind`.
    EventsRecorded,
    /// Attempts made, by `destination` and `outcome`.
    AttemptsMade,
    /// Duration of attempts, by `destination`.
    AttemptSeconds,
    /// Time from a message's receipt to the first attempt of its deliveries, by `destination`.
    LagSeconds,
    /// Deliveries not settled, by `destination`.
    Backlog,
    /// Age of the oldest delivery that is not settled, by `destination`.
    OldestWaitingSeconds,
    /// Integrations of which most attempts at an endpoint fail, by `destination`.
    IntegrationsFailing,
    /// Of the last attempts of a day at each endpoint that were answered, or should have been, the share that was accepted, by `project`,
    /// `integration` and `endpoint`; not a number where none was made.
    AcceptedRatio,
    /// Whether deliveries to each endpoint are held (1) or not (0), by `project`, `integration` and `endpoint`.
    EndpointHeld,
    /// Nodes there are, this one included.
    Nodes,
}

/// An endpoint, by the keys of its project and its integration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Whose {
    pub(crate) project: String,
    pub(crate) integration: String,
    pub(crate) endpoint: &'static str,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 12] = [
        Self::MessagesReceived,
        Self::StoreQuestions,
        Self::EventsRecorded,
        Self::AttemptsMade,
        Self::AttemptSeconds,
        Self::LagSeconds,
        Self::Backlog,
        Self::OldestWaitingSeconds,
        Self::IntegrationsFailing,
        Self::AcceptedRatio,
        Self::EndpointHeld,
        Self::Nodes,
    ];

    /// The exported name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MessagesReceived => "tidings_messages_received_total",
            Self::StoreQuestions => "tidings_store_questions_total",
            Self::EventsRecorded => "tidings_events_recorded_total",
            Self::AttemptsMade => "tidings_attempts_total",
            Self::AttemptSeconds => "tidings_attempt_duration_seconds",
            Self::LagSeconds => "tidings_delivery_lag_seconds",
            Self::Backlog => "tidings_deliveries_pending",
            Self::OldestWaitingSeconds => "tidings_delivery_oldest_seconds",
            Self::IntegrationsFailing => "tidings_integrations_failing",
            Self::AcceptedRatio => "tidings_integration_accepted_ratio",
            Self::EndpointHeld => "tidings_endpoint_held",
            Self::Nodes => "tidings_nodes",
        }
    }

    pub(crate) fn count(self, labels: [(&'static str, &'static str); 2]) {
        counter!(self.name(), &labels).increment(1);
    }

    pub(crate) fn count_kind(self, kind: &'static str) {
        counter!(self.name(), "kind" => kind).increment(1);
    }

    pub(crate) fn time(self, destination: &'static str, took: Duration) {
        histogram!(self.name(), "destination" => destination).record(took.as_secs_f64());
    }

    /// Not a number where there is none.
    pub(crate) fn set_of(self, whose: &Whose, value: Option<f64>) {
        let labels = [
            ("project", whose.project.clone()),
            ("integration", whose.integration.clone()),
            ("endpoint", whose.endpoint.to_owned()),
        ];
        gauge!(self.name(), &labels).set(value.unwrap_or(f64::NAN));
    }

    pub(crate) fn set_alone(self, value: u32) {
        gauge!(self.name()).set(f64::from(value));
    }

    pub(crate) fn set(self, destination: &'static str, value: u64) {
        #[expect(clippy::cast_precision_loss, reason = "a gauge of rows, not money")]
        gauge!(self.name(), "destination" => destination).set(value as f64);
    }
}
