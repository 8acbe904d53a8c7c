//! Lives in which a further product joins a purchase, or leaves it: the smallest of each kind, by name.

use super::{
    found::{is_told_truly, life},
    way::Way,
};
use simulator::truth::{Beginning, Deed, Life, Market};

/// Google says of a purchase that another took over from it, and not which. Who is told of an end and then, by its cancellation, of the
/// other hears that it was cancelled, and of the end that truly comes.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_cancelled_goes_on_although_its_end_was_told() {
    let life = Life {
        beginning: Beginning::Intro,
        ..life(
            Market::Play,
            "2026-01-07T14:10:52Z",
            &[(Deed::AddOn, 64), (Deed::SwitchOff, 57)],
        )
    };
    is_told_truly(life, Way::Lost).await;
}
