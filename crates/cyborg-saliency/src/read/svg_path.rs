//! SVG's path data to points.

use super::table::in_range;

/// How far a flattened curve may be from the true one, in the frame's pixels.
const TOLERANCE_PX: f64 = 0.05;

/// More points than this in one path are a mistake.
const MAX_POINTS: usize = 4_000_000;

/// A piece of a path: from one `M` to the next.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SubPath {
    pub(super) points: Vec<(f64, f64)>,
    pub(super) closed: bool,
}

/// Path data with all commands (`M L H V C S Q T A Z`, absolute and relative), curves as short lines. `scale` is how many
/// frame pixels a unit of the path is.
///
/// # Errors
/// What is wrong, without the place.
pub(super) fn flatten(data: &str, scale: f64) -> Result<Vec<SubPath>, String> {
    let mut numbers = Scanner { rest: data };
    let mut pen = Pen { paths: Vec::new(), at: (0.0, 0.0), start: (0.0, 0.0), n_points: 0, scale };
    let mut command = None;
    let (mut last_cubic, mut last_quadratic) = (None, None);
    loop {
        match numbers.command()? {
            Next::End => break,
            Next::Command(letter) => {
                if pen.paths.is_empty() && !letter.eq_ignore_ascii_case(&'M') {
                    return Err(format!("path data begin with `{letter}`: they must begin with `M`"));
                }
                command = Some(letter);
                if letter.eq_ignore_ascii_case(&'Z') {
                    pen.close();
                    (last_cubic, last_quadratic) = (None, None);
                    continue;
                }
            }
            Next::Number if command.is_none_or(|letter| letter.eq_ignore_ascii_case(&'Z')) => {
                return Err("path data have a number without a command".into());
            }
            Next::Number => {}
        }
        let letter = command.unwrap_or('M');
        let origin = if letter.is_ascii_lowercase() { pen.at } else { (0.0, 0.0) };
        let from = pen.at;
        let (mut cubic, mut quadratic) = (None, None);
        match letter.to_ascii_uppercase() {
            'M' => {
                pen.begin(numbers.point(origin)?)?;
                // Further pairs are lines.
                command = Some(if letter == 'm' { 'l' } else { 'L' });
            }
            'L' => pen.line(numbers.point(origin)?)?,
            'H' => pen.line((origin.0 + numbers.number()?, from.1))?,
            'V' => pen.line((from.0, origin.1 + numbers.number()?))?,
            'C' => {
                let (a, b, to) = (numbers.point(origin)?, numbers.point(origin)?, numbers.point(origin)?);
                pen.cubic(a, b, to)?;
                cubic = Some(b);
            }
            'S' => {
                let (b, to) = (numbers.point(origin)?, numbers.point(origin)?);
                pen.cubic(last_cubic.map_or(from, |last| mirrored(last, from)), b, to)?;
                cubic = Some(b);
            }
            'Q' => {
                let (a, to) = (numbers.point(origin)?, numbers.point(origin)?);
                pen.quadratic(a, to)?;
                quadratic = Some(a);
            }
            'T' => {
                let a = last_quadratic.map_or(from, |last| mirrored(last, from));
                pen.quadratic(a, numbers.point(origin)?)?;
                quadratic = Some(a);
            }
            'A' => {
                let (rx, ry, angle) = (numbers.number()?, numbers.number()?, numbers.number()?);
                let (large, sweep) = (numbers.flag()?, numbers.flag()?);
                pen.arc((rx.abs(), ry.abs()), angle.to_radians(), large, sweep, numbers.point(origin)?)?;
            }
            _ => return Err(format!("path data have the unknown command `{letter}`")),
        }
        (last_cubic, last_quadratic) = (cubic, quadratic);
    }
    Ok(pen.paths)
}

/// An ellipse as a closed line.
pub(super) fn ellipse(centre: (f64, f64), radii: (f64, f64), scale: f64) -> SubPath {
    let steps = arc_steps(radii.0.max(radii.1) * scale, std::f64::consts::TAU);
    let points = (0..steps)
        .map(|step| {
            let (sin, cos) = (step as f64 / steps as f64 * std::f64::consts::TAU).sin_cos();
            (centre.0 + radii.0 * cos, centre.1 + radii.1 * sin)
        })
        .collect();
    SubPath { points, closed: true }
}

