//! Lines as a text editor counts them.

/// Counts lines up to ever later places of a table's text. The CSV reader's own count is one short where lines end in CR LF, as
/// it takes the LF for the next record's.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    bytes: &'a [u8],
    /// What the reader's positions start from.
    start: usize,
    at: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(bytes: &'a [u8], start: usize) -> Self {
        Self { bytes, start, at: 0, line: 1 }
    }

    /// The line, from 1, of the first letter of the record that begins at `position`; the last line told if there is no
    /// position. Positions must not go back.
    pub fn line_of(&mut self, position: Option<&csv::Position>) -> u64 {
        let Some(position) = position else { return self.line };
        let mut end = self.start.saturating_add(position.byte() as usize).min(self.bytes.len());
        while matches!(self.bytes.get(end), Some(b'\r' | b'\n')) {
            end += 1;
        }
        while self.at < end {
            self.line += match (self.bytes[self.at], self.bytes.get(self.at + 1)) {
                (b'\n', _) => 1,
                // A CR alone ends a line, as on the old Macintosh.
                (b'\r', next) => u64::from(next != Some(&b'\n')),
                _ => 0,
            };
            self.at += 1;
        }
        self.line
    }
}
