//! `siaga journal export`: records as lines of JSON, for programs that read them elsewhere. Ids and
//! numbers alone: names stand in no journal.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::{Args as ClapArgs, ValueEnum};
use indicatif::ProgressBar;
use siaga_risk::journal::{
    Cursor, Damage, Disk, JournalError, JournalFiles, OutputReader, Stream, log_end,
};
use siaga_risk::record;
use siaga_risk::verify::{journal_gone, outputs_gone};

use crate::cli::{Exit, progress};
use crate::desk::recover::DataFault;

/// Bytes of outputs read at once.
const READ_BYTES: usize = 1 << 20;

/// Which records, and where to.
#[derive(Clone, Debug, ClapArgs)]
pub struct Args {
    /// What to write: the journal's inputs or the output log's outputs.
    #[arg(value_enum, default_value_t = Which::Inputs)]
    pub which: Which,
    /// First input; outputs are chosen by the input that caused them.
    #[arg(long, default_value_t = 1)]
    pub from: u64,
    /// Last input.
    #[arg(long, default_value_t = u64::MAX, hide_default_value = true)]
    pub to: u64,
    /// Only records of this kind, as `journal inspect` names it; may be repeated.
    #[arg(long)]
    pub kind: Vec<String>,
    /// Write to this file instead of standard output.
    #[arg(long)]
    pub out: Option<PathBuf>,
}

/// One of the two logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Which {
    Inputs,
    Outputs,
}

/// Writes the lines of the logs in the folder `dir`, which is `disk`.
pub fn run(disk: &Arc<dyn Disk>, dir: &Path, args: &Args, json: bool) -> anyhow::Result<Exit> {
    if let Some(gone) = gone(disk, args.which)? {
        return Err(DataFault::of(dir, gone).into());
    }
    // A terminal that gets the lines has no room for a bar between them.
    let shows_lines = args.out.is_none() && io::stdout().is_terminal();
    let bar = progress(json || shows_lines, 0, "writing");
    if let Some(end) = log_end(disk, args.which.stream())? {
        bar.set_length(args.to.min(end.last_seq).saturating_sub(args.from));
    }
    let written = match &args.out {
        Some(path) => {
            let file = File::create(path)
                .with_context(|| format!("{} cannot be written", path.display()))?;
            let mut out = BufWriter::new(file);
            write(disk, args, &mut out, &bar)?;
            out.into_inner()
                .map_err(io::IntoInnerError::into_error)
                .and_then(|file| file.sync_data())
        }
        None => {
            let mut out = BufWriter::new(io::stdout().lock());
            write(disk, args, &mut out, &bar).and_then(|()| Ok(out.flush()?))?;
            Ok(())
        }
    };
    bar.finish_and_clear();
    written.context("the lines could not be written whole")?;
    Ok(Exit::Well)
}

/// No line is right for a desk that recorded nothing, and for no other.
fn gone(disk: &Arc<dyn Disk>, which: Which) -> Result<Option<Damage>, JournalError> {
    match which {
        Which::Inputs if JournalFiles::open(disk)?.is_none() => journal_gone(disk),
        Which::Outputs if OutputReader::open(disk)?.is_none() => outputs_gone(disk),
        _ => Ok(None),
    }
}

fn write(
    disk: &Arc<dyn Disk>,
    args: &Args,
    out: &mut impl Write,
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    let ended = match args.which {
        Which::Inputs => inputs(disk, args, out, bar),
        Which::Outputs => outputs(disk, args, out, bar),
    };
    match ended {
        // Whoever read has seen enough.
        Err(error) if is_closed_pipe(&error) => Ok(()),
        ended => ended,
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn inputs(
    disk: &Arc<dyn Disk>,
    args: &Args,
    out: &mut impl Write,
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    let Some(files) = JournalFiles::open(disk)? else {
        return Ok(());
    };
    let mut records = files.any_rules(args.from.max(files.first_seq()))?;
    let mut line = String::new();
    while let Some(found) = records.next()? {
        if found.seq > args.to {
            break;
        }
        bar.set_position(found.seq.saturating_sub(args.from));
        let kind = record::input_kind_name(found.kind);
        if !args.wants(kind) {
            continue;
        }
        let input = record::get_input(found.kind, found.payload)
            .with_context(|| format!("input {} cannot be read by this build", found.seq))?;
        line.clear();
        record::tell_input(&input, &mut line);
        let (seq, ts) = (found.seq, input.ts().0);
        writeln!(
            out,
            r#"{{"seq":{seq},"ts":{ts},"kind":"{kind}","fields":{line}}}"#
        )?;
    }
    Ok(())
}

fn outputs(
    disk: &Arc<dyn Disk>,
    args: &Args,
    out: &mut impl Write,
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    let Some(mut log) = OutputReader::open(disk)? else {
        return Ok(());
    };
    let before = Cursor {
        seq: args.from.saturating_sub(1),
        index: u32::MAX,
    };
    let mut cursor = before.max(log.from());
    let mut line = String::new();
    loop {
        let batch = log.read_from(cursor, READ_BYTES)?;
        if batch.is_empty() {
            return Ok(());
        }
        cursor = batch.next;
        bar.set_position(cursor.seq.saturating_sub(args.from));
        for found in batch.iter() {
            let Cursor { seq, index } = found.at;
            if seq > args.to {
                return Ok(());
            }
            let kind = record::output_kind_name(found.kind);
            if !args.wants(kind) {
                continue;
            }
            let (ts, output) = record::get_output(found.kind, found.payload)
                .with_context(|| format!("output {index} of input {seq} cannot be read"))?;
            line.clear();
            record::tell_output(&output, &mut line);
            let ts = ts.0;
            writeln!(
                out,
                r#"{{"seq":{seq},"index":{index},"ts":{ts},"kind":"{kind}","fields":{line}}}"#
            )?;
        }
    }
}

impl Which {
    fn stream(self) -> Stream {
        match self {
            Which::Inputs => Stream::Journal,
            Which::Outputs => Stream::Output,
        }
    }
}

impl Args {
    fn wants(&self, kind: &str) -> bool {
        self.kind.is_empty() || self.kind.iter().any(|wanted| wanted == kind)
    }
}
