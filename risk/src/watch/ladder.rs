//! Trigger prices of one instrument and direction, in blocks that are ordered among each other and unordered inside:
//! taking in costs a search among the blocks, a gap takes whole blocks out, and nothing is sorted before it is split.
//!
//! A key is a price relative to the instrument's base, turned so that everything at or above the price fires. An
//! entry names an account; it is stale when none of the account's legs waits at its key any more, and is dropped
//! when it is met.

use super::chunks::Chunks;

/// Entries per block: with their count they fill 512 bytes.
const BLOCK: usize = 63;
/// Blocks built from sorted entries are filled up to here.
const FILLED: usize = 60;

/// Some entries.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    len: u64,
    items: [u64; BLOCK],
}

impl Block {
    const EMPTY: Block = Block {
        len: 0,
        items: [0; BLOCK],
    };

    fn entries(&self) -> &[u64] {
        &self.items[..self.len as usize]
    }
}

/// Blocks of all ladders.
pub type Pool = Chunks<Block>;

/// An entry: the key above, the account below.
pub fn entry(key: i32, account: u32) -> u64 {
    (u64::from(key as u32 ^ (1 << 31)) << 32) | u64::from(account)
}

/// Key of an entry.
pub fn key_of(entry: u64) -> i32 {
    ((entry >> 32) as u32 ^ (1 << 31)) as i32
}

/// Account of an entry.
pub fn account_of(entry: u64) -> u32 {
    entry as u32
}

/// One direction's triggers; the highest keys stand last.
#[derive(Clone, Debug, Default)]
pub struct Ladder {
    /// Lowest entry each block may hold.
    bounds: Vec<u64>,
    blocks: Vec<u32>,
    /// Highest entry of all, plus one; 0 when there is none.
    front: u64,
    len: usize,
}

impl Ladder {
    /// Something fires at this price.
    #[inline]
    pub fn fires(&self, price: i32) -> bool {
        self.front > entry(price, 0)
    }

    /// Takes out what fires at this price.
    pub fn pop(&mut self, pool: &mut Pool, price: i32, out: &mut Vec<u64>) {
        let limit = entry(price, 0);
        while let (Some(bound), Some(number)) = (self.bounds.last(), self.blocks.last()) {
            let block = &mut pool[*number];
            let before = out.len();
            if *bound >= limit {
                out.extend_from_slice(block.entries());
                block.len = 0;
            } else {
                let mut kept = 0;
                for at in 0..block.len as usize {
                    let item = block.items[at];
                    if item >= limit {
                        out.push(item);
                    } else {
                        block.items[kept] = item;
                        kept += 1;
                    }
                }
                block.len = kept as u64;
            }
            self.len -= out.len() - before;
            if block.len > 0 {
                break;
            }
            pool.give(*number);
            self.bounds.pop();
            self.blocks.pop();
        }
        self.find_front(pool);
    }

    /// Takes an entry in. A full block first forgets what is stale, and is split when that is not enough.
    pub fn insert(&mut self, pool: &mut Pool, entry: u64, live: impl Fn(u64) -> bool) {
        self.begin(pool);
        let mut at = self.bounds.partition_point(|bound| *bound <= entry) - 1;
        if pool[self.blocks[at]].len as usize == BLOCK {
            self.make_room(pool, at, live);
            self.begin(pool);
            at = self.bounds.partition_point(|bound| *bound <= entry) - 1;
        }
        let block = &mut pool[self.blocks[at]];
        block.items[block.len as usize] = entry;
        block.len += 1;
        self.len += 1;
        self.front = self.front.max(entry + 1);
    }

    fn begin(&mut self, pool: &mut Pool) {
        if self.blocks.is_empty() {
            self.blocks.push(pool.take(&Block::EMPTY));
            self.bounds.push(0);
        }
    }

