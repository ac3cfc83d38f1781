//! Environments: the variables of a program, seen from both sides.

use std::fmt;

use crate::{Binary, Capability, Endpoint, Setting};

/// Which side of a deployment is looking at the contract.
pub trait Side {
    /// How this side holds the capability `C`.
    type Of<C: Capability>;
}

/// The running program's side: a concrete [`Endpoint`].
pub struct Live;

impl Side for Live {
    type Of<C: Capability> = Endpoint<C>;
}

/// A deployable binary: its name, what it works on, and what it needs.
pub trait Program {
    /// The binary, as [`binary!`](crate::binary) finds it in its package's manifest.
    const BINARY: Binary;
    /// What the program is invoked with or receives.
    type Message;
    /// What the program needs from its surroundings, as `S` holds it.
    type Environment<S: Side>: Environment<S>;
}

/// An environment that can be flattened into variables.
pub trait Environment<S: Side> {
    /// Hands each variable to `visitor`, in the order of declaration.
    fn visit(self, visitor: &mut impl Visitor<S>);
}

/// What an [`Environment`] is flattened into.
pub trait Visitor<S: Side> {
    /// Takes the variable `name`, which holds the capability `C`.
    fn variable<C: Capability>(&mut self, name: &'static str, value: S::Of<C>);
}

/// Everything that is wrong with a program's environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentError {
    /// One entry for each variable that is missing or malformed.
    pub faults: Vec<Fault>,
}

/// What is wrong with one variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The variable is not set, or empty.
    Missing {
        /// The variable's name.
        name: &'static str,
    },
    /// The variable holds something that is not of the declared type.
    Malformed {
        /// The variable's name.
        name: &'static str,
        /// What it holds.
        value: String,
        /// The declared type.
        wanted: &'static str,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { name } => write!(f, "`{name}` is missing"),
            Self::Malformed {
                name,
                value,
                wanted,
            } => write!(f, "`{name}` holds `{value}`, which is not a {wanted}"),
        }
    }
}

impl fmt::Display for EnvironmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the environment is incomplete: ")?;
        for (i, fault) in self.faults.iter().enumerate() {
            if i > 0 {
                f.write_str("; ")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for EnvironmentError {}

/// A capability that can be read from one environment variable.
pub trait Variable: Capability + Sized {
    /// Checks the text of the variable; the error names the wanted type.
    fn check(text: &str) -> Result<(), &'static str>;
}

macro_rules! addresses {
    ($($name:ident),+) => {
        $(impl<T> Variable for crate::$name<T> {
            fn check(_: &str) -> Result<(), &'static str> {
                Ok(())
            }
        })+
    };
}

addresses!(
    SendInOrder,
    SendTo,
    ReceiveFrom,
    MeasureQueue,
    ReadObjects,
    WriteObjects,
    AppendItems,
    UpdateItems,
    HandOutObjects,
    ReadItems,
    WriteItems,
    Invoke,
    LaunchFrom,
    TerminateFleet,
    ReadParameter,
    ReadSecret,
    RotateSecret
);

impl<T: std::str::FromStr> Variable for Setting<T> {
    fn check(text: &str) -> Result<(), &'static str> {
        match text.parse::<T>() {
            Ok(_) => Ok(()),
            Err(_) => Err(std::any::type_name::<T>()),
        }
    }
}

/// Reads variables and remembers every fault; the [`environment!`](crate::environment) macro uses it.
#[doc(hidden)]
pub struct Reader<F> {
    get: F,
    faults: Vec<Fault>,
}

impl<F: Fn(&str) -> Option<String>> Reader<F> {
    #[doc(hidden)]
    pub fn new(get: F) -> Self {
        Self {
            get,
            faults: Vec::new(),
        }
    }

    #[doc(hidden)]
    pub fn read<C: Variable>(&mut self, name: &'static str) -> Endpoint<C> {
        let value = (self.get)(name).unwrap_or_default();
        if value.is_empty() {
            self.faults.push(Fault::Missing { name });
        } else if let Err(wanted) = C::check(&value) {
            self.faults.push(Fault::Malformed {
                name,
                value: value.clone(),
                wanted,
            });
        }
        Endpoint::new(value)
    }

    #[doc(hidden)]
    pub fn finish<E>(self, environment: E) -> Result<E, EnvironmentError> {
        if self.faults.is_empty() {
            Ok(environment)
        } else {
            Err(EnvironmentError {
                faults: self.faults,
            })
        }
    }
}

/// Declares an environment: one struct, seen from both sides.
///
/// Each field is a capability and the variable that carries its address. See
/// the [crate's documentation](crate) for an example.
#[macro_export]
macro_rules! environment {
    ($(#[$meta:meta])* $visibility:vis struct $name:ident {
        $($(#[$doc:meta])* $field:ident : $capability:ty = $variable:literal,)+
    }) => {
        $(#[$meta])*
        $visibility struct $name<S: $crate::Side> {
            $($(#[$doc])* pub $field: S::Of<$capability>,)+
        }

        impl<S: $crate::Side> $crate::Environment<S> for $name<S> {
            fn visit(self, visitor: &mut impl $crate::Visitor<S>) {
                $(visitor.variable::<$capability>($variable, self.$field);)+
            }
        }

        impl $name<$crate::Live> {
            /// The names of the variables, in the order of declaration.
            pub const VARIABLES: &'static [&'static str] = &[$($variable),+];

            /// Reads every variable through `get`, or names all that are wrong.
            pub fn from_variables(
                get: impl Fn(&str) -> Option<String>,
            ) -> Result<Self, $crate::EnvironmentError> {
                let mut reader = $crate::Reader::new(get);
                let environment = Self { $($field: reader.read::<$capability>($variable),)+ };
                reader.finish(environment)
            }
        }
    };
}
