//! Accounts by id, in blocks: no account has an allocation of its own, and a large id costs no large table.

use super::Account;
use crate::ids::AccountId;

const BLOCK: usize = 64;

type Block = Box<[Option<Account>; BLOCK]>;

/// All accounts.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    blocks: Vec<Option<Block>>,
    count: usize,
}

impl Accounts {
    /// An account by id.
    #[inline]
    pub fn get(&self, id: AccountId) -> Option<&Account> {
        let block = self.blocks.get(id.0 as usize / BLOCK)?.as_ref()?;
        block[id.0 as usize % BLOCK].as_ref()
    }

    /// The same, to be changed.
    #[inline]
    pub fn get_mut(&mut self, id: AccountId) -> Option<&mut Account> {
        let block = self.blocks.get_mut(id.0 as usize / BLOCK)?.as_mut()?;
        block[id.0 as usize % BLOCK].as_mut()
    }

    /// Puts an account in its place.
    pub fn insert(&mut self, account: Account) {
        let id = account.id().0 as usize;
        if self.blocks.len() <= id / BLOCK {
            self.blocks.resize_with(id / BLOCK + 1, || None);
        }
        let block =
            self.blocks[id / BLOCK].get_or_insert_with(|| Box::new([const { None }; BLOCK]));
        let place = &mut block[id % BLOCK];
        self.count += usize::from(place.is_none());
        *place = Some(account);
    }

    /// All, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Account> {
        self.blocks
            .iter()
            .flatten()
            .flat_map(|block| block.iter().flatten())
    }

    /// All from an id on, by id.
    pub fn from(&self, id: AccountId) -> impl Iterator<Item = &Account> {
        let blocks = self.blocks.iter().skip(id.0 as usize / BLOCK);
        blocks
            .flatten()
            .flat_map(|block| block.iter().flatten())
            .skip_while(move |account| account.id() < id)
    }

    /// Every id lies below.
    pub fn end(&self) -> u32 {
        (self.blocks.len() * BLOCK) as u32
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}
