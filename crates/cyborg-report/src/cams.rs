//! The file of CAMs of one run, `cams.safetensors`: what the experiment writes and the report reads.
use crate::{ReportError, whole::write_whole};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::collections::BTreeMap;
use std::path::Path;

const CAMS: &str = "cams";
const HUMAN: &str = "human/";
const HUMAN_COUNT: &str = "human_count/";

/// The average human saliency map of one class over the training images.
#[derive(Clone, Debug, PartialEq)]
pub struct HumanMean {
    /// Number of images with a map that were averaged.
    pub count: u64,
    /// `grid * grid` values in `[0, 1]`, rows from top to bottom.
    pub mean: Vec<f32>,
}

/// The CAMs of a run's test images and the average human maps beside them.
///
/// # Examples
/// ```
/// use cyborg_report::cams::CamFile;
/// let mut cams = CamFile::new(2);
/// cams.push(&[-1.0, 0.0, 1.0, 3.0])?;
/// assert_eq!(cams.cam(0), Some(&[0, 64, 128, 255][..]));
/// # Ok::<(), cyborg_report::ReportError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct CamFile {
    grid: usize,
    cams: Vec<u8>,
    human: BTreeMap<String, HumanMean>,
}

impl CamFile {
    /// An empty file of CAMs of `grid` x `grid` cells.
    pub fn new(grid: usize) -> Self {
        Self { grid, cams: Vec::new(), human: BTreeMap::new() }
    }

    /// Appends the CAM of the predicted class of the next image, in the order of the rows of `scores.parquet`.
    ///
    /// `cam` has `grid * grid` cells, rows from top to bottom, of any range: it is brought to 0..=255 by its own
    /// minimum and maximum and rounded. A flat CAM becomes zeros: it points nowhere.
    ///
    /// # Errors
    /// [`ReportError::Cams`] when the number of cells is wrong or one of them is not finite.
    pub fn push(&mut self, cam: &[f32]) -> Result<(), ReportError> {
        let at = self.len();
        self.check_cells(cam, || format!("the CAM of image {at}"))?;
        let low = cam.iter().copied().fold(f32::INFINITY, f32::min);
        let high = cam.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        // In f64 the range of two finite f32 cannot overflow.
        let range = f64::from(high) - f64::from(low);
        self.cams.extend(cam.iter().map(|&value| {
            if range > 0.0 { ((f64::from(value) - f64::from(low)) / range * 255.0).round() as u8 } else { 0 }
        }));
        Ok(())
    }

    /// Sets the average human map of a class over `count` training images; values in `[0, 1]`.
    ///
    /// # Errors
    /// [`ReportError::Cams`] when the number of cells is wrong or one of them is outside `[0, 1]`.
    pub fn set_human(&mut self, class: &str, count: u64, mean: &[f32]) -> Result<(), ReportError> {
        self.check_cells(mean, || format!("the average human map of class `{class}`"))?;
        if let Some(value) = mean.iter().find(|value| !(0.0..=1.0).contains(*value)) {
            return Err(invalid(format!(
                "the average human map of class `{class}` holds {value}, outside 0..1"
            )));
        }
        self.human.insert(class.to_owned(), HumanMean { count, mean: mean.to_vec() });
        Ok(())
    }

    /// Cells along one side.
    pub fn grid(&self) -> usize {
        self.grid
    }

    /// Number of CAMs.
    pub fn len(&self) -> usize {
        self.cams.len().checked_div(self.grid * self.grid).unwrap_or(0)
    }

    /// Whether there is no CAM.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The CAM of row `at` of the scores: `grid * grid` cells in 0..=255; none past the end.
    pub fn cam(&self, at: usize) -> Option<&[u8]> {
        let cells = self.grid * self.grid;
        self.cams.get(at.checked_mul(cells)?..)?.get(..cells).filter(|cam| !cam.is_empty())
    }

    /// Class name -> average human map.
    pub fn human(&self) -> &BTreeMap<String, HumanMean> {
        &self.human
    }

