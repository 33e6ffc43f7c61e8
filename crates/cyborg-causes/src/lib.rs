#![doc = include_str!("../README.md")]

mod printable;

pub use printable::{for_terminal, shown};

use std::error::Error;

/// The error and its causes with colons between them, for a cell of a table or a line of a list. Control characters of names
/// from elsewhere are shown as their escapes; ends of lines that the messages have stay.
pub fn on_one_line(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    for_terminal(&text).into_owned()
}

/// The error and its causes, one a line, as the command line prints them. A cause that the text holds already is left out:
/// some libraries repeat their source in their own text. Control characters of names from elsewhere are shown as their escapes.
pub fn a_line_each(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let line = error.to_string();
        if !text.contains(&line) {
            text.push_str("\n  caused by: ");
            text.push_str(&line);
        }
        cause = error.source();
    }
    for_terminal(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt;

    #[derive(Debug)]
    struct Step(&'static str, Option<Box<Step>>);

    impl fmt::Display for Step {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str(self.0)
        }
    }

    impl Error for Step {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|step| step as &dyn Error)
        }
    }

    #[test]
    fn causes_follow_in_order() {
        let disk = Step("disk full", None);
        let write = Step("cannot write `a`: disk full", Some(Box::new(disk)));
        let run = Step("run failed", Some(Box::new(write)));
        assert_eq!(on_one_line(&run), "run failed: cannot write `a`: disk full: disk full");
        assert_eq!(a_line_each(&run), "run failed\n  caused by: cannot write `a`: disk full");
    }
}
