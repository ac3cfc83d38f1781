//! Binaries: what a program is built from, checked against its manifest.

use std::fmt;

/// A binary that Cargo can build: its name, and the package that it belongs to.
///
/// Only [`binary!`](crate::binary) makes one, and it compiles only if the package's
/// manifest has that binary. So what infrastructure names is there to be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Binary {
    package: &'static str,
    name: &'static str,
}

impl Binary {
    /// Returns the name of the Cargo package.
    pub const fn package(self) -> &'static str {
        self.package
    }

    /// Returns the name of the binary target, which is that of its file.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// Finds a binary that has a `[[bin]]` section in the manifest's text.
    #[doc(hidden)]
    pub const fn in_section(manifest: &'static str, name: &'static str) -> Option<Self> {
        let found = scan(manifest, name);
        match found.package {
            Some(package) if found.has_section => Some(Self { package, name }),
            _ => None,
        }
    }

    /// Finds a binary that Cargo infers from the place of its source.
    ///
    /// Those are [the package's own name](https://doc.rust-lang.org/cargo/guide/project-layout.html)
    /// at `src/main.rs`, and any name at `src/bin/<name>.rs` or `src/bin/<name>/main.rs`.
    #[doc(hidden)]
    pub const fn at_source(
        manifest: &'static str,
        name: &'static str,
        source: &str,
    ) -> Option<Self> {
        let found = scan(manifest, name);
        let Some(package) = found.package else {
            return None;
        };
        let source = source.as_bytes();
        let is_inferred = match strip_prefix(source, b"src/bin/") {
            Some(rest) => match strip_prefix(rest, name.as_bytes()) {
                Some(end) => same(end, b".rs") || same(end, b"/main.rs"),
                None => false,
            },
            None => same(source, b"src/main.rs") && same(name.as_bytes(), package.as_bytes()),
        };
        if is_inferred && found.infers {
            Some(Self { package, name })
        } else {
            None
        }
    }
}

impl fmt::Display for Binary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Names a binary of a package, or does not compile.
///
/// The package is this one, or one in a folder that is given relative to this
/// package's, as for a `path` dependency; it need not be a dependency. The binary
/// has a `[[bin]]` section there, or Cargo infers it from a source that is named
/// with `at`.
///
/// ```
/// use lightsout_contract::{Binary, binary};
///
/// // A `[[bin]]` of another package.
/// const WORKER: Binary = binary!("worker" in "../../runtime/worker");
/// assert_eq!((WORKER.package(), WORKER.name()), ("lightsout-worker", "worker"));
///
/// // `src/main.rs` makes a binary with the package's name; it must be there too.
/// const GENERATE: Binary = binary!("lightsout-generate" in "../generate", at "src/main.rs");
/// assert_eq!(GENERATE.to_string(), "lightsout-generate");
/// ```
///
/// A `[[bin]]` of the package itself is named with nothing else, and one that is
/// not there is an error in this line:
///
/// ```compile_fail,E0080
/// use lightsout_contract::{Binary, binary};
///
/// const WORKER: Binary = binary!("wroker");
/// ```
///
/// Sections are read as Cargo's own tools write them: an array in one line, as in
/// `bin = [{ name = "worker" }]`, is not found.
#[macro_export]
macro_rules! binary {
    ($name:literal) => {
        $crate::binary!($name in ".")
    };
    ($name:literal, at $source:literal) => {
        $crate::binary!($name in ".", at $source)
    };
    ($name:literal in $folder:literal) => {
        const {
            match $crate::Binary::in_section($crate::__manifest!($folder), $name) {
                Some(binary) => binary,
                None => panic!(
                    "{}",
                    concat!(
                        "no binary `", $name, "` in `", $folder, "/Cargo.toml`: ",
                        "name a `[[bin]]` of that package, or write its section there"
                    )
                ),
            }
        }
    };
    ($name:literal in $folder:literal, at $source:literal) => {
        const {
            // That the source is there is half of the proof.
            const _: &[u8] =
                include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $folder, "/", $source));
            match $crate::Binary::at_source($crate::__manifest!($folder), $name, $source) {
                Some(binary) => binary,
                None => panic!(
                    "{}",
                    concat!(
                        "Cargo makes no binary `", $name, "` of `", $folder, "/", $source, "`: ",
                        "`src/main.rs` is called like its package, `src/bin/x.rs` is called `x`"
                    )
                ),
            }
        }
    };
}

/// The text of a package's manifest.
#[doc(hidden)]
#[macro_export]
macro_rules! __manifest {
    ($folder:literal) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/",
            $folder,
            "/Cargo.toml"
        ))
    };
}

/// What a manifest says about its package and one binary.
struct Found {
    package: Option<&'static str>,
    has_section: bool,
    /// Whether Cargo looks for binaries that have no section.
    infers: bool,
}

#[derive(Clone, Copy)]
enum Section {
    Package,
    Binary,
    Other,
}

/// Reads the lines of a manifest. This is no TOML parser: it knows the headers of
/// sections, keys with a string, and text over several lines, which it passes over.
const fn scan(manifest: &'static str, binary: &str) -> Found {
    let mut found = Found {
        package: None,
        has_section: false,
        infers: true,
    };
    let mut section = Section::Other;
    let mut within_text = false;
    let mut rest = manifest.as_bytes();
    while let Some((line, after)) = next_line(rest) {
        rest = after;
        let line = line.trim_ascii();
        let opens_or_closes = has_odd_delimiter(line);
        if within_text {
            within_text = !opens_or_closes;
            continue;
        }
        within_text = opens_or_closes;
        if let Some(header) = strip_prefix(line, b"[") {
            section = section_of(header);
        } else if let Some(name) = string_of(line, b"name") {
            match section {
                Section::Package => found.package = text(name),
                Section::Binary if same(name, binary.as_bytes()) => found.has_section = true,
                _ => (),
            }
        } else if let (Section::Package, Some(value)) = (section, value_of(line, b"autobins"))
            && strip_prefix(value, b"false").is_some()
        {
            found.infers = false;
        }
    }
    found
}

