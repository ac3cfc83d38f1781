//! Writes every schema into the data file of `lightsout-schema`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lightsout_schema::{
    Types,
    format::{self, tag},
    is_supported,
};
use serde_json::{Map, Value as Json};

/// What is known of a resource type besides its schema.
#[derive(Debug, Default)]
pub(crate) struct Additions {
    /// Attributes for `Fn::GetAtt` that the schema does not tell.
    pub(crate) attributes: BTreeSet<String>,
    /// Properties that must be set.
    pub(crate) required: BTreeSet<String>,
    /// Whether `Fn::GetAtt` gives the properties, too.
    pub(crate) gives_properties: bool,
}

/// The file, and what is left out of it.
#[derive(Debug)]
pub(crate) struct SchemaData {
    pub(crate) file: Vec<u8>,
    /// Patterns that cannot be compiled.
    pub(crate) unsupported: BTreeSet<String>,
}

/// Why a schema cannot be written.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum SchemaDataError {
    /// A keyword that the file has no place for.
    #[error(
        "the schema of `{type_name}` has `{keyword}`, which the data file has no place for; teach `schema_data.rs` to write or to ignore it"
    )]
    Keyword { type_name: String, keyword: String },
    /// A keyword says something else than it does elsewhere.
    #[error("the schema of `{type_name}` has a `{keyword}` of another form: `{found}`")]
    Form {
        type_name: String,
        keyword: String,
        found: String,
    },
}

/// Says nothing about values, or nothing that is checked.
///
/// A format is a hint to people, but for those that name a kind of text; look at
/// [`is_checked_format`].
const IGNORED: [&str; 12] = [
    "$comment",
    "additionalProperties",
    "arrayType",
    "default",
    "definitions",
    "description",
    "examples",
    "insertionOrder",
    "maxUniqueItems",
    "relationshipRef",
    "title",
    "then",
];

/// What stands beside the properties of a resource type, and is read by name.
const OF_RESOURCE: [&str; 22] = [
    "$schema",
    "additionalIdentifiers",
    "conditionalCreateOnlyProperties",
    "createOnlyProperties",
    "deprecatedProperties",
    "documentationUrl",
    "handlers",
    "lifecycle",
    "nonPublicDefinitions",
    "nonPublicProperties",
    "primaryIdentifier",
    "propertyTransform",
    "readOnlyProperties",
    "replacementStrategy",
    "resourceLink",
    "sourceUrl",
    "taggable",
    "tagging",
    "typeConfiguration",
    "typeName",
    "unsupportedProperties",
    "writeOnlyProperties",
];

/// Writes the schemas, sorted by their names.
pub(crate) fn write<'s>(
    schemas: impl IntoIterator<Item = (&'s str, &'s Json)>,
    additions: &BTreeMap<String, Additions>,
) -> Result<SchemaData, SchemaDataError> {
    let mut graph = Graph::default();
    let none = Additions::default();
    let mut records = BTreeMap::new();
    for (name, schema) in schemas {
        let additions = additions.get(name).unwrap_or(&none);
        let root = graph.resource(name, schema, additions)?;
        records.insert(name, (root, record(schema, additions)));
    }
    let (classes, firsts) = graph.classes();
    let numbers = numbers(&graph.nodes, &classes, &firsts, &records);

    let mut order: Vec<usize> = firsts.clone();
    order.sort_by_key(|node| numbers[classes[*node] as usize]);
    let mut texts = Texts::default();
    for node in &order {
        texts.count_node(&graph, *node);
    }
    for (name, (_, record)) in &records {
        texts.count(name);
        record.texts().for_each(|text| texts.count(text));
    }
    let texts = texts.place();

    let mut nodes = Vec::new();
    let mut offsets = Vec::new();
    for node in &order {
        offsets.extend(fixed(nodes.len()));
        for piece in &graph.nodes[*node] {
            match *piece {
                Piece::Number(number) => varint(&mut nodes, number),
                Piece::Fixed(bits) => nodes.extend(bits.to_le_bytes()),
                Piece::Text(text) => {
                    varint(&mut nodes, texts.offset(&graph.texts[text]) as u64);
                }
                Piece::Child(child) => {
                    varint(&mut nodes, u64::from(numbers[classes[child] as usize]));
                }
            }
        }
    }
    offsets.extend(fixed(nodes.len()));

    let mut index = Vec::new();
    let mut recorded = Vec::new();
    for (name, (root, record)) in &records {
        index.extend(fixed(texts.offset(name)));
        index.extend(fixed(recorded.len()));
        varint(&mut recorded, u64::from(numbers[classes[*root] as usize]));
        record.write(&mut recorded, &texts);
    }

    let mut body = Vec::new();
    varint(&mut body, texts.bytes.len() as u64);
    body.extend(texts.bytes);
    varint(&mut body, order.len() as u64);
    body.extend(offsets);
    varint(&mut body, nodes.len() as u64);
    body.extend(nodes);
    varint(&mut body, records.len() as u64);
    body.extend(index);
    varint(&mut body, recorded.len() as u64);
    body.extend(recorded);
    Ok(SchemaData {
        file: format::with_header(format::SCHEMAS, &body),
        unsupported: graph.unsupported,
    })
}

