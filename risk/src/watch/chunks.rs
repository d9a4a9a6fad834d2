//! Records in equal chunks: they never move, growing copies nothing, and what was freed is used again.

/// Records per chunk, as a power of two.
const LOG: u32 = 10;
/// No record.
pub const NONE: u32 = u32::MAX;

/// Records by number.
#[derive(Clone, Debug)]
pub struct Chunks<T> {
    chunks: Vec<Box<[T]>>,
    free: Vec<u32>,
    made: u32,
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Chunks {
            chunks: Vec::new(),
            free: Vec::new(),
            made: 0,
        }
    }
}

impl<T: Clone> Chunks<T> {
    /// The number of a record that is nobody's now.
    pub fn take(&mut self, empty: &T) -> u32 {
        if let Some(number) = self.free.pop() {
            self[number] = empty.clone();
            return number;
        }
        if self.made as usize == self.chunks.len() << LOG {
            self.chunks
                .push(vec![empty.clone(); 1 << LOG].into_boxed_slice());
        }
        self.made += 1;
        self.made - 1
    }

    /// A record is not needed any more.
    pub fn give(&mut self, number: u32) {
        self.free.push(number);
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        (self.chunks.len() << LOG) * size_of::<T>()
            + self.chunks.capacity() * size_of::<Box<[T]>>()
            + self.free.capacity() * 4
    }
}

impl<T> std::ops::Index<u32> for Chunks<T> {
    type Output = T;

    #[inline]
    fn index(&self, number: u32) -> &T {
        &self.chunks[(number >> LOG) as usize][(number & ((1 << LOG) - 1)) as usize]
    }
}

impl<T> std::ops::IndexMut<u32> for Chunks<T> {
    #[inline]
    fn index_mut(&mut self, number: u32) -> &mut T {
        &mut self.chunks[(number >> LOG) as usize][(number & ((1 << LOG) - 1)) as usize]
    }
}
