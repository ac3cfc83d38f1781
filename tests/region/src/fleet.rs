//! The instances of the region and the launches that made them.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::SystemTime;

use crate::ec2::error::Ec2Error;
use crate::ec2::form::Form;
use crate::instance::{Instance, InstanceId, InstanceState, Launch, Transition, hex_digits};

/// Every instance that was ever launched, and every client token.
#[derive(Debug)]
pub(crate) struct Fleet {
    instances: BTreeMap<InstanceId, Instance>,
    tokens: BTreeMap<String, TokenUse>,
    addresses: Addresses,
}

/// What a client token was used for.
#[derive(Debug)]
struct TokenUse {
    request: Form,
    instances: Vec<InstanceId>,
}

/// The addresses that hosts get, one after the other.
#[derive(Debug)]
pub(crate) struct Addresses {
    network: Ipv4Addr,
    next: u16,
    last: u16,
}

impl Addresses {
    /// The addresses `network` + `first` to `network` + `last`.
    pub(crate) fn new(network: Ipv4Addr, first: u16, last: u16) -> Self {
        Self {
            network,
            next: first,
            last,
        }
    }

    fn take(&mut self, count: usize) -> Result<Vec<Ipv4Addr>, Ec2Error> {
        let free = usize::from(self.last.saturating_sub(self.next)) + 1;
        if self.next > self.last || count > free {
            return Err(Ec2Error::client(
                "InsufficientFreeAddressesInSubnet",
                "The region has no free address left; start a new one",
            ));
        }
        let addresses = (0..count)
            .map(|_| {
                let address = Ipv4Addr::from(u32::from(self.network) + u32::from(self.next));
                self.next += 1;
                address
            })
            .collect();
        Ok(addresses)
    }
}

/// The answer to a launch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Launched {
    /// New instances.
    New(Vec<InstanceId>),
    /// The instances that an earlier request with the same token started.
    Again(Vec<InstanceId>),
}

impl Fleet {
    pub(crate) fn new(addresses: Addresses) -> Self {
        Self {
            instances: BTreeMap::new(),
            tokens: BTreeMap::new(),
            addresses,
        }
    }

    /// What an earlier launch with this token says about `request`.
    pub(crate) fn replay(&self, token: &str, request: &Form) -> Result<Option<Launched>, Ec2Error> {
        let Some(used) = self.tokens.get(token) else {
            return Ok(None);
        };
        if used.request != comparable(request) {
            return Err(Ec2Error::client(
                "IdempotentParameterMismatch",
                format!(
                    "The client token '{token}' was used before with other parameters. Use a new token."
                ),
            ));
        }
        let gone = |id: &InstanceId| {
            self.instances.get(id).is_none_or(|instance| {
                matches!(
                    instance.state,
                    InstanceState::ShuttingDown | InstanceState::Terminated
                )
            })
        };
        if used.instances.iter().any(gone) {
            return Err(Ec2Error::client(
                "IdempotentInstanceTerminated",
                format!("The client token '{token}' belongs to an instance that was terminated"),
            ));
        }
        Ok(Some(Launched::Again(used.instances.clone())))
    }

    /// Adds `count` instances, or finds those of an earlier, equal request.
    pub(crate) fn launch(
        &mut self,
        request: &Form,
        launch: &Launch,
        count: usize,
        now: SystemTime,
    ) -> Result<Launched, Ec2Error> {
        if let Some(token) = &launch.client_token
            && let Some(earlier) = self.replay(token, request)?
        {
            return Ok(earlier);
        }
        let reservation = format!("r-{}", hex_digits(17));
        let mut ids = Vec::with_capacity(count);
        for (launch_index, address) in self.addresses.take(count)?.into_iter().enumerate() {
            let id = InstanceId::fresh();
            let instance = Instance {
                id: id.clone(),
                reservation: reservation.clone(),
                launch_index,
                launch: launch.clone(),
                state: InstanceState::Pending,
                transition: None,
                launched: now,
                address,
                tags: launch.tags.clone(),
            };
            self.instances.insert(id.clone(), instance);
            ids.push(id);
        }
        if let Some(token) = &launch.client_token {
            let used = TokenUse {
                request: comparable(request),
                instances: ids.clone(),
            };
            self.tokens.insert(token.clone(), used);
        }
        Ok(Launched::New(ids))
    }

