//! What programs on one database tell each other at once: sessions and keys that ended, and what the cache has to
//! forget. It is a help and nothing else: sessions are looked up every few seconds anyway, and what is kept is
//! believed for half a minute only where nobody can be heard.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::consumer::stopped;
use crate::db::{Actor, DbError};
use crate::identity::Identity;
use crate::ids::new_id;
use crate::refusal::Refusal;
use crate::unit::Platform;

/// The channel of all programs.
const CHANNEL: &str = "siaga_words";
/// Words of one statement: a payload has at most 8,000 bytes and one of ours has a hundred.
const WORDS_MAX: usize = 500;
/// One's own first word is heard within this, or nobody is: a pooler in between passes none on.
const HELLO_WAIT: Duration = Duration::from_secs(5);
/// Pause after the server was gone.
const PAUSE: Duration = Duration::from_secs(5);

/// Something that the others are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// A session or an API key ended.
    End(Uuid),
    /// A key of the cache is old.
    Forget(String),
    /// Whether anybody is heard at all.
    Hello(Uuid),
}

impl Word {
    fn text(&self) -> String {
        match self {
            Word::End(id) => format!("end {id}"),
            Word::Forget(key) => format!("forget {key}"),
            Word::Hello(id) => format!("hello {id}"),
        }
    }

    /// The word of a text; one of a later program is none.
    fn parse(text: &str) -> Option<Word> {
        let (verb, what) = text.split_once(' ')?;
        match verb {
            "end" => what.parse().ok().map(Word::End),
            "forget" => Some(Word::Forget(what.to_owned())),
            "hello" => what.parse().ok().map(Word::Hello),
            _ => None,
        }
    }
}

/// Tells the other programs on this database; the embedded one has no others.
///
/// # Errors
/// The database.
pub async fn say(platform: &Platform, words: &[Word]) -> Result<(), Refusal> {
    if !platform.db().is_server() {
        return Ok(());
    }
    for some in words.chunks(WORDS_MAX) {
        let texts: Vec<String> = some.iter().map(Word::text).collect();
        let said = platform.db().write(&Actor::SYSTEM, move |tx| {
            let query = sqlx::query("SELECT pg_notify($1, word) FROM unnest($2::text[]) AS word");
            tx.execute(query.bind(CHANNEL).bind(texts))
        });
        said.await?;
    }
    Ok(())
}

/// Hears the others until the stop.
pub async fn hear(platform: Platform, identity: Arc<Identity>, mut stop: watch::Receiver<bool>) {
    if !platform.db().is_server() {
        platform.cache().trust().await;
        return;
    }
    platform.cache().doubt().await;
    let mut said = false;
    loop {
        let mut heard = false;
        let ended = tokio::select! {
            () = stopped(&mut stop) => return,
            ended = listen(&platform, &identity, &mut heard) => ended,
        };
        if heard {
            platform.cache().doubt().await;
            said = false;
        }
        // Behind a pooler it is so all the time: said once.
        if let Err(error) = ended
            && !std::mem::replace(&mut said, true)
        {
            tracing::warn!(
                "other programs on this database are not heard, which makes what they end late by some seconds: {error}"
            );
        }
        tokio::select! {
            () = stopped(&mut stop) => return,
            () = sleep(PAUSE) => {}
        }
    }
}

/// Hears the others until the connection is lost.
async fn listen(platform: &Platform, identity: &Identity, heard: &mut bool) -> Result<(), Refusal> {
    let Some(mut listener) = platform.db().listener(CHANNEL).await? else {
        return Ok(());
    };
    let lost = || Refusal::Db(DbError::Unavailable("the connection was lost".into()));
    let hello = Word::Hello(new_id(platform.now()));
    say(platform, std::slice::from_ref(&hello)).await?;
    let greeted = timeout(HELLO_WAIT, async {
        loop {
            let word = listener.next().await?.ok_or_else(lost)?;
            if Word::parse(&word).as_ref() == Some(&hello) {
                return Ok::<(), Refusal>(());
            }
        }
    });
    greeted
        .await
        .map_err(|_| Refusal::Db(DbError::Unavailable("nothing that was said came".into())))??;
    // What was said before nobody heard here.
    platform.cache().trust().await;
    *heard = true;
    loop {
        let word = listener.next().await?.ok_or_else(lost)?;
        match Word::parse(&word) {
            Some(Word::End(id)) => identity.hear_end(id).await,
            Some(Word::Forget(key)) => platform.cache().hear_forget(&key).await,
            Some(Word::Hello(_)) | None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_and_those_of_later_programs_are_none() {
        let id = Uuid::from_u128(7);
        for word in [
            Word::End(id),
            Word::Forget("user:7:profile with a space".into()),
            Word::Hello(id),
        ] {
            assert_eq!(Word::parse(&word.text()), Some(word));
        }
        for text in ["", "end", "end sari", "hello 1", "sing loudly"] {
            assert_eq!(Word::parse(text), None, "{text}");
        }
    }
}
