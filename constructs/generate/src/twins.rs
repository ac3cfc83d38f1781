//! Definitions of one service that are equal but for their names.
//!
//! AWS repeats whole trees of definitions in each resource type that uses them.
//! The first of equal ones is generated, the others are aliases of it.

use std::collections::BTreeMap;

use crate::model::{Choices, Shape, Structure};

/// Equal types: those to be aliases, and of which other.
pub(crate) type Aliases = BTreeMap<String, String>;

/// Takes from `structures` and `choices` what equals an earlier one.
pub(crate) fn remove_twins(structures: &mut Vec<Structure>, choices: &mut Vec<Choices>) -> Aliases {
    let mut aliases = Aliases::new();
    let mut first_choices: BTreeMap<Vec<(String, String)>, String> = BTreeMap::new();
    choices.retain(|choices| {
        let first = first_choices.entry(choices.values.clone());
        let first = first.or_insert_with(|| choices.name.clone());
        if *first != choices.name {
            aliases.insert(choices.name.clone(), first.clone());
        }
        *first == choices.name
    });
    let classes = classes(structures, &aliases);
    let mut first_structures: BTreeMap<usize, String> = BTreeMap::new();
    structures.retain(|structure| {
        let Some(class) = classes.get(&structure.name) else {
            return true;
        };
        let first = first_structures.entry(*class);
        let first = first.or_insert_with(|| structure.name.clone());
        if *first != structure.name {
            aliases.insert(structure.name.clone(), first.clone());
        }
        *first == structure.name
    });
    aliases
}

/// Returns the class of each definition; equal ones share theirs.
///
/// All begin in one class, and are parted for as long as some differ in the
/// classes of what they hold. So definitions that hold themselves are compared too.
fn classes(structures: &[Structure], choices: &Aliases) -> BTreeMap<String, usize> {
    let definitions = || structures.iter().filter(|entry| entry.resource.is_none());
    let mut classes: BTreeMap<String, usize> =
        definitions().map(|entry| (entry.name.clone(), 0)).collect();
    let mut count = usize::from(!classes.is_empty());
    loop {
        let mut known: BTreeMap<(usize, String), usize> = BTreeMap::new();
        let parted: BTreeMap<String, usize> = definitions()
            .map(|entry| {
                let class = classes.get(&entry.name).copied().unwrap_or_default();
                let next = known.len();
                let key = (class, signature(entry, &classes, choices));
                (entry.name.clone(), *known.entry(key).or_insert(next))
            })
            .collect();
        let parts = known.len();
        classes = parted;
        if parts == count {
            return classes;
        }
        count = parts;
    }
}

/// Returns all that makes a definition what it is, but its name and the prose about it.
fn signature(
    structure: &Structure,
    classes: &BTreeMap<String, usize>,
    choices: &Aliases,
) -> String {
    let properties: Vec<_> = structure
        .properties
        .iter()
        .map(|property| {
            let shape = shape(&property.shape, classes, choices);
            (&property.name, property.required, &property.facts, shape)
        })
        .collect();
    format!("{properties:?}")
}

fn shape(shape: &Shape, classes: &BTreeMap<String, usize>, choices: &Aliases) -> String {
    let within = |inner: &Shape| self::shape(inner, classes, choices);
    match shape {
        Shape::Structure(name) => format!("{:?}", classes.get(name)),
        Shape::Choice(name) => choices.get(name).unwrap_or(name).clone(),
        Shape::List(item) => format!("[{}]", within(item)),
        Shape::Map(value) => format!("{{{}}}", within(value)),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Property;

    fn structure(name: &str, required: bool, holds: Shape) -> Structure {
        Structure {
            name: name.to_owned(),
            doc: format!("Of {name}."),
            resource: None,
            properties: vec![Property {
                name: "Inner".to_owned(),
                setter: "inner".to_owned(),
                doc: "Prose.".to_owned(),
                facts: Vec::new(),
                required,
                shape: holds,
            }],
        }
    }

    fn holding(name: &str) -> Shape {
        Shape::List(Box::new(Shape::Structure(name.to_owned())))
    }

    #[test]
    fn equal_trees_are_aliases_even_where_they_hold_themselves() {
        let mut structures = vec![
            structure("AStatement", false, holding("AStatement")),
            structure("BStatement", false, holding("BStatement")),
            structure("CStatement", true, holding("CStatement")),
        ];
        let aliases = remove_twins(&mut structures, &mut Vec::new());
        assert_eq!(aliases["BStatement"], "AStatement");
        assert_eq!(aliases.len(), 1);
        assert_eq!(structures.len(), 2);
    }

    #[test]
    fn what_holds_something_else_stays() {
        let mut structures = vec![
            structure("A", false, holding("ALeaf")),
            structure("ALeaf", false, Shape::Text),
            structure("B", false, holding("BLeaf")),
            structure("BLeaf", false, Shape::Integer),
        ];
        assert!(remove_twins(&mut structures, &mut Vec::new()).is_empty());
    }

    #[test]
    fn equal_choices_are_aliases() {
        let choices = |name: &str, value: &str| Choices {
            name: name.to_owned(),
            property: "Mode".to_owned(),
            values: vec![("On".to_owned(), value.to_owned())],
        };
        let mut all = vec![
            choices("AMode", "ON"),
            choices("BMode", "ON"),
            choices("CMode", "on"),
        ];
        let aliases = remove_twins(&mut Vec::new(), &mut all);
        assert_eq!(aliases, [("BMode".to_owned(), "AMode".to_owned())].into());
    }
}
