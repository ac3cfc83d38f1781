//! Reading a form-encoded EC2 request.

use std::collections::BTreeMap;

use crate::ec2::error::Ec2Error;

/// The fields of a request, by their dotted names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Form(BTreeMap<String, String>);

impl Form {
    pub(crate) fn parse(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// The value of a field that is there and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    pub(crate) fn require(&self, name: &str) -> Result<&str, Ec2Error> {
        self.get(name).ok_or_else(|| Ec2Error::missing(name))
    }

    /// The values `name.1`, `name.2`, … as far as they go.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        (1..)
            .map_while(|index| self.0.get(&format!("{name}.{index}")))
            .map(String::as_str)
            .collect()
    }

    /// The structures `name.1.…`, `name.2.…`, each with its own names.
    pub(crate) fn structures(&self, name: &str) -> Vec<Self> {
        (1..)
            .map_while(|index| {
                let structure = self.under(&format!("{name}.{index}."));
                (!structure.0.is_empty()).then_some(structure)
            })
            .collect()
    }

    /// The fields that begin with `prefix`, without it.
    pub(crate) fn under(&self, prefix: &str) -> Self {
        Self(
            self.0
                .iter()
                .filter_map(|(name, value)| {
                    Some((name.strip_prefix(prefix)?.to_owned(), value.clone()))
                })
                .collect(),
        )
    }

    /// `Tag.1.Key` and `Tag.1.Value`, and so on, under `name`.
    pub(crate) fn tags(&self, name: &str) -> BTreeMap<String, String> {
        self.structures(name)
            .iter()
            .filter_map(|tag| {
                let key = tag.get("Key")?.to_owned();
                Some((key, tag.get("Value").unwrap_or_default().to_owned()))
            })
            .collect()
    }

    /// The request without one field, to compare repeated requests.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    /// The request with the list `name` replaced by `values`.
    pub(crate) fn with_list(mut self, name: &str, values: &[&str]) -> Self {
        self.0
            .retain(|field, _| !field.starts_with(&format!("{name}.")));
        for (index, value) in values.iter().enumerate() {
            self.0
                .insert(format!("{name}.{}", index + 1), (*value).to_owned());
        }
        self
    }

    pub(crate) fn encode(&self) -> String {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.0)
            .finish()
    }
}

impl<const COUNT: usize> From<[(&str, &str); COUNT]> for Form {
    fn from(fields: [(&str, &str); COUNT]) -> Self {
        Self(
            fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        )
    }
}