/// A part of a node, before texts and nodes have their places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Piece {
    Number(u64),
    Fixed(u64),
    Text(usize),
    Child(usize),
}

/// Every node of every schema, equal ones not yet merged.
#[derive(Debug, Default)]
struct Graph {
    nodes: Vec<Vec<Piece>>,
    texts: Vec<String>,
    text_numbers: HashMap<String, usize>,
    unsupported: BTreeSet<String>,
}

/// The schema that is being read.
struct Reading<'s> {
    type_name: &'s str,
    schema: &'s Json,
    /// Nodes that were referred to, by reference.
    referred: HashMap<String, usize>,
}

impl Graph {
    fn resource(
        &mut self,
        type_name: &str,
        schema: &Json,
        additions: &Additions,
    ) -> Result<usize, SchemaDataError> {
        let mut root = schema.as_object().cloned().unwrap_or_default();
        root.retain(|keyword, _| !OF_RESOURCE.contains(&keyword.as_str()));
        let read_only = pointers(schema, "readOnlyProperties");
        let mut required: BTreeSet<&str> = texts(root.get("required")).collect();
        required.retain(|name| !read_only.iter().any(|path| path == name));
        required.extend(additions.required.iter().map(String::as_str));
        if !required.is_empty() {
            let required = required.into_iter().collect::<Json>();
            root.insert("required".to_owned(), required);
        }
        let mut reading = Reading {
            type_name,
            schema,
            referred: HashMap::new(),
        };
        let node = self.nodes.len();
        self.nodes.push(Vec::new());
        let pieces = self.keywords(&mut reading, &root)?;
        self.nodes[node] = pieces;
        Ok(node)
    }

    fn node(&mut self, reading: &mut Reading<'_>, json: &Json) -> Result<usize, SchemaDataError> {
        let map = json
            .as_object()
            .ok_or_else(|| wrong(reading.type_name, "schema", json))?;
        if let Some(reference) = map.get("$ref")
            && map
                .keys()
                .all(|keyword| keyword == "$ref" || IGNORED.contains(&keyword.as_str()))
        {
            return self.referred(reading, reference);
        }
        let node = self.nodes.len();
        self.nodes.push(Vec::new());
        let pieces = self.keywords(reading, map)?;
        self.nodes[node] = pieces;
        Ok(node)
    }

