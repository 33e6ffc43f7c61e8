//! What is wrong with a setting, and where.

use std::fmt;

/// One step from a mapping or list to a value inside it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The step goes into the field of this name of a mapping.
    Field(String),
    /// The step goes to the element of this number, from 0, of a list.
    Index(usize),
}

impl Step {
    /// A step into the field of this name.
    pub fn field(name: impl Into<String>) -> Self {
        Self::Field(name.into())
    }
}

/// A path in the notation of programming languages: `methods[1].alpha`.
pub fn render_path(path: &[Step]) -> String {
    let steps = path.iter().enumerate().map(|(at, step)| match step {
        Step::Field(name) if at == 0 => name.clone(),
        Step::Field(name) => format!(".{name}"),
        Step::Index(index) => format!("[{index}]"),
    });
    steps.collect()
}

/// A setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The way from the part's own fields to the value; empty where the fault concerns the part as a whole.
    pub path: Vec<Step>,
    /// This says what is wrong, without the path.
    pub message: String,
    /// This says what is valid or what to do, where that is known.
    pub hint: Option<String>,
}

impl Fault {
    /// A fault of one of the part's own fields.
    pub fn of_field(field: &str, message: impl Into<String>, hint: Option<String>) -> Self {
        Self { path: vec![Step::field(field)], message: message.into(), hint }
    }

    /// The same fault as seen from further outside: `steps` lead to the part.
    #[must_use]
    pub fn below(mut self, steps: &[Step]) -> Self {
        self.path.splice(0..0, steps.iter().cloned());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "`{}`: ", render_path(&self.path))?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}
