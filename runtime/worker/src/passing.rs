//! Which errors of AWS pass by waiting.

use aws_runtime::retries::classifiers::{THROTTLING_ERRORS, TRANSIENT_ERRORS};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

/// Returns whether the same call may succeed later, though the SDK's own retries are used up.
///
/// A service that throttles, fails, or cannot be reached passes. What it refuses with a 4xx
/// does not: a person has to change a policy, a key, or the object.
pub(crate) fn may_pass<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    let named = |codes: &[&str]| error.code().is_some_and(|code| codes.contains(&code));
    if named(THROTTLING_ERRORS) || named(TRANSIENT_ERRORS) {
        return true;
    }
    match error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            !(400..500).contains(&status) || matches!(status, 408 | 429)
        }
        SdkError::ConstructionFailure(_) => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::{
        config::http::HttpResponse, error::ErrorMetadata, operation::get_object::GetObjectError,
        primitives::SdkBody,
    };

    use super::*;

    fn answered(status: u16, code: &str) -> SdkError<GetObjectError> {
        let error = ErrorMetadata::builder().code(code).build();
        let raw = HttpResponse::new(status.try_into().unwrap(), SdkBody::empty());
        SdkError::service_error(GetObjectError::generic(error), raw)
    }

    #[test]
    fn what_is_throttled_or_down_passes_and_what_is_refused_does_not() {
        for (status, code, passes) in [
            (400, "ThrottlingException", true),
            (400, "ProvisionedThroughputExceededException", true),
            (429, "Unheard", true),
            (503, "SlowDown", true),
            (500, "InternalError", true),
            (403, "AccessDenied", false),
            (400, "KMS.DisabledException", false),
            (400, "ValidationException", false),
        ] {
            assert_eq!(may_pass(&answered(status, code)), passes, "{code}");
        }
        let silent: SdkError<GetObjectError> = SdkError::timeout_error("nothing came");
        assert!(may_pass(&silent));
    }
}
