//! Where stores send their notifications.

use domain::Store;

/// With what the path of each of them begins.
pub const CALLBACKS: &str = "/callbacks/";

/// Where the store of an app sends its notifications; `None` when it sends none.
pub fn callback_path(app: &ledger::App) -> Option<String> {
    let store = match app.store() {
        Store::AppStore => "apple",
        Store::PlayStore => "google",
        Store::Stripe => "stripe",
        Store::External | Store::Promotional => return None,
    };
    Some(format!("{CALLBACKS}{store}/{}", app.id))
}