    /// Writes the file whole. The same CAMs give the same bytes.
    ///
    /// # Errors
    /// [`ReportError::Write`] when the file system refuses.
    pub fn write(&self, path: &Path) -> Result<(), ReportError> {
        let grid = self.grid;
        let mut tensors = vec![(CAMS.to_owned(), Dtype::U8, vec![self.len(), grid, grid], self.cams.clone())];
        for (class, human) in &self.human {
            let mean = human.mean.iter().flat_map(|value| value.to_le_bytes()).collect();
            tensors.push((format!("{HUMAN}{class}"), Dtype::F32, vec![grid, grid], mean));
            let count = i64::try_from(human.count).unwrap_or(i64::MAX).to_le_bytes().to_vec();
            tensors.push((format!("{HUMAN_COUNT}{class}"), Dtype::I64, vec![1], count));
        }
        let views = tensors
            .iter()
            .map(|(name, dtype, shape, data)| Ok((name, TensorView::new(*dtype, shape.clone(), data)?)))
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>();
        // Sorted by type and name, no metadata: the bytes depend on the values alone.
        let bytes = views
            .and_then(|views| safetensors::serialize(views, None))
            .map_err(|error| invalid(error.to_string()))?;
        write_whole(path, &bytes)
    }

    /// Reads a file written by [`CamFile::write`].
    ///
    /// # Errors
    /// [`ReportError::Input`] when the file is missing, cut short, or not of this form.
    pub fn read(path: &Path) -> Result<Self, ReportError> {
        let unusable = |reason: String| ReportError::Input { path: path.to_owned(), reason };
        let bytes = fs_err::read(path).map_err(|error| unusable(error.kind().to_string()))?;
        let file = SafeTensors::deserialize(&bytes).map_err(|error| unusable(error.to_string()))?;
        let cams = file.tensor(CAMS).map_err(|error| unusable(error.to_string()))?;
        let &[_, grid, width] = cams.shape() else {
            return Err(unusable(format!(
                "tensor `cams` has shape {:?}, expected (n, grid, grid)",
                cams.shape()
            )));
        };
        if cams.dtype() != Dtype::U8 || grid != width || grid == 0 {
            return Err(unusable(format!(
                "tensor `cams` is {:?} {:?}, expected U8 (n, grid, grid)",
                cams.dtype(),
                cams.shape()
            )));
        }
        let mut read = Self { grid, cams: cams.data().to_vec(), human: BTreeMap::new() };
        let mut names = file.names();
        names.sort_unstable();
        for class in names.into_iter().filter_map(|name| name.strip_prefix(HUMAN)) {
            let human = read.human_of(&file, class).map_err(unusable)?;
            read.human.insert(class.to_owned(), human);
        }
        Ok(read)
    }

    fn human_of(&self, file: &SafeTensors<'_>, class: &str) -> Result<HumanMean, String> {
        let mean = file.tensor(&format!("{HUMAN}{class}")).map_err(|error| error.to_string())?;
        let count = file.tensor(&format!("{HUMAN_COUNT}{class}")).map_err(|error| error.to_string())?;
        if mean.dtype() != Dtype::F32 || mean.shape() != [self.grid, self.grid] {
            return Err(format!(
                "tensor `{HUMAN}{class}` is {:?} {:?}, expected F32 {:?}",
                mean.dtype(),
                mean.shape(),
                [self.grid, self.grid]
            ));
        }
        let count = <[u8; 8]>::try_from(count.data())
            .ok()
            .filter(|_| count.dtype() == Dtype::I64)
            .and_then(|bytes| u64::try_from(i64::from_le_bytes(bytes)).ok())
            .ok_or_else(|| format!("tensor `{HUMAN_COUNT}{class}` is not one I64 of at least 0"))?;
        let mean: Vec<f32> =
            mean.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        if let Some(value) = mean.iter().find(|value| !(0.0..=1.0).contains(*value)) {
            return Err(format!("tensor `{HUMAN}{class}` holds {value}, outside 0..1"));
        }
        Ok(HumanMean { count, mean })
    }

