//! Where in a resource a value is.

use std::fmt;

/// A path that costs nothing until somebody wants to read it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Path<'p> {
    Root,
    Key(&'p Self, &'p str),
    Item(&'p Self, usize),
}

impl<'p> Path<'p> {
    pub(super) const fn key(&'p self, name: &'p str) -> Self {
        Self::Key(self, name)
    }

    pub(super) const fn item(&'p self, at: usize) -> Self {
        Self::Item(self, at)
    }

    /// Returns the innermost name.
    pub(super) fn name(&self) -> &'p str {
        match self {
            Self::Root => "",
            Self::Key(_, name) => name,
            Self::Item(of, _) => of.name(),
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (of, dot) = match self {
            Self::Root => return Ok(()),
            Self::Key(of, _) | Self::Item(of, _) => {
                (of, if matches!(of, Path::Root) { "" } else { "." })
            }
        };
        write!(f, "{of}{dot}")?;
        match self {
            Self::Root => Ok(()),
            Self::Key(_, name) => f.write_str(name),
            Self::Item(_, at) => write!(f, "{at}"),
        }
    }
}
