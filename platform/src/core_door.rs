//! What the platform asks of the core: inputs, through the same door as everybody's. The platform does
//! not know the ring; the program gives it this.

use std::future::Future;
use std::pin::Pin;

use siaga_risk::event::Body;
use siaga_risk::ids::ActorId;

/// Sends inputs. A test records them; the program's own puts them into the ring.
pub trait CoreDoor: Send + Sync + 'static {
    /// Sends a command for `actor`; resolves to the sequence of its input once that is durable. Sent
    /// again after an error it must not happen twice: give a reference or a client id that the core remembers.
    fn send(
        &self,
        actor: ActorId,
        body: Body,
    ) -> Pin<Box<dyn Future<Output = Result<u64, CoreRefusal>> + Send + '_>>;
}

/// Why the core did not take it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CoreRefusal {
    /// It said no, with all its reasons: do not send it again.
    #[error("the desk refused it: {0}")]
    Refused(String),
    /// It did not answer, or is busy: send it again.
    #[error("the desk cannot take it now: {0}")]
    Later(String),
}

/// A desk that takes nothing: the platform without a core.
pub struct NoCore;

impl CoreDoor for NoCore {
    fn send(
        &self,
        _actor: ActorId,
        _body: Body,
    ) -> Pin<Box<dyn Future<Output = Result<u64, CoreRefusal>> + Send + '_>> {
        Box::pin(async {
            Err(CoreRefusal::Later(
                "no desk runs beside the platform".into(),
            ))
        })
    }
}
