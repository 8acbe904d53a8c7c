//! Questions that go on after the message that led to them was answered.

use tokio::sync::watch;

/// How many are under way.
#[derive(Clone, Default)]
pub(super) struct Asking(watch::Sender<usize>);

impl Asking {
    /// One more, until the answer is dropped.
    pub(super) fn begin(&self) -> UnderWay {
        self.0.send_modify(|count| *count += 1);
        UnderWay(self.clone())
    }

    /// Waits until none is.
    #[cfg(feature = "test")]
    pub(super) async fn over(&self) {
        let mut count = self.0.subscribe();
        let over = count.wait_for(|count| *count == 0).await;
        drop(over.expect("whoever waits holds the sender"));
    }
}

/// A question under way, however it ends.
pub(super) struct UnderWay(Asking);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}