    pub(crate) fn get(&self, id: &InstanceId) -> Option<&Instance> {
        self.instances.get(id)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Instance> {
        self.instances.values()
    }

    /// The instances that `ids` name; all errors of a kind in one.
    pub(crate) fn find(&self, ids: &[&str]) -> Result<Vec<InstanceId>, Ec2Error> {
        let malformed: Vec<_> = ids
            .iter()
            .copied()
            .filter(|id| !InstanceId::names_instance(id))
            .collect();
        if !malformed.is_empty() {
            return Err(Ec2Error::client(
                "InvalidInstanceID.Malformed",
                format!(
                    "Invalid id: \"{}\" (expecting \"i-...\")",
                    malformed.join(", ")
                ),
            ));
        }
        let unknown: Vec<_> = ids
            .iter()
            .copied()
            .filter(|id| !self.instances.contains_key(&InstanceId::from(*id)))
            .collect();
        match unknown.as_slice() {
            [] => Ok(ids.iter().map(|id| InstanceId::from(*id)).collect()),
            [one] => Err(Ec2Error::client(
                "InvalidInstanceID.NotFound",
                format!("The instance ID '{one}' does not exist"),
            )),
            several => Err(Ec2Error::client(
                "InvalidInstanceID.NotFound",
                format!("The instance IDs '{}' do not exist", several.join(", ")),
            )),
        }
    }

    /// Moves an instance from one of `from` to `to`; says whether it moved.
    pub(crate) fn change(
        &mut self,
        id: &InstanceId,
        from: &[InstanceState],
        to: InstanceState,
        transition: Option<Transition>,
    ) -> Moved {
        match self.instances.get_mut(id) {
            Some(instance) if from.contains(&instance.state) => {
                instance.state = to;
                if transition.is_some() {
                    instance.transition = transition;
                }
                Moved::Yes
            }
            _ => Moved::No,
        }
    }

    pub(crate) fn tag(&mut self, id: &InstanceId, tags: &BTreeMap<String, String>) {
        if let Some(instance) = self.instances.get_mut(id) {
            instance.tags.extend(tags.clone());
        }
    }

    /// Removes tags by key, or by key and value where a value is given.
    pub(crate) fn untag(&mut self, id: &InstanceId, tags: &[(String, Option<String>)]) {
        if let Some(instance) = self.instances.get_mut(id) {
            instance.tags.retain(|key, value| {
                !tags.iter().any(|(gone, only)| {
                    gone == key && only.as_ref().is_none_or(|only| only == value)
                })
            });
        }
    }
}

/// Whether a change of state took place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moved {
    Yes,
    No,
}

