//! Trigger prices of one instrument and direction, in blocks that are ordered among each other and unordered inside:
//! taking in costs a search among the blocks, a gap takes whole blocks out, and nothing is sorted before it is split.
//!
//! A key is a price relative to the instrument's base, turned so that everything at or above the price fires. An
//! entry names an account; it is stale when none of the account's legs waits at its key any more, and is dropped
//! when it is met.

use super::chunks::Chunks;

/// Entries per block: 512 bytes.
const BLOCK: usize = 64;
/// Blocks built from sorted entries are filled up to here.
const FILLED: usize = 60;
/// While few entries turn out to be stale, only every so many full blocks are searched for them: that costs a look at
/// the account of each entry, a split costs none.
const SEARCH_EVERY: u32 = 8;
/// Stale entries among a hundred from which on every full block is searched.
const STALE_MANY: usize = 25;

/// Some entries.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct Block {
    items: [u64; BLOCK],
}

impl Block {
    const EMPTY: Block = Block { items: [0; BLOCK] };
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
    /// Entries of each block; here, so that taking one in reads nothing of the block.
    lens: Vec<u8>,
    /// Highest entry of all, plus one; 0 when there is none.
    front: u64,
    len: usize,
    /// Blocks that were full, and of a hundred entries how many were stale where they were searched.
    full: u32,
    stale: usize,
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
        while let (Some(bound), Some(number), Some(len)) =
            (self.bounds.last(), self.blocks.last(), self.lens.last_mut())
        {
            let items = &mut pool[*number].items[..usize::from(*len)];
            let before = out.len();
            if *bound >= limit {
                out.extend_from_slice(items);
                *len = 0;
            } else {
                let mut kept = 0;
                for at in 0..items.len() {
                    let item = items[at];
                    if item >= limit {
                        out.push(item);
                    } else {
                        items[kept] = item;
                        kept += 1;
                    }
                }
                *len = kept as u8;
            }
            self.len -= out.len() - before;
            if *len > 0 {
                break;
            }
            self.drop_last(pool);
        }
        self.find_front(pool);
    }

    /// Takes an entry in. A full block is split; now and then, or when that has been found to pay, it first forgets
    /// what is stale: `live` keeps what is not, in its order, and says how many that are.
    pub fn insert(&mut self, pool: &mut Pool, entry: u64, live: impl Fn(&mut [u64]) -> usize) {
        self.begin(pool);
        let mut at = self.place(entry);
        // A block of which nothing is left is dropped, and the one before it may be full too.
        while usize::from(self.lens[at]) == BLOCK {
            self.make_room(pool, at, &live);
            self.begin(pool);
            at = self.place(entry);
        }
        let len = &mut self.lens[at];
        pool[self.blocks[at]].items[usize::from(*len)] = entry;
        *len += 1;
        self.len += 1;
        self.front = self.front.max(entry + 1);
    }

    /// The block an entry belongs into.
    fn place(&self, entry: u64) -> usize {
        self.bounds.partition_point(|bound| *bound <= entry) - 1
    }

    fn begin(&mut self, pool: &mut Pool) {
        if self.blocks.is_empty() {
            self.add_block(pool, 0, 0, Block::EMPTY, 0);
        }
    }

    fn add_block(&mut self, pool: &mut Pool, at: usize, bound: u64, block: Block, len: usize) {
        let number = pool.take(&Block::EMPTY);
        pool[number] = block;
        self.bounds.insert(at, bound);
        self.blocks.insert(at, number);
        self.lens.insert(at, len as u8);
    }

    fn drop_last(&mut self, pool: &mut Pool) {
        if let Some(number) = self.blocks.pop() {
            pool.give(number);
        }
        self.bounds.pop();
        self.lens.pop();
    }

    fn make_room(&mut self, pool: &mut Pool, at: usize, live: &impl Fn(&mut [u64]) -> usize) {
        let block = &mut pool[self.blocks[at]];
        block.items.sort_unstable();
        let mut kept = BLOCK;
        self.full = self.full.wrapping_add(1);
        if self.stale >= STALE_MANY || self.full.is_multiple_of(SEARCH_EVERY) {
            let mut others = 0;
            for index in 0..BLOCK {
                if index == 0 || block.items[index] != block.items[index - 1] {
                    block.items[others] = block.items[index];
                    others += 1;
                }
            }
            kept = live(&mut block.items[..others]);
            self.stale = (3 * self.stale + 100 * (BLOCK - kept) / BLOCK) / 4;
            self.lens[at] = kept as u8;
            self.len -= BLOCK - kept;
            if kept <= BLOCK * 3 / 4 {
                self.find_front(pool);
                return;
            }
        }
        let block = &mut pool[self.blocks[at]];
        let half = kept / 2;
        let mut upper = Block::EMPTY;
        upper.items[..kept - half].copy_from_slice(&block.items[half..kept]);
        self.lens[at] = half as u8;
        self.add_block(pool, at + 1, upper.items[0], upper, kept - half);
    }

    /// Fills an empty ladder from entries in any order; they are sorted on the way.
    pub fn fill(&mut self, pool: &mut Pool, entries: &mut Vec<u64>) {
        debug_assert!(self.blocks.is_empty());
        entries.sort_unstable();
        entries.dedup();
        let blocks = entries.len().div_ceil(FILLED);
        self.bounds.reserve_exact(blocks);
        self.blocks.reserve_exact(blocks);
        self.lens.reserve_exact(blocks);
        for part in entries.chunks(FILLED) {
            let mut block = Block::EMPTY;
            block.items[..part.len()].copy_from_slice(part);
            let bound = if self.bounds.is_empty() { 0 } else { part[0] };
            self.add_block(pool, self.bounds.len(), bound, block, part.len());
        }
        self.len = entries.len();
        self.find_front(pool);
    }

    fn find_front(&mut self, pool: &mut Pool) {
        self.front = 0;
        while let (Some(number), Some(len)) = (self.blocks.last(), self.lens.last()) {
            let items = &pool[*number].items[..usize::from(*len)];
            if let Some(top) = items.iter().max() {
                self.front = top + 1;
                return;
            }
            self.drop_last(pool);
        }
    }

    /// Every entry, in no order.
    pub fn entries<'a>(&'a self, pool: &'a Pool) -> impl Iterator<Item = u64> + 'a {
        let blocks = self.blocks.iter().zip(&self.lens);
        blocks.flat_map(|(number, len)| pool[*number].items[..usize::from(*len)].iter().copied())
    }

    /// No entry.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes held beside the blocks.
    pub fn bytes(&self) -> usize {
        self.bounds.capacity() * 8 + self.blocks.capacity() * 4 + self.lens.capacity()
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
                    ladder.insert(&mut pool, one, |all| all.len());
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
            ladder.insert(&mut pool, entry(5, account), |all| {
                let mut kept = 0;
                for at in 0..all.len() {
                    if account_of(all[at]) + 10 > account {
                        all[kept] = all[at];
                        kept += 1;
                    }
                }
                kept
            });
        }
        // The first search finds out that it pays.
        let blocks = ladder.blocks.len();
        assert!(blocks <= 2 * SEARCH_EVERY as usize + 2, "{blocks} blocks");
    }

    #[test]
    fn a_block_that_is_wholly_stale_leaves_room_in_the_full_one_before_it() {
        let (mut pool, mut ladder) = (Pool::default(), Ladder::default());
        let mut all: Vec<u64> = (0..2 * FILLED as u32)
            .map(|at| entry(at as i32, 1))
            .collect();
        ladder.fill(&mut pool, &mut all);
        let bound = ladder.bounds[1];
        for at in 0..(BLOCK - FILLED) as u32 {
            ladder.insert(&mut pool, entry(0, 2 + at), |all| all.len());
            ladder.insert(&mut pool, entry(key_of(bound), 2 + at), |all| all.len());
        }
        ladder.stale = 100;
        // Searched, the last block is found empty.
        ladder.insert(&mut pool, entry(key_of(bound) + 1, 9), |all| {
            if all[0] >= bound { 0 } else { all.len() }
        });
        // The full one before it was split, and the last of it holds the new entry.
        let entries = ladder.entries(&pool).count();
        assert_eq!(entries, BLOCK + 1);
        assert_eq!(ladder.len, entries);
    }

    #[test]
    fn keys_keep_their_order_and_sign() {
        for key in [i32::MIN + 1, -5, 0, 7, i32::MAX] {
            assert_eq!((key_of(entry(key, 9)), account_of(entry(key, 9))), (key, 9));
            assert!(entry(key - 1, u32::MAX) < entry(key, 0));
        }
    }
}
