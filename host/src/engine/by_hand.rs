//! What a person does about a scheme: pauses it, lets it go on, confirms that the vendor has nothing of it that the journal lost.
//!
//! Nothing of a paused scheme is fetched or sent. What is under way is finished first. The journal remembers it, so that a
//! restart changes nothing.

use super::{Engine, EngineError, Slept};
use crate::config::nearest;
use crate::observe::clock;

impl Engine {
    /// Pauses a scheme.
    pub async fn pause(&self, stem: &str) -> Result<(), EngineError> {
        self.refuse_if_unknown(stem).await?;
        Ok(self.journal.pause(stem, Some(clock::now_ms())).await?)
    }

    /// Lets a scheme go on, at once.
    pub async fn resume(&self, stem: &str) -> Result<(), EngineError> {
        self.refuse_if_unknown(stem).await?;
        self.journal.pause(stem, None).await?;
        self.wake();
        Ok(())
    }

    /// A person has seen that the vendor has no bill of a scheme that the journal has lost ([`SchemeState::in_doubt`]). False: it
    /// has lost nothing.
    ///
    /// [`SchemeState::in_doubt`]: crate::journal::SchemeState::in_doubt
    pub async fn confirm(&self, stem: &str) -> Result<bool, EngineError> {
        self.refuse_if_unknown(stem).await?;
        let ended = self.journal.end_doubt(stem, true).await?;
        self.wake();
        Ok(ended)
    }

    /// A pause of a scheme that is not there would be a surprise on the day when it is.
    async fn refuse_if_unknown(&self, stem: &str) -> Result<(), EngineError> {
        let mut known = self.journal.schemes().await?;
        let snapshot = self.refreshed().snapshot;
        known.extend(snapshot.schemes.iter().map(|scheme| scheme.stem.clone()));
        if known.iter().any(|known| known == stem) {
            return Ok(());
        }
        let hint = match nearest(stem, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`qiao scheme list` lists them".to_owned(),
        };
        Err(EngineError::Scheme(format!("there is no scheme `{stem}`\n  hint: {hint}")))
    }

    /// Somebody changed what schemes wait for: those that sleep look again.
    pub fn wake(&self) {
        self.by_hand.notify_waiters();
        self.arrived.notify_waiters();
    }

    /// `Paused`, if the scheme is.
    pub(super) async fn refuse_if_paused(&self, stem: &str) -> Result<(), EngineError> {
        match self.journal.scheme(stem).await?.paused_ms {
            Some(_) => Err(EngineError::Paused),
            None => Ok(()),
        }
    }

    /// Waits as long as the scheme is paused.
    pub(super) async fn wait_until_resumed(&self, stem: &str) -> Slept {
        loop {
            let acted = self.by_hand.notified();
            if self.refreshed_with(stem).is_err() {
                return Slept::Whole;
            }
            // A journal that cannot be read is told of by whoever works with it.
            if !matches!(self.refuse_if_paused(stem).await, Err(EngineError::Paused)) {
                return Slept::Whole;
            }
            tokio::select! {
                () = acted => {}
                slept = self.sleep_unless_replaced(super::serve::LONGEST_SLEEP) => if slept == Slept::Stopping { return slept },
            }
        }
    }
}