/// A request without what differs between two sendings of the same one.
fn comparable(request: &Form) -> Form {
    request.clone().without("ClientToken")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ec2::describe;
    use crate::ec2::launch::{LaunchFields, Place};

    fn request(fields: &[(&str, &str)]) -> Form {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.append_pair("Action", "RunInstances")
            .append_pair("ImageId", "ami-1");
        Form::parse(body.extend_pairs(fields).finish().as_bytes())
    }

    fn fleet() -> Fleet {
        Fleet::new(Addresses::new(Ipv4Addr::new(10, 77, 0, 0), 257, 300))
    }

    fn launch(fleet: &mut Fleet, request: &Form, count: usize) -> Result<Launched, Ec2Error> {
        let place = Place {
            zone: "us-east-1a".to_owned(),
            vpc: None,
        };
        let token = request.get("ClientToken");
        let launch = LaunchFields::from_form(request)
            .into_launch(place, "111122223333", token)
            .expect("valid");
        fleet.launch(request, &launch, count, SystemTime::UNIX_EPOCH)
    }

    fn new_ids(launched: Launched) -> Vec<InstanceId> {
        match launched {
            Launched::New(ids) => ids,
            Launched::Again(ids) => panic!("not new: {ids:?}"),
        }
    }

    #[test]
    fn the_same_token_and_request_start_nothing_twice() {
        let mut fleet = fleet();
        let request = request(&[("ClientToken", "t")]);
        let ids = new_ids(launch(&mut fleet, &request, 2).expect("launched"));
        let again = launch(&mut fleet, &request, 2).expect("replayed");
        assert_eq!(again, Launched::Again(ids));
        assert_eq!(fleet.all().count(), 2);
    }

    #[test]
    fn the_same_token_with_another_request_is_refused() {
        let mut fleet = fleet();
        launch(&mut fleet, &request(&[("ClientToken", "t")]), 1).expect("launched");
        let other = request(&[("ClientToken", "t"), ("InstanceType", "t3.micro")]);
        let error = launch(&mut fleet, &other, 1).expect_err("other parameters");
        assert_eq!(error.code, "IdempotentParameterMismatch");
    }

    #[test]
    fn a_token_whose_instance_is_gone_is_refused() {
        for gone in [InstanceState::ShuttingDown, InstanceState::Terminated] {
            let mut fleet = fleet();
            let request = request(&[("ClientToken", "t")]);
            let ids = new_ids(launch(&mut fleet, &request, 1).expect("launched"));
            fleet.change(&ids[0], &[InstanceState::Pending], gone, None);
            let error = launch(&mut fleet, &request, 1).expect_err("gone");
            assert_eq!(error.code, "IdempotentInstanceTerminated");
        }
    }

    #[test]
    fn without_a_token_each_request_starts_its_own() {
        let mut fleet = fleet();
        let request = request(&[]);
        let one = new_ids(launch(&mut fleet, &request, 1).expect("launched"));
        let two = new_ids(launch(&mut fleet, &request, 1).expect("launched"));
        assert_ne!(one, two);
        let addresses: Vec<_> = fleet.all().map(|instance| instance.address).collect();
        assert_ne!(addresses[0], addresses[1]);
    }

    #[test]
    fn addresses_run_out_with_an_error() {
        let mut fleet = fleet();
        launch(&mut fleet, &request(&[]), 44).expect("as many as there are");
        let error = launch(&mut fleet, &request(&[]), 1).expect_err("none left");
        assert_eq!(error.code, "InsufficientFreeAddressesInSubnet");
    }

    /// The ids in an answer to `DescribeInstances` with these fields.
    fn described(fleet: &Fleet, fields: &[(&str, &str)]) -> Result<Vec<String>, Ec2Error> {
        let xml = describe::instances(fleet, &request(fields), "111122223333")?;
        let document = roxmltree::Document::parse(&xml).expect("well-formed");
        Ok(document
            .descendants()
            .filter(|node| node.tag_name().name() == "instanceId")
            .filter_map(|node| node.text().map(str::to_owned))
            .collect())
    }

    #[test]
    fn filters_choose_by_tag_and_by_state() {
        let mut fleet = fleet();
        let tagged = |role: &str| {
            request(&[
                ("TagSpecification.1.ResourceType", "instance"),
                ("TagSpecification.1.Tag.1.Key", "role"),
                ("TagSpecification.1.Tag.1.Value", role),
            ])
        };
        let master = new_ids(launch(&mut fleet, &tagged("master"), 1).expect("launched"));
        let worker = new_ids(launch(&mut fleet, &tagged("worker"), 1).expect("launched"));
        let plain = new_ids(launch(&mut fleet, &request(&[]), 1).expect("launched"));
        fleet.change(
            &worker[0],
            &[InstanceState::Pending],
            InstanceState::Terminated,
            None,
        );
        let by = |fields: &[(&str, &str)]| described(&fleet, fields).expect("described");
        let filter = |name: &'static str, value: &'static str| {
            [("Filter.1.Name", name), ("Filter.1.Value.1", value)]
        };
        assert_eq!(by(&filter("tag:role", "master")), [master[0].to_string()]);
        assert_eq!(by(&filter("tag:role", "*")).len(), 2);
        assert_eq!(by(&filter("tag-key", "role")).len(), 2);
        let state = filter("instance-state-name", "terminated");
        assert_eq!(by(&state), [worker[0].to_string()]);
        let both = [
            ("Filter.1.Name", "tag-key"),
            ("Filter.1.Value.1", "role"),
            ("Filter.2.Name", "instance-state-name"),
            ("Filter.2.Value.1", "running"),
            ("Filter.2.Value.2", "pending"),
        ];
        assert_eq!(by(&both), [master[0].to_string()]);
        assert_eq!(
            by(&[("InstanceId.1", plain[0].as_str())]),
            [plain[0].to_string()]
        );
        assert_eq!(by(&[]).len(), 3);
    }

    #[test]
    fn what_cannot_be_found_is_an_error_with_ec2s_code() {
        let fleet = fleet();
        for (fields, code) in [
            (
                [("InstanceId.1", "i-0123456789abcdef0"), ("", "")],
                "InvalidInstanceID.NotFound",
            ),
            (
                [("InstanceId.1", "master"), ("", "")],
                "InvalidInstanceID.Malformed",
            ),
            (
                [("Filter.1.Name", "colour"), ("Filter.1.Value.1", "red")],
                "InvalidParameterValue",
            ),
        ] {
            assert_eq!(described(&fleet, &fields).expect_err(code).code, code);
        }
    }

    #[test]
    fn tags_can_be_removed_by_key_or_by_key_and_value() {
        let mut fleet = fleet();
        let ids = new_ids(launch(&mut fleet, &request(&[]), 1).expect("launched"));
        let tags = [("a", "1"), ("b", "2"), ("c", "3")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()));
        fleet.tag(&ids[0], &tags.into());
        let gone = [
            ("a".to_owned(), None),
            ("b".to_owned(), Some("2".to_owned())),
            ("c".to_owned(), Some("other".to_owned())),
        ];
        fleet.untag(&ids[0], &gone);
        let left: Vec<_> = fleet
            .all()
            .flat_map(|instance| instance.tags.keys())
            .collect();
        assert_eq!(left, ["c"]);
    }
}
