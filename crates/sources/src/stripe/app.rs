//! What an app needs to hear from Stripe.

use domain::secret::Secret;
use jiff::SignedDuration;

/// Where the app's name for a customer is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnerSource {
    /// `metadata.<key>` of the subscription.
    SubscriptionMetadata,
    /// `metadata.<key>` of the checkout session.
    SessionMetadata,
    /// `client_reference_id` of the checkout session.
    ClientReferenceId,
    /// `metadata.<key>` of the customer.
    CustomerMetadata,
    /// The customer's Stripe id.
    CustomerId,
}

/// What an app needs to hear from Stripe.
#[derive(Debug)]
pub struct App {
    /// Signing secrets of the webhook endpoint; several while one is rolled.
    pub signing_secrets: Vec<Secret>,
    /// How far the time of a signature may be from now.
    pub tolerance: SignedDuration,
    /// A secret or restricted key; without one nothing can be asked, and events wait.
    pub api_key: Option<Secret>,
    /// Where the API is.
    pub api_url: String,
    /// Metadata key that holds the app's name for a customer.
    pub owner_key: String,
    /// Where it is looked for, first found wins.
    pub owner_sources: Vec<OwnerSource>,
    /// Whether an unpaid subscription keeps access while Stripe retries.
    pub past_due_access: bool,
    /// Whether payments made without Checkout count as purchases.
    pub bare_payments: bool,
}