    fn referred(
        &mut self,
        reading: &mut Reading<'_>,
        reference: &Json,
    ) -> Result<usize, SchemaDataError> {
        let type_name = reading.type_name;
        let wrong = || wrong(type_name, "$ref", reference);
        let text = reference.as_str().ok_or_else(wrong)?;
        if let Some(node) = reading.referred.get(text) {
            return Ok(*node);
        }
        let schema = reading.schema;
        let pointer = text.strip_prefix('#').ok_or_else(wrong)?;
        let target = schema.pointer(pointer).ok_or_else(wrong)?;
        // The place is taken first: what contains itself refers back to it.
        let node = self.nodes.len();
        self.nodes.push(Vec::new());
        reading.referred.insert(text.to_owned(), node);
        let map = target.as_object().ok_or_else(wrong)?;
        let pieces = self.keywords(reading, map)?;
        self.nodes[node] = pieces;
        Ok(node)
    }

    fn keywords(
        &mut self,
        reading: &mut Reading<'_>,
        map: &Map<String, Json>,
    ) -> Result<Vec<Piece>, SchemaDataError> {
        let mut keywords: BTreeMap<u64, Vec<Piece>> = BTreeMap::new();
        let no_others = map.get("additionalProperties") == Some(&Json::Bool(false));
        if let Some(other) = map.get("additionalProperties").filter(|_| !no_others) {
            return Err(wrong(reading.type_name, "additionalProperties", other));
        }
        if map.contains_key("properties") {
            // A map whose names follow a pattern, or that has none to name, is open.
            let closed = no_others && !map.contains_key("patternProperties");
            let mut pieces = vec![Piece::Number(u64::from(closed))];
            let known: BTreeMap<&String, &Json> = map
                .get("properties")
                .and_then(Json::as_object)
                .into_iter()
                .flatten()
                .collect();
            pieces.push(Piece::Number(known.len() as u64));
            for (name, json) in known {
                pieces.push(self.text(name));
                pieces.push(Piece::Child(self.node(reading, json)?));
            }
            keywords.insert(tag::PROPERTIES, pieces);
        }
        let mut together = Vec::new();
        for (keyword, json) in map {
            if IGNORED.contains(&keyword.as_str())
                || matches!(keyword.as_str(), "properties" | "else")
            {
                continue;
            }
            if keyword == "$ref" {
                together.push(self.referred(reading, json)?);
            } else if keyword == "allOf" {
                for part in json.as_array().into_iter().flatten() {
                    together.push(self.node(reading, part)?);
                }
            } else if let Some((tag, pieces)) = self.keyword(reading, map, keyword, json)? {
                keywords.insert(tag, pieces);
            }
        }
        if !together.is_empty() {
            let mut pieces = vec![Piece::Number(together.len() as u64)];
            pieces.extend(together.into_iter().map(Piece::Child));
            keywords.insert(tag::ALL_OF, pieces);
        }
        Ok(keywords
            .into_iter()
            .flat_map(|(tag, pieces)| std::iter::once(Piece::Number(tag)).chain(pieces))
            .collect())
    }

