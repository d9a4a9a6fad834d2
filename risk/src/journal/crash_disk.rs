//! A disk that keeps what was written apart from what is durable, fails at a chosen step, and can
//! lose its power: by seed, so that a failing run repeats.

use super::disk::{Disk, DiskFile};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

/// What a disk writes whole or not at all.
const SECTOR_BYTES: usize = 512;

/// How the chosen step fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nothing happens but an error.
    Refused,
    /// Some sectors of a write, some pages of a sync get through; then an error.
    Torn,
    /// No space left.
    Full,
}

#[derive(Clone, Default)]
struct Node {
    live: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<(usize, Vec<u8>)>,
}

#[derive(Default)]
struct State {
    nodes: BTreeMap<u64, Node>,
    live_names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    name_steps: Vec<NameStep>,
    steps: u64,
    fail_at: Option<(u64, Failure)>,
    random: Random,
    /// Syncs are confirmed and not done.
    forgetful: bool,
}

/// One change of names; whole or not at all.
#[derive(Clone)]
enum NameStep {
    Made(String, u64),
    Removed(String),
    Renamed(String, String, u64),
}

/// The disk; clones share it.
#[derive(Clone)]
pub struct CrashDisk(Arc<Mutex<State>>);

struct CrashFile {
    disk: CrashDisk,
    node: u64,
}

/// Numbers by seed (splitmix64).
#[derive(Clone, Copy, Debug, Default)]
pub struct Random(pub u64);

impl Random {
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.bits() % bound
    }
}