    fn make_room(&mut self, pool: &mut Pool, at: usize, live: impl Fn(u64) -> bool) {
        let block = &mut pool[self.blocks[at]];
        block.items.sort_unstable();
        let mut kept = 0;
        for index in 0..BLOCK {
            let item = block.items[index];
            let repeated = kept > 0 && block.items[kept - 1] == item;
            if !repeated && live(item) {
                block.items[kept] = item;
                kept += 1;
            }
        }
        block.len = kept as u64;
        self.len -= BLOCK - kept;
        if kept <= BLOCK * 3 / 4 {
            self.find_front(pool);
            return;
        }
        let block = &mut pool[self.blocks[at]];
        let half = kept / 2;
        let mut upper = Block::EMPTY;
        upper.items[..kept - half].copy_from_slice(&block.items[half..kept]);
        upper.len = (kept - half) as u64;
        block.len = half as u64;
        let number = pool.take(&Block::EMPTY);
        pool[number] = upper;
        self.bounds.insert(at + 1, upper.items[0]);
        self.blocks.insert(at + 1, number);
    }

    /// Fills an empty ladder from entries in any order; they are sorted on the way.
    pub fn fill(&mut self, pool: &mut Pool, entries: &mut Vec<u64>) {
        debug_assert!(self.blocks.is_empty());
        entries.sort_unstable();
        entries.dedup();
        for part in entries.chunks(FILLED) {
            let number = pool.take(&Block::EMPTY);
            let block = &mut pool[number];
            block.items[..part.len()].copy_from_slice(part);
            block.len = part.len() as u64;
            let bound = if self.bounds.is_empty() { 0 } else { part[0] };
            self.bounds.push(bound);
            self.blocks.push(number);
        }
        self.len = entries.len();
        self.find_front(pool);
    }

    fn find_front(&mut self, pool: &mut Pool) {
        self.front = 0;
        while let Some(number) = self.blocks.last() {
            if let Some(top) = pool[*number].entries().iter().max() {
                self.front = top + 1;
                return;
            }
            pool.give(*number);
            self.bounds.pop();
            self.blocks.pop();
        }
    }

    /// Every entry, in no order.
    pub fn entries<'a>(&'a self, pool: &'a Pool) -> impl Iterator<Item = u64> + 'a {
        let blocks = self.blocks.iter();
        blocks.flat_map(|number| pool[*number].entries().iter().copied())
    }

    /// No entry.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes held beside the blocks.
    pub fn bytes(&self) -> usize {
        self.bounds.capacity() * 8 + self.blocks.capacity() * 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(state: &mut u64) -> u64 {
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        *state >> 33
    }

    #[test]
    fn what_fires_is_what_a_sorted_list_would_fire() {
        let (mut pool, mut ladder, mut state) = (Pool::default(), Ladder::default(), 7);
        let mut plain: Vec<u64> = Vec::new();
        for round in 0..3_000u32 {
            for _ in 0..next(&mut state) % 40 {
                let one = entry((next(&mut state) % 4_000) as i32 - 2_000, round);
                if !plain.contains(&one) {
                    ladder.insert(&mut pool, one, |_| true);
                    plain.push(one);
                }
            }
            let price = 2_000 - (next(&mut state) % 300) as i32;
            let mut fired = Vec::new();
            assert_eq!(
                ladder.fires(price),
                plain.iter().any(|e| key_of(*e) >= price)
            );
            ladder.pop(&mut pool, price, &mut fired);
            fired.sort_unstable();
            let mut expected: Vec<u64> = plain
                .iter()
                .copied()
                .filter(|e| key_of(*e) >= price)
                .collect();
            expected.sort_unstable();
            plain.retain(|e| key_of(*e) < price);
            assert_eq!(fired, expected);
            assert_eq!(ladder.len, plain.len());
        }
        assert!(plain.len() > 1_000, "some stay");
    }

    #[test]
    fn stale_entries_are_forgotten_before_a_block_is_split() {
        let (mut pool, mut ladder) = (Pool::default(), Ladder::default());
        for account in 0..100_000 {
            ladder.insert(&mut pool, entry(5, account), |e| {
                account_of(e) + 10 > account
            });
        }
        assert!(ladder.blocks.len() <= 2, "{} blocks", ladder.blocks.len());
    }

    #[test]
    fn keys_keep_their_order_and_sign() {
        for key in [i32::MIN + 1, -5, 0, 7, i32::MAX] {
            assert_eq!((key_of(entry(key, 9)), account_of(entry(key, 9))), (key, 9));
            assert!(entry(key - 1, u32::MAX) < entry(key, 0));
        }
    }
}
