//! Annotations between reading and drawing, packed: in memory while they are few, else in a temporary file.
//!
//! A table may name its images in any order, so everything is read before the first map is drawn. What stays in memory for
//! each annotation is a few numbers.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Mutex, PoisonError};

use cyborg_saliency::{Annotation, Fill, Mark};
use tempfile::SpooledTempFile;

/// From here on marks go to a temporary file.
const MAX_BYTES_IN_MEMORY: usize = 64 << 20;

/// Where an annotation is in the store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handle {
    start: u64,
    length: u32,
    /// The person, as a place in the store's names.
    pub(crate) person: u32,
}

/// See the module.
pub(crate) struct Store {
    file: Mutex<SpooledTempFile>,
    end: u64,
    names: Vec<String>,
    by_name: BTreeMap<String, u32>,
    /// Masks and heat maps are files (or encoded bytes) that are opened when they are drawn; they stay here.
    maps: Vec<Mark>,
    buffer: Vec<u8>,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self {
            file: Mutex::new(tempfile::spooled_tempfile(MAX_BYTES_IN_MEMORY)),
            end: 0,
            names: Vec::new(),
            by_name: BTreeMap::new(),
            maps: Vec::new(),
            buffer: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, annotation: Annotation) -> io::Result<Handle> {
        let name = annotation.annotator.as_deref().unwrap_or("");
        let next = self.names.len() as u32;
        let person = *self.by_name.entry(name.to_owned()).or_insert(next);
        if person == next {
            self.names.push(name.to_owned());
        }
        let mut bytes = std::mem::take(&mut self.buffer);
        bytes.clear();
        self.pack(annotation, &mut bytes);
        let file = self.file.get_mut().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.end))?;
        file.write_all(&bytes)?;
        let length = u32::try_from(bytes.len()).map_err(|_| io::Error::other("an annotation of 4 GiB"))?;
        let handle = Handle { start: self.end, length, person };
        self.end += u64::from(length);
        self.buffer = bytes;
        Ok(handle)
    }

    pub(crate) fn name(&self, person: u32) -> &str {
        &self.names[person as usize]
    }

    /// The annotation, with `image` for its image.
    pub(crate) fn get(&self, handle: Handle, image: &str) -> io::Result<Annotation> {
        let mut bytes = vec![0; handle.length as usize];
        {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(handle.start))?;
            file.read_exact(&mut bytes)?;
        }
        let mut packed = Packed(&bytes);
        let annotator = packed.u32()? == 1;
        let frame_px = if packed.u32()? == 1 { Some((packed.u32()?, packed.u32()?)) } else { None };
        let duration_s = if packed.u32()? == 1 { Some(packed.f64()?) } else { None };
        let correct = match packed.u32()? {
            0 => None,
            known => Some(known == 2),
        };
        let n_lost = packed.u32()? as usize;
        let origin = packed.text()?;
        let n_marks = packed.u32()?;
        let marks = (0..n_marks).map(|_| self.mark(&mut packed)).collect::<io::Result<Vec<_>>>()?;
        let annotator = annotator.then(|| self.name(handle.person).to_owned());
        Ok(Annotation {
            annotator,
            frame_px,
            marks,
            duration_s,
            correct,
            n_lost,
            ..Annotation::new(image, origin)
        })
    }

    fn pack(&mut self, annotation: Annotation, bytes: &mut Vec<u8>) {
        let Annotation { image: _, annotator, frame_px, marks, duration_s, correct, n_lost, origin } =
            annotation;
        let mut u32 = |number: u32| bytes.extend(number.to_le_bytes());
        u32(u32::from(annotator.is_some()));
        u32(u32::from(frame_px.is_some()));
        if let Some((width, height)) = frame_px {
            u32(width);
            u32(height);
        }
        u32(u32::from(duration_s.is_some()));
        if let Some(seconds) = duration_s {
            bytes.extend(seconds.to_le_bytes());
        }
        let correct = correct.map_or(0, |correct| if correct { 2 } else { 1u32 });
        bytes.extend(correct.to_le_bytes());
        bytes.extend(u32::try_from(n_lost).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend((origin.len() as u32).to_le_bytes());
        bytes.extend(origin.as_bytes());
        bytes.extend((marks.len() as u32).to_le_bytes());
        for mark in marks {
            self.pack_mark(mark, bytes);
        }
    }

    fn pack_mark(&mut self, mark: Mark, bytes: &mut Vec<u8>) {
        if !pack_plain(&mark, bytes) {
            bytes.push(4);
            bytes.extend((self.maps.len() as u32).to_le_bytes());
            self.maps.push(mark);
        }
    }

    fn mark(&self, packed: &mut Packed) -> io::Result<Mark> {
        let known = |number: f64| (!number.is_nan()).then_some(number);
        Ok(match packed.u8()? {
            0 => {
                let (x, y) = (packed.f64()?, packed.f64()?);
                Mark::Point { x, y, duration_s: known(packed.f64()?) }
            }
            1 => {
                let width_px = known(packed.f64()?);
                Mark::Stroke { points: packed.points()?, width_px }
            }
            2 => {
                let n = packed.u32()?;
                let rings = (0..n).map(|_| packed.points()).collect::<io::Result<_>>()?;
                Mark::Polygon { rings, fill: if packed.u8()? == 0 { Fill::EvenOdd } else { Fill::NonZero } }
            }
            3 => {
                let (left, top) = (packed.f64()?, packed.f64()?);
                Mark::Rectangle { left, top, right: packed.f64()?, bottom: packed.f64()? }
            }
            _ => {
                let place = packed.u32()? as usize;
                self.maps.get(place).cloned().ok_or_else(damaged)?
            }
        })
    }
}

