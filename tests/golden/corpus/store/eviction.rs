//! Which cached label to forget when memory runs short.

use std::collections::HashMap;

pub struct LabelCache {
    capacity: usize,
    clock: u64,
    entries: HashMap<String, (u64, Vec<u8>)>,
}

impl LabelCache {
    /// Look a label up and remember that it was used.
    pub fn get(&mut self, parcel: &str) -> Option<&[u8]> {
        self.clock += 1;
        let clock = self.clock;
        self.entries.get_mut(parcel).map(|entry| {
            entry.0 = clock;
            entry.1.as_slice()
        })
    }

    /// Keep a label; the one that was not used for longest makes room.
    pub fn insert(&mut self, parcel: String, label: Vec<u8>) {
        if self.entries.len() >= self.capacity {
            if let Some(oldest) = self.entries.iter().min_by_key(|(_, entry)| entry.0).map(|(name, _)| name.clone()) {
                self.entries.remove(&oldest);
            }
        }
        self.clock += 1;
        self.entries.insert(parcel, (self.clock, label));
    }
}
