//! What an app's templates declare beside resources, parameters and outputs.

use crate::{
    Condition, Mapping, Rule,
    condition::{ConditionId, Declared},
    mapping::MappingId,
    overrides::Override,
};

/// What an app's templates declare beside resources, parameters and outputs.
#[derive(Debug, Default)]
pub(crate) struct Language {
    pub(crate) conditions: Vec<Declared<Condition>>,
    pub(crate) mappings: Vec<Declared<Mapping>>,
    pub(crate) rules: Vec<Declared<Rule>>,
    pub(crate) overrides: Vec<Override>,
}

impl Language {
    /// Returns a condition of the app with the number `app`.
    pub(crate) fn condition(&self, app: u32, id: ConditionId) -> Option<&Declared<Condition>> {
        (id.app == app).then(|| self.conditions.get(id.index as usize))?
    }

    /// Returns a mapping of the app with the number `app`.
    pub(crate) fn mapping(&self, app: u32, id: MappingId) -> Option<&Declared<Mapping>> {
        (id.app == app).then(|| self.mappings.get(id.index as usize))?
    }
}