/// Adds a mark that is numbers only; false for masks and maps, which are not.
pub(crate) fn pack_plain(mark: &Mark, bytes: &mut Vec<u8>) -> bool {
    fn points(points: &[(f64, f64)], bytes: &mut Vec<u8>) {
        bytes.extend((points.len() as u32).to_le_bytes());
        for (x, y) in points {
            bytes.extend(x.to_le_bytes());
            bytes.extend(y.to_le_bytes());
        }
    }
    match mark {
        Mark::Point { x, y, duration_s } => {
            bytes.push(0);
            for number in [*x, *y, duration_s.unwrap_or(f64::NAN)] {
                bytes.extend(number.to_le_bytes());
            }
        }
        Mark::Stroke { points: along, width_px } => {
            bytes.push(1);
            bytes.extend(width_px.unwrap_or(f64::NAN).to_le_bytes());
            points(along, bytes);
        }
        Mark::Polygon { rings, fill } => {
            bytes.push(2);
            bytes.extend((rings.len() as u32).to_le_bytes());
            for ring in rings {
                points(ring, bytes);
            }
            bytes.push(u8::from(*fill == Fill::NonZero));
        }
        Mark::Rectangle { left, top, right, bottom } => {
            bytes.push(3);
            for number in [left, top, right, bottom] {
                bytes.extend(number.to_le_bytes());
            }
        }
        Mark::Map(_) | Mark::Stored(_) => return false,
    }
    true
}

/// Numbers taken off the front of packed bytes.
struct Packed<'a>(&'a [u8]);

impl Packed<'_> {
    fn take<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>().ok_or_else(damaged)?;
        self.0 = rest;
        Ok(*first)
    }

    fn u8(&mut self) -> io::Result<u8> {
        Ok(self.take::<1>()?[0])
    }

    fn u32(&mut self) -> io::Result<u32> {
        Ok(u32::from_le_bytes(self.take()?))
    }

    fn f64(&mut self) -> io::Result<f64> {
        Ok(f64::from_le_bytes(self.take()?))
    }

    fn text(&mut self) -> io::Result<String> {
        let length = self.u32()? as usize;
        let (text, rest) = self.0.split_at_checked(length).ok_or_else(damaged)?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).map_err(|_| damaged())
    }

    fn points(&mut self) -> io::Result<Vec<(f64, f64)>> {
        let n = self.u32()?;
        (0..n).map(|_| Ok((self.f64()?, self.f64()?))).collect()
    }
}

fn damaged() -> io::Error {
    io::Error::other("the temporary file of annotations was changed by another program")
}

#[cfg(test)]
mod tests {
    use super::*;
    use cyborg_saliency::SaliencyMap;

    #[test]
    fn what_goes_in_comes_out() {
        let marks = vec![
            Mark::Point { x: 1.5, y: -2.0, duration_s: None },
            Mark::Point { x: 0.0, y: 3.0, duration_s: Some(0.25) },
            Mark::Stroke { points: vec![(1.0, 2.0), (3.0, 4.0)], width_px: Some(8.0) },
            Mark::Stroke { points: vec![(1.0, 2.0)], width_px: None },
            Mark::Polygon {
                rings: vec![vec![(0.0, 0.0), (9.0, 0.0), (9.0, 9.0)], vec![(1.0, 1.0); 3]],
                fill: Fill::NonZero,
            },
            Mark::Rectangle { left: 1.0, top: 2.0, right: 3.0, bottom: 4.0 },
            Mark::Map(SaliencyMap::filled(2, 2, 0.5)),
        ];
        let full = Annotation {
            image: "a.png".to_owned(),
            annotator: Some("ann".to_owned()),
            frame_px: Some((640, 480)),
            marks,
            duration_s: Some(12.5),
            correct: Some(false),
            n_lost: 3,
            origin: "`a.csv`, line 7".to_owned(),
        };
        let bare = Annotation {
            annotator: None,
            frame_px: None,
            marks: vec![],
            duration_s: None,
            correct: None,
            ..full.clone()
        };
        let mut store = Store::new();
        let handles = [&full, &bare, &full].map(|annotation| store.push(annotation.clone()).expect("room"));
        assert_eq!(handles[0].person, handles[2].person);
        assert_eq!(store.name(handles[0].person), "ann");
        for (handle, annotation) in handles.iter().zip([&full, &bare, &full]) {
            assert_eq!(store.get(*handle, "a.png").expect("as written"), *annotation);
        }
    }
}
