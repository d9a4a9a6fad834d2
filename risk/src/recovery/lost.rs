//! Inputs that were recorded and are gone: the output log proves it, because outputs leave only behind durable inputs.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use crate::event::{LinkCommand, Output, Seq};
use crate::ids::OrderId;
use crate::journal::{Cursor, Disk, JournalError, OutputReader, Stream, log_end};
use crate::record;

/// Orders that are named; more are counted.
const ORDERS_MAX: usize = 100;
/// Bytes of outputs read at once.
const READ_BYTES: usize = 1 << 20;
/// Longest file of lost outputs: what is cut off is at most the last moments of a desk.
const KEPT_BYTES_MAX: usize = 64 << 20;
/// What is lost and not told yet: the proof goes with the end of the output log.
const PENDING_FILE: &str = "lost.pending";
const PENDING_TEMPORARY: &str = "lost.pending.tmp";
/// Longest such file: four numbers, a name and a hundred orders.
const PENDING_BYTES_MAX: u64 = 4_096;
/// Stands there for the file of outputs that could not be written.
const NOT_KEPT: &str = "-";

/// The end of the journal is gone, and something had left the desk because of it. All zero when nobody can say any more
/// which inputs those were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// First input that is gone.
    pub first: Seq,
    /// Last one that the output log knows of.
    pub last: Seq,
    /// Outputs that are cut off the log.
    pub outputs: u64,
    /// Orders that were sent to a broker because of them, the first hundred.
    pub orders: Vec<OrderId>,
    /// How many such orders there are.
    pub sent: u64,
    /// The file in the data directory that holds the outputs as text; `None` when it could not be written.
    pub kept: Option<String>,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.last == 0 {
            return write!(
                f,
                "recorded inputs are gone, and {PENDING_FILE} cannot be read: compare orders, positions and payments \
                 with the brokers and the cashier by hand"
            );
        }
        write!(
            f,
            "inputs {} to {} were recorded and are gone: the journal ends before the output log. {} orders went to \
             brokers in them",
            self.first, self.last, self.sent
        )?;
        for (number, order) in self.orders.iter().enumerate() {
            write!(f, "{}{order}", if number == 0 { ": " } else { ", " })?;
        }
        if self.sent > self.orders.len() as u64 {
            f.write_str(" and more")?;
        }
        write!(
            f,
            ". Compare orders, positions and payments with the brokers and the cashier by hand, or restore the \
             journal's end from a replica"
        )?;
        match &self.kept {
            Some(file) => write!(f, "; what is cut off the output log stands in {file}"),
            None => Ok(()),
        }
    }
}

impl Lost {
    /// This loss and a later one as one: the range that holds both.
    fn joined(self, later: Self) -> Self {
        // The same one, found again by the start after one that ended before the output log was cut.
        if self.first == later.first {
            return if self.last > later.last { self } else { later };
        }
        let mut orders = self.orders;
        orders.extend(later.orders);
        orders.truncate(ORDERS_MAX);
        Self {
            first: self.first.min(later.first),
            last: self.last.max(later.last),
            outputs: self.outputs.saturating_add(later.outputs),
            orders,
            sent: self.sent.saturating_add(later.sent),
            kept: later.kept.or(self.kept),
        }
    }
}

/// What is to be told: what this start has found, and what no start before it has [settled]. To be called before the
/// output log is cut.
///
/// # Errors
/// [`JournalError::Io`]: then the output log must not be cut.
pub fn owed(disk: &Arc<dyn Disk>, found: Option<Lost>) -> Result<Option<Lost>, JournalError> {
    let before = pending(disk.as_ref())?;
    let Some(found) = found else {
        return Ok(before);
    };
    let lost = match before {
        Some(before) => before.joined(found),
        None => found,
    };
    owe(disk.as_ref(), &lost).map_err(JournalError::io("write", PENDING_FILE))?;
    Ok(Some(lost))
}

/// The loss has been told, and what followed from it elsewhere is undone: the next start is silent about it.
///
/// # Errors
/// [`JournalError::Io`]: then the next start tells it again.
pub fn settled(disk: &Arc<dyn Disk>) -> Result<(), JournalError> {
    match disk.remove(PENDING_FILE) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        removed => removed.map_err(JournalError::io("remove", PENDING_FILE))?,
    }
    disk.sync_dir()
        .map_err(JournalError::io("sync", "the data directory"))
}