/// Points of `points="x,y x,y"`.
pub(super) fn point_list(text: &str) -> Result<Vec<(f64, f64)>, String> {
    let mut numbers = Scanner { rest: text };
    let mut points = Vec::new();
    while !numbers.at_end() {
        points.push(numbers.point((0.0, 0.0))?);
    }
    Ok(points)
}

fn mirrored(point: (f64, f64), centre: (f64, f64)) -> (f64, f64) {
    (2.0 * centre.0 - point.0, 2.0 * centre.1 - point.1)
}

/// So many chords that none is farther than the tolerance from its arc: `r (1 - cos(step / 2))`.
fn arc_steps(radius_px: f64, angle: f64) -> usize {
    let step = 2.0 * (1.0 - (TOLERANCE_PX / radius_px.max(TOLERANCE_PX)).min(1.0)).acos();
    ((angle.abs() / step.max(1e-3)).ceil() as usize).clamp(8, 10_000)
}

struct Pen {
    paths: Vec<SubPath>,
    at: (f64, f64),
    start: (f64, f64),
    n_points: usize,
    scale: f64,
}

impl Pen {
    fn begin(&mut self, point: (f64, f64)) -> Result<(), String> {
        self.paths.push(SubPath { points: Vec::new(), closed: false });
        self.start = point;
        self.push(point)
    }

    fn push(&mut self, point: (f64, f64)) -> Result<(), String> {
        let point = (in_range(point.0, "a coordinate")?, in_range(point.1, "a coordinate")?);
        self.n_points += 1;
        if self.n_points > MAX_POINTS {
            return Err(format!("the path has more than {MAX_POINTS} points"));
        }
        if let Some(path) = self.paths.last_mut() {
            path.points.push(point);
        }
        self.at = point;
        Ok(())
    }

    fn line(&mut self, to: (f64, f64)) -> Result<(), String> {
        self.reopen()?;
        self.push(to)
    }

    /// After `Z` without `M`, the next piece begins where the last one did.
    fn reopen(&mut self) -> Result<(), String> {
        if self.paths.last().is_some_and(|path| path.closed) { self.begin(self.start) } else { Ok(()) }
    }

    fn close(&mut self) {
        if let Some(path) = self.paths.last_mut() {
            path.closed = true;
        }
        self.at = self.start;
    }

    /// The chords of a curve whose second differences are at most `bend`: their distance from it is below
    /// `factor * bend / steps^2`.
    fn curve(
        &mut self,
        bend: f64,
        factor: f64,
        to: (f64, f64),
        at: impl Fn(f64) -> (f64, f64),
    ) -> Result<(), String> {
        self.reopen()?;
        let steps = (factor * bend * self.scale / TOLERANCE_PX).sqrt().ceil().clamp(1.0, 1000.0) as usize;
        for step in 1..steps {
            self.push(at(step as f64 / steps as f64))?;
        }
        self.push(to)
    }

    fn cubic(&mut self, a: (f64, f64), b: (f64, f64), to: (f64, f64)) -> Result<(), String> {
        let from = self.at;
        let bend = second_difference(from, a, b).max(second_difference(a, b, to));
        self.curve(bend, 0.75, to, |t| {
            let (s, mix) = (1.0 - t, |p: [f64; 4], s: f64| {
                s * s * s * p[0] + 3.0 * s * s * t * p[1] + 3.0 * s * t * t * p[2] + t * t * t * p[3]
            });
            (mix([from.0, a.0, b.0, to.0], s), mix([from.1, a.1, b.1, to.1], s))
        })
    }

    fn quadratic(&mut self, a: (f64, f64), to: (f64, f64)) -> Result<(), String> {
        let from = self.at;
        self.curve(second_difference(from, a, to), 0.25, to, |t| {
            let s = 1.0 - t;
            let mix = |p: f64, q: f64, r: f64| s * s * p + 2.0 * s * t * q + t * t * r;
            (mix(from.0, a.0, to.0), mix(from.1, a.1, to.1))
        })
    }