    /// Returns a keyword as the file holds it, or nothing if it demands nothing.
    fn keyword(
        &mut self,
        reading: &mut Reading<'_>,
        map: &Map<String, Json>,
        keyword: &str,
        json: &Json,
    ) -> Result<Option<(u64, Vec<Piece>)>, SchemaDataError> {
        let type_name = reading.type_name;
        let wrong = || wrong(type_name, keyword, json);
        let count = || json.as_u64().map(Piece::Number).ok_or_else(wrong);
        let (tag, pieces) = match keyword {
            "type" => {
                let mut types = 0;
                for name in json.as_str().into_iter().chain(texts(Some(json))) {
                    let known = Types::NAMES.iter().find(|(_, known)| *known == name);
                    types |= known.ok_or_else(wrong)?.0.bits();
                }
                (tag::TYPE, vec![Piece::Number(u64::from(types))])
            }
            "pattern" => {
                let text = json.as_str().ok_or_else(wrong)?;
                if !self.is_supported(text) {
                    return Ok(None);
                }
                (tag::PATTERN, vec![self.text(text)])
            }
            "format" => {
                let text = json.as_str().ok_or_else(wrong)?;
                if !is_checked_format(text) {
                    return Ok(None);
                }
                (tag::FORMAT, vec![self.text(text)])
            }
            "minLength" => (tag::MIN_LENGTH, vec![count()?]),
            "maxLength" => (tag::MAX_LENGTH, vec![count()?]),
            "minItems" => (tag::MIN_ITEMS, vec![count()?]),
            "maxItems" => (tag::MAX_ITEMS, vec![count()?]),
            "minProperties" => (tag::MIN_PROPERTIES, vec![count()?]),
            "maxProperties" => (tag::MAX_PROPERTIES, vec![count()?]),
            "minimum" => (tag::MINIMUM, self.scalar(json).ok_or_else(wrong)?),
            "maximum" => (tag::MAXIMUM, self.scalar(json).ok_or_else(wrong)?),
            "exclusiveMinimum" => (tag::ABOVE, self.scalar(json).ok_or_else(wrong)?),
            "exclusiveMaximum" => (tag::BELOW, self.scalar(json).ok_or_else(wrong)?),
            "multipleOf" => (tag::MULTIPLE_OF, self.scalar(json).ok_or_else(wrong)?),
            "const" => (tag::CONST, self.scalar(json).ok_or_else(wrong)?),
            "enum" => (tag::ENUM, self.scalars(json).ok_or_else(wrong)?),
            "enumCaseInsensitive" => (tag::ENUM_ANY_CASE, self.scalars(json).ok_or_else(wrong)?),
            "uniqueItems" if json == true => (tag::UNIQUE_ITEMS, Vec::new()),
            "uniqueItems" => return Ok(None),
            "uniqueKeys" => (tag::UNIQUE_KEYS, self.names(json)),
            "required" => (tag::REQUIRED, self.names(json)),
            "requiredXor" => (tag::REQUIRED_XOR, self.names(json)),
            "requiredOr" => (tag::REQUIRED_OR, self.names(json)),
            "dependentRequired" | "dependencies" => (
                tag::DEPENDENT_REQUIRED,
                self.dependents(json).ok_or_else(wrong)?,
            ),
            "dependentExcluded" => (
                tag::DEPENDENT_EXCLUDED,
                self.dependents(json).ok_or_else(wrong)?,
            ),
            "items" => (tag::ITEMS, vec![Piece::Child(self.node(reading, json)?)]),
            "not" => (tag::NOT, vec![Piece::Child(self.node(reading, json)?)]),
            "anyOf" => (
                tag::ANY_OF,
                self.children(reading, json.as_array().ok_or_else(wrong)?)?,
            ),
            "oneOf" => (
                tag::ONE_OF,
                self.children(reading, json.as_array().ok_or_else(wrong)?)?,
            ),
            "prefixItems" => (
                tag::PREFIX_ITEMS,
                self.children(reading, json.as_array().ok_or_else(wrong)?)?,
            ),
            "patternProperties" => {
                let entries: BTreeMap<&String, &Json> =
                    json.as_object().ok_or_else(wrong)?.iter().collect();
                // Without one of its patterns, a map's other names cannot be judged.
                if entries.keys().any(|pattern| !self.is_supported(pattern)) {
                    return Ok(None);
                }
                let mut pieces = vec![Piece::Number(entries.len() as u64)];
                for (pattern, json) in entries {
                    pieces.push(self.text(pattern));
                    pieces.push(Piece::Child(self.node(reading, json)?));
                }
                (tag::PATTERN_PROPERTIES, pieces)
            }
            "if" => {
                let mut pieces = vec![Piece::Child(self.node(reading, json)?)];
                for branch in ["then", "else"] {
                    let branch = map.get(branch).map(std::slice::from_ref);
                    pieces.extend(self.children(reading, branch.unwrap_or_default())?);
                }
                (tag::IF, pieces)
            }
            _ => {
                return Err(SchemaDataError::Keyword {
                    type_name: reading.type_name.to_owned(),
                    keyword: keyword.to_owned(),
                });
            }
        };
        Ok(Some((tag, pieces)))
    }

