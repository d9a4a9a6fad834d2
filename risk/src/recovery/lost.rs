//! Inputs that were recorded and are gone: the output log proves it, because outputs leave only behind durable inputs.

use std::fmt;
use std::io::Write;
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

/// The end of the journal is gone, and something had left the desk because of it.
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

fn keep(disk: &dyn Disk, name: &str, text: &[u8]) -> std::io::Result<()> {
    disk.create_zeroed(name, 0)?;
    let file = disk.open(name)?;
    file.write_at(0, text)?;
    file.sync_data()?;
    disk.sync_dir()
}
