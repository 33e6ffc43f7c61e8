#![doc = include_str!("../README.md")]

mod error;
mod lines;
mod separator;
mod word;

use std::io::Read;
use std::path::Path;

pub use error::TableError;
pub use lines::Lines;
pub use word::{position, whole_number};

/// The text of a table in memory, and what separates its fields.
#[derive(Clone, Debug)]
pub struct Table {
    bytes: Vec<u8>,
    /// Where the table begins, after a line that only names the separator.
    start: usize,
    separator: u8,
}

impl Table {
    /// Larger files are refused: a table of a million images has some 100 MB.
    pub const MAX_BYTES: u64 = 1 << 30;

    /// Reads a file; see the [crate's page](crate) for what is understood.
    ///
    /// # Errors
    /// [`TableError::Read`] if it cannot be read or is no regular file; [`TableError::TooLarge`] above
    /// [`MAX_BYTES`](Self::MAX_BYTES); [`TableError::Encoding`] as [`from_bytes`](Self::from_bytes).
    pub fn read(path: &Path) -> Result<Self, TableError> {
        let failed = |source| TableError::Read { path: path.to_owned(), source };
        let file = cyborg_files::open_regular(path).map_err(failed)?;
        let mut bytes = Vec::new();
        file.take(Self::MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > Self::MAX_BYTES {
            return Err(TableError::TooLarge { path: path.to_owned(), limit_bytes: Self::MAX_BYTES });
        }
        Self::from_bytes(bytes, path)
    }

    /// The table in the bytes of a file; `path` is for messages only.
    ///
    /// # Errors
    /// [`TableError::Encoding`] for UTF-16 that is damaged, or text with zero bytes.
    pub fn from_bytes(bytes: Vec<u8>, path: &Path) -> Result<Self, TableError> {
        let bytes = separator::without_mark(bytes)
            .map_err(|found| TableError::Encoding { path: path.to_owned(), found })?;
        let (start, separator) = separator::find(&bytes);
        Ok(Self { bytes, start, separator })
    }

    /// What separates the fields: a comma, a semicolon or a tab.
    pub fn separator(&self) -> char {
        char::from(self.separator)
    }

    /// A reader of the rows that takes blanks off around fields. With `has_headers` the first line is the header, and a row of
    /// another number of fields is an error; without, rows may have any.
    pub fn reader(&self, has_headers: bool) -> csv::Reader<&[u8]> {
        self.reader_builder(has_headers).flexible(!has_headers).from_reader(self.text())
    }

    /// As [`reader`](Self::reader) with a header, for callers that look at the number of fields themselves.
    pub fn flexible_reader(&self) -> csv::Reader<&[u8]> {
        self.reader_builder(true).flexible(true).from_reader(self.text())
    }

    /// Counts the lines of records from the reader.
    pub fn lines(&self) -> Lines<'_> {
        Lines::new(&self.bytes, self.start)
    }

    fn text(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    fn reader_builder(&self, has_headers: bool) -> csv::ReaderBuilder {
        let mut builder = csv::ReaderBuilder::new();
        builder.has_headers(has_headers).delimiter(self.separator).trim(csv::Trim::All);
        builder
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &[u8]) -> Vec<(u64, Vec<String>)> {
        let table = Table::from_bytes(text.to_vec(), Path::new("rows.csv")).expect("text");
        let mut lines = table.lines();
        let mut reader = table.reader(true);
        let header = reader.headers().expect("a header").iter().map(ToOwned::to_owned).collect();
        let mut rows = vec![(0, header)];
        for record in reader.records() {
            let record = record.expect("a row");
            rows.push((lines.line_of(record.position()), record.iter().map(ToOwned::to_owned).collect()));
        }
        rows
    }

    #[test]
    fn one_table_however_it_is_stored() {
        let utf16: Vec<u8> = "\u{feff}image\tlabel\r\nä, b.png\t1\r\n\r\nc.png\t0\r\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let swapped: Vec<u8> = utf16.as_chunks::<2>().0.iter().flat_map(|&[a, b]| [b, a]).collect();
        let stored: [&[u8]; 7] = [
            "image,label\n\"ä, b.png\",1\n\nc.png,0\n".as_bytes(),
            "image;label\n\"ä, b.png\"; 1\n\nc.png;0".as_bytes(),
            "\u{feff}image;label\r\nä, b.png;1\r\n\r\nc.png;0\r\n".as_bytes(),
            "image\tlabel\rä, b.png\t1\r\rc.png\t0\r".as_bytes(),
            "image \t label\n ä, b.png\t1\n\nc.png\t0\n".as_bytes(),
            &utf16,
            &swapped,
        ];
        for text in stored {
            let found = rows(text);
            let fields: Vec<Vec<&str>> =
                found.iter().map(|(_, fields)| fields.iter().map(String::as_str).collect()).collect();
            let expected: [Vec<&str>; 3] =
                [vec!["image", "label"], vec!["ä, b.png", "1"], vec!["c.png", "0"]];
            assert_eq!(fields, expected, "{}", String::from_utf8_lossy(text));
            assert_eq!((found[1].0, found[2].0), (2, 4), "{}", String::from_utf8_lossy(text));
        }
        let found = rows(b"sep=;\r\nimage;label\r\na,b.png;1\r\n");
        assert_eq!((found[1].0, found[1].1.join("|")), (3, "a,b.png|1".to_owned()));
    }

    #[test]
    fn a_file_that_is_no_text_is_refused() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("rows.csv");
        let message = || Table::read(&path).expect_err("refused").to_string();
        assert_eq!(message(), format!("cannot read table `{}`", path.display()));
        fs_err::write(&path, b"PK\x03\x04\0\0\0\0").expect("written");
        assert!(message().contains("Excel"), "{}", message());
        fs_err::write(&path, b"image,label\n\0\0").expect("written");
        assert!(message().contains("zero bytes"), "{}", message());
        fs_err::write(&path, b"\xff\xfea").expect("written");
        assert!(message().contains("UTF-16"), "{}", message());
    }
}
