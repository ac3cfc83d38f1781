//! What is said of a call that failed.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

/// Returns the service's code, or how the connection failed; never a message,
/// which may quote what was sent.
pub fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    match error {
        SdkError::ServiceError(service) => service.err().code().unwrap_or("unknown"),
        SdkError::TimeoutError(_) => "timeout",
        SdkError::DispatchFailure(_) => "no_connection",
        SdkError::ResponseError(_) => "unreadable_answer",
        _ => "not_sent",
    }
    .to_owned()
}

/// Returns the code of an answer that lacks what it must hold.
pub fn malformed() -> String {
    "malformed".to_owned()
}
