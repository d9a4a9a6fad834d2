//! The slots of one account's positions: a few stand in the account itself.

use std::ops::Deref;

/// As many as most accounts hold.
const FEW: usize = 8;

/// Slots in the order they were added.
#[derive(Clone, Debug)]
pub enum Slots {
    Few { count: u8, slots: [u32; FEW] },
    Many(Vec<u32>),
}

impl Default for Slots {
    fn default() -> Self {
        Slots::Few {
            count: 0,
            slots: [0; FEW],
        }
    }
}

impl Deref for Slots {
    type Target = [u32];

    #[inline]
    fn deref(&self) -> &[u32] {
        match self {
            Slots::Few { count, slots } => &slots[..usize::from(*count).min(FEW)],
            Slots::Many(slots) => slots,
        }
    }
}

impl PartialEq for Slots {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<'a> IntoIterator for &'a Slots {
    type Item = &'a u32;
    type IntoIter = std::slice::Iter<'a, u32>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Slots {
    type Item = u32;
    type IntoIter = Each;

    fn into_iter(self) -> Each {
        Each { slots: self, at: 0 }
    }
}

/// Slots one after the other.
pub struct Each {
    slots: Slots,
    at: usize,
}

impl Iterator for Each {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        self.at += 1;
        self.slots.get(self.at - 1).copied()
    }
}

impl Slots {
    /// Adds a slot.
    pub fn push(&mut self, slot: u32) {
        match self {
            Slots::Few { count, slots } if usize::from(*count) < FEW => {
                slots[usize::from(*count)] = slot;
                *count += 1;
            }
            Slots::Few { slots, .. } => {
                let mut many = slots.to_vec();
                many.push(slot);
                *self = Slots::Many(many);
            }
            Slots::Many(slots) => slots.push(slot),
        }
    }

    /// Keeps the slots that `keep` wants, in their order.
    pub fn retain(&mut self, mut keep: impl FnMut(&u32) -> bool) {
        match self {
            Slots::Few { count, slots } => {
                let mut kept = 0;
                for at in 0..usize::from(*count).min(FEW) {
                    if keep(&slots[at]) {
                        slots[kept] = slots[at];
                        kept += 1;
                    }
                }
                *count = kept as u8;
            }
            Slots::Many(slots) => {
                slots.retain(keep);
                if slots.len() <= FEW {
                    let mut few = Slots::default();
                    slots.iter().for_each(|slot| few.push(*slot));
                    *self = few;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_or_many_they_are_a_list() {
        let (mut slots, mut list) = (Slots::default(), Vec::new());
        for slot in 0..20u32 {
            slots.push(slot);
            list.push(slot);
            assert_eq!(*slots, *list);
        }
        for gone in [3, 19, 0, 7, 8, 9, 1, 2, 4, 5, 6, 10, 11, 12] {
            slots.retain(|slot| *slot != gone);
            list.retain(|slot| *slot != gone);
            assert_eq!(*slots, *list);
        }
        assert!(matches!(slots, Slots::Few { .. }));
        assert_eq!(slots.into_iter().collect::<Vec<_>>(), list);
    }
}
