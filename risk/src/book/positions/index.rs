//! Finds the slot of a position id: open addressing over slots alone, the ids stand with the positions.

/// Tables that grow by themselves, so that growing holds nobody up for long.
const TABLES: usize = 256;
const EMPTY: u32 = 0;
/// Cells of a small table.
const FEW: usize = 8;
/// No more of a table is used than this part: fuller, and what is looked for lies many cells from its home.
const FULL: (usize, usize) = (4, 5);

/// Slots by id. The same ids give the same answers whatever the order they came in; nobody walks through it.
#[derive(Clone, Debug, Default)]
pub struct Index {
    tables: Vec<Table>,
}

#[derive(Clone, Debug, Default)]
struct Table {
    /// Slot + 1.
    cells: Vec<u32>,
    used: usize,
}

fn mix(id: u64) -> u64 {
    let mixed = (id ^ (id >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

impl Index {
    /// The index of ids by their place.
    pub fn of(ids: &[u64]) -> Index {
        let mut counts = [0usize; TABLES];
        for id in ids {
            counts[mix(*id) as usize % TABLES] += 1;
        }
        let table = |count: &usize| Table {
            cells: vec![EMPTY; (count * 4 / 3).max(FEW)],
            used: 0,
        };
        let mut index = Index {
            tables: counts.iter().map(table).collect(),
        };
        for (slot, id) in ids.iter().enumerate() {
            let hash = mix(*id);
            index.tables[hash as usize % TABLES].add(hash, slot as u32);
        }
        index
    }

    /// The slot of `id`; `id_at` says whose a slot is.
    pub fn find(&self, id: u64, id_at: impl Fn(u32) -> u64) -> Option<u32> {
        let hash = mix(id);
        let table = self.tables.get(hash as usize % TABLES)?;
        let at = table.place(hash, |slot| id_at(slot) == id)?;
        table.cells[at].checked_sub(1)
    }

    /// Adds an id that is not there.
    pub fn insert(&mut self, id: u64, slot: u32, id_at: impl Fn(u32) -> u64) {
        if self.tables.is_empty() {
            self.tables.resize_with(TABLES, Table::default);
        }
        let hash = mix(id);
        let table = &mut self.tables[hash as usize % TABLES];
        if (table.used + 1) * FULL.1 > table.cells.len() * FULL.0 {
            table.grow(id_at);
        }
        table.add(hash, slot);
    }

    /// Forgets an id.
    pub fn remove(&mut self, id: u64, id_at: impl Fn(u32) -> u64) {
        let hash = mix(id);
        if let Some(table) = self.tables.get_mut(hash as usize % TABLES) {
            table.remove(hash, id, id_at);
        }
    }
}

impl Table {
    fn home(&self, hash: u64) -> usize {
        (((hash >> 32) * self.cells.len() as u64) >> 32) as usize
    }

    fn next(&self, at: usize) -> usize {
        if at + 1 == self.cells.len() {
            0
        } else {
            at + 1
        }
    }

    /// Steps from one cell to another.
    fn steps(&self, from: usize, to: usize) -> usize {
        if to >= from {
            to - from
        } else {
            to + self.cells.len() - from
        }
    }

    /// The cell of a slot that `is` the one, or the empty one it would be put into.
    fn place(&self, hash: u64, is: impl Fn(u32) -> bool) -> Option<usize> {
        if self.cells.is_empty() {
            return None;
        }
        let mut at = self.home(hash);
        while self.cells[at] != EMPTY && !is(self.cells[at] - 1) {
            at = self.next(at);
        }
        Some(at)
    }

    fn add(&mut self, hash: u64, slot: u32) {
        if let Some(at) = self.place(hash, |_| false) {
            self.cells[at] = slot + 1;
            self.used += 1;
        }
    }

    fn grow(&mut self, id_at: impl Fn(u32) -> u64) {
        let size = self.cells.len() + self.cells.len() / 8 + FEW;
        let before = std::mem::replace(&mut self.cells, vec![EMPTY; size]);
        self.used = 0;
        for cell in before.into_iter().filter(|cell| *cell != EMPTY) {
            self.add(mix(id_at(cell - 1)), cell - 1);
        }
    }

    /// Takes a cell out and moves back what was put behind it because of it.
    fn remove(&mut self, hash: u64, id: u64, id_at: impl Fn(u32) -> u64) {
        let found = self.place(hash, |slot| id_at(slot) == id);
        let Some(mut hole) = found.filter(|at| self.cells[*at] != EMPTY) else {
            return;
        };
        self.used -= 1;
        let mut at = self.next(hole);
        while self.cells[at] != EMPTY {
            let home = self.home(mix(id_at(self.cells[at] - 1)));
            // It may move into the hole unless its home lies behind the hole.
            if self.steps(home, at) >= self.steps(hole, at) {
                self.cells[hole] = self.cells[at];
                hole = at;
            }
            at = self.next(at);
        }
        self.cells[hole] = EMPTY;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn it_finds_what_a_map_finds() {
        let (mut index, mut map, mut ids) = (Index::default(), BTreeMap::new(), Vec::new());
        let mut word = 7u64;
        for step in 0..20_000u64 {
            word = word
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let id = word >> 33 & 0x7ff;
            if let Some(slot) = map.remove(&id) {
                index.remove(id, |slot| ids[slot as usize]);
                ids[slot as usize] = u64::MAX;
            } else {
                let slot = ids.len() as u32;
                ids.push(id);
                index.insert(id, slot, |slot| ids[slot as usize]);
                map.insert(id, slot);
            }
            let asked = step & 0x7ff;
            let found = index.find(asked, |slot| ids[slot as usize]);
            assert_eq!(found, map.get(&asked).copied(), "step {step}");
        }
        assert!(map.len() > 500);
        let ids: Vec<u64> = (0..5_000).map(|at| at * at + 7).collect();
        let index = Index::of(&ids);
        for (slot, id) in ids.iter().enumerate() {
            let found = index.find(*id, |slot| ids[slot as usize]);
            assert_eq!(found, Some(slot as u32));
        }
        assert_eq!(index.find(6, |slot| ids[slot as usize]), None);
    }
}
