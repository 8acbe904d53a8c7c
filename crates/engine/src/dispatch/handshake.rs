//! Handshakes: an endpoint shows that it is the integration's before anything is delivered to it. What one fails of holds no other.
//!
//! Each is made in a task of its own: an endpoint that does not answer is waited for by nobody who saves, looks or keeps the
//! time. Deliveries are held until the verdict is stored.

use super::{
    Dispatch,
    handshakes::{Handshake, Tried},
    shown::shown,
};
use crate::setup::ActiveIntegration;
use domain::{Environment, IntegrationId};
use ledger::{ConfigurationChange, Integration, LaneId, LedgerError, Verdicts, Verification};
use std::time::Duration;

/// How often a verdict is stored against a configuration that keeps changing.
const TRIES: usize = 32;

/// Most of an answer that is shown.
const SHOWN_ANSWER: usize = 4 << 10;

impl Dispatch {
    /// The last handshake of each endpoint of an integration, as far as any were made since the process started.
    pub fn last_handshakes(&self, integration: IntegrationId) -> Vec<Handshake> {
        let lanes = LaneId::all(integration).into_iter();
        let last = lanes.filter_map(|lane| self.state.handshakes.last(lane)?.made);
        last.collect()
    }

    /// Begins the handshakes that are due.
    pub(crate) fn begin_handshakes(&self) {
        for (active, endpoint) in self.due_handshakes() {
            self.begin_handshake(&active, endpoint);
        }
    }

    /// Makes the handshakes that are due, and waits for them.
    #[cfg(feature = "test")]
    pub(crate) async fn make_handshakes(&self) -> Result<(), LedgerError> {
        for (active, endpoint) in self.due_handshakes() {
            self.verify_one(&active, endpoint).await?;
        }
        Ok(())
    }

    fn due_handshakes(&self) -> Vec<(ActiveIntegration, Environment)> {
        let (setup, uptime) = (self.core.setup(), self.core.system().uptime());
        let handshakes = &self.state.handshakes;
        let due = setup.integrations().flat_map(|active| {
            let lanes = LaneId::all(active.row.id).into_iter();
            let due = lanes.filter(move |lane| handshakes.is_due(active, *lane, uptime));
            due.map(|lane| (active.clone(), lane.endpoint))
        });
        due.collect()
    }

    /// Verifies the endpoints of one integration without anybody waiting for it, but for those where that is under way.
    pub fn begin_verifying(&self, active: &ActiveIntegration) {
        for endpoint in Environment::ALL {
            self.begin_handshake(active, endpoint);
        }
    }

    fn begin_handshake(&self, active: &ActiveIntegration, endpoint: Environment) {
        let lane = LaneId {
            integration: active.row.id,
            endpoint,
        };
        if !self.state.handshakes.begin(lane, &active.row) {
            return;
        }
        let (dispatch, active) = (self.clone(), active.clone());
        tokio::spawn(async move {
            if let Err(error) = dispatch.verify_one(&active, endpoint).await {
                tracing::warn!(integration.id = %active.row.id, endpoint = endpoint.id(), %error, "the verdict on an endpoint could not be stored; trying again");
            }
            dispatch.state.handshakes.end(lane, &active.row);
        });
    }

    /// Verifies the endpoints of one integration now and stores the verdicts, unless its settings changed meanwhile. Waits for the endpoints, of
    /// which none waits for the other.
    pub async fn verify(&self, active: &ActiveIntegration) -> Result<Verdicts, LedgerError> {
        let (production, sandbox) = tokio::join!(
            self.verify_one(active, Environment::Production),
            self.verify_one(active, Environment::Sandbox),
        );
        let production = Verdicts::from(production?);
        Ok(production.with(Environment::Sandbox, &sandbox?))
    }

