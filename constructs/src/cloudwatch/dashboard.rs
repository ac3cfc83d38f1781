//! Dashboards: numbers for people, on a grid.

use lightsout_core::{Construct, Part, Pseudo, ResourceId, Scope, Token, Tree, Value};

use super::{AlarmRef, Expression, Metric, metric::Measure};
use crate::{cfn::cloudwatch, limits, logs::LogGroupRef};

/// A dashboard: rows of widgets on a grid of 24 columns.
///
/// ```
/// use lightsout::{
///     App, Stage, cfn,
///     cloudwatch::{Dashboard, Widget},
///     kms::Key,
///     sqs::Queue,
/// };
///
/// let mut app = App::new("clinic", Stage::new("dev"));
/// let mut stack = app.stack("Watch");
/// let key = stack.add("Key", Key::new("Messages"));
/// let work = stack.add("Work", Queue::<()>::new(&key));
/// stack.add(
///     "Board",
///     Dashboard::new()
///         .row([Widget::text("# Notes wait here")])
///         .row([
///             Widget::graph("Backlog").metric(work.depth()),
///             Widget::number("Oldest").metric(work.oldest_message_age()).width(6),
///         ]),
/// );
///
/// let assembly = app.synth()?;
/// assembly.template("Watch").count::<cfn::cloudwatch::Dashboard>(1);
/// # Ok::<(), lightsout::SynthError>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "a dashboard is made once it is added to a stack"]
pub struct Dashboard {
    rows: Vec<Vec<Widget>>,
}

/// One rectangle of a dashboard.
#[derive(Debug, Clone)]
#[must_use = "a widget is for a dashboard"]
pub struct Widget {
    kind: Kind,
    title: String,
    measures: Vec<Measure>,
    width: Option<u8>,
    height: u8,
}

#[derive(Debug, Clone)]
enum Kind {
    Graph,
    Number,
    Text,
    Alarms(Vec<AlarmRef>),
    Logs {
        groups: Vec<LogGroupRef>,
        query: String,
    },
}

/// A dashboard that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DashboardRef {
    id: ResourceId,
}

/// Columns of the grid.
///
/// [The structure of a dashboard](https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html)
/// has this and the next two.
const COLUMNS: u8 = 24;

/// The highest widget.
const HIGHEST: u8 = 100;

/// How many widgets one dashboard has at most.
const MOST_WIDGETS: usize = 500;

impl Dashboard {
    /// A dashboard without any widget yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds widgets beside each other; they share what width none of them asks for.
    pub fn row(mut self, widgets: impl IntoIterator<Item = Widget>) -> Self {
        self.rows.push(widgets.into_iter().collect());
        self
    }
}

impl Widget {
    /// Metrics over time.
    pub fn graph(title: impl Into<String>) -> Self {
        Self::of(Kind::Graph, title, 6)
    }

    /// What metrics are now.
    pub fn number(title: impl Into<String>) -> Self {
        Self::of(Kind::Number, title, 3)
    }

    /// Text in Markdown.
    pub fn text(markdown: impl Into<String>) -> Self {
        Self::of(Kind::Text, markdown, 2)
    }

    /// The states of alarms.
    pub fn alarms(title: impl Into<String>, alarms: impl IntoIterator<Item = AlarmRef>) -> Self {
        Self::of(Kind::Alarms(alarms.into_iter().collect()), title, 3)
    }

    /// What a query in the language of Logs Insights finds in log groups.
    pub fn logs(
        title: impl Into<String>,
        groups: impl IntoIterator<Item = LogGroupRef>,
        query: impl Into<String>,
    ) -> Self {
        let kind = Kind::Logs {
            groups: groups.into_iter().collect(),
            query: query.into(),
        };
        Self::of(kind, title, 6)
    }

    /// Shows `metric`, in a graph or as a number.
    pub fn metric(mut self, metric: Metric) -> Self {
        self.measures.push(Measure::Metric(metric));
        self
    }

