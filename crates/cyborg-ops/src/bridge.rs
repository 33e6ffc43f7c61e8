//! A tape as a part of candle's graph.
//!
//! Every tensor whose gradient the tape computes is an argument of a node that gives a *token*, a scalar; each of these nodes
//! also takes the token of the one before. A node for each result takes the last token and gives the values computed
//! already. candle goes back in topological order: first the nodes of the results, which put their gradients aside; then
//! the node of the last token, which runs the tape backward; then the others, each of which hands out the gradients of its
//! own tensors.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::backprop::GradStore;
use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, CustomOp3, DType, Device, Layout, Result, Shape, Tensor,
};

use crate::layout;
use crate::plain::{tensor, with_values};
use crate::tape::{Recording, Slot, Tape, Value};

impl Tape {
    /// [`Tape::finish_all`] for a number of results that is known.
    ///
    /// # Errors
    /// As there.
    pub fn finish<const N: usize>(self, results: [&Value; N]) -> Result<[Tensor; N]> {
        match self.finish_all(&results)?.try_into() {
            Ok(tensors) => Ok(tensors),
            Err(_) => candle_core::bail!("internal error in cyborg-ops: other results than were asked for"),
        }
    }

    /// Tensors of these results in their order, `(batch, channels, height, width)` each, through which gradients reach
    /// everything that the tape recorded.
    ///
    /// The way back can be taken once: what a tape holds is dropped on the way. All results that a loss uses must be in one
    /// call of this.
    ///
    /// # Errors
    /// Only if candle refuses; `backward` of a loss fails if it is called a second time.
    pub fn finish_all(self, results: &[&Value]) -> Result<Vec<Tensor>> {
        let recording = self.into_recording();
        let token =
            if results.iter().any(|value| value.slot().is_some()) { Some(token(recording)?) } else { None };
        let tensor_of = |value: &&Value| {
            let shape = value.shape();
            let values = layout::planes_from_pixels(value.values(), shape.channels, shape.plane());
            match (&token, value.slot()) {
                (Some((token, way)), Some(slot)) => token.apply_op1(Emit {
                    values: Mutex::new(Some(values)),
                    dims: value.dims(),
                    slot,
                    way: Arc::clone(way),
                }),
                _ => tensor(values, &value.dims()),
            }
        };
        results.iter().map(tensor_of).collect()
    }
}

/// The gradients of a loss: what [`Tensor::backward`] gives, to the bit but for zeros' signs, with fewer passes over memory.
///
/// candle adds each gradient to a tensor of zeros. Here those of variables that tapes compute are moved into the store.
///
/// # Errors
/// As [`Tensor::backward`].
pub fn backward(loss: &Tensor) -> Result<GradStore> {
    let outer = ASIDE.replace(Some(Vec::new()));
    let store = loss.backward();
    let aside = ASIDE.replace(outer);
    let mut store = store?;
    for (variable, gradient) in aside.unwrap_or_default() {
        let gradient = match store.remove(&variable) {
            Some(other) => (other + gradient)?,
            None => gradient,
        };
        store.insert(&variable, gradient);
    }
    Ok(store)
}

thread_local! {
    /// Gradients of variables, while [`backward`] runs on this thread.
    static ASIDE: RefCell<Option<Vec<(Tensor, Tensor)>>> = const { RefCell::new(None) };
}

/// Keeps the gradient of a variable from candle if [`backward`] is waiting for it.
fn put_aside(variable: &Tensor, gradient: Tensor) -> Option<Tensor> {
    ASIDE.with_borrow_mut(|aside| match aside {
        Some(aside) => {
            aside.push((variable.clone(), gradient));
            None
        }
        None => Some(gradient),
    })
}

/// The way back through one tape.
struct Way(Mutex<Stage>);

enum Stage {
    /// Gradients of results are put here.
    Open { recording: Recording, results: Vec<(Slot, Vec<f32>)> },
    /// Gradients of the tape's tensors, to be handed out.
    Done(Vec<Option<Vec<f32>>>),
    /// Handed out.
    Over,
}

impl Way {
    fn lock(&self) -> MutexGuard<'_, Stage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the gradient of a result aside.
    fn arrive(&self, slot: Slot, gradient: Vec<f32>) -> Result<()> {
        match &mut *self.lock() {
            Stage::Open { results, .. } => {
                results.push((slot, gradient));
                Ok(())
            }
            Stage::Done(_) | Stage::Over => candle_core::bail!(
                "`backward` was called a second time on results of one forward pass, whose values are dropped on the way \
                 back: run the forward pass again, or call `backward` once on the sum of the losses"
            ),
        }
    }

