//! Patient data that cannot be shown, logged or stored by accident.
//!
//! [`Phi`] holds what a chart says. It has no `Display`, no `Debug` and no `Serialize`, so a
//! line that would print, log or send it does not compile. [`Phi::open`] wants an
//! [`AuditContext`]: something that stands for a record of who reads what, and why. What it
//! held is [erased](Erase) when it is dropped.
//!
//! ```
//! use lightsout_phi::{Phi, Synthetic};
//!
//! let chart = Phi::new("Assessment: gout.".to_owned());
//! let length = chart.map(String::len);
//! assert_eq!(*length.open(&Synthetic), 17);
//! ```
//!
//! Printing it is an error of the compiler:
//!
//! ```compile_fail,E0277
//! println!("{}", lightsout_phi::Phi::new("Assessment: gout.".to_owned()));
//! ```

mod erase;

pub use erase::Erase;

/// What a chart says, or what was found in it.
///
/// Neither displayed nor formatted for debugging, serialized, compared or hashed: each of these
/// is done to what it holds, which [`open`](Self::open) shows.
#[derive(Clone)]
#[must_use = "patient data that is not used need not be read"]
pub struct Phi<T: Erase>(T);

/// What answers for reading patient data.
///
/// The type that implements it says where it is recorded who reads what. It is implemented
/// where that record is made, and nowhere else: a value of it is the proof that there is one.
pub trait AuditContext {
    /// Names the record by an opaque id, such as its hash or the run that it belongs to.
    fn record(&self) -> &str;
}

/// The context of charts that were made up: samples, tests and benches.
///
/// Nothing that meets a real chart has a use for it.
#[derive(Debug, Clone, Copy)]
pub struct Synthetic;

impl<T: Erase> Phi<T> {
    /// Takes charge of patient data.
    pub const fn new(data: T) -> Self {
        Self(data)
    }

    /// Shows the data to whom `context` answers for.
    pub fn open(&self, context: &dyn AuditContext) -> &T {
        debug_assert!(!context.record().is_empty(), "a record has a name");
        &self.0
    }

    /// Gives the data away, to whom `context` answers for; erasing it is then the taker's.
    pub fn release(mut self, context: &dyn AuditContext) -> T
    where
        T: Default,
    {
        debug_assert!(!context.record().is_empty(), "a record has a name");
        std::mem::take(&mut self.0)
    }

    /// Answers a question about it with yes or no, such as whether it is of a length or has a
    /// hash; nothing that tells of a patient.
    pub fn is(&self, test: impl FnOnce(&T) -> bool) -> bool {
        test(&self.0)
    }

    /// Makes other patient data of it, without opening it.
    ///
    /// What `change` returns is patient data too. It should do nothing else with what it sees.
    pub fn map<U: Erase>(&self, change: impl FnOnce(&T) -> U) -> Phi<U> {
        Phi(change(&self.0))
    }

    /// Adds other patient data to it.
    pub fn join<U: Erase>(mut self, other: &Phi<U>, add: impl FnOnce(&mut T, &U)) -> Self {
        add(&mut self.0, &other.0);
        self
    }

    /// Makes other patient data of it, unless that fails; the error must hold nothing of it.
    pub fn try_map<U: Erase, E>(
        &self,
        change: impl FnOnce(&T) -> Result<U, E>,
    ) -> Result<Phi<U>, E> {
        change(&self.0).map(Phi)
    }
}

impl<T: Erase + AsRef<[u8]>> Phi<T> {
    /// Returns how many bytes it has, which says nothing of a patient.
    pub fn bytes(&self) -> usize {
        self.0.as_ref().len()
    }
}

impl<T: Erase> Drop for Phi<T> {
    fn drop(&mut self) {
        self.0.erase();
    }
}

impl AuditContext for Synthetic {
    fn record(&self) -> &'static str {
        "synthetic"
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc};

    use super::*;

    /// Tells what was left in it when it was erased.
    struct Witness {
        text: String,
        left: Rc<RefCell<Vec<u8>>>,
    }

    impl Erase for Witness {
        fn erase(&mut self) {
            let capacity = self.text.capacity();
            self.text.erase();
            // Erasing leaves the buffer in place, with length nought.
            assert_eq!((self.text.len(), self.text.capacity()), (0, capacity));
            let mut spare = std::mem::take(&mut self.text).into_bytes();
            spare.resize(capacity, 0xff);
            self.left.borrow_mut().extend(spare);
        }
    }

    #[test]
    fn what_it_held_is_erased_when_it_is_dropped() {
        let left = Rc::new(RefCell::new(Vec::new()));
        let text = "Assessment: gout.".to_owned();
        drop(Phi::new(Witness {
            text,
            left: Rc::clone(&left),
        }));
        assert_eq!(left.borrow().len(), 17);
        assert!(!left.borrow().windows(4).any(|bytes| bytes == b"gout"));
    }

    #[test]
    fn what_is_made_of_patient_data_is_patient_data() {
        let text = Phi::new("gout".to_owned());
        let upper: Phi<String> = text.map(|text| text.to_uppercase());
        assert_eq!(upper.open(&Synthetic), "GOUT");
        let refused: Result<Phi<u32>, _> = text.try_map(|text| text.parse().map_err(|_| 7));
        assert!(matches!(refused, Err(7)));
        assert_eq!(text.bytes(), 4);
    }
}