    fn children(
        &mut self,
        reading: &mut Reading<'_>,
        list: &[Json],
    ) -> Result<Vec<Piece>, SchemaDataError> {
        let mut pieces = vec![Piece::Number(list.len() as u64)];
        for json in list {
            pieces.push(Piece::Child(self.node(reading, json)?));
        }
        Ok(pieces)
    }

    fn text(&mut self, text: &str) -> Piece {
        if let Some(number) = self.text_numbers.get(text) {
            return Piece::Text(*number);
        }
        let number = self.texts.len();
        self.texts.push(text.to_owned());
        self.text_numbers.insert(text.to_owned(), number);
        Piece::Text(number)
    }

    fn names(&mut self, json: &Json) -> Vec<Piece> {
        let names: BTreeSet<&str> = texts(Some(json)).collect();
        let mut pieces = vec![Piece::Number(names.len() as u64)];
        pieces.extend(names.into_iter().map(|name| self.text(name)));
        pieces
    }

    fn dependents(&mut self, json: &Json) -> Option<Vec<Piece>> {
        // A whole schema may stand for the others; only names are taken.
        let entries: BTreeMap<&String, &Json> = json
            .as_object()?
            .iter()
            .filter(|(_, others)| others.is_array())
            .collect();
        let mut pieces = vec![Piece::Number(entries.len() as u64)];
        for (name, others) in entries {
            pieces.push(self.text(name));
            pieces.extend(self.names(others));
        }
        Some(pieces)
    }

    fn scalars(&mut self, json: &Json) -> Option<Vec<Piece>> {
        let items = json.as_array()?;
        let mut pieces = vec![Piece::Number(items.len() as u64)];
        for item in items {
            pieces.extend(self.scalar(item)?);
        }
        Some(pieces)
    }

    fn scalar(&mut self, json: &Json) -> Option<Vec<Piece>> {
        /// Every whole number up to here is exact as a float.
        const EXACT: i64 = 1 << 53;
        Some(match json {
            Json::String(text) => vec![Piece::Number(format::TEXT), self.text(text)],
            Json::Bool(truth) => vec![
                Piece::Number(format::TRUTH),
                Piece::Number(u64::from(*truth)),
            ],
            Json::Number(number) => {
                let float = number.as_f64()?;
                #[expect(clippy::cast_possible_truncation, reason = "it is compared after")]
                let whole = float as i64;
                #[expect(clippy::cast_precision_loss, reason = "it is small enough")]
                let is_whole = whole.abs() <= EXACT && (whole as f64).to_bits() == float.to_bits();
                if is_whole {
                    let zigzag = (whole << 1) ^ (whole >> 63);
                    vec![
                        Piece::Number(format::WHOLE),
                        Piece::Number(zigzag.cast_unsigned()),
                    ]
                } else {
                    vec![
                        Piece::Number(format::FRACTION),
                        Piece::Fixed(float.to_bits()),
                    ]
                }
            }
            _ => return None,
        })
    }

    fn is_supported(&mut self, pattern: &str) -> bool {
        if self.text_numbers.contains_key(pattern) {
            return true;
        }
        let is_supported = !self.unsupported.contains(pattern) && is_supported(pattern);
        if !is_supported {
            self.unsupported.insert(pattern.to_owned());
        }
        is_supported
    }

    /// Returns the class of each node, and the first node of each class.
    ///
    /// Nodes of one class say the same, however they contain themselves: classes
    /// are split by what their nodes contain until no more can be told apart.
    fn classes(&self) -> (Vec<u32>, Vec<usize>) {
        let mut classes = vec![0; self.nodes.len()];
        let mut firsts = Vec::new();
        loop {
            let mut numbers: HashMap<Vec<(u8, u64)>, u32> = HashMap::new();
            let mut next_firsts = Vec::new();
            let next: Vec<u32> = self
                .nodes
                .iter()
                .enumerate()
                .map(|(node, pieces)| {
                    let key = pieces
                        .iter()
                        .map(|piece| match *piece {
                            Piece::Number(number) => (0, number),
                            Piece::Fixed(bits) => (1, bits),
                            Piece::Text(text) => (2, text as u64),
                            Piece::Child(child) => (3, u64::from(classes[child])),
                        })
                        .collect();
                    let number = u32::try_from(next_firsts.len()).unwrap_or(u32::MAX);
                    *numbers.entry(key).or_insert_with(|| {
                        next_firsts.push(node);
                        number
                    })
                })
                .collect();
            let is_finished = next_firsts.len() == firsts.len();
            (classes, firsts) = (next, next_firsts);
            if is_finished {
                return (classes, firsts);
            }
        }
    }
}

