//! The fuzz targets on the stable compiler: each over its corpus and a hundred thousand generated inputs.
//!
//! `SIAGA_FUZZ_SEED` repeats a run, `SIAGA_FUZZ_INPUTS` changes its length; the seed is printed.

use std::hash::{BuildHasher, RandomState};
use std::path::Path;

/// Generated inputs of each target.
const INPUTS: u64 = 100_000;
/// Longest generated input: frames and segments of a few hundred bytes, now and then a few of them.
const BYTES_MAX: usize = 2_048;
/// Most changes to one corpus entry.
const CHANGES_MAX: u64 = 6;

#[test]
fn binance_frames() {
    drive("binance", siaga_feed::fuzzing::fuzz_binance);
}

#[test]
fn kraken_frames() {
    drive("kraken", siaga_feed::fuzzing::fuzz_kraken);
}

#[test]
fn bridge_frames() {
    drive("bridge", siaga_broker::bridge::fuzz_bridge);
}

#[test]
fn journal_recovery() {
    drive("recover", siaga_risk::journal::fuzz::fuzz_recover);
}

#[test]
fn record_codec() {
    drive("codec", siaga_risk::fuzzing::fuzz_codec);
}

fn drive(target: &'static str, run: fn(&[u8])) {
    let corpus = corpus(target);
    let seed = number("SIAGA_FUZZ_SEED").unwrap_or_else(|| RandomState::new().hash_one(target));
    let inputs = number("SIAGA_FUZZ_INPUTS").unwrap_or(INPUTS);
    println!(
        "{target}: {} entries, {inputs} inputs, SIAGA_FUZZ_SEED={seed}",
        corpus.len()
    );
    for entry in &corpus {
        shown(target, seed, entry, run);
    }
    let mut mutator = Mutator { state: seed };
    for _ in 0..inputs {
        let input = mutator.input(&corpus);
        shown(target, seed, &input, run);
    }
}

/// Runs one input; when it panics, says which one it was.
fn shown(target: &'static str, seed: u64, input: &[u8], run: fn(&[u8])) {
    struct Culprit<'a>(&'static str, u64, &'a [u8]);
    impl Drop for Culprit<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                let Self(target, seed, input) = self;
                eprintln!("{target}, seed {seed}: b\"{}\"", input.escape_ascii());
            }
        }
    }
    let culprit = Culprit(target, seed, input);
    run(input);
    drop(culprit);
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let listed =
        std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = listed.map(|entry| entry.expect("a file").path()).collect();
    // The order of a directory is nobody's.
    paths.sort();
    assert!(paths.len() >= 3, "{}: a corpus", folder.display());
    paths
        .iter()
        .map(|path| std::fs::read(path).expect("a readable file"))
        .collect()
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name}={text} is not a number")),
    )
}

/// Changes corpus entries; SplitMix64 inside.
struct Mutator {
    state: u64,
}

impl Mutator {
    /// A changed entry, now and then plain noise.
    fn input(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        if self.below(64) == 0 {
            let length = self.below(256);
            return (0..length).map(|_| self.word() as u8).collect();
        }
        let mut bytes = self.pick(corpus).clone();
        for _ in 0..=self.below(CHANGES_MAX) {
            self.change(&mut bytes, corpus);
        }
        bytes.truncate(BYTES_MAX);
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let at = self.below(bytes.len() as u64 + 1) as usize;
        let end = (at + self.below(24) as usize).min(bytes.len());
        match self.below(9) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
            1 if at < bytes.len() => bytes[at] = self.word() as u8,
            2 => drop(bytes.drain(at..end)),
            3 => {
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            // Edges of numbers, in binary and in text.
            4 => {
                let words = [
                    0,
                    1,
                    0x7f,
                    0xff,
                    0x7fff_ffff,
                    u64::from(u32::MAX),
                    u64::MAX,
                    1 << 63,
                ];
                let width = [1, 2, 4, 8][self.below(4) as usize];
                let word = words[self.below(words.len() as u64) as usize].to_le_bytes();
                let end = (at + width).min(bytes.len());
                bytes.splice(at..end, word[..width].iter().copied());
            }
            5 => {
                let texts = [
                    "-",
                    "0",
                    "9223372036854775808",
                    "1e309",
                    "NaN",
                    "null",
                    "\"",
                    "{",
                    "]",
                    "\\u0000",
                    "\n",
                    ".",
                ];
                let text = texts[self.below(texts.len() as u64) as usize];
                bytes.splice(at..at, text.bytes());
            }
            6 => {
                let other = self.pick(corpus);
                let from = self.below(other.len() as u64 + 1) as usize;
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            7 => {
                let other = self.pick(corpus);
                bytes.push(b'\n');
                bytes.extend_from_slice(other);
            }
            _ => bytes.truncate(at),
        }
    }

    fn pick<'a>(&mut self, corpus: &'a [Vec<u8>]) -> &'a Vec<u8> {
        &corpus[self.below(corpus.len() as u64) as usize]
    }

    fn below(&mut self, end: u64) -> u64 {
        self.word() % end
    }

    fn word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}
