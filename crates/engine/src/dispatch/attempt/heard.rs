//! What an attempt said about its endpoint: the lane is told, and whoever has to act. An endpoint that refuses what it is sent is held.

use crate::{
    dispatch::{
        Dispatch,
        end::{End, Says},
        lane::{Lane, Tried, Turned},
    },
    setup::ActiveIntegration,
};
use destinations::Outcome;
use domain::Environment;
use ledger::{ConfigurationChange, Integration, Lease, Verification};

impl Dispatch {
    /// Tells the lane, and whoever has to act, what an attempt said about the endpoint.
    pub(super) async fn tell(
        &self,
        active: &ActiveIntegration,
        lane: &Lane,
        lease: &Lease,
        (end, says): (&End, Says),
        tried: Tried,
    ) {
        let (now, uptime) = (self.core.system().now(), self.core.system().uptime());
        let turned = lane.heard(says, lease, tried, uptime);
        lane.note_pause(turned, now, uptime);
        match turned {
            Turned::No => {}
            Turned::Opened => {
                tracing::warn!(integration.id = %active.row.id, destination.key = active.spec.key, "the endpoint keeps failing; it is left alone and probed");
            }
            Turned::LockedOut => self.lock_out(active, lease.lane.endpoint, end).await,
        }
        if says == Says::Accepted {
            self.release(active, lease.lane.endpoint).await;
        }
        if matches!(end, End::Answered(_, Outcome::Gone(_))) {
            self.leave_gone(active, lease.lane.endpoint, end).await;
        }
    }

    /// Holds an endpoint that refused the credentials twice in a row, or wants no more: nothing gets through until somebody changes that.
    async fn lock_out(&self, active: &ActiveIntegration, endpoint: Environment, end: &End) {
        let problem = end.detail();
        let at = self.core.system().now();
        tracing::warn!(integration.id = %active.row.id, endpoint = endpoint.id(), problem, "the endpoint refuses what it is sent; its deliveries are held");
        let is_gone = matches!(end, End::Answered(_, Outcome::Gone(_)));
        let refused = Verification::Refused {
            problem,
            at,
            is_gone,
        };
        if let Err(error) = self.store(&refused, active, endpoint).await {
            tracing::error!(integration.id = %active.row.id, %error, "an endpoint that refuses what it is sent could not be held");
        }
    }

    /// Lets everything go to an endpoint that was held for the credentials it refused, and has taken them.
    async fn release(&self, active: &ActiveIntegration, endpoint: Environment) {
        let setup = self.core.setup();
        let is_held = setup
            .integration(active.row.id)
            .is_some_and(|current| current.may_take_again(endpoint));
        if !is_held {
            return;
        }
        tracing::info!(integration.id = %active.row.id, endpoint = endpoint.id(), "the endpoint takes the credentials again; its deliveries go on");
        if let Err(error) = self.store(&Verification::Passed, active, endpoint).await {
            tracing::error!(integration.id = %active.row.id, %error, "an endpoint that takes the credentials again is still held; the next that it accepts says so again");
        }
        self.wake();
    }

    /// Leaves an endpoint alone that wants no more: it is held, and its integration is paused where it has no other.
    async fn leave_gone(&self, active: &ActiveIntegration, endpoint: Environment, end: &End) {
        if active.endpoints().iter().any(|other| *other != endpoint) {
            self.lock_out(active, endpoint, end).await;
        } else {
            self.pause_gone(active).await;
        }
    }

    /// Pauses an integration whose endpoint wants no more. What comes later is kept until somebody resumes it.
    async fn pause_gone(&self, active: &ActiveIntegration) {
        let _turn = self.core.turn_to_decide().await;
        let setup = self.core.setup();
        // As it is now, and not as it was when the attempt began.
        let current = setup
            .integration(active.row.id)
            .filter(|current| current.row.sealed_settings == active.row.sealed_settings);
        let Some(current) = current else {
            return;
        };
        let row = Integration {
            paused: true,
            ..(*current.row).clone()
        };
        let change = vec![ConfigurationChange::PutIntegration(row)];
        match self
            .core
            .configure(&setup, change, "the endpoint, which answered 410")
            .await
        {
            Ok(true) => {
                tracing::warn!(integration.id = %active.row.id, "the endpoint wants no more; the integration is paused");
            }
            // Another attempt paused it, or somebody changes it: the next answer says so again.
            Ok(false) => {}
            Err(error) => {
                tracing::error!(integration.id = %active.row.id, %error, "an integration whose endpoint is gone could not be paused");
            }
        }
    }
}