/// Returns the number of each class: the most used come first.
fn numbers(
    nodes: &[Vec<Piece>],
    classes: &[u32],
    firsts: &[usize],
    records: &BTreeMap<&str, (usize, Record)>,
) -> Vec<u32> {
    let mut uses = vec![0_u32; firsts.len()];
    for first in firsts {
        for piece in &nodes[*first] {
            if let Piece::Child(child) = piece {
                uses[classes[*child] as usize] += 1;
            }
        }
    }
    for (root, _) in records.values() {
        uses[classes[*root] as usize] += 1;
    }
    let mut order: Vec<usize> = (0..firsts.len()).collect();
    order.sort_by_key(|class| (u32::MAX - uses[*class], *class));
    let mut numbers = vec![0; firsts.len()];
    for (number, class) in (0..).zip(order) {
        numbers[class] = number;
    }
    numbers
}

/// What stands beside the nodes of a resource type.
#[derive(Debug)]
struct Record {
    lists: [Vec<String>; 7],
    handlers: Vec<(u8, Vec<String>)>,
}

fn record(schema: &Json, additions: &Additions) -> Record {
    let read_only = pointers(schema, "readOnlyProperties");
    let mut attributes: BTreeSet<String> = read_only.iter().cloned().collect();
    attributes.extend(additions.attributes.iter().cloned());
    if additions.gives_properties {
        property_attributes(schema, schema, "", 0, &mut attributes);
    }
    attributes.retain(|attribute| !attribute.contains("*."));
    // Nobody knows the names of another template's outputs.
    if attributes.contains("Outputs") || schema["typeName"] == "AWS::CloudFormation::Stack" {
        attributes.insert("Outputs.*".to_owned());
    }
    let tag_property = schema["tagging"]["tagProperty"]
        .as_str()
        .filter(|_| schema["tagging"]["taggable"] != false)
        .map(path);
    let handlers = ["create", "read", "update", "delete", "list"]
        .into_iter()
        .enumerate()
        .filter_map(|(number, name)| {
            let handler = schema.get("handlers")?.get(name)?;
            let permissions: BTreeSet<&str> = texts(handler.get("permissions")).collect();
            Some((
                u8::try_from(number).unwrap_or(u8::MAX),
                permissions.into_iter().map(str::to_owned).collect(),
            ))
        })
        .collect();
    Record {
        lists: [
            read_only,
            pointers(schema, "writeOnlyProperties"),
            pointers(schema, "createOnlyProperties"),
            pointers(schema, "conditionalCreateOnlyProperties"),
            pointers(schema, "primaryIdentifier"),
            attributes.into_iter().collect(),
            tag_property.into_iter().collect(),
        ],
        handlers,
    }
}

impl Record {
    fn texts(&self) -> impl Iterator<Item = &str> {
        let handlers = self.handlers.iter().map(|(_, permissions)| permissions);
        let lists = self.lists.iter().chain(handlers);
        lists.flatten().map(String::as_str)
    }

    fn write(&self, bytes: &mut Vec<u8>, texts: &PlacedTexts) {
        let list = |bytes: &mut Vec<u8>, list: &[String]| {
            varint(bytes, list.len() as u64);
            for text in list {
                varint(bytes, texts.offset(text) as u64);
            }
        };
        for texts in &self.lists {
            list(bytes, texts);
        }
        varint(bytes, self.handlers.len() as u64);
        for (operation, permissions) in &self.handlers {
            bytes.push(*operation);
            list(bytes, permissions);
        }
    }
}

