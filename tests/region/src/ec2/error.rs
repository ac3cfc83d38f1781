//! Errors as EC2 gives them.

use std::fmt;

use crate::ec2::xml::Xml;
use crate::instance::hex_digits;

/// An error of the EC2 API, with the code that clients decide by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ec2Error {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Ec2Error {
    /// An error that the caller can mend (status 400).
    pub(crate) fn client(code: &str, message: impl Into<String>) -> Self {
        Self {
            status: 400,
            code: code.to_owned(),
            message: message.into(),
        }
    }

    /// An error on EC2's side.
    pub(crate) fn server(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
        }
    }

    pub(crate) fn missing(parameter: &str) -> Self {
        Self::client(
            "MissingParameter",
            format!("The request must contain the parameter {parameter}"),
        )
    }

    pub(crate) fn invalid_value(parameter: &str, value: &str, expected: &str) -> Self {
        Self::client(
            "InvalidParameterValue",
            format!("Invalid value '{value}' for {parameter}. Expected: {expected}"),
        )
    }

    /// The body of the answer.
    pub(crate) fn to_xml(&self) -> String {
        let mut xml = Xml::document();
        xml.nest("Response", |xml| {
            xml.nest("Errors", |xml| {
                xml.nest("Error", |xml| {
                    xml.text("Code", &self.code);
                    xml.text("Message", &self.message);
                });
            });
            xml.text("RequestID", &request_id());
        });
        xml.finish()
    }
}

impl fmt::Display for Ec2Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.code, self.message)
    }
}

/// A request id in the shape that AWS uses.
pub(crate) fn request_id() -> String {
    let digits = hex_digits(32);
    [
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..],
    ]
    .join("-")
}