/// Splits off a line, or returns nothing at the end.
const fn next_line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    if text.is_empty() {
        return None;
    }
    let mut end = 0;
    while end < text.len() && text[end] != b'\n' {
        end += 1;
    }
    let (line, rest) = text.split_at(end);
    match rest {
        [] => Some((line, rest)),
        [_, rest @ ..] => Some((line, rest)),
    }
}

/// Reads what follows the first bracket of a header.
const fn section_of(header: &[u8]) -> Section {
    if let Some(array) = strip_prefix(header, b"[") {
        return match strip_prefix(array.trim_ascii_start(), b"bin") {
            Some(rest) if starts_with(rest.trim_ascii_start(), b"]") => Section::Binary,
            _ => Section::Other,
        };
    }
    match strip_prefix(header.trim_ascii_start(), b"package") {
        Some(rest) if starts_with(rest.trim_ascii_start(), b"]") => Section::Package,
        _ => Section::Other,
    }
}

/// Returns what follows `key =`.
const fn value_of<'l>(line: &'l [u8], key: &[u8]) -> Option<&'l [u8]> {
    let Some(rest) = strip_prefix(line, key) else {
        return None;
    };
    match rest.trim_ascii_start() {
        [b'=', value @ ..] => Some(value.trim_ascii_start()),
        _ => None,
    }
}

/// Returns the string that follows `key =`, without its quotes.
const fn string_of<'l>(line: &'l [u8], key: &[u8]) -> Option<&'l [u8]> {
    let Some([quote @ (b'"' | b'\''), rest @ ..]) = value_of(line, key) else {
        return None;
    };
    let mut end = 0;
    while end < rest.len() {
        if rest[end] == *quote {
            return Some(rest.split_at(end).0);
        }
        end += 1;
    }
    None
}

/// Whether text over several lines begins or ends in this line.
const fn has_odd_delimiter(line: &[u8]) -> bool {
    if starts_with(line, b"#") {
        return false;
    }
    let mut rest = line;
    let mut is_odd = false;
    while !rest.is_empty() {
        if starts_with(rest, b"\"\"\"") || starts_with(rest, b"'''") {
            is_odd = !is_odd;
            rest = rest.split_at(3).1;
        } else {
            rest = rest.split_at(1).1;
        }
    }
    is_odd
}

const fn text(bytes: &'static [u8]) -> Option<&'static str> {
    match str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(_) => None,
    }
}

const fn same(left: &[u8], right: &[u8]) -> bool {
    match strip_prefix(left, right) {
        Some(rest) => rest.is_empty(),
        None => false,
    }
}

const fn starts_with(text: &[u8], prefix: &[u8]) -> bool {
    strip_prefix(text, prefix).is_some()
}

// The method of slices is not `const`.
const fn strip_prefix<'t>(text: &'t [u8], prefix: &[u8]) -> Option<&'t [u8]> {
    if text.len() < prefix.len() {
        return None;
    }
    let mut index = 0;
    while index < prefix.len() {
        if text[index] != prefix[index] {
            return None;
        }
        index += 1;
    }
    Some(text.split_at(index).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"
[package]
name = 'clinic' # not a binary
description = """
[[bin]]
name = "in-a-text"
"""
version = "1.0.0"

[dependencies]
name = "not-here"

[[ bin ]] # one
path = "src/a.rs"
name = "first"

[[bin]]
  name="second"   # two
[lib]
name = "library"
"#;

    fn has(name: &'static str) -> bool {
        Binary::in_section(MANIFEST, name).is_some()
    }

    #[test]
    fn binaries_are_those_with_a_section() {
        let first = Binary::in_section(MANIFEST, "first").unwrap();
        assert_eq!((first.package(), first.name()), ("clinic", "first"));
        assert!(has("second"));
        for other in [
            "in-a-text",
            "not-here",
            "library",
            "clinic",
            "fir",
            "firstly",
            "",
        ] {
            assert!(!has(other), "{other}");
        }
    }

    #[test]
    fn line_ends_of_windows_change_nothing() {
        let manifest: &'static str = MANIFEST.replace('\n', "\r\n").leak();
        assert!(Binary::in_section(manifest, "first").is_some());
    }

    #[test]
    fn binaries_without_a_section_lie_where_cargo_looks() {
        let at = |name, source| Binary::at_source(MANIFEST, name, source).is_some();
        assert!(at("clinic", "src/main.rs"));
        assert!(at("nurse", "src/bin/nurse.rs"));
        assert!(at("nurse", "src/bin/nurse/main.rs"));
        assert!(!at("nurse", "src/main.rs"));
        assert!(!at("nurse", "src/bin/doctor.rs"));
        assert!(!at("nurse", "src/nurse.rs"));
        let closed = "[package]\nname = \"clinic\"\nautobins = false\n";
        assert!(Binary::at_source(closed, "clinic", "src/main.rs").is_none());
    }

    #[test]
    fn a_manifest_without_a_package_has_no_binaries() {
        let manifest = "[workspace]\nmembers = []\n[[bin]]\nname = \"first\"\n";
        assert!(Binary::in_section(manifest, "first").is_none());
    }
}