impl CrashDisk {
    pub fn new(seed: u64) -> Self {
        let state = State {
            random: Random(seed),
            ..State::default()
        };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Lets the step after `steps` more fail.
    pub fn fail_after(&self, steps: u64, failure: Failure) {
        let mut state = self.lock();
        state.fail_at = Some((state.steps + steps, failure));
    }

    /// From now on it confirms syncs that it does not do, as some disks do.
    pub fn forget_syncs(&self) {
        self.lock().forgetful = true;
    }

    /// Steps done so far: writes, syncs and changes of names.
    pub fn steps(&self) -> u64 {
        self.lock().steps
    }

    /// The disk as it is found after its power was lost: synced bytes are there, of the others any
    /// sectors, of the changes of names any.
    pub fn crash(&self) -> Self {
        let mut state = self.lock();
        let mut random = Random(state.random.bits());
        let mut names = state.durable_names.clone();
        let manner = random.below(4);
        let first = random.below(state.name_steps.len() as u64 + 1) as usize;
        for (number, step) in state.name_steps.iter().enumerate() {
            if keeps(manner, number < first, &mut random) {
                step.apply(&mut names);
            }
        }
        let mut nodes = BTreeMap::new();
        for (id, node) in &state.nodes {
            let mut bytes = node.durable.clone();
            for (offset, write) in &node.pending {
                persist_some(&mut bytes, *offset, write, &mut random);
            }
            nodes.insert(
                *id,
                Node {
                    live: bytes.clone(),
                    durable: bytes,
                    pending: Vec::new(),
                },
            );
        }
        let next = State {
            nodes,
            live_names: names.clone(),
            durable_names: names,
            random,
            forgetful: state.forgetful,
            ..State::default()
        };
        Self(Arc::new(Mutex::new(next)))
    }

    /// The disk as the next process finds it: after a crash, or, when only the process died, with
    /// everything that was written, durable or not.
    pub fn restart(&self) -> Self {
        let mut state = self.lock();
        state.fail_at = None;
        let killed = state.random.below(3) == 0;
        drop(state);
        if killed { self.clone() } else { self.crash() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl State {
    /// Counts a step; gives how it fails.
    fn step(&mut self) -> Option<Failure> {
        self.steps += 1;
        match self.fail_at {
            Some((at, failure)) if self.steps > at => {
                self.fail_at = None;
                Some(failure)
            }
            _ => None,
        }
    }

    fn name_step(&mut self, step: NameStep) {
        step.apply(&mut self.live_names);
        self.name_steps.push(step);
    }

    fn node(&self, name: &str) -> io::Result<u64> {
        self.live_names
            .get(name)
            .copied()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl NameStep {
    fn apply(&self, names: &mut BTreeMap<String, u64>) {
        match self {
            Self::Made(name, id) => {
                names.insert(name.clone(), *id);
            }
            Self::Removed(name) => {
                names.remove(name);
            }
            Self::Renamed(from, to, id) => {
                names.remove(from);
                names.insert(to.clone(), *id);
            }
        }
    }
}

fn error(failure: Failure) -> io::Error {
    match failure {
        Failure::Full => io::ErrorKind::StorageFull.into(),
        Failure::Refused | Failure::Torn => io::Error::other("the disk failed by plan"),
    }
}

/// Whether one of several things survives: all, none, the first few or any.
fn keeps(manner: u64, among_first: bool, random: &mut Random) -> bool {
    match manner {
        0 => true,
        1 => false,
        2 => among_first,
        _ => random.below(2) == 0,
    }
}

/// Writes all, none, the first or any sectors of `write`.
fn persist_some(bytes: &mut Vec<u8>, offset: usize, write: &[u8], random: &mut Random) {
    let manner = random.below(4);
    let first = random.below(write.len() as u64 / SECTOR_BYTES as u64 + 2) as usize;
    let mut start = 0;
    let mut number = 0;
    while start < write.len() {
        // Sectors lie at fixed places of the file, not of the write.
        let end = ((offset + start) / SECTOR_BYTES + 1) * SECTOR_BYTES - offset;
        let end = end.min(write.len());
        if keeps(manner, number < first, random) {
            put(bytes, offset + start, &write[start..end]);
        }
        (start, number) = (end, number + 1);
    }
}

fn put(bytes: &mut Vec<u8>, offset: usize, write: &[u8]) {
    if bytes.len() < offset + write.len() {
        bytes.resize(offset + write.len(), 0);
    }
    bytes[offset..offset + write.len()].copy_from_slice(write);
}

impl Disk for CrashDisk {
    fn create_zeroed(&self, name: &str, bytes: u64) -> io::Result<()> {
        let mut state = self.lock();
        let failure = state.step();
        let id = state.nodes.keys().last().map_or(1, |last| last + 1);
        let made = match failure {
            None => bytes,
            Some(Failure::Refused) => return Err(error(Failure::Refused)),
            Some(_) => state.random.below(bytes + 1),
        };
        let zeros = vec![0; made as usize];
        state.nodes.insert(
            id,
            Node {
                live: zeros.clone(),
                durable: zeros,
                pending: Vec::new(),
            },
        );
        state.name_step(NameStep::Made(name.to_owned(), id));
        if let Some(failure) = failure {
            return Err(error(failure));
        }
        state.durable_names = state.live_names.clone();
        state.name_steps.clear();
        Ok(())
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let node = self.lock().node(name)?;
        Ok(Arc::new(CrashFile {
            disk: self.clone(),
            node,
        }))
    }

    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let state = self.lock();
        let names = state.live_names.iter();
        Ok(names
            .map(|(name, id)| (name.clone(), state.nodes[id].live.len() as u64))
            .collect())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.lock();
        if let Some(failure) = state.step() {
            return Err(error(failure));
        }
        state.node(name)?;
        state.name_step(NameStep::Removed(name.to_owned()));
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.lock();
        if let Some(failure) = state.step() {
            return Err(error(failure));
        }
        let id = state.node(from)?;
        state.name_step(NameStep::Renamed(from.to_owned(), to.to_owned(), id));
        Ok(())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut state = self.lock();
        if let Some(failure) = state.step() {
            return Err(error(failure));
        }
        state.durable_names = state.live_names.clone();
        state.name_steps.clear();
        Ok(())
    }
}

impl DiskFile for CrashFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.lock();
        let failure = state.step();
        let mut random = Random(state.random.bits());
        let node = state.nodes.get_mut(&self.node).unwrap();
        let offset = offset as usize;
        match failure {
            None => {
                put(&mut node.live, offset, bytes);
                node.pending.push((offset, bytes.to_vec()));
                Ok(())
            }
            Some(failure) => {
                if failure == Failure::Torn {
                    let before = node.live.clone();
                    persist_some(&mut node.live, offset, bytes, &mut random);
                    if node.live != before {
                        node.pending.push((offset, node.live[offset..].to_vec()));
                    }
                }
                Err(error(failure))
            }
        }
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        let state = self.disk.lock();
        let live = &state.nodes[&self.node].live;
        let from = live.get(offset as usize..).unwrap_or_default();
        let count = from.len().min(bytes.len());
        bytes[..count].copy_from_slice(&from[..count]);
        Ok(count)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.disk.lock();
        let failure = state.step();
        let forgetful = state.forgetful;
        let mut random = Random(state.random.bits());
        let node = state.nodes.get_mut(&self.node).unwrap();
        if forgetful && failure.is_none() {
            return Ok(());
        }
        let pending = std::mem::take(&mut node.pending);
        match failure {
            None => {
                for (offset, write) in pending {
                    put(&mut node.durable, offset, &write);
                }
                Ok(())
            }
            Some(failure) => {
                // As kernels do: what failed is forgotten, and the next sync would say "done".
                if failure == Failure::Torn {
                    for (offset, write) in pending {
                        persist_some(&mut node.durable, offset, &write, &mut random);
                    }
                }
                Err(error(failure))
            }
        }
    }

    fn bytes(&self) -> io::Result<u64> {
        Ok(self.disk.lock().nodes[&self.node].live.len() as u64)
    }
}