fn owe(disk: &dyn Disk, lost: &Lost) -> io::Result<()> {
    let Lost {
        first,
        last,
        outputs,
        orders,
        sent,
        kept,
    } = lost;
    let kept = kept.as_deref().unwrap_or(NOT_KEPT);
    let mut text = format!("{first} {last} {outputs} {sent} {kept}");
    for order in orders {
        text.push_str(&format!(" {order}"));
    }
    text.push('\n');
    keep(disk, PENDING_TEMPORARY, text.as_bytes())?;
    disk.rename(PENDING_TEMPORARY, PENDING_FILE)?;
    disk.sync_dir()
}

fn pending(disk: &dyn Disk) -> Result<Option<Lost>, JournalError> {
    let fail = |error| JournalError::io("read", PENDING_FILE)(error);
    let listed = disk.list().map_err(fail)?;
    if !listed.iter().any(|file| file.0 == PENDING_FILE) {
        return Ok(None);
    }
    let file = disk.open(PENDING_FILE).map_err(fail)?;
    let bytes = file.bytes().map_err(fail)?.min(PENDING_BYTES_MAX);
    let mut text = vec![0; bytes as usize];
    let count = file.read_at(0, &mut text).map_err(fail)?;
    // One that cannot be read still says that something is gone.
    Ok(Some(parse(&text[..count]).unwrap_or_default()))
}

fn parse(bytes: &[u8]) -> Option<Lost> {
    // Without its end half a number would pass for a whole one.
    let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    let mut words = text.split(' ');
    let mut number = || -> Option<u64> { words.next()?.parse().ok() };
    let (first, last, outputs, sent) = (number()?, number()?, number()?, number()?);
    let kept = words.next()?;
    let orders = words.map(|word| word.parse().map(OrderId).ok());
    Some(Lost {
        first,
        last,
        outputs,
        orders: orders.collect::<Option<Vec<OrderId>>>()?,
        sent,
        kept: (kept != NOT_KEPT).then(|| kept.to_owned()),
    })
}

/// What the output log holds behind `end`, the last input of the journal, kept aside as text. Changes no log.
///
/// # Errors
/// [`JournalError`] when the output log cannot be read.
pub fn look(disk: &Arc<dyn Disk>, end: Seq) -> Result<Option<Lost>, JournalError> {
    let Some(found) = log_end(disk, Stream::Output)?.filter(|found| found.last_seq > end) else {
        return Ok(None);
    };
    let Some(mut log) = OutputReader::open(disk)? else {
        return Ok(None);
    };
    let mut lost = Lost {
        first: end + 1,
        last: found.last_seq,
        ..Lost::default()
    };
    let behind = Cursor {
        seq: end,
        index: u32::MAX,
    };
    let (mut cursor, mut text) = (behind.max(log.from()), Vec::new());
    loop {
        let batch = log.read_from(cursor, READ_BYTES)?;
        if batch.is_empty() {
            break;
        }
        cursor = batch.next;
        for found in batch.iter() {
            lost.outputs += 1;
            let Ok((ts, output)) = record::get_output(found.kind, found.payload) else {
                continue;
            };
            if let Output::Send(send) = &output
                && let LinkCommand::Submit(submit) = &send.command
            {
                lost.sent += 1;
                if lost.orders.len() < ORDERS_MAX {
                    lost.orders.push(submit.id);
                }
            }
            if text.len() < KEPT_BYTES_MAX {
                // A vector takes every byte.
                let _ = writeln!(
                    text,
                    "{}.{} at {}: {output:?}",
                    found.at.seq, found.at.index, ts.0
                );
            }
        }
    }
    let name = format!("lost-{:020}-{:020}.txt", lost.first, lost.last);
    lost.kept = keep(disk.as_ref(), &name, &text).is_ok().then_some(name);
    Ok(Some(lost))
}

fn keep(disk: &dyn Disk, name: &str, text: &[u8]) -> io::Result<()> {
    disk.create_zeroed(name, 0)?;
    let file = disk.open(name)?;
    file.write_at(0, text)?;
    file.sync_data()?;
    disk.sync_dir()
}
