//! Refusals in the log: one line for each answer of 4xx, with what was asked for and by whom, and nothing of what was sent.

use std::sync::{Mutex, PoisonError};

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::response::Response;
use siaga_risk::units::{SECOND_NS, Ts};
use uuid::Uuid;

use super::guard;

/// Lines in a second: whoever sends nothing but what is refused fills no disk.
pub const LINES_PER_SECOND: u32 = 20;

/// A method is whatever the sender wrote: one of these goes into the log, anything else as `other`.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// The number of a fault, put beside its answer by [`ApiError`](super::error::ApiError).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultCode(pub u16);

/// Who asked, put beside the answer by [`guard::caller`]: the key of an API key, or of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker(pub Uuid);

/// What the log may say of a request.
pub struct Asked {
    method: &'static str,
    /// The pattern; none where no route fits.
    route: Option<MatchedPath>,
    request: Option<String>,
}

impl Asked {
    /// Of a request, before it is passed on.
    pub fn of(request: &Request) -> Asked {
        Asked {
            method: named(request.method()),
            route: request.extensions().get::<MatchedPath>().cloned(),
            request: guard::request_id(request.headers()),
        }
    }
}

fn named(method: &Method) -> &'static str {
    let mut known = METHODS.into_iter();
    known
        .find(|known| *known == method.as_str())
        .unwrap_or("other")
}

/// Lines of the running second, and those that were left out since the last one.
#[derive(Debug, Default)]
struct Quota {
    second: u64,
    written: u32,
    left_out: u64,
}

impl Quota {
    /// Room for a line, and how many were left out before it; `None`: this one is left out.
    fn admit(&mut self, now: Ts) -> Option<u64> {
        let second = now.0 / SECOND_NS;
        if second != self.second {
            self.second = second;
            self.written = 0;
        }
        if self.written >= LINES_PER_SECOND {
            self.left_out = self.left_out.saturating_add(1);
            return None;
        }
        self.written += 1;
        Some(std::mem::take(&mut self.left_out))
    }
}

/// Writes the lines, at most [`LINES_PER_SECOND`].
#[derive(Debug, Default)]
pub struct Refusals(Mutex<Quota>);

impl Refusals {
    /// Writes the line of an answer; `false` when it was left out.
    pub fn log(&self, asked: &Asked, answer: &Response, now: Ts) -> bool {
        let mut quota = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let admitted = quota.admit(now);
        drop(quota);
        let Some(left_out) = admitted else {
            return false;
        };
        let code = answer.extensions().get::<FaultCode>().map(|code| code.0);
        let asker = answer.extensions().get::<Asker>();
        tracing::info!(
            method = asked.method,
            route = asked.route.as_ref().map(MatchedPath::as_str),
            status = answer.status().as_u16(),
            code = code,
            request = asked.request.as_deref(),
            actor = asker.map(|asker| tracing::field::display(asker.0)),
            left_out = left_out,
            "refused"
        );
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_so_many_lines_and_the_next_one_tells_what_was_left_out() {
        let mut quota = Quota::default();
        let at = |ms: u64| Ts(77 * SECOND_NS + ms * 1_000_000);
        for n in 0..LINES_PER_SECOND {
            assert_eq!(quota.admit(at(u64::from(n))), Some(0), "{n}");
        }
        for n in 0..5 {
            assert_eq!(quota.admit(at(900 + n)), None, "{n}");
        }
        assert_eq!(quota.admit(at(1_000)), Some(5));
        assert_eq!(quota.admit(at(1_001)), Some(0), "told once");
    }

    #[test]
    fn a_method_that_somebody_made_up_is_not_written_down() {
        let made_up = Method::from_bytes(b"MY-PASSWORD").expect("a token");
        assert_eq!((named(&Method::PATCH), named(&made_up)), ("PATCH", "other"));
    }
}