/// Adds the path of each scalar and each list of scalars, as `Fn::GetAtt` names it.
fn property_attributes(
    schema: &Json,
    node: &Json,
    start: &str,
    depth: usize,
    attributes: &mut BTreeSet<String>,
) {
    /// Deeper, a schema contains itself.
    const DEEPEST: usize = 8;
    let properties = node.get("properties").and_then(Json::as_object);
    for (name, mut node) in properties.into_iter().flatten() {
        if let Some(target) = node["$ref"]
            .as_str()
            .and_then(|text| text.strip_prefix('#'))
        {
            node = schema.pointer(target).unwrap_or(node);
        }
        let path = format!("{start}{name}");
        if node.get("properties").is_some() {
            if depth < DEEPEST {
                property_attributes(schema, node, &format!("{path}."), depth + 1, attributes);
            }
        } else {
            attributes.insert(path);
        }
    }
}

/// How often each text is used.
#[derive(Debug, Default)]
struct Texts(BTreeMap<String, u32>);

#[derive(Debug)]
struct PlacedTexts {
    bytes: Vec<u8>,
    offsets: HashMap<String, usize>,
}

impl Texts {
    fn count(&mut self, text: &str) {
        *self.0.entry(text.to_owned()).or_default() += 1;
    }

    fn count_node(&mut self, graph: &Graph, node: usize) {
        for piece in &graph.nodes[node] {
            if let Piece::Text(text) = piece {
                self.count(&graph.texts[*text]);
            }
        }
    }

    /// Gives each text its place: the most used come first.
    fn place(self) -> PlacedTexts {
        let mut texts: Vec<(String, u32)> = self.0.into_iter().collect();
        texts.sort_by_key(|(_, uses)| u32::MAX - uses);
        let mut placed = PlacedTexts {
            bytes: Vec::new(),
            offsets: HashMap::new(),
        };
        for (text, _) in texts {
            let offset = placed.bytes.len();
            write_text(&mut placed.bytes, &text);
            placed.offsets.insert(text, offset);
        }
        placed
    }
}

impl PlacedTexts {
    fn offset(&self, text: &str) -> usize {
        self.offsets[text]
    }
}

fn wrong(type_name: &str, keyword: &str, found: &Json) -> SchemaDataError {
    SchemaDataError::Form {
        type_name: type_name.to_owned(),
        keyword: keyword.to_owned(),
        found: found.to_string(),
    }
}

/// Returns whether a format names a kind of text that is checked at synth.
fn is_checked_format(format: &str) -> bool {
    format.starts_with("AWS::") || matches!(format, "ipv4-network" | "ipv6-network")
}

/// Returns the paths of a list of pointers, sorted.
fn pointers(schema: &Json, list: &str) -> Vec<String> {
    let paths: BTreeSet<String> = texts(schema.get(list)).map(path).collect();
    paths.into_iter().collect()
}

/// `/properties/Rules/*/Id` becomes `Rules.*.Id`.
fn path(pointer: &str) -> String {
    let parts = pointer.split('/').skip(1).enumerate();
    let names = parts.filter_map(|(at, part)| (at > 0 && part != "properties").then_some(part));
    names
        .map(|name| if name == "items" { "*" } else { name })
        .collect::<Vec<_>>()
        .join(".")
}

fn texts(list: Option<&Json>) -> impl Iterator<Item = &str> {
    let items = list.and_then(Json::as_array).into_iter().flatten();
    items.filter_map(Json::as_str)
}

fn fixed(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes()
}

pub(crate) fn varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(u8::try_from(number & 0x7f).unwrap_or_default() | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap_or_default());
}

pub(crate) fn write_text(bytes: &mut Vec<u8>, text: &str) {
    varint(bytes, text.len() as u64);
    bytes.extend(text.as_bytes());
}
