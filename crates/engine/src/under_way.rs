//! What goes on by itself after whoever asked for it was answered, or hung up.

use tokio::sync::watch;

/// How much is under way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Going(watch::Sender<usize>);

impl Going {
    /// One more, until the answer is dropped.
    pub(crate) fn begin(&self) -> UnderWay {
        self.0.send_modify(|count| *count += 1);
        UnderWay(self.clone())
    }

    /// Waits until nothing is.
    pub(crate) async fn over(&self) {
        let mut count = self.0.subscribe();
        let over = count.wait_for(|count| *count == 0).await;
        drop(over.expect("whoever waits holds the sender"));
    }
}

/// Something under way, however it ends.
#[derive(Debug)]
pub struct UnderWay(Going);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}