    /// Shows what `expression` is, in a graph or as a number.
    pub fn expression(mut self, expression: Expression) -> Self {
        self.measures.push(Measure::Expression(expression));
        self
    }

    /// Takes this many of the 24 columns.
    pub fn width(mut self, columns: u8) -> Self {
        self.width = Some(columns);
        self
    }

    /// Takes this many rows of the grid, up to 100.
    pub fn height(mut self, rows: u8) -> Self {
        self.height = rows;
        self
    }

    fn of(kind: Kind, title: impl Into<String>, height: u8) -> Self {
        Self {
            kind,
            title: title.into(),
            measures: Vec::new(),
            width: None,
            height,
        }
    }
}

impl Construct for Dashboard {
    type Handle = DashboardRef;

    fn build(self, scope: &mut Scope<'_>) -> DashboardRef {
        let count = self.rows.iter().map(Vec::len).sum::<usize>();
        if !(1..=MOST_WIDGETS).contains(&count) {
            scope.problem(
                "DashboardBody",
                format_args!("has {count} widgets"),
                format!("give it 1 to {MOST_WIDGETS} with `.row(..)`"),
            );
        }
        let mut widgets = Vec::with_capacity(count);
        let mut y = 0_u32;
        for row in self.rows {
            let widths = widths(scope, &row);
            let mut x = 0_u32;
            let height = row.iter().map(|widget| widget.height).max().unwrap_or(0);
            for (widget, width) in row.into_iter().zip(widths) {
                limits::within(scope, "height", widget.height, &(1..=HIGHEST), " rows");
                widgets.push(widget.describe(scope, x, y, width));
                x += u32::from(width);
            }
            y += u32::from(height);
        }
        let body = Tree::object([("widgets", Tree::List(widgets))]);
        let mut parts = Vec::new();
        write(&body, &mut parts);
        DashboardRef {
            id: cloudwatch::Dashboard::new(Value::join(parts))
                .build(scope)
                .id(),
        }
    }
}

impl DashboardRef {
    /// Returns the dashboard's name.
    pub const fn name(self) -> Value<String> {
        self.id.reference()
    }
}

impl Widget {
    fn describe(self, scope: &mut Scope<'_>, x: u32, y: u32, width: u8) -> Tree {
        let shows_metrics = matches!(self.kind, Kind::Graph | Kind::Number);
        if shows_metrics == self.measures.is_empty() {
            let (wrong, hint) = if shows_metrics {
                ("shows no metric", "give it one with `.metric(..)`")
            } else {
                (
                    "is given a metric that it cannot show",
                    "show it in a `Widget::graph(..)` or `Widget::number(..)`",
                )
            };
            let wrong = format!("has a widget `{}` that {wrong}", self.title);
            scope.problem("widgets", wrong, hint);
        }
        let mut numbers = 0;
        let metrics: Vec<Tree> = self
            .measures
            .iter()
            .flat_map(|measure| rows(scope, measure, &mut numbers))
            .collect();
        let title = || ("title", Tree::from(self.title.as_str()));
        let region = || ("region", Tree::from(Pseudo::Region));
        let (kind, properties) = match self.kind {
            Kind::Graph => (
                "metric",
                vec![
                    title(),
                    region(),
                    ("view", "timeSeries".into()),
                    ("metrics", Tree::List(metrics)),
                ],
            ),
            Kind::Number => (
                "metric",
                vec![
                    title(),
                    region(),
                    ("view", "singleValue".into()),
                    ("metrics", Tree::List(metrics)),
                ],
            ),
            Kind::Text => ("text", vec![("markdown", self.title.as_str().into())]),
            Kind::Alarms(alarms) => {
                let alarms = alarms.into_iter().map(|alarm| Tree::from(alarm.arn()));
                ("alarm", vec![title(), ("alarms", alarms.collect())])
            }
            Kind::Logs { groups, query } => {
                let mut parts: Vec<Part> = Vec::new();
                for group in groups {
                    parts.extend(["SOURCE '".into(), group.name().into(), "' | ".into()]);
                }
                parts.push(query.into());
                (
                    "log",
                    vec![
                        title(),
                        region(),
                        ("view", "table".into()),
                        ("query", Value::join(parts).into()),
                    ],
                )
            }
        };
        Tree::object([
            ("type", kind.into()),
            ("x", x.into()),
            ("y", y.into()),
            ("width", u32::from(width).into()),
            ("height", u32::from(self.height).into()),
            ("properties", Tree::object(properties)),
        ])
    }
}