    /// From SVG's endpoint form to centre and angles (SVG 2, appendix B.2.4).
    fn arc(
        &mut self,
        (rx, ry): (f64, f64),
        angle: f64,
        large: bool,
        sweep: bool,
        to: (f64, f64),
    ) -> Result<(), String> {
        self.reopen()?;
        let from = self.at;
        if rx == 0.0 || ry == 0.0 || from == to {
            return self.push(to);
        }
        let (sin, cos) = angle.sin_cos();
        let half = ((from.0 - to.0) / 2.0, (from.1 - to.1) / 2.0);
        let (x, y) = (cos * half.0 + sin * half.1, cos * half.1 - sin * half.0);
        let reach = (x / rx).powi(2) + (y / ry).powi(2);
        let grow = reach.max(1.0).sqrt();
        let (rx, ry) = (rx * grow, ry * grow);
        let left = ((rx * ry).powi(2) - (rx * y).powi(2) - (ry * x).powi(2)).max(0.0);
        let factor =
            (left / ((rx * y).powi(2) + (ry * x).powi(2))).sqrt() * if large == sweep { -1.0 } else { 1.0 };
        let (cx, cy) = (factor * rx * y / ry, -factor * ry * x / rx);
        let centre = (
            cos * cx - sin * cy + f64::midpoint(from.0, to.0),
            sin * cx + cos * cy + f64::midpoint(from.1, to.1),
        );
        let start = ((y - cy) / ry).atan2((x - cx) / rx);
        let end = ((-y - cy) / ry).atan2((-x - cx) / rx);
        let mut turn = (end - start) % std::f64::consts::TAU;
        if sweep && turn < 0.0 {
            turn += std::f64::consts::TAU;
        } else if !sweep && turn > 0.0 {
            turn -= std::f64::consts::TAU;
        }
        let steps = arc_steps(rx.max(ry) * self.scale, turn);
        for step in 1..steps {
            let (s, c) = (start + turn * step as f64 / steps as f64).sin_cos();
            let (x, y) = (rx * c, ry * s);
            self.push((centre.0 + cos * x - sin * y, centre.1 + sin * x + cos * y))?;
        }
        self.push(to)
    }
}

fn second_difference(a: (f64, f64), b: (f64, f64), c: (f64, f64)) -> f64 {
    (a.0 - 2.0 * b.0 + c.0).hypot(a.1 - 2.0 * b.1 + c.1)
}

/// Numbers and commands of SVG attributes, in which separators may be left out: `M10-5.5.25`.
struct Scanner<'a> {
    rest: &'a str,
}

enum Next {
    End,
    Command(char),
    Number,
}

impl Scanner<'_> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start_matches(|c: char| c == ',' || c.is_ascii_whitespace());
    }

    fn at_end(&mut self) -> bool {
        self.skip();
        self.rest.is_empty()
    }

    fn command(&mut self) -> Result<Next, String> {
        self.skip();
        match self.rest.chars().next() {
            None => Ok(Next::End),
            Some(letter) if letter.is_ascii_alphabetic() => {
                self.rest = &self.rest[1..];
                Ok(Next::Command(letter))
            }
            Some(c) if c.is_ascii_digit() || "+-.".contains(c) => Ok(Next::Number),
            Some(c) => Err(format!("path data have the character `{c}`")),
        }
    }

    fn number(&mut self) -> Result<f64, String> {
        self.skip();
        let bytes = self.rest.as_bytes();
        let digits = |mut at: usize| {
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            at
        };
        let mut end = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
        end = digits(end);
        if bytes.get(end) == Some(&b'.') {
            end = digits(end + 1);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            if bytes.get(end + 1 + sign).is_some_and(u8::is_ascii_digit) {
                end = digits(end + 1 + sign);
            }
        }
        let (text, rest) = self.rest.split_at(end);
        let number = text
            .parse()
            .map_err(|_| format!("a number is missing before `{}`", super::table::shortened(self.rest)))?;
        self.rest = rest;
        in_range(number, "a coordinate")
    }

    fn point(&mut self, origin: (f64, f64)) -> Result<(f64, f64), String> {
        Ok((origin.0 + self.number()?, origin.1 + self.number()?))
    }

    /// One digit, 0 or 1, perhaps with nothing after it: `a1 1 0 0110 10`.
    fn flag(&mut self) -> Result<bool, String> {
        self.skip();
        let flag = match self.rest.as_bytes().first() {
            Some(b'0') => false,
            Some(b'1') => true,
            _ => return Err("an arc's flag is missing: it must be 0 or 1".into()),
        };
        self.rest = &self.rest[1..];
        Ok(flag)
    }
}
