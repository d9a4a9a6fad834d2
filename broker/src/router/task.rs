//! The router's task: the log in, inputs out, connections of bridges, and a timer. Decisions are in [`Router`].

#[cfg(test)]
mod wire_tests;

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use siaga_risk::event::{Body, Mark, Output, OutputKey};
use siaga_risk::ids::{InstrumentId, LinkId};
use siaga_risk::units::{SECOND_NS, Ts};
use tokio::sync::{Notify, mpsc};

use super::{Difference, Router};
use crate::bridge::BridgeFault;
use crate::link::{Dismissal, NotAdmitted, Unreadable};

/// Requests of people and connections that wait for the router.
const REQUESTS_MAX: usize = 1_024;
/// Frames that wait for one peer; a slower one is held back by its session, which merges prices.
const FRAMES_MAX: usize = 256;
/// Time that a connection beside the present one has to show who it is.
const NEWCOMER_NS: u64 = 5 * SECOND_NS;
/// Connections of a link that wait to do so; the oldest gives way. A stranger who would keep the link's own peer out has to
/// open as many between its connection and its first frame.
const NEWCOMERS_MAX: usize = 16;
/// Pause before an input is offered again to a full core.
const RETRY: Duration = Duration::from_millis(1);
/// Pause before frames are offered again to a slow peer.
const SLOW_PEER: Duration = Duration::from_millis(20);
/// Nothing is due: look again after this long.
const IDLE: Duration = Duration::from_secs(1);

/// Where durable outputs come from, in the order of the log.
pub trait OutputSource: Send {
    /// The next outputs; `None` when the log is closed. Must be cancel-safe.
    fn next(&mut self) -> impl Future<Output = Option<Vec<(OutputKey, Output)>>> + Send;
}

impl OutputSource for mpsc::Receiver<Vec<(OutputKey, Output)>> {
    async fn next(&mut self) -> Option<Vec<(OutputKey, Output)>> {
        self.recv().await
    }
}

/// What the task needs of the program around it.
pub trait Rim: Send + 'static {
    /// The program's clock.
    fn now(&self) -> Ts;
    /// Offers an input to the core.
    ///
    /// # Errors
    /// The input comes back when the core's ring is full.
    fn offer(&mut self, body: Body) -> Result<(), Box<Body>>;
    /// Keeps the cursor so that it survives a crash. Called before instructions up to it are handed over.
    ///
    /// # Errors
    /// When it cannot be kept: then nothing is handed over and the task ends.
    fn keep_cursor(&mut self, cursor: OutputKey) -> std::io::Result<()>;
    /// A broker holds something else than the books say, or that is over. No input of the core says so: it is for people.
    /// False when nobody could take it now: it is told again.
    fn differ(&mut self, _difference: &Difference) -> bool {
        true
    }
}

/// Newest price per instrument, between the thread that knows it and the router. Older ones are replaced.
#[derive(Clone, Default)]
pub struct MarkBoard {
    inner: Arc<(Mutex<BTreeMap<InstrumentId, Mark>>, Notify)>,
}

impl MarkBoard {
    /// Puts a price on the board; never waits for the router.
    pub fn put(&self, mark: Mark) {
        let (marks, changed) = &*self.inner;
        let mut marks = marks.lock().unwrap_or_else(PoisonError::into_inner);
        let was_empty = marks.is_empty();
        marks.insert(mark.instrument, mark);
        drop(marks);
        if was_empty {
            changed.notify_one();
        }
    }

    fn take(&self) -> BTreeMap<InstrumentId, Mark> {
        let mut marks = self.inner.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *marks)
    }
}

/// The handle of a running router.
#[derive(Clone)]
pub struct RouterHandle {
    requests: mpsc::Sender<Request>,
    marks: MarkBoard,
}

/// The router is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the broker router has stopped")]
pub struct Stopped;

/// One connection of a broker's program, as the carrier of its frames sees it. Dropping it closes it.
pub struct WireConnection {
    link: LinkId,
    number: u64,
    requests: mpsc::Sender<Request>,
    frames: mpsc::Receiver<WireFrame>,
}

/// What the carrier must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WireFrame {
    Text(String),
    /// Close the connection, for this reason.
    Close(&'static str),
}

enum Request {
    Manual(LinkId, bool),
    Drill(LinkId, bool),
    Open(LinkId, u64, mpsc::Sender<WireFrame>),
    Text(LinkId, u64, String),
    Unreadable(LinkId, u64, Unreadable),
    Closed(LinkId, u64),
}

