//! The OpenAPI document as a page: whole in itself, without a script or a link to elsewhere.

use std::fmt::Write;

use serde_json::Value;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;\
padding:0 1rem;color:#1c2733}h2{margin-top:2.5rem;border-top:1px solid #cbd5df;padding-top:1rem}\
code,pre{font-family:ui-monospace,monospace;background:#eef2f6;border-radius:3px}\
code{padding:0 .25em}pre{padding:1rem;overflow:auto}b.verb{background:#155e75;color:#fff;\
border-radius:3px;padding:.1em .5em;margin-right:.5em;font-size:.8em}table{border-collapse:\
collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3em .8em .3em 0;\
border-bottom:1px solid #e3e9ef}";

/// Returns the page.
pub(crate) fn page() -> String {
    render(&crate::openapi::document()).expect("writing to a string cannot fail")
}

fn render(document: &Value) -> Result<String, std::fmt::Error> {
    let info = &document["info"];
    let mut page = String::new();
    write!(
        page,
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n<h1>{title}</h1>\n<p>{about}</p>\n\
         <p>Version {version}. The same for programs: <code>GET /openapi.json</code>. Each request \
         carries a token: <code>Authorization: Bearer …</code></p>\n",
        title = escaped(&info["title"]),
        about = escaped(&info["description"]),
        version = escaped(&info["version"]),
    )?;
    for (path, verbs) in document["paths"].as_object().into_iter().flatten() {
        for (verb, operation) in verbs.as_object().into_iter().flatten() {
            write!(
                page,
                "<h2 id=\"{id}\"><b class=\"verb\">{verb}</b><code>{path}</code></h2>\n\
                 <p>{summary}.</p>\n",
                id = escaped(&operation["operationId"]),
                verb = verb.to_uppercase(),
                summary = escaped(&operation["summary"]),
            )?;
            described(&mut page, operation)?;
        }
    }
    writeln!(page, "<h2 id=\"schemas\">Schemas</h2>")?;
    let schemas = document["components"]["schemas"].as_object();
    for (name, schema) in schemas.into_iter().flatten() {
        let json = serde_json::to_string_pretty(schema).unwrap_or_default();
        writeln!(
            page,
            "<details><summary><code>{name}</code></summary><pre>{}</pre></details>",
            escape(&json)
        )?;
    }
    page.push_str("</html>\n");
    Ok(page)
}

fn described(page: &mut String, operation: &Value) -> std::fmt::Result {
    let description = operation["description"].as_str().unwrap_or_default();
    for paragraph in description.split("\n\n") {
        if paragraph.starts_with("- ") {
            writeln!(page, "<ul>")?;
            for line in paragraph.lines() {
                writeln!(page, "<li>{}</li>", prose(line.trim_start_matches("- ")))?;
            }
            writeln!(page, "</ul>")?;
        } else {
            writeln!(page, "<p>{}</p>", prose(paragraph))?;
        }
    }
    writeln!(
        page,
        "<table><tr><th>parameter<th>in<th>values<th>meaning</tr>"
    )?;
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        writeln!(
            page,
            "<tr><td><code>{}</code><td>{}<td>{}<td>{}</tr>",
            escaped(&parameter["name"]),
            escaped(&parameter["in"]),
            escape(&values(&parameter["schema"])),
            prose(parameter["description"].as_str().unwrap_or_default()),
        )?;
    }
    writeln!(page, "</table>\n<table><tr><th>status<th>meaning</tr>")?;
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        writeln!(
            page,
            "<tr><td>{status}<td>{}</tr>",
            prose(response["description"].as_str().unwrap_or_default())
        )?;
    }
    writeln!(page, "</table>")
}

/// Says in words what a parameter may be.
fn values(schema: &Value) -> String {
    if let Some(either) = schema["oneOf"].as_array() {
        let either: Vec<_> = either.iter().map(values).collect();
        return either.join(", or ");
    }
    match (&schema["enum"], &schema["const"], &schema["minimum"]) {
        (Value::Array(values), ..) => {
            let values: Vec<_> = values.iter().filter_map(Value::as_str).collect();
            values.join(", ")
        }
        (_, Value::String(only), _) => only.clone(),
        (_, _, Value::Null) => "text".to_owned(),
        (_, _, least) => format!("{least} to {}", schema["maximum"]),
    }
}

/// Writes what stands between backticks as code.
fn prose(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts
        .map(|(place, part)| match place % 2 {
            0 => escape(part),
            _ => format!("<code>{}</code>", escape(part)),
        })
        .collect()
}

fn escaped(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Operation;

    #[test]
    fn the_page_shows_every_operation_and_asks_nobody_for_anything() {
        let page = page();
        for operation in Operation::ALL {
            assert!(page.contains(&format!("<code>{}</code>", operation.path())));
        }
        assert!(page.contains("1 to 200, or all") && page.contains("<code>limit=all</code>"));
        for outside in ["<script", "http://", "https://", "src=", "<link"] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
