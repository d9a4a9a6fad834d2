//! Models of the list of segments: every interleaving of a writer that rotates and a reader.

use std::io;
use std::sync::Arc;

use loom::sync::atomic::{AtomicU64, Ordering};
use loom::thread;

use super::super::disk::{Disk, DiskFile};
use super::super::layout::{Key, SegmentHeader};
use super::*;

/// A disk on which nothing fails and nothing is.
struct Nowhere;

impl Disk for Nowhere {
    fn create_zeroed(&self, _name: &str, _bytes: u64) -> io::Result<()> {
        Ok(())
    }
    fn open(&self, _name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Err(io::ErrorKind::NotFound.into())
    }
    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        Ok(Vec::new())
    }
    fn remove(&self, _name: &str) -> io::Result<()> {
        Ok(())
    }
    fn rename(&self, _from: &str, _to: &str) -> io::Result<()> {
        Ok(())
    }
    fn sync_dir(&self) -> io::Result<()> {
        Ok(())
    }
}

fn segment(ordinal: u32) -> Segment {
    let header = SegmentHeader {
        stream: Stream::Journal,
        fingerprint: 0,
        epoch: 0,
        ordinal,
        first_seq: u64::from(ordinal),
        previous: Key::default(),
        previous_end: 640,
        checksum: 0,
    };
    Segment {
        header,
        file_bytes: 4_096,
        plain_bytes: 4_096,
        packed: false,
        end: 64,
    }
}

fn index() -> Arc<SegmentIndex> {
    Arc::new(SegmentIndex::new(
        Arc::new(Nowhere),
        Stream::Journal,
        vec![segment(1)],
    ))
}

#[test]
fn model_a_reader_finds_the_segment_the_watermark_names_and_its_bytes() {
    loom::model(|| {
        let index = index();
        let written = loom::sync::Arc::new(AtomicU64::new(64));
        let writer = thread::spawn({
            let (index, written) = (index.clone(), written.clone());
            move || {
                written.store(640, Ordering::Relaxed);
                index.set_durable(DurableEnd {
                    ordinal: 1,
                    offset: 640,
                });
                index.push(segment(2));
                index.set_durable(DurableEnd {
                    ordinal: 2,
                    offset: 64,
                });
            }
        });
        let end = index.durable();
        let found = index
            .get(end.ordinal)
            .expect("the segment is listed before it is named");
        match end.ordinal {
            1 => assert!(written.load(Ordering::Relaxed) >= u64::from(end.offset)),
            _ => {
                let before = index.get(1).expect("nothing is trimmed");
                assert_eq!((before.end, found.end, end.offset), (640, 64, 64));
                assert_eq!(written.load(Ordering::Relaxed), 640);
            }
        }
        writer.join().unwrap();
        assert_eq!(index.segments().len(), 2);
    });
}

#[test]
fn model_trimming_beside_a_reader_takes_only_what_lies_below() {
    loom::model(|| {
        let index = index();
        index.push(segment(2));
        let trimmer = thread::spawn({
            let index = index.clone();
            move || index.trim_below(2).expect("nothing fails here")
        });
        let oldest = index.oldest().expect("the newest segment stays");
        assert!(index.get(2).is_some() && oldest.header.ordinal <= 2);
        assert_eq!(trimmer.join().unwrap(), 1);
        assert!(index.get(1).is_none());
    });
}
