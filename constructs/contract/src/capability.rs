//! Capabilities: what a program may do, with the IAM actions that it takes.

use std::{fmt, marker::PhantomData};

/// Something a program may do, with the IAM actions that it takes.
///
/// Action names are those of the [service authorization reference].
///
/// [service authorization reference]: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
pub trait Capability {
    /// The IAM actions that using this capability needs on its own resource.
    const ACTIONS: &'static [&'static str];
}

macro_rules! capabilities {
    ($($(#[$meta:meta])* $name:ident<$of:ident> = [$($action:literal),*];)+) => {
        $(
            $(#[$meta])*
            pub struct $name<$of>(PhantomData<fn() -> $of>);

            impl<$of> Capability for $name<$of> {
                const ACTIONS: &'static [&'static str] = &[$($action),*];
            }
        )+
    };
}

capabilities! {
    /// Send messages of type `M` to a queue; the address is its URL.
    SendTo<M> = ["sqs:SendMessage"];
    /// Send messages of type `M` in order, each with its group; the address is the URL
    /// of a FIFO queue.
    SendInOrder<M> = ["sqs:SendMessage"];
    /// Receive, extend and delete messages of type `M`; the address is the queue's URL.
    ReceiveFrom<M> = [
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:ChangeMessageVisibility",
        "sqs:GetQueueAttributes"
    ];
    /// Read how many messages of type `M` wait; the address is the queue's URL.
    MeasureQueue<M> = ["sqs:GetQueueAttributes"];
    /// Read objects that hold a `T`; the address is the bucket's name.
    ReadObjects<T> = ["s3:GetObject", "s3:GetObjectVersion"];
    /// Write objects that hold a `T`; the address is the bucket's name.
    WriteObjects<T> = ["s3:PutObject"];
    /// Read items that hold a `T`; the address is the table's name.
    ReadItems<T> = ["dynamodb:GetItem", "dynamodb:Query"];
    /// Read and write items that hold a `T`; the address is the table's name.
    WriteItems<T> = [
        "dynamodb:GetItem",
        "dynamodb:Query",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:DeleteItem"
    ];
    /// Add items that hold a `T`, and read them, but change or delete none; the address is the
    /// table's name. That nothing is put in an item's place is a condition of the writes.
    AppendItems<T> = ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem"];
    /// Set attributes of items that hold a `T`, each item by its key, and read none but the one
    /// that is set; the address is the table's name.
    UpdateItems<T> = ["dynamodb:UpdateItem"];
    /// Write objects that hold a `T`, and sign addresses that others read them by; the address
    /// is the bucket's name.
    HandOutObjects<T> = ["s3:PutObject", "s3:GetObject"];
    /// Invoke the function that runs `P`; the address is its name.
    Invoke<P> = ["lambda:InvokeFunction"];
    /// Start hosts that run `P` from its launch template; the address is the
    /// template's id.
    LaunchFrom<P> = ["ec2:RunInstances"];
    /// Find and end the hosts that run `P`; the address is the value of their
    /// pipeline tag.
    TerminateFleet<P> = ["ec2:TerminateInstances"];
    /// Read a parameter that holds a `T`; the address is its name.
    ReadParameter<T> = ["ssm:GetParameter"];
    /// Read a secret that holds a `T`; the address is its ARN.
    ReadSecret<T> = ["secretsmanager:GetSecretValue"];
    /// Replace a secret that holds a `T` by another; the address is its ARN.
    RotateSecret<T> = [
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetSecretValue",
        "secretsmanager:PutSecretValue",
        "secretsmanager:UpdateSecretVersionStage"
    ];
    /// A plain value, which takes no permission.
    Setting<T> = [];
}

/// Where a capability lives, as the running program found it.
pub struct Endpoint<C> {
    address: String,
    capability: PhantomData<fn() -> C>,
}

impl<C> Endpoint<C> {
    /// Makes an endpoint from an address: a URL, a name or an id.
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            capability: PhantomData,
        }
    }

    /// Returns the address: a URL, a name or an id, as the capability says.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl<T: std::str::FromStr> Endpoint<Setting<T>> {
    /// Returns the value of the setting.
    pub fn value(&self) -> T {
        match self.address.parse() {
            Ok(value) => value,
            Err(_) => unreachable!("a setting is parsed when the environment is read"),
        }
    }
}

impl<C> Clone for Endpoint<C> {
    fn clone(&self) -> Self {
        Self::new(self.address.clone())
    }
}

impl<C> fmt::Debug for Endpoint<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Endpoint").field(&self.address).finish()
    }
}
