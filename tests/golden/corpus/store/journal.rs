//! An append-only log that survives a crash.

use std::fs::File;
use std::io::{self, Read, Write};

/// One record: its length, its checksum, then its bytes.
pub struct Journal {
    file: File,
}

impl Journal {
    /// Append a record and wait until it is on the disk.
    pub fn append(&mut self, record: &[u8]) -> io::Result<()> {
        self.file.write_all(&(record.len() as u32).to_le_bytes())?;
        self.file.write_all(&checksum(record).to_le_bytes())?;
        self.file.write_all(record)?;
        self.file.sync_data()
    }

    /// Read every whole record; a torn one at the end is dropped.
    pub fn replay(mut file: File) -> io::Result<Vec<Vec<u8>>> {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let mut records = Vec::new();
        let mut rest = &bytes[..];
        while rest.len() >= 8 {
            let size = u32::from_le_bytes(rest[..4].try_into().unwrap()) as usize;
            let sum = u32::from_le_bytes(rest[4..8].try_into().unwrap());
            if rest.len() < 8 + size || checksum(&rest[8..8 + size]) != sum {
                break;
            }
            records.push(rest[8..8 + size].to_vec());
            rest = &rest[8 + size..];
        }
        Ok(records)
    }
}

fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(2166136261, |hash, byte| (hash ^ *byte as u32).wrapping_mul(16777619))
}
