//! From an app to its assembly, or to everything that is wrong with it.

use std::{borrow::Cow, collections::BTreeSet, fmt, sync::Arc};

use crate::{
    App, Assembly, AssetStore, Problem, Resource, SynthError, problem::ProblemKind,
    symbols::Symbols,
};

mod crossing;
mod language;
#[cfg(test)]
mod language_tests;
mod limits;
mod moves;
mod names;
mod nesting;
mod order;
mod rules;
mod sections;
mod template;
#[cfg(test)]
mod tests;
mod validate;
mod wiring;

/// The output that tells the name of the bucket for assets.
const ASSET_STORE_OUTPUT: &str = "AssetStore";

impl App {
    /// Turns the app into templates, or reports everything that is wrong with it.
    ///
    /// The same app gives the same bytes, always and everywhere.
    pub fn synth(&self) -> Result<Assembly, SynthError> {
        let mut problems = self.problems.clone();
        let resources = self.amended(&mut problems);
        let symbols = Arc::new(Symbols::of(self, &resources));
        self.check_accounts_and_regions(&mut problems);
        self.check_moves(&resources, &mut problems);
        self.check_names(&resources, &mut problems);
        self.check_resources(&resources, &mut problems);
        self.check_language(&resources, &mut problems);
        let wiring = self.wiring(&resources, &symbols, &mut problems);
        self.check_cycles(&resources, &wiring, &mut problems);
        self.validate(&resources, &symbols, &wiring, &mut problems);
        let order = self.deploy_order(&wiring);
        let stacks = self.render(&resources, &symbols, &wiring, &order, &mut problems);
        if problems.is_empty() {
            let used: BTreeSet<usize> = wiring.assets.iter().flatten().copied().collect();
            Ok(Assembly {
                app: self.name.clone(),
                stage: self.stage.clone(),
                stacks,
                gone: self.gone.iter().map(|gone| gone.path.clone()).collect(),
                assets: used
                    .into_iter()
                    .map(|index| self.assets[index].asset.clone())
                    .collect(),
                asset_store: self.asset_store.as_ref().and_then(|(stack, bucket, _)| {
                    Some(AssetStore {
                        stack: stack.clone(),
                        bucket: resources.get(bucket.index as usize)?.logical_id.clone(),
                        output: ASSET_STORE_OUTPUT.to_owned(),
                    })
                }),
            })
        } else {
            problems.sort_by(|left, right| (&left.path, left.kind).cmp(&(&right.path, right.kind)));
            Err(SynthError { problems })
        }
    }

    fn amended(&self, problems: &mut Vec<Problem>) -> Cow<'_, [Resource]> {
        let overrides = &self.language.overrides;
        if self.amendments.is_empty() && self.moves.is_empty() && overrides.is_empty() {
            return Cow::Borrowed(&self.resources);
        }
        let mut resources = self.resources.clone();
        for amendment in &self.amendments {
            for resource in &mut resources {
                amendment.amend(resource);
            }
        }
        self.apply_moves(&mut resources);
        problems.extend(overrides.iter().filter_map(|change| {
            let resource = resources.get_mut(change.resource as usize)?;
            change.apply(resource)
        }));
        Cow::Owned(resources)
    }
}

fn about(resource: &Resource, kind: ProblemKind, rest: impl fmt::Display) -> Problem {
    Problem::new(
        kind,
        &resource.path,
        format_args!("({}) {rest}", resource.type_name),
    )
    .of_type(resource.type_name)
    .at(resource.location)
}