    /// The gradients of the tensors from number `first` on; runs the tape backward if this has not been done.
    fn gradients(&self, first: usize, tensors: &[&Tensor]) -> Result<Vec<Option<Tensor>>> {
        let mut stage = self.lock();
        if let Stage::Open { .. } = *stage
            && let Stage::Open { recording, results } = std::mem::replace(&mut *stage, Stage::Over)
        {
            *stage = Stage::Done(recording.run(results)?);
        }
        let Stage::Done(gradients) = &mut *stage else {
            candle_core::bail!("internal error in cyborg-ops: gradients were asked for twice");
        };
        let of_tensor = |(gradient, like): (&mut Option<Vec<f32>>, &&Tensor)| match gradient.take() {
            Some(gradient) => {
                let gradient = tensor(gradient, like.dims())?;
                Ok(if like.is_variable() { put_aside(like, gradient) } else { Some(gradient) })
            }
            // candle goes on through what is no variable, with or without a gradient.
            None if !like.is_variable() => like.zeros_like().map(Some),
            None => Ok(None),
        };
        let found = gradients[first..].iter_mut().zip(tensors).map(of_tensor).collect();
        if first == 0 {
            *stage = Stage::Over;
        }
        found
    }
}

/// The last token of a recording.
fn token(recording: Recording) -> Result<(Tensor, Arc<Way>)> {
    let tensors = recording.parameters.clone();
    let way = Arc::new(Way(Mutex::new(Stage::Open { recording, results: Vec::new() })));
    let mut token = Tensor::zeros((), DType::F32, &Device::Cpu)?;
    for (index, pair) in tensors.chunks(2).enumerate() {
        let inject = Inject { first: 2 * index, way: Arc::clone(&way) };
        token = match pair {
            [a, b] => token.apply_op3(a, b, inject)?,
            [a] => token.apply_op2(a, inject)?,
            _ => token,
        };
    }
    Ok((token, way))
}

fn zero() -> (CpuStorage, Shape) {
    (CpuStorage::F32(vec![0.0]), Shape::from(()))
}

/// A token of the one before and one or two tensors.
struct Inject {
    /// Number of its first tensor.
    first: usize,
    way: Arc<Way>,
}

impl Inject {
    /// The token before the first is a constant.
    fn of_token(&self, token: &Tensor) -> Result<Option<Tensor>> {
        if self.first == 0 { Ok(None) } else { token.zeros_like().map(Some) }
    }
}

impl CustomOp2 for Inject {
    fn name(&self) -> &'static str {
        "tape"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok(zero())
    }

    fn bwd(
        &self,
        token: &Tensor,
        a: &Tensor,
        _res: &Tensor,
        _grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let mut gradients = self.way.gradients(self.first, &[a])?;
        Ok((self.of_token(token)?, gradients.pop().flatten()))
    }
}

impl CustomOp3 for Inject {
    fn name(&self) -> &'static str {
        "tape"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        Ok(zero())
    }

    fn bwd(
        &self,
        token: &Tensor,
        a: &Tensor,
        b: &Tensor,
        _res: &Tensor,
        _grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let mut gradients = self.way.gradients(self.first, &[a, b])?;
        let b = gradients.pop().flatten();
        Ok((self.of_token(token)?, gradients.pop().flatten(), b))
    }
}

/// A result.
struct Emit {
    /// Until candle has them.
    values: Mutex<Option<Vec<f32>>>,
    dims: [usize; 4],
    slot: Slot,
    way: Arc<Way>,
}

impl CustomOp1 for Emit {
    fn name(&self) -> &'static str {
        "tape"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        let values = self.values.lock().unwrap_or_else(PoisonError::into_inner).take();
        match values {
            Some(values) => Ok((CpuStorage::F32(values), Shape::from(self.dims.to_vec()))),
            None => candle_core::bail!("internal error in cyborg-ops: a result was asked for twice"),
        }
    }

    fn bwd(&self, token: &Tensor, _res: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let [_, channels, height, width] = self.dims;
        let gradient = with_values(grad, |g| layout::pixels_from_planes(g, channels, height * width))?;
        self.way.arrive(self.slot, gradient)?;
        token.zeros_like().map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Conv2dConfig;
    use candle_core::Var;

    /// A weight that two tapes and candle itself use.
    #[test]
    fn gradients_put_aside_are_candles() -> Result<()> {
        let device = Device::Cpu;
        let images = Tensor::arange(0.0_f32, 96.0, &device)?.reshape((2, 3, 4, 4))?.affine(0.01, 0.0)?;
        let weight = Var::from_tensor(&Tensor::arange(0.0_f32, 54.0, &device)?.reshape((2, 3, 3, 3))?)?;
        let loss = || -> Result<Tensor> {
            let mut loss = weight.as_tensor().sqr()?.sum_all()?;
            for factor in [1.0, 2.0] {
                let tape = Tape::new(true);
                let maps = tape.conv2d(&tape.input(&images)?, &weight, Conv2dConfig::default())?;
                let [maps] = tape.finish([&maps])?;
                loss = (loss + (maps.sum_all()? * factor)?)?;
            }
            Ok(loss)
        };
        let values = |store: &GradStore| {
            store.get(&weight).expect("a gradient").flatten_all().and_then(|g| g.to_vec1::<f32>())
        };
        let expected = values(&loss()?.backward()?)?;
        let found = values(&backward(&loss()?)?)?;
        // Three terms of a few hundred, added in another order: half a unit of the last place each.
        let close = |(found, expected): (&f32, &f32)| (found - expected).abs() <= 2e-7 * expected.abs();
        assert!(found.iter().zip(&expected).all(close), "{found:?} {expected:?}");
        assert!(ASIDE.with_borrow(Option::is_none));
        Ok(())
    }
}