/// Shares a row's columns: who asks gets them, the others part the rest.
fn widths(scope: &mut Scope<'_>, row: &[Widget]) -> Vec<u8> {
    let asked: u32 = row
        .iter()
        .filter_map(|widget| widget.width)
        .map(u32::from)
        .sum();
    let others = row.iter().filter(|widget| widget.width.is_none()).count();
    let others = u32::try_from(others).unwrap_or(u32::MAX);
    let has_none = row.iter().any(|widget| widget.width == Some(0));
    if has_none || asked.saturating_add(others) > u32::from(COLUMNS) {
        scope.problem(
            "width",
            format_args!("has a row of {} widgets that do not fit", row.len()),
            format!("give each at least 1 column, and all of them {COLUMNS} at most"),
        );
    }
    let rest = u32::from(COLUMNS).saturating_sub(asked);
    let share = rest.checked_div(others).unwrap_or(0).max(1);
    let share = u8::try_from(share).unwrap_or(COLUMNS);
    row.iter()
        .map(|widget| widget.width.unwrap_or(share))
        .collect()
}

/// Describes what a measure shows: a formula, and what it is reckoned from unseen.
fn rows(scope: &mut Scope<'_>, measure: &Measure, formulas: &mut u32) -> Vec<Tree> {
    match measure {
        Measure::Metric(metric) | Measure::Band(metric, _) => vec![row(scope, metric, Vec::new())],
        Measure::Expression(expression) => {
            expression.check(scope);
            *formulas += 1;
            let mut shown = vec![
                ("expression", expression.formula.as_str().into()),
                ("id", format!("result{formulas}").into()),
            ];
            if let Some(label) = &expression.label {
                shown.push(("label", label.as_str().into()));
            }
            let mut rows = vec![Tree::List(vec![Tree::object(shown)])];
            for (id, metric) in &expression.metrics {
                let hidden = vec![("id", id.as_str().into()), ("visible", false.into())];
                rows.push(row(scope, metric, hidden));
            }
            rows
        }
    }
}

fn row(scope: &mut Scope<'_>, metric: &Metric, more: Vec<(&'static str, Tree)>) -> Tree {
    let mut row: Vec<Tree> = vec![
        metric.namespace.as_str().into(),
        metric.name.as_str().into(),
    ];
    for (name, value) in &metric.dimensions {
        row.push(name.as_str().into());
        row.push(value.clone().into());
    }
    let mut options = vec![
        ("stat", metric.statistic.name().into()),
        ("period", metric.seconds(scope).into()),
    ];
    options.extend(more);
    row.push(Tree::object(options));
    Tree::List(row)
}

