//! Values that are given when a stack is deployed.

/// A value that is given when a stack is deployed.
///
/// ```
/// use lightsout_core::Parameter;
///
/// let image = Parameter::new()
///     .default("ami-0a1b2c3d")
///     .description("Image of the hosts");
/// let password = Parameter::new().no_echo();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    pub(crate) kind: &'static str,
    pub(crate) default: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) pattern: Option<String>,
    pub(crate) no_echo: bool,
}

impl Parameter {
    /// A text parameter without a default.
    pub const fn new() -> Self {
        Self::of_type("String")
    }

    /// A parameter of another type, such as
    /// `AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>`.
    pub const fn of_type(kind: &'static str) -> Self {
        Self {
            kind,
            default: None,
            description: None,
            pattern: None,
            no_echo: false,
        }
    }

    /// Gives the value that is used if none is given.
    pub fn default(mut self, value: impl Into<String>) -> Self {
        self.default = Some(value.into());
        self
    }

    /// Says what the value is for.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Accepts only values that match this regular expression as a whole.
    pub fn pattern(mut self, expression: impl Into<String>) -> Self {
        self.pattern = Some(expression.into());
        self
    }

    /// Keeps the value out of consoles and command output.
    pub fn no_echo(mut self) -> Self {
        self.no_echo = true;
        self
    }
}

impl Default for Parameter {
    fn default() -> Self {
        Self::new()
    }
}
