//! Streams end with what let them in: told by this process as it happens, found in the database otherwise.

use std::time::Duration;

use siaga_platform::refusal::Refusal;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::sleep;

use super::auth::SessionKey;
use super::server::{App, stopped};

/// How often it looks: as late is a request that another process's sign-out ends.
pub const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Ends the streams of sessions and API keys as their ends are told, until the stop.
pub async fn hear(app: App) {
    let (mut accounts, mut stop) = (app.core.identity(), app.stop.clone());
    loop {
        let mut ends = accounts
            .borrow_and_update()
            .as_ref()
            .map(|identity| identity.ends());
        // Accounts are there when the store opens, and others when it was opened anew.
        loop {
            let ended = async {
                match &mut ends {
                    Some(ends) => ends.recv().await,
                    None => std::future::pending().await,
                }
            };
            let ended = tokio::select! {
                ended = ended => ended,
                changed = accounts.changed() => match changed {
                    Ok(()) => break,
                    Err(_) => return,
                },
                () = stopped(&mut stop) => return,
            };
            match ended {
                Ok(guest) => {
                    app.doors.dismiss(guest);
                    app.hub.revoke(SessionKey::Guest(guest));
                }
                // More ended at once than are held: which, is not known any more, so nobody's stream stays.
                Err(RecvError::Lagged(_)) => app.hub.revoke_all(),
                // Replaced: the change follows.
                Err(RecvError::Closed) => ends = None,
            }
        }
    }
}

/// Looks after streams while they are open, until the stop: another process may have ended what let them in, or time.
pub async fn look_after(app: App) {
    let (mut stop, mut well) = (app.stop.clone(), true);
    loop {
        tokio::select! {
            () = stopped(&mut stop) => return,
            () = sleep(app.options.look_every) => {}
        }
        let looked = look(&app).await;
        // Said once: the next looks try again by themselves.
        if let Err(error) = &looked
            && well
        {
            tracing::warn!("streams are looked after later: {error}");
        }
        well = looked.is_ok();
    }
}

async fn look(app: &App) -> Result<(), Refusal> {
    // These sessions are in no database.
    let over = app.doors.look_after(&app.hub.cookies(), app.core.now());
    for session in over {
        app.hub.revoke(session);
    }
    let Some(identity) = app.identity() else {
        return Ok(());
    };
    if app.hub.connected() == 0 {
        return Ok(());
    }
    // Made by another process: here the secret opens nothing any more either.
    if identity.is_claimed().await {
        app.doors.dismiss_secret();
        app.hub.revoke_secret();
    }
    let guests = app.hub.guests();
    if !guests.is_empty() {
        identity.look_after(&guests).await?;
    }
    Ok(())
}
