//! The table of contents of a zip archive as PyTorch writes it: stored entries, 64-bit sizes where needed.
//!
//! Everything that an archive claims is held against the file's real length before anything is allocated, and entries
//! that share bytes are refused: what can be read is never more than the file.

use crate::bounded::{self, malformed};
use crate::error::WeightsError;
use fs_err::File;
use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    /// Of its bytes in the file.
    start: u64,
    length: u64,
    crc32: u32,
    /// Why it cannot be read; None for a stored entry.
    fault: Option<&'static str>,
}

/// A file and where its entries lie.
pub(crate) struct Zip<'a> {
    path: &'a Path,
    file: File,
    entries: BTreeMap<String, Entry>,
}

const LOCAL: [u8; 4] = *b"PK\x03\x04";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const END: [u8; 4] = *b"PK\x05\x06";
const END64: [u8; 4] = *b"PK\x06\x06";
const LOCATOR64: [u8; 4] = *b"PK\x06\x07";
const END_BYTES: u64 = 22;
const LOCAL_BYTES: u64 = 30;
const CENTRAL_BYTES: u64 = 46;
/// A table of contents of more bytes is no checkpoint's: each of its entries takes at least 46.
const MAX_CENTRAL_BYTES: u64 = 64 << 20;

impl<'a> Zip<'a> {
    /// Reads the table of contents.
    pub(crate) fn open(path: &'a Path) -> Result<Self, WeightsError> {
        let file = bounded::open(path)?;
        let mut zip = Self { path, file, entries: BTreeMap::new() };
        let length = bounded::length(path, &zip.file)?;
        let (start, n_bytes, n_entries) = zip.central_directory(length)?;
        let damaged = |what: &str| damaged(path, what);
        if start.checked_add(n_bytes).is_none_or(|end| end > length)
            || n_bytes > MAX_CENTRAL_BYTES
            || n_entries.checked_mul(CENTRAL_BYTES).is_none_or(|least| least > n_bytes)
        {
            return Err(damaged("its table of contents does not fit into the file"));
        }
        let table = zip.bytes_at(start, n_bytes)?;
        let mut rest = table.as_slice();
        for _ in 0..n_entries {
            let (name, entry, following) =
                central_entry(rest).ok_or_else(|| damaged("an entry of its table of contents is cut"))?;
            rest = following;
            if zip.entries.insert(name.clone(), entry).is_some() {
                return Err(damaged(&format!("it has two entries `{name}`")));
            }
        }
        zip.find_data(start)?;
        Ok(zip)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Length of an entry.
    pub(crate) fn length(&self, name: &str) -> Option<u64> {
        self.entries.get(name).map(|entry| entry.length)
    }

    /// All of an entry, checked against its checksum.
    pub(crate) fn read(&mut self, name: &str) -> Result<Vec<u8>, WeightsError> {
        let entry = self.entries.get(name).cloned();
        let entry = entry.ok_or_else(|| malformed(self.path, format!("it has no entry `{name}`")))?;
        if let Some(fault) = entry.fault {
            return Err(malformed(self.path, format!("its entry `{name}` {fault}")));
        }
        let bytes = self.bytes_at(entry.start, entry.length)?;
        // `torch.serialization.set_crc32_options(False)` leaves 0.
        if entry.crc32 != 0 && crc32fast::hash(&bytes) != entry.crc32 {
            return Err(damaged(self.path, &format!("the checksum of its entry `{name}` does not fit")));
        }
        Ok(bytes)
    }

    fn bytes_at(&mut self, start: u64, n: u64) -> Result<Vec<u8>, WeightsError> {
        self.file.seek(SeekFrom::Start(start)).map_err(|source| bounded::unreadable(self.path, source))?;
        bounded::read_exact(self.path, &mut self.file, n as usize)
    }

    /// Start, bytes and entries of the table of contents, from the record at the end of the file.
    fn central_directory(&mut self, length: u64) -> Result<(u64, u64, u64), WeightsError> {
        let searched = length.min(END_BYTES + u64::from(u16::MAX));
        let tail_start = length - searched;
        let tail = self.bytes_at(tail_start, searched)?;
        // The record's comment reaches to the end of the file.
        let at = (0..tail.len().saturating_sub(END_BYTES as usize - 1)).rev().find(|&at| {
            tail[at..].starts_with(&END) && number(&tail[at + 20..at + 22]) as usize == tail.len() - at - 22
        });
        let at = at.ok_or_else(|| damaged(self.path, "its end is missing"))?;
        let record = &tail[at..];
        let disks = number(&record[4..6]) | number(&record[6..8]);
        let (mut entries, mut n_bytes, mut start) =
            (number(&record[10..12]), number(&record[12..16]), number(&record[16..20]));
        let in_64_bits = entries == 0xffff || n_bytes == 0xffff_ffff || start == 0xffff_ffff;
        if let Some(locator) = at.checked_sub(20).map(|start| &tail[start..at])
            && locator.starts_with(&LOCATOR64)
            && in_64_bits
        {
            let end64 = number(&locator[8..16]);
            if end64.checked_add(56).is_none_or(|end| end > length) {
                return Err(damaged(self.path, "its end lies outside the file"));
            }
            let record = self.bytes_at(end64, 56)?;
            if !record.starts_with(&END64) {
                return Err(damaged(self.path, "its end is not where it should be"));
            }
            entries = number(&record[32..40]);
            n_bytes = number(&record[40..48]);
            start = number(&record[48..56]);
        }
        if disks != 0 && disks != 0xffff {
            return Err(damaged(self.path, "it is one of several parts"));
        }
        Ok((start, n_bytes, entries))
    }

    /// Moves each entry's start from its own header behind it; no two may share bytes.
    fn find_data(&mut self, central_start: u64) -> Result<(), WeightsError> {
        let mut spans = Vec::with_capacity(self.entries.len());
        let names: Vec<String> = self.entries.keys().cloned().collect();
        for name in names {
            let Some(entry) = self.entries.get(&name).cloned() else { continue };
            let damaged = |what: &str| damaged(self.path, &format!("its entry `{name}` {what}"));
            if entry.start.checked_add(LOCAL_BYTES).is_none_or(|end| end > central_start) {
                return Err(damaged("lies outside the file"));
            }
            let mut header = [0; LOCAL_BYTES as usize];
            self.file
                .seek(SeekFrom::Start(entry.start))
                .and_then(|_| self.file.read_exact(&mut header))
                .map_err(|source| bounded::unreadable(self.path, source))?;
            if !header.starts_with(&LOCAL) {
                return Err(damaged("is not where it should be"));
            }
            let data = entry.start + LOCAL_BYTES + number(&header[26..28]) + number(&header[28..30]);
            let end = data.checked_add(entry.length).filter(|&end| end <= central_start);
            let end = end.ok_or_else(|| damaged("lies outside the file"))?;
            spans.push((entry.start, end));
            if let Some(entry) = self.entries.get_mut(&name) {
                entry.start = data;
            }
        }
        spans.sort_unstable();
        if spans.windows(2).any(|two| two[0].1 > two[1].0) {
            return Err(damaged(self.path, "its entries overlap"));
        }
        Ok(())
    }
}

/// Name and place of the entry at the beginning of `table`, and what follows it; None where it is cut.
fn central_entry(table: &[u8]) -> Option<(String, Entry, &[u8])> {
    let header = table.get(..CENTRAL_BYTES as usize).filter(|header| header.starts_with(&CENTRAL))?;
    let [name, extra, comment] = [28, 30, 32].map(|at| number(&header[at..at + 2]) as usize);
    let rest = &table[CENTRAL_BYTES as usize..];
    let (name, rest) = rest.split_at_checked(name)?;
    let (extra, rest) = rest.split_at_checked(extra)?;
    let rest = rest.get(comment..)?;
    let name = String::from_utf8_lossy(name).into_owned();
    let mut length = number(&header[24..28]);
    let mut compressed = number(&header[20..24]);
    let mut start = number(&header[42..46]);
    // Fields that are full are in the extra field with id 1, in this order.
    let mut wide = wide_fields(extra);
    for field in [&mut length, &mut compressed, &mut start] {
        if *field == 0xffff_ffff {
            let (value, following) = wide.split_at_checked(8)?;
            *field = number(value);
            wide = following;
        }
    }
    let fault = if number(&header[8..10]) & 1 != 0 {
        Some("is encrypted")
    } else if number(&header[10..12]) != 0 || length != compressed {
        Some("is compressed, which PyTorch never does; load the file in Python and save it again")
    } else {
        None
    };
    Some((name, Entry { start, length: compressed, crc32: number(&header[16..20]) as u32, fault }, rest))
}

/// The 64-bit values among an entry's extra fields.
fn wide_fields(mut extra: &[u8]) -> &[u8] {
    while let Some((head, rest)) = extra.split_at_checked(4) {
        let Some((field, following)) = rest.split_at_checked(number(&head[2..4]) as usize) else { break };
        if number(&head[..2]) == 1 {
            return field;
        }
        extra = following;
    }
    &[]
}

/// Little endian, up to eight bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

fn damaged(path: &Path, what: &str) -> WeightsError {
    malformed(path, format!("it is not a whole PyTorch file: {what}; get it again"))
}