    async fn verify_one(
        &self,
        active: &ActiveIntegration,
        endpoint: Environment,
    ) -> Result<Verification, LedgerError> {
        let mut made = None;
        let verdict = match self.shake_hands(active, endpoint, &mut made).await {
            Ok(()) => Verification::Passed,
            Err(problem) => Verification::Failed {
                problem,
                at: self.core.system().now(),
            },
        };
        match (&verdict, &made) {
            (Verification::Failed { problem, .. }, _) => {
                tracing::warn!(integration.id = %active.row.id, endpoint = endpoint.id(), problem, "the endpoint did not pass verification; its deliveries are held");
            }
            (_, Some(_)) => {
                tracing::info!(integration.id = %active.row.id, endpoint = endpoint.id(), "the endpoint passed verification");
            }
            (_, None) => {}
        }
        let lane = LaneId {
            integration: active.row.id,
            endpoint,
        };
        let at = self.core.system().uptime();
        self.state.handshakes.note(lane, Tried { at, made });
        self.store(&verdict, active, endpoint).await?;
        self.wake();
        Ok(verdict)
    }

    pub(super) async fn store(
        &self,
        verdict: &Verification,
        active: &ActiveIntegration,
        endpoint: Environment,
    ) -> Result<(), LedgerError> {
        let _turn = self.core.turn_to_decide().await;
        for _ in 0..TRIES {
            self.core.reload().await?;
            let setup = self.core.setup();
            let current = setup
                .integration(active.row.id)
                .filter(|current| current.row.sealed_settings == active.row.sealed_settings);
            let Some(current) = current else {
                return Ok(());
            };
            if is_known(verdict, current.row.verification.of(endpoint)) {
                return Ok(());
            }
            let row = Integration {
                verification: current.row.verification.with(endpoint, verdict),
                ..(*current.row).clone()
            };
            let change = vec![ConfigurationChange::PutIntegration(row)];
            let now = self.core.system().now();
            let ledger = self.core.ledger();
            if ledger
                .configure(setup.revision(), change, "verification", now)
                .await?
            {
                break;
            }
        }
        self.core.reload().await?;
        self.core.note_change();
        Ok(())
    }

    /// The error says what is wrong with the endpoint. One that there is nothing to ask of has passed.
    async fn shake_hands(
        &self,
        active: &ActiveIntegration,
        endpoint: Environment,
        made: &mut Option<Handshake>,
    ) -> Result<(), String> {
        let configured = active.configured.as_ref().map_err(Clone::clone)?;
        let system = self.core.system();
        let nonce = system.uuid().simple().to_string();
        let mut handshakes = configured.handshakes(&nonce).into_iter();
        let Some(mut handshake) = handshakes.find(|handshake| handshake.endpoint == endpoint)
        else {
            return Ok(());
        };
        // A receiver that believes nothing unsigned is to believe this.
        configured.sign(
            &mut handshake.request,
            &format!("hsk_{nonce}"),
            system.now(),
        );
        let mut record = Handshake {
            endpoint: endpoint.id(),
            at: system.now(),
            took: Duration::ZERO,
            request: shown(&handshake.request),
            status: None,
            answer: String::new(),
            problem: None,
        };
        let began = system.uptime();
        let (project, timeout) = (active.row.project, active.timeout());
        let answer = self.core.send(project, &handshake.request, timeout);
        let checked = match answer.await {
            Ok(response) => {
                record.status = Some(response.status);
                let said = String::from_utf8_lossy(&response.body);
                record.answer = handshake.request.concealed(&said);
                record
                    .answer
                    .truncate(record.answer.floor_char_boundary(SHOWN_ANSWER));
                configured.check_handshake(&handshake, &response)
            }
            Err(error) => Err(error.to_string()),
        };
        let checked = checked.map_err(|problem| handshake.request.concealed(&problem));
        record.took = system.uptime().saturating_sub(began);
        record.problem = checked.clone().err();
        *made = Some(record);
        checked.map_err(|problem| {
            let (endpoint, url) = (endpoint.id(), handshake.request.shown_url());
            format!("the {endpoint} endpoint {url} did not pass: {problem}")
        })
    }
}

/// Whether a verdict says what is stored already. What is wrong since a while and still is, is no change.
fn is_known(verdict: &Verification, stored: &Verification) -> bool {
    match (verdict, stored) {
        (Verification::Failed { problem, .. }, Verification::Failed { problem: known, .. })
        | (Verification::Refused { problem, .. }, Verification::Refused { problem: known, .. }) => {
            problem == known
        }
        (verdict, stored) => verdict == stored,
    }
}