    fn check_cells(&self, values: &[f32], what: impl Fn() -> String) -> Result<(), ReportError> {
        let cells = self.grid * self.grid;
        if values.len() != cells || cells == 0 {
            let (grid, found) = (self.grid, values.len());
            return Err(invalid(format!("{} has {found} cells, the grid is {grid}x{grid}", what())));
        }
        match values.iter().position(|value| !value.is_finite()) {
            Some(at) => Err(invalid(format!("{} holds {} in cell {at}", what(), values[at]))),
            None => Ok(()),
        }
    }
}

fn invalid(reason: String) -> ReportError {
    ReportError::Cams { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> CamFile {
        let mut cams = CamFile::new(2);
        cams.push(&[0.0, 0.25, 0.5, 1.0]).expect("first");
        cams.push(&[5.0, 5.0, 5.0, 5.0]).expect("flat");
        cams.set_human("b/live \"x\"", 3, &[0.0, 0.5, 0.25, 1.0]).expect("human");
        cams.set_human("a", 0, &[0.0; 4]).expect("human");
        cams
    }

    #[test]
    fn quantises_by_the_cams_own_range() {
        let cams = example();
        // 0.25 * 255 = 63.75 -> 64, 0.5 * 255 = 127.5 -> 128 (away from zero).
        assert_eq!(cams.cam(0), Some(&[0, 64, 128, 255][..]));
        assert_eq!(cams.cam(1), Some(&[0, 0, 0, 0][..]));
        assert_eq!(cams.cam(2), None);
        let mut wide = CamFile::new(1);
        wide.push(&[f32::MAX]).expect("one cell is flat");
        let mut wide = CamFile::new(2);
        wide.push(&[f32::MIN, 0.0, 0.0, f32::MAX]).expect("the range is beyond f32, not beyond f64");
        assert_eq!(wide.cam(0), Some(&[0, 128, 128, 255][..]));
    }

    #[test]
    fn reads_what_it_wrote_and_writes_the_same_bytes() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let (one, two) = (dir.path().join("1.safetensors"), dir.path().join("2.safetensors"));
        example().write(&one).expect("write");
        let read = CamFile::read(&one).expect("read");
        assert_eq!(read, example());
        read.write(&two).expect("write again");
        assert_eq!(fs_err::read(one).expect("bytes"), fs_err::read(two).expect("bytes"));
    }

    #[test]
    fn refuses_what_is_no_cam() {
        let refuse = |cam: &[f32], expected: &str| {
            let message = CamFile::new(2).push(cam).expect_err("must be refused").to_string();
            assert!(message.contains(expected), "{message}");
        };
        refuse(&[0.0; 3], "3 cells, the grid is 2x2");
        refuse(&[0.0, f32::NAN, 0.0, 0.0], "NaN in cell 1");
        let message = CamFile::new(1).set_human("a", 1, &[1.5]).expect_err("outside").to_string();
        assert!(message.contains("class `a` holds 1.5"), "{message}");
    }

    #[test]
    fn names_the_fault_of_a_bad_file() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("cams.safetensors");
        let check = |expected: &str| {
            let message = CamFile::read(&path).expect_err("must be refused").to_string();
            assert!(message.contains("cams.safetensors") && message.contains(expected), "{message}");
        };
        check("not found");
        example().write(&path).expect("write");
        let bytes = fs_err::read(&path).expect("bytes");
        fs_err::write(&path, &bytes[..bytes.len() - 3]).expect("cut short");
        check("cannot use");
        let other = TensorView::new(Dtype::U8, vec![1, 2, 3], &[0; 6]).expect("view");
        fs_err::write(&path, safetensors::serialize([("cams", other)], None).expect("bytes")).expect("write");
        check("expected U8 (n, grid, grid)");
    }
}
