//! A log that is written to while somebody else looks at it.

use super::*;
use std::io;
use std::sync::{Mutex, PoisonError};

type Act = Box<dyn FnMut(&str) + Send>;

/// A disk on which something else happens behind each look at records.
struct Watched {
    disk: Arc<dyn Disk>,
    act: Arc<Mutex<Act>>,
}

struct WatchedFile {
    file: Arc<dyn DiskFile>,
    name: String,
    act: Arc<Mutex<Act>>,
}

impl Disk for Watched {
    fn create_zeroed(&self, name: &str, bytes: u64) -> io::Result<()> {
        self.disk.create_zeroed(name, bytes)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(WatchedFile {
            file: self.disk.open(name)?,
            name: name.to_owned(),
            act: Arc::clone(&self.act),
        }))
    }

    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let listed = self.disk.list();
        (self.act.lock().unwrap_or_else(PoisonError::into_inner))("list");
        listed
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.disk.sync_dir()
    }
}

impl DiskFile for WatchedFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(offset, bytes)
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(offset, bytes);
        (self.act.lock().unwrap_or_else(PoisonError::into_inner))(&self.name);
        read
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn bytes(&self) -> io::Result<u64> {
        self.file.bytes()
    }
}

/// A journal of `inputs`, and its disk as somebody sees it while `act` happens once, behind the `after`th look.
fn watched(
    inputs: u64,
    after: usize,
    mut act: impl FnMut(&mut Journal) + Send + 'static,
) -> Arc<dyn Disk> {
    let disk = memory();
    let (mut journal, _) = Journal::open(Arc::clone(&disk), options(4_096)).unwrap();
    write(&mut journal, inputs);
    let mut looks = 0;
    let act: Act = Box::new(move |_: &str| {
        looks += 1;
        if looks == after {
            act(&mut journal);
        }
    });
    Arc::new(Watched {
        disk,
        act: Arc::new(Mutex::new(act)),
    })
}

/// Inputs in a batch of their own each.
fn write(journal: &mut Journal, inputs: u64) {
    for _ in 0..inputs {
        let seq = journal.last_seq() + 1;
        journal.append(seq, 3, &[7; 40]).unwrap();
        journal.sync().unwrap();
    }
}

#[test]
fn batches_that_come_between_two_looks_are_no_damage() {
    for after in 1..12 {
        let disk = watched(10, after, |journal| write(journal, 3));
        let found = inspect(&disk, Stream::Journal).unwrap();
        assert_eq!(found.damage, [], "behind look {after}");
        let disk = watched(10, after, |journal| write(journal, 3));
        assert!(log_end(&disk, Stream::Journal).unwrap().is_some());
    }
}

#[test]
fn segments_that_begin_between_two_looks_are_no_damage() {
    for after in 1..12 {
        let disk = watched(30, after, |journal| write(journal, 150));
        let found = inspect(&disk, Stream::Journal).unwrap();
        assert_eq!(found.damage, [], "behind look {after}");
    }
}

#[test]
fn segments_that_are_trimmed_between_two_looks_are_no_damage() {
    for after in 1..12 {
        let disk = watched(200, after, |journal| {
            assert!(journal.trim_before(150).unwrap() > 0);
        });
        let found = inspect(&disk, Stream::Journal).unwrap();
        assert_eq!(found.damage, [], "behind look {after}");
    }
}

/// A disk without room for another segment.
struct Full {
    disk: Arc<dyn Disk>,
    attempts: Mutex<u32>,
}

impl Disk for Full {
    fn create_zeroed(&self, name: &str, bytes: u64) -> io::Result<()> {
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        *attempts += 1;
        if *attempts == 1 {
            return self.disk.create_zeroed(name, bytes);
        }
        Err(io::ErrorKind::StorageFull.into())
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.open(name)
    }

    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        self.disk.list()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.disk.sync_dir()
    }
}

#[test]
fn a_segment_that_finds_no_room_is_tried_again_only_when_asked() {
    let disk = Arc::new(Full {
        disk: memory(),
        attempts: Mutex::new(0),
    });
    let helped = Options {
        preparation: Preparation::Helper,
        ..options(4_096)
    };
    let (mut journal, _) = Journal::open(Arc::clone(&disk) as Arc<dyn Disk>, helped).unwrap();
    let attempts = || *disk.attempts.lock().unwrap_or_else(PoisonError::into_inner);
    let mut told = 0;
    for asked in 1..=3 {
        while told < asked {
            told += u32::from(journal.preparation_failure().is_some());
            std::thread::yield_now();
        }
        for _ in 0..1_000 {
            assert!(journal.preparation_failure().is_none());
            std::thread::yield_now();
        }
        assert_eq!(attempts(), 1 + asked);
        journal.prepare_again();
    }
}
