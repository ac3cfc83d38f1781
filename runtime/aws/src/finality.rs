//! Answers that trying again does not change.

use std::{fmt, marker::PhantomData};

use aws_smithy_runtime_api::client::{
    interceptors::context::InterceptorContext,
    retries::classifiers::{ClassifyRetry, RetryAction},
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// Keeps the SDK from trying again what an operation with the error `E` has answered for good.
///
/// EC2 says with the status of a server's fault that it has no capacity. The SDK takes that
/// for one that passes, and would ask five times, with waits of several seconds, before the
/// next type or zone is tried.
pub struct Final<E> {
    is_final: fn(&str) -> bool,
    error: PhantomData<fn() -> E>,
}

impl<E> Final<E> {
    /// Takes the answers for final whose codes `is_final` names.
    pub fn new(is_final: fn(&str) -> bool) -> Self {
        Self {
            is_final,
            error: PhantomData,
        }
    }
}

impl<E> fmt::Debug for Final<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Final")
    }
}

impl<E> ClassifyRetry for Final<E>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let answered = context.output_or_error();
        let error = answered.and_then(|answer| answer.err()?.as_operation_error());
        let code = error.and_then(|error| error.downcast_ref::<E>()?.code());
        if code.is_some_and(self.is_final) {
            RetryAction::RetryForbidden
        } else {
            RetryAction::NoActionIndicated
        }
    }

    fn name(&self) -> &'static str {
        "final answers"
    }
}
