//! What can be added to a scope.

use crate::{Ref, ResourceType, Scope};

/// Anything that can be added to a scope: one resource or a whole system.
///
/// The definition is consumed and a handle comes back, so nothing can be
/// configured after it was added.
///
/// ```
/// use lightsout_core::{App, Construct, Properties, Ref, ResourceType, Scope, Stage};
/// # #[derive(Default)]
/// # struct Queue(Properties);
/// # impl From<Queue> for Properties { fn from(queue: Queue) -> Self { queue.0 } }
/// # impl ResourceType for Queue {
/// #     const TYPE: &'static str = "AWS::SQS::Queue";
/// #     const REQUIRED: &'static [&'static str] = &[];
/// # }
///
/// /// Work that waits, and work that failed.
/// struct Intake;
///
/// struct IntakeRef {
///     jobs: Ref<Queue>,
///     failed: Ref<Queue>,
/// }
///
/// impl Construct for Intake {
///     type Handle = IntakeRef;
///
///     fn build(self, scope: &mut Scope<'_>) -> IntakeRef {
///         IntakeRef {
///             jobs: scope.add("Jobs", Queue::default()),
///             failed: scope.add("Failed", Queue::default()),
///         }
///     }
/// }
///
/// let mut app = App::new("lightsout", Stage::new("dev"));
/// let intake = app.stack("Pipeline").add("Intake", Intake);
/// assert_ne!(intake.jobs, intake.failed);
/// app.synth()?.template("Pipeline").count::<Queue>(2);
/// # Ok::<(), lightsout_core::SynthError>(())
/// ```
pub trait Construct {
    /// What the caller gets back to refer to it.
    type Handle;

    /// Adds the construct's resources to `scope`, which is the construct's own.
    fn build(self, scope: &mut Scope<'_>) -> Self::Handle;
}

/// Every raw resource is a construct, so nothing in AWS is out of reach.
impl<R: ResourceType> Construct for R {
    type Handle = Ref<R>;

    fn build(self, scope: &mut Scope<'_>) -> Ref<R> {
        scope.insert(self)
    }
}