impl RouterHandle {
    /// The board to put prices on.
    pub fn marks(&self) -> &MarkBoard {
        &self.marks
    }

    /// A person takes a link out of service (`on`) or gives it back.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn set_manual(&self, link: LinkId, on: bool) -> Result<(), Stopped> {
        self.send(Request::Manual(link, on)).await
    }

    /// Breaks or mends a link's connection on purpose: for drills and demonstrations.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn drill(&self, link: LinkId, up: bool) -> Result<(), Stopped> {
        self.send(Request::Drill(link, up)).await
    }

    /// Opens a connection for a link's peer; `number` is unique for the life of the program. While the link has another
    /// one, this one has to be admitted first.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn connect(&self, link: LinkId, number: u64) -> Result<WireConnection, Stopped> {
        let (sender, frames) = mpsc::channel(FRAMES_MAX);
        self.send(Request::Open(link, number, sender)).await?;
        Ok(WireConnection {
            link,
            number,
            requests: self.requests.clone(),
            frames,
        })
    }

    /// As [`Self::connect`], at once; `None` when the router is busy or gone.
    pub fn try_connect(&self, link: LinkId, number: u64) -> Option<WireConnection> {
        let (sender, frames) = mpsc::channel(FRAMES_MAX);
        let request = Request::Open(link, number, sender);
        self.requests.try_send(request).ok()?;
        Some(WireConnection {
            link,
            number,
            requests: self.requests.clone(),
            frames,
        })
    }

    async fn send(&self, request: Request) -> Result<(), Stopped> {
        self.requests.send(request).await.map_err(|_| Stopped)
    }
}

impl WireConnection {
    /// One text frame of the peer.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn text(&self, text: String) -> Result<(), Stopped> {
        let request = Request::Text(self.link, self.number, text);
        self.requests.send(request).await.map_err(|_| Stopped)
    }

    /// A frame of the peer that is no text to be read.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn unreadable(&self, frame: Unreadable) -> Result<(), Stopped> {
        let request = Request::Unreadable(self.link, self.number, frame);
        self.requests.send(request).await.map_err(|_| Stopped)
    }

    /// The next thing to do; `None` when another connection took this one's place, or it was not admitted. Cancel-safe.
    pub async fn next(&mut self) -> Option<WireFrame> {
        self.frames.recv().await
    }
}

impl Drop for WireConnection {
    fn drop(&mut self) {
        let request = Request::Closed(self.link, self.number);
        let requests = self.requests.clone();
        if let Err(mpsc::error::TrySendError::Full(request)) = requests.try_send(request)
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move { requests.send(request).await });
        }
    }
}

/// Starts the task. It ends when the log closes; the router comes back, for a look at its counts.
pub fn spawn(
    router: Router,
    outputs: impl OutputSource + 'static,
    rim: impl Rim,
) -> (
    RouterHandle,
    tokio::task::JoinHandle<std::io::Result<Router>>,
) {
    let (sender, requests) = mpsc::channel(REQUESTS_MAX);
    let handle = RouterHandle {
        requests: sender,
        marks: MarkBoard::default(),
    };
    let task = Task {
        router,
        rim,
        requests,
        marks: handle.marks.clone(),
        wires: BTreeMap::new(),
        newcomers: BTreeMap::new(),
        waiting: None,
        untold: None,
    };
    let join = tokio::spawn(task.run(outputs));
    (handle, join)
}

struct Task<R> {
    router: Router,
    rim: R,
    requests: mpsc::Receiver<Request>,
    marks: MarkBoard,
    wires: BTreeMap<LinkId, (u64, mpsc::Sender<WireFrame>)>,
    /// Connections beside them that nothing is believed of, oldest first.
    newcomers: BTreeMap<LinkId, VecDeque<Newcomer>>,
    /// An input that the core had no room for.
    waiting: Option<Body>,
    /// A difference that nobody could take: the audit has it as told, and says it no second time.
    untold: Option<Difference>,
}

/// A connection that has not said who it is, while the link has another one.
struct Newcomer {
    number: u64,
    frames: mpsc::Sender<WireFrame>,
    since: Ts,
}

impl Newcomer {
    /// When its queue is full it sees the end of its channel instead.
    fn send_away(&self, told: NotAdmitted) {
        let _ = self.frames.try_send(WireFrame::Text(told.text));
        let _ = self.frames.try_send(WireFrame::Close(told.reason));
    }
}