/// Writes `tree` as JSON text, with its tokens between quotes: names and ARNs, which
/// need no escape.
fn write(tree: &Tree, text: &mut Vec<Part>) {
    match tree {
        Tree::Literal(json) => text.push(json.to_string().into()),
        Tree::Token(token) => {
            text.push("\"".into());
            match token {
                Token::Join(parts) => text.extend(parts.iter().map(|part| match part {
                    Part::Text(text) => {
                        let quoted = serde_json::Value::from(text.as_str()).to_string();
                        quoted[1..quoted.len() - 1].into()
                    }
                    Part::Token(_) => part.clone(),
                })),
                whole => text.push(Part::Token(whole.clone())),
            }
            text.push("\"".into());
        }
        Tree::List(items) => {
            text.push("[".into());
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(",".into());
                }
                write(item, text);
            }
            text.push("]".into());
        }
        Tree::Map(entries) => {
            text.push("{".into());
            for (index, (key, tree)) in entries.iter().enumerate() {
                if index > 0 {
                    text.push(",".into());
                }
                text.push(format!("{}:", serde_json::Value::from(key.as_ref())).into());
                write(tree, text);
            }
            text.push("}".into());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::{
        fixture::{key, problems, synth},
        logs::LogGroup,
        sns::Topic,
        sqs::Queue,
    };

    /// Returns a dashboard's body, with `TOKEN` for each of its tokens.
    fn body(assembly: &lightsout_core::Assembly) -> Json {
        let board = &assembly.template("Test").json()["Resources"]["Board"];
        let parts = board["Properties"]["DashboardBody"]["Fn::Join"][1].as_array();
        let text: String = parts
            .unwrap()
            .iter()
            .map(|part| part.as_str().unwrap_or("TOKEN"))
            .collect();
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_body_is_json_whatever_its_texts_hold() {
        let assembly = synth(|scope| {
            let key = key(scope);
            let queue = scope.add("Queue", Queue::<()>::new(&key));
            let topic = scope.add("Topic", Topic::new(&key));
            let group = scope.add("Logs", LogGroup::new(&key));
            let alarm = scope.add("Alarm", queue.depth().above(0).notifies(&topic));
            let per_minute = Expression::new("sent / 60")
                .with("sent", queue.depth())
                .label("Per \"second\"");
            let board = Dashboard::new()
                .row([Widget::text("A \"quoted\"\nline")])
                .row([
                    Widget::graph("Depth")
                        .metric(queue.depth())
                        .expression(per_minute),
                    Widget::alarms("Alarms", [alarm]).width(6).height(8),
                ])
                .row([Widget::logs(
                    "Errors",
                    [group],
                    "filter @message like \"E\"\n| limit 5",
                )]);
            scope.add("Board", board);
        });
        let body = body(&assembly);
        let places: Vec<[i64; 4]> = body["widgets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|widget| ["x", "y", "width", "height"].map(|side| widget[side].as_i64().unwrap()))
            .collect();
        assert_eq!(
            places,
            [[0, 0, 24, 2], [0, 2, 18, 6], [18, 2, 6, 8], [0, 10, 24, 6]]
        );
        assert_eq!(
            body["widgets"][0]["properties"]["markdown"],
            "A \"quoted\"\nline"
        );
        let graph = &body["widgets"][1]["properties"];
        assert_eq!(graph["region"], "TOKEN");
        assert_eq!(
            graph["metrics"],
            json!([
                [
                    "AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "TOKEN",
                    {"stat": "Maximum", "period": 60},
                ],
                [{"expression": "sent / 60", "id": "result1", "label": "Per \"second\""}],
                [
                    "AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "TOKEN",
                    {"stat": "Maximum", "period": 60, "id": "sent", "visible": false},
                ],
            ])
        );
        assert_eq!(body["widgets"][2]["properties"]["alarms"], json!(["TOKEN"]));
        assert_eq!(
            body["widgets"][3]["properties"]["query"],
            "SOURCE 'TOKEN' | filter @message like \"E\"\n| limit 5"
        );
    }

    #[test]
    fn widgets_that_do_not_fit_or_show_nothing_are_problems() {
        let problems = problems(|scope| {
            let text = || Widget::text("x");
            scope.add(
                "Wide",
                Dashboard::new().row([text().width(13), text().width(12)]),
            );
            scope.add("High", Dashboard::new().row([text().height(101)]));
            scope.add("Blank", Dashboard::new().row([Widget::graph("Nothing")]));
            scope.add("Empty", Dashboard::new());
            let rows = (0..501).fold(Dashboard::new(), |board, _| board.row([text()]));
            scope.add("Many", rows);
        });
        let properties: Vec<&str> = problems
            .iter()
            .filter_map(|problem| problem.property.as_deref())
            .collect();
        assert_eq!(
            properties,
            [
                "widgets",
                "DashboardBody",
                "height",
                "DashboardBody",
                "width"
            ]
        );
    }
}
