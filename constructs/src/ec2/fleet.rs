//! The hosts of one program, found by their tags.

use std::{fmt, marker::PhantomData};

use lightsout_contract::TerminateFleet;
use lightsout_core::{Pseudo, Value, join};

use crate::{Wired, iam::Statement};

/// The hosts that run the program `P`, found by their tags.
///
/// A fleet exists before any launch template, so that a program can be allowed to
/// end its own host.
///
/// ```
/// use lightsout::{Value, ec2::Fleet};
///
/// struct Worker;
///
/// let workers = Fleet::<Worker>::tagged("clinic:pipeline", "clinic-dev").and("clinic:role", "worker");
/// assert_eq!(workers.terminator().address(), &Value::from("clinic-dev"));
/// ```
pub struct Fleet<P> {
    first: (String, Value<String>),
    rest: Vec<(String, Value<String>)>,
    program: PhantomData<fn() -> P>,
}

impl<P> Fleet<P> {
    /// The hosts with this tag, whose value tells one pipeline from another.
    pub fn tagged(key: impl Into<String>, value: impl Into<Value<String>>) -> Self {
        Self {
            first: (key.into(), value.into()),
            rest: Vec::new(),
            program: PhantomData,
        }
    }

    /// Of those, the hosts with this tag too.
    pub fn and(mut self, key: impl Into<String>, value: impl Into<Value<String>>) -> Self {
        self.rest.push((key.into(), value.into()));
        self
    }

    /// Lets a program find and end these hosts: the first tag's value, with the
    /// permission to end hosts with these tags and no others.
    pub fn terminator(&self) -> Wired<TerminateFleet<P>> {
        let instances = join![
            "arn:",
            Pseudo::Partition,
            ":ec2:",
            Pseudo::Region,
            ":",
            Pseudo::AccountId,
            ":instance/*",
        ];
        let terminate = self.tags().fold(
            Statement::allow(["ec2:TerminateInstances"]).on(instances),
            |statement, (key, value)| {
                statement.when(
                    "StringEquals",
                    format!("aws:ResourceTag/{key}"),
                    value.clone(),
                )
            },
        );
        // Instances are described all or none: AWS knows no resource for it.
        let describe = Statement::allow(["ec2:DescribeInstances"]).on_everything();
        Wired::allowed(self.first.1.clone(), terminate).and(describe)
    }

    /// Returns the tag whose value tells one pipeline from another.
    pub(crate) const fn first_tag(&self) -> &(String, Value<String>) {
        &self.first
    }

    /// Returns every tag.
    pub(crate) fn tags(&self) -> impl Iterator<Item = &(String, Value<String>)> {
        std::iter::once(&self.first).chain(&self.rest)
    }
}

impl<P> Clone for Fleet<P> {
    fn clone(&self) -> Self {
        Self {
            first: self.first.clone(),
            rest: self.rest.clone(),
            program: PhantomData,
        }
    }
}

impl<P> fmt::Debug for Fleet<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.tags()).finish()
    }
}
