//! Intrinsic functions beyond references, joins and lists.

use std::borrow::Cow;

use crate::{Part, Pseudo, Token, Tree, Value};

/// Fills in the variables of a text: `Fn::Sub`.
///
/// [`join!`](crate::join!) is checked by the compiler and reads better; this is for
/// text that is full of `${Name}` already. Every `${Name}` must be a variable here
/// or a pseudo parameter such as `${AWS::Region}`, and `${!Name}` stays `${Name}`.
///
/// ```
/// use lightsout_core::{Pseudo, Tree, sub};
///
/// let script = sub("cd ${Folder}; echo ${!HOME} ${AWS::Region}", [("Folder", "/opt")]);
/// ```
pub fn sub<V: Into<Tree>>(
    text: impl Into<String>,
    variables: impl IntoIterator<Item = (&'static str, V)>,
) -> Value<String> {
    let variables = variables
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    Value::token(Token::Sub(text.into(), variables))
}

/// Takes what another stack exports under a name: `Fn::ImportValue`.
///
/// Values of this app's own stacks cross by themselves; this is for stacks that
/// others look after.
pub fn import_value(name: impl Into<Value<String>>) -> Value<String> {
    Value::token(Token::ImportValue(Box::new(Part::from(name.into()))))
}

/// Lets a macro write this part of the template: `Fn::Transform`.
///
/// ```
/// use lightsout_core::{Tree, transform};
///
/// let include = transform("AWS::Include", [("Location", "s3://templates/lamp.json")]);
/// ```
pub fn transform<V: Into<Tree>>(
    name: impl Into<String>,
    parameters: impl IntoIterator<Item = (&'static str, V)>,
) -> Tree {
    let parameters = parameters
        .into_iter()
        .map(|(name, value)| (name, value.into()));
    Token::Transform(name.into(), Box::new(Tree::object(parameters))).into()
}

/// Returns how many items a list has: `Fn::Length`.
///
/// The template says by itself that it needs `AWS::LanguageExtensions`.
pub fn length<T>(list: impl Into<Value<Vec<T>>>) -> Value<i64>
where
    Vec<T>: Into<Tree>,
{
    Value::token(Token::Length(Box::new(list.into().into())))
}

/// Returns a map or a list as JSON text: `Fn::ToJsonString`.
///
/// The template says by itself that it needs `AWS::LanguageExtensions`.
pub fn to_json_string(tree: impl Into<Tree>) -> Value<String> {
    Value::token(Token::ToJsonString(Box::new(tree.into())))
}

/// Joins the texts of a list that is known once deployed: `Fn::Join`.
///
/// ```
/// use lightsout_core::{Value, availability_zones, join_list};
///
/// let zones = join_list(", ", availability_zones());
/// // What is known already is joined already.
/// let known = join_list(", ", vec!["a".to_owned(), "b".to_owned()]);
/// assert_eq!(known, Value::from("a, b"));
/// ```
pub fn join_list(
    delimiter: impl Into<String>,
    list: impl Into<Value<Vec<String>>>,
) -> Value<String> {
    match list.into() {
        Value::Literal(items) => Value::Literal(items.join(&delimiter.into())),
        Value::Token(token, _) => {
            Value::token(Token::JoinList(delimiter.into(), Box::new(token.into())))
        }
    }
}

impl Tree {
    /// Calls any function by its name: the way out for one that is not known here.
    ///
    /// ```
    /// use lightsout_core::{Tree, Value};
    ///
    /// let digest = Tree::intrinsic("Fn::Digest", vec!["sha256", "text"]);
    /// let value: Value<String> = Value::raw(digest);
    /// ```
    pub fn intrinsic(function: impl Into<Cow<'static, str>>, argument: impl Into<Self>) -> Self {
        Self::Token(Token::Intrinsic(function.into(), Box::new(argument.into())))
    }
}

impl<T> Value<T> {
    /// Takes any tree for a value of this kind: what it is is not checked here.
    ///
    /// ```
    /// use lightsout_core::{Mapping, Tree, Value};
    ///
    /// let delay: Value<i64> = Value::raw(Tree::intrinsic("Ref", "Delay"));
    /// ```
    pub fn raw(tree: impl Into<Tree>) -> Self {
        Self::token(match tree.into() {
            Tree::Token(token) => token,
            tree => Token::Raw(Box::new(tree)),
        })
    }
}

/// Numbers and booleans are text where a property wants text: `CloudFormation`
/// turns one into the other.
macro_rules! as_text {
    ($($scalar:ty),+) => {$(
        impl From<Value<$scalar>> for Value<String> {
            fn from(value: Value<$scalar>) -> Self {
                match value {
                    Value::Literal(literal) => Self::Literal(literal.to_string()),
                    Value::Token(token, _) => Self::token(token),
                }
            }
        }

        impl From<Value<$scalar>> for Part {
            fn from(value: Value<$scalar>) -> Self {
                Value::<String>::from(value).into()
            }
        }
    )+};
}

as_text!(i64, f64, bool);

impl From<Value<i64>> for Value<f64> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a float property has no exact form for such a number"
    )]
    fn from(value: Value<i64>) -> Self {
        match value {
            Value::Literal(literal) => Self::Literal(literal as f64),
            Value::Token(token, _) => Self::token(token),
        }
    }
}

/// What is wrong with a `Fn::Sub`, each as the rest of a sentence.
pub(crate) fn wrong_in_sub(text: &str, variables: &[(String, Tree)]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut used = Vec::new();
    for after in text.split("${").skip(1) {
        let Some((name, _)) = after.split_once('}') else {
            wrong.push("has `${` without `}` in a text to fill in".to_owned());
            continue;
        };
        if name.starts_with('!') {
            continue;
        }
        let name = name.trim();
        used.push(name);
        let is_known = variables.iter().any(|(variable, _)| variable == name)
            || Pseudo::ALL.iter().any(|pseudo| pseudo.name() == name);
        if !is_known {
            wrong.push(format!(
                "has `${{{name}}}` in a text to fill in, which is no variable"
            ));
        }
    }
    wrong.extend(
        variables
            .iter()
            .filter(|(variable, _)| !used.contains(&variable.as_str()))
            .map(|(variable, _)| {
                format!("gives `{variable}` to a text that has no `${{{variable}}}`")
            }),
    );
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_to_fill_in_uses_its_variables_and_no_others() {
        let variables = |names: &[&str]| -> Vec<(String, Tree)> {
            let each = names.iter().map(|name| ((*name).to_owned(), "x".into()));
            each.collect()
        };
        assert!(wrong_in_sub("${A}-${!B}-${AWS::Region}$", &variables(&["A"])).is_empty());
        assert_eq!(
            wrong_in_sub("${B}", &variables(&["A"])),
            [
                "has `${B}` in a text to fill in, which is no variable",
                "gives `A` to a text that has no `${A}`"
            ]
        );
        assert_eq!(wrong_in_sub("${A", &variables(&[])).len(), 1);
    }

    #[test]
    fn a_number_is_text_where_text_is_wanted() {
        assert_eq!(Value::<String>::from(Value::<i64>::from(5)), "5".into());
        assert_eq!(Value::<String>::from(Value::from(true)), "true".into());
        assert_eq!(Value::<f64>::from(Value::<i64>::from(5)), Value::from(5.0));
    }
}
