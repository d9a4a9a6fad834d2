use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};

use super::error::DbError;

/// Hears what programs on the same server say to each other (`NOTIFY`), on a connection of its own.
pub struct Listener(PgListener);

impl Listener {
    pub(super) async fn open(connect: PgConnectOptions, channel: &str) -> Result<Self, DbError> {
        let own = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None::<Duration>)
            .idle_timeout(None::<Duration>)
            .connect_lazy_with(connect);
        let mut listener = PgListener::connect_with(&own).await?;
        listener.listen(channel).await?;
        Ok(Self(listener))
    }

    /// The next word. `None`: the connection was lost and is there again, and what was said in between is not known.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn next(&mut self) -> Result<Option<String>, DbError> {
        let heard = self.0.try_recv().await?;
        Ok(heard.map(|word| word.payload().to_owned()))
    }
}
