//! Images' channels one after the other.

use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};

use crate::OpsError;
use crate::fresh::written;
use crate::parallel::for_each_piece;
use crate::plain::{checked, dims4, tensor, values, with_values};

const OP: &str = "concat_channels";

/// The channels of all `tensors` in one, in their order: PyTorch's `torch.cat(tensors, 1)`.
///
/// Each gets its own channels of the gradient, copied once (candle's own `cat` hands out views, and adds them to zeros
/// value by value).
///
/// # Shapes
/// - `tensors`: `(batch, channels, height, width)`, channels may differ
/// - returns: `(batch, sum of the channels, height, width)`
///
/// # Errors
/// On another rank, type or device; if there is none; if batch, height or width differ from the first tensor's.
pub fn concat_channels(tensors: &[&Tensor]) -> Result<Tensor> {
    match *tensors {
        [] => Err(OpsError::Zero { op: OP, setting: "the number of tensors", found: (0, 0) }.into()),
        [only] => {
            dims4(OP, "tensors", only)?;
            checked(OP, "tensors", only)
        }
        [a, b] => {
            let concat = Concat::of([a, b])?;
            checked(OP, "tensors", a)?.apply_op2(&checked(OP, "tensors", b)?, concat)
        }
        [a, b, c] => {
            let concat = Concat::of([a, b, c])?;
            let (b, c) = (checked(OP, "tensors", b)?, checked(OP, "tensors", c)?);
            checked(OP, "tensors", a)?.apply_op3(&b, &c, concat)
        }
        _ => {
            // candle has operations of three inputs at most.
            let (first, last) = tensors.split_at(tensors.len() / 2);
            concat_channels(&[&concat_channels(first)?, &concat_channels(last)?])
        }
    }
}

struct Concat<const N: usize> {
    batch: usize,
    /// Channels of each input.
    channels: [usize; N],
    height: usize,
    width: usize,
}

impl<const N: usize> Concat<N> {
    fn of(tensors: [&Tensor; N]) -> Result<Self> {
        let [batch, _, height, width] = dims4(OP, "tensors", tensors[0])?;
        let mut channels = [0; N];
        for (n, tensor) in channels.iter_mut().zip(tensors) {
            let found = dims4(OP, "tensors", tensor)?;
            *n = found[1];
            if found != [batch, *n, height, width] {
                let expected = format!("the first one's batch, height and width, {batch}, {height}, {width}");
                let found = format!("shape {found:?}");
                return Err(OpsError::Shape { op: OP, tensor: "tensors", expected, found }.into());
            }
        }
        Ok(Self { batch, channels, height, width })
    }

    fn plane(&self) -> usize {
        self.height * self.width
    }

    /// Values of one image of the result.
    fn image(&self) -> usize {
        self.channels.iter().sum::<usize>() * self.plane()
    }

    fn join(&self, inputs: [&[f32]; N]) -> (CpuStorage, Shape) {
        let (image, plane) = (self.image(), self.plane());
        // SAFETY: the pieces are all images, and the inputs' channels are all of an image.
        #[expect(unsafe_code, reason = "see `written`")]
        let out = unsafe {
            written(self.batch * image, |out| {
                for_each_piece(out, image, |index, mut out| {
                    for (input, channels) in inputs.iter().zip(self.channels) {
                        let len = channels * plane;
                        let (here, rest) = out.split_at_mut(len);
                        here.write_copy_of_slice(&input[index * len..][..len]);
                        out = rest;
                    }
                });
            })
        };
        let shape = (self.batch, self.channels.iter().sum::<usize>(), self.height, self.width);
        (CpuStorage::F32(out), Shape::from(shape))
    }

    /// What each input gets of the gradient, if it wants any.
    fn split(&self, inputs: [&Tensor; N], grad: &Tensor) -> Result<[Option<Tensor>; N]> {
        let (image, plane) = (self.image(), self.plane());
        let mut parts = [const { None }; N];
        let mut start = 0;
        for ((part, input), channels) in parts.iter_mut().zip(inputs).zip(self.channels) {
            let len = channels * plane;
            if input.track_op() {
                let values = with_values(grad, |grad| {
                    // SAFETY: the pieces are all images, each copied whole.
                    #[expect(unsafe_code, reason = "see `written`")]
                    unsafe {
                        written(self.batch * len, |out| {
                            for_each_piece(out, len, |index, out| {
                                out.write_copy_of_slice(&grad[index * image + start..][..out.len()]);
                            });
                        })
                    }
                })?;
                *part = Some(tensor(values, input.dims())?);
            }
            start += len;
        }
        Ok(parts)
    }
}

impl CustomOp2 for Concat<2> {
    fn name(&self) -> &'static str {
        OP
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        Ok(self.join([values(s1, l1)?, values(s2, l2)?]))
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        _res: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let [a, b] = self.split([a, b], grad)?;
        Ok((a, b))
    }
}

impl CustomOp3 for Concat<3> {
    fn name(&self) -> &'static str {
        OP
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        Ok(self.join([values(s1, l1)?, values(s2, l2)?, values(s3, l3)?]))
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        c: &Tensor,
        _res: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let [a, b, c] = self.split([a, b, c], grad)?;
        Ok((a, b, c))
    }
}