impl<R: Rim> Task<R> {
    async fn run(mut self, mut outputs: impl OutputSource) -> std::io::Result<Router> {
        self.router.start(self.rim.now());
        loop {
            let pause = self.flush();
            tokio::select! {
                batch = outputs.next() => match batch {
                    Some(batch) => self.on_outputs(&batch)?,
                    None => return Ok(self.router),
                },
                Some(request) = self.requests.recv() => self.on_request(request),
                () = self.marks.inner.1.notified() => self.on_marks(),
                // Whatever wakes the task, what is due by then is done first.
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// The cursor is kept first: after a crash an instruction is asked about, never sent a second time.
    fn on_outputs(&mut self, batch: &[(OutputKey, Output)]) -> std::io::Result<()> {
        let sends = |(_, output): &&(OutputKey, Output)| matches!(output, Output::Send(_));
        if let Some((key, _)) = batch.iter().rev().find(sends) {
            self.rim.keep_cursor(*key)?;
        }
        for (key, output) in batch {
            self.router.on_output(*key, output, self.rim.now());
        }
        Ok(())
    }

    fn on_marks(&mut self) {
        for mark in self.marks.take().into_values() {
            self.router.on_mark(&mark, self.rim.now());
        }
    }

    fn on_request(&mut self, request: Request) {
        let now = self.rim.now();
        match request {
            Request::Manual(link, on) => self.router.set_manual(link, on, now),
            Request::Drill(link, up) => self.router.drill(link, up, now),
            Request::Open(link, number, frames) => self.open(link, number, frames, now),
            Request::Text(link, number, text) => self.on_frame(link, number, Ok(&text), now),
            Request::Unreadable(link, number, frame) => {
                self.on_frame(link, number, Err(frame), now);
            }
            Request::Closed(link, number) => {
                if self.is_current(link, number) {
                    self.close(link, now);
                } else {
                    self.take_newcomer(link, number);
                }
            }
        }
        self.router.settle(now);
    }

    /// Whoever can reach the port may connect: while the link has a connection, that is left alone until a newer one has
    /// shown that it is the link's own peer.
    fn open(&mut self, link: LinkId, number: u64, frames: mpsc::Sender<WireFrame>, now: Ts) {
        if !self.wires.contains_key(&link) {
            return self.take_over(link, number, frames, now);
        }
        let newcomers = self.newcomers.entry(link).or_default();
        if newcomers.len() >= NEWCOMERS_MAX
            && let Some(oldest) = newcomers.pop_front()
            && let Some(wire) = self.router.wire(link)
        {
            oldest.send_away(wire.dismiss(Dismissal::Crowded));
        }
        newcomers.push_back(Newcomer {
            number,
            frames,
            since: now,
        });
    }

    fn take_over(&mut self, link: LinkId, number: u64, frames: mpsc::Sender<WireFrame>, now: Ts) {
        let Some(wire) = self.router.wire(link) else {
            return;
        };
        wire.on_open(now);
        if let Some((_, older)) = self.wires.insert(link, (number, frames)) {
            // When its queue is full it sees the end of its channel instead.
            let _ = older.try_send(WireFrame::Close(BridgeFault::Replaced.name()));
        }
    }

    fn on_frame(&mut self, link: LinkId, number: u64, frame: Result<&str, Unreadable>, now: Ts) {
        if let Some(newcomer) = self.take_newcomer(link, number) {
            let admitted = match self.router.wire(link) {
                Some(wire) => wire.admit(frame),
                None => return,
            };
            if let Err(told) = admitted {
                return newcomer.send_away(told);
            }
            self.take_over(link, number, newcomer.frames, now);
        }
        if !self.is_current(link, number) {
            return;
        }
        let Some(wire) = self.router.wire(link) else {
            return;
        };
        match frame {
            Ok(text) => wire.on_text(text, now),
            Err(frame) => wire.on_unreadable(frame, now),
        }
    }

    fn take_newcomer(&mut self, link: LinkId, number: u64) -> Option<Newcomer> {
        let newcomers = self.newcomers.get_mut(&link)?;
        let at = newcomers.iter().position(|one| one.number == number)?;
        newcomers.remove(at)
    }

    /// Sends away whoever did not show in time who it is; says when the next one is due.
    fn dismiss(&mut self, now: Ts) -> Option<Ts> {
        let due = |one: &Newcomer| one.since.plus(NEWCOMER_NS);
        let router = &mut self.router;
        for (link, newcomers) in &mut self.newcomers {
            newcomers.retain(|one| {
                let is_gone = one.frames.is_closed();
                let is_late = due(one) <= now;
                if is_late
                    && !is_gone
                    && let Some(wire) = router.wire(*link)
                {
                    one.send_away(wire.dismiss(Dismissal::Silent));
                }
                !is_late && !is_gone
            });
        }
        self.newcomers.values().flatten().map(due).min()
    }

    fn is_current(&self, link: LinkId, number: u64) -> bool {
        self.wires.get(&link).is_some_and(|(now, _)| *now == number)
    }

    fn close(&mut self, link: LinkId, now: Ts) {
        self.wires.remove(&link);
        if let Some(wire) = self.router.wire(link) {
            wire.on_close(now);
        }
    }

    /// Gives away what can be given away, and says how long to sleep.
    fn flush(&mut self) -> Duration {
        let now = self.rim.now();
        // Prices may come faster than any sleep ends, and what is due does not wait for them.
        if self.router.poll_deadline().is_some_and(|at| at <= now) {
            self.router.on_deadline(now);
        }
        let dismissal = self.dismiss(now);
        let slow_peer = self.flush_wires(now);
        self.tell_differences();
        while let Some(body) = self.waiting.take().or_else(|| self.router.poll_input()) {
            if let Err(body) = self.rim.offer(body) {
                self.waiting = Some(*body);
                return RETRY;
            }
        }
        // Links hold back what did not fit before.
        self.router.settle(now);
        let next = self.router.poll_deadline();
        let due = match next.into_iter().chain(dismissal).min() {
            Some(at) => Duration::from_nanos(at.since(now)),
            None => IDLE,
        };
        let due = due.clamp(RETRY, IDLE);
        if slow_peer { due.min(SLOW_PEER) } else { due }
    }

    /// What does not get through is tried again at the next look, a second later at most.
    fn tell_differences(&mut self) {
        let mut next = self.untold.take();
        while let Some(difference) = next.or_else(|| self.router.poll_difference()) {
            if !self.rim.differ(&difference) {
                self.untold = Some(difference);
                return;
            }
            next = None;
        }
    }

    fn flush_wires(&mut self, now: Ts) -> bool {
        let mut slow_peer = false;
        let mut gone = Vec::new();
        for (link, (_, sender)) in &self.wires {
            let Some(wire) = self.router.wire(*link) else {
                continue;
            };
            while let Ok(slot) = sender.try_reserve() {
                match wire.poll_text() {
                    Some(text) => slot.send(WireFrame::Text(text)),
                    None => break,
                }
            }
            if let Some(reason) = wire.poll_close() {
                // A full queue is cut off by dropping its sender.
                let _ = sender.try_send(WireFrame::Close(reason));
                gone.push(*link);
            } else if sender.is_closed() {
                gone.push(*link);
            }
            slow_peer |= sender.capacity() == 0;
        }
        for link in gone {
            self.close(link, now);
        }
        slow_peer
    }
}

#[cfg(test)]
mod tests {
    use siaga_risk::ids::AccountId;
    use siaga_risk::units::Qty;

    use super::*;
    use crate::router::Limits;

    /// Takes so many differences, and no more.
    struct Busy {
        room: usize,
        heard: Vec<u32>,
    }

    impl Rim for Busy {
        fn now(&self) -> Ts {
            Ts(1)
        }
        fn offer(&mut self, _body: Body) -> Result<(), Box<Body>> {
            Ok(())
        }
        fn keep_cursor(&mut self, _cursor: OutputKey) -> std::io::Result<()> {
            Ok(())
        }
        fn differ(&mut self, difference: &Difference) -> bool {
            let takes = self.heard.len() < self.room;
            if takes {
                self.heard.push(difference.account.0);
            }
            takes
        }
    }

    #[test]
    fn a_difference_that_nobody_could_take_is_told_again_and_none_is_left_out() {
        let start = OutputKey::default();
        let mut router = Router::new(start, start, Limits::default());
        router.differences = [1, 2, 3]
            .map(|account| Difference {
                link: LinkId(1),
                account: AccountId(account),
                instrument: InstrumentId(7),
                ours: Qty(5),
                theirs: Qty(0),
            })
            .into();
        let (_requests, requests) = mpsc::channel(1);
        let mut task = Task {
            router,
            rim: Busy {
                room: 1,
                heard: Vec::new(),
            },
            requests,
            marks: MarkBoard::default(),
            wires: BTreeMap::new(),
            newcomers: BTreeMap::new(),
            waiting: None,
            untold: None,
        };
        task.tell_differences();
        assert_eq!(task.rim.heard, [1]);
        task.rim.room = 3;
        task.flush();
        assert_eq!(task.rim.heard, [1, 2, 3]);
    }
}
