//! `lightsout audit`: is the trail whole, who saw what, and what does a reviewer ask for?

mod pack;

use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use lightsout_audit::{Entry, Heads, Question, Sight, heads_in_log, seen, verify};
use lightsout_toolkit::{Form, Hint, Io, Status, fail};

/// Look into the audit trail, and write what a reviewer of the system asks for
#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    Verify(VerifyArgs),
    WhoSaw(WhoSawArgs),
    Export(ExportArgs),
    Pack(pack::PackArgs),
}

/// Verify the chain of records, and name the first broken one of each stream
///
/// Exits with 1 when a record was changed, moved or taken out. Keep what `--write-heads` writes
/// away from the trail, and give it to the next verification with `--heads`; or give the API's
/// log, which has each record's hash too, with `--log`; or name the locked bucket that has each
/// record once more, with `--sealed`: only so is an end that was cut off noticed.
#[derive(Debug, Args)]
struct VerifyArgs {
    #[command(flatten)]
    trail: TrailArgs,
    /// Where an earlier verification saw each stream end
    #[arg(long, value_name = "FILE")]
    heads: Option<PathBuf>,
    /// The API's log, as lines or as `aws logs filter-log-events` answers
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// The bucket of sealed records: the output `SealedTrailBucketName` of the API's stack
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "NAME")]
    sealed: Option<String>,
    /// Write where each stream ends
    #[arg(long, value_name = "FILE")]
    write_heads: Option<PathBuf>,
}

/// List which charts were seen, by whom and when, as for a breach report
///
/// Writes CSV, or JSON lines with `--json`.
#[derive(Debug, Args)]
struct WhoSawArgs {
    #[command(flatten)]
    trail: TrailArgs,
    /// Only this chart, by its opaque id
    #[arg(long, value_name = "ID")]
    chart: Option<String>,
    /// Only this person, by the subject of their tokens
    #[arg(long, value_name = "SUBJECT")]
    person: Option<String>,
    /// Only this tenant
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// Not before, in seconds since 1970
    #[arg(long, value_name = "SECONDS")]
    from: Option<u64>,
    /// Before, in seconds since 1970
    #[arg(long, value_name = "SECONDS")]
    until: Option<u64>,
}

/// Write the records as JSON lines, to verify or to keep them elsewhere
#[derive(Debug, Args)]
struct ExportArgs {
    #[command(flatten)]
    trail: TrailArgs,
}

/// Where the trail is read from.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct TrailArgs {
    /// A file of records as `export` writes it, `-` for stdin
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The audit table: the output `AuditTableName` of the API's stack
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
}

/// Why the trail cannot be looked into.
#[derive(Debug, thiserror::Error)]
enum AuditError {
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot write `{}`", path.display())]
    Unwritable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("line {line} of `{}` is no record of an audit trail", path.display())]
    NoRecord {
        path: PathBuf,
        line: usize,
        #[source]
        source: serde_json::Error,
    },
    #[error("`{}` holds no heads of an audit trail", path.display())]
    NoHeads {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    #[error("`{}` tells of no record of an audit trail", path.display())]
    NoLog { path: PathBuf },
    #[error("cannot write the answer")]
    Output(#[source] io::Error),
    #[cfg(feature = "aws")]
    #[error(transparent)]
    Table(#[from] crate::audit_table::TableError),
    #[cfg(feature = "aws")]
    #[error("cannot start the runtime for calls to AWS")]
    NoRuntime(#[source] io::Error),
}

impl Hint for AuditError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::NoRecord { .. } => {
                Some("give a file that `lightsout audit export` has written".to_owned())
            }
            Self::NoHeads { .. } => Some(
                "give a file that `lightsout audit verify --write-heads` has written".to_owned(),
            ),
            Self::NoLog { .. } => Some(
                "give lines of the log group of the API's function, such as `aws logs tail` or \
                 `aws logs filter-log-events` writes them"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

pub(super) fn run(arguments: &AuditArgs, form: Form, io: &mut dyn Io) -> Status {
    let end = match &arguments.command {
        AuditCommand::Verify(arguments) => verified(arguments, form),
        AuditCommand::WhoSaw(arguments) => who_saw(arguments, form),
        AuditCommand::Export(arguments) => exported(arguments),
        AuditCommand::Pack(arguments) => return pack::run(arguments, form, io),
    };
    end.unwrap_or_else(|error| fail(&error, io))
}

fn verified(arguments: &VerifyArgs, form: Form) -> Result<Status, AuditError> {
    let entries = arguments.trail.entries()?;
    let earlier = match &arguments.heads {
        None => None,
        Some(path) => {
            let text = fs::read_to_string(path).map_err(unreadable(path))?;
            let heads: Heads =
                serde_json::from_str(&text).map_err(|source| AuditError::NoHeads {
                    path: path.clone(),
                    source,
                })?;
            Some(heads)
        }
    };
    let logged = match &arguments.log {
        None => None,
        Some(path) => {
            let heads = heads_in_log(&fs::read_to_string(path).map_err(unreadable(path))?);
            if heads.0.is_empty() {
                return Err(AuditError::NoLog { path: path.clone() });
            }
            Some(heads)
        }
    };
    let sealed = arguments.sealed()?;
    let witnesses = [earlier, logged, sealed].into_iter().flatten();
    let known = witnesses.reduce(Heads::and);
    let verdict = verify(entries, known.as_ref());
    if let Some(path) = &arguments.write_heads {
        let text = serde_json::to_string_pretty(&verdict.heads).unwrap_or_default();
        fs::write(path, text).map_err(|source| AuditError::Unwritable {
            path: path.clone(),
            source,
        })?;
    }
    let text = match form {
        Form::Json => serde_json::to_string(&verdict).unwrap_or_default(),
        Form::Text => {
            let mut lines: Vec<_> = verdict.broken.iter().map(ToString::to_string).collect();
            let whole = if verdict.is_whole() {
                "whole"
            } else {
                "broken"
            };
            lines.push(format!(
                "{} records in {} streams: {whole}",
                verdict.records, verdict.streams
            ));
            lines.join("\n")
        }
    };
    written(&format!("{text}\n"))?;
    Ok(if verdict.is_whole() {
        Status::Fine
    } else {
        Status::Finding
    })
}

fn who_saw(arguments: &WhoSawArgs, form: Form) -> Result<Status, AuditError> {
    let entries = arguments.trail.entries()?;
    let question = Question {
        who: arguments.person.clone(),
        tenant: arguments.tenant.clone(),
        chart: arguments.chart.clone(),
        from: arguments.from.map(|seconds| seconds.saturating_mul(1_000)),
        until: arguments.until.map(|seconds| seconds.saturating_mul(1_000)),
    };
    let sights = seen(&entries, &question);
    let text = match form {
        Form::Json => lines(&sights),
        Form::Text => csv(&sights),
    };
    written(&text)?;
    Ok(Status::Fine)
}

fn exported(arguments: &ExportArgs) -> Result<Status, AuditError> {
    let text = lines(&arguments.trail.entries()?);
    written(&text)?;
    Ok(Status::Fine)
}

/// Writes the answer; who closed the pipe has seen enough.
fn written(text: &str) -> Result<(), AuditError> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(AuditError::Output(error)),
        _ => Ok(()),
    }
}

fn lines<T: serde::Serialize>(items: &[T]) -> String {
    let line = |item: &T| serde_json::to_string(item).unwrap_or_default() + "\n";
    items.iter().map(line).collect()
}

fn csv(sights: &[Sight]) -> String {
    let mut text =
        "at_ms,who,role,tenant,chart,version,fields,purpose,emergency,request\n".to_owned();
    for sight in sights {
        let cells = [
            &sight.at.to_string(),
            &sight.who,
            &sight.role,
            &sight.tenant,
            &sight.chart,
            &sight.version,
            &sight.fields.join(" "),
            &sight.purpose,
            sight.emergency.as_deref().unwrap_or_default(),
            &sight.request,
        ]
        .map(|cell: &str| cell_of(cell));
        text += &cells.join(",");
        text.push('\n');
    }
    text
}

/// Quotes what needs it (RFC 4180), and lets no spreadsheet take an id for a formula.
fn cell_of(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@']) {
        "'"
    } else {
        ""
    };
    if text.contains([',', '"', '\n', '\r']) {
        return format!("\"{guard}{}\"", text.replace('"', "\"\""));
    }
    format!("{guard}{text}")
}

impl VerifyArgs {
    /// Asks the bucket of sealed records how far each stream went.
    #[cfg(feature = "aws")]
    fn sealed(&self) -> Result<Option<Heads>, AuditError> {
        let Some(bucket) = &self.sealed else {
            return Ok(None);
        };
        let runtime = tokio::runtime::Runtime::new().map_err(AuditError::NoRuntime)?;
        let heads = runtime.block_on(async {
            let config = lightsout_aws::load().await;
            let s3 = aws_sdk_s3::config::Builder::from(&config)
                .force_path_style(lightsout_aws::has_own_endpoint(&config))
                .build();
            let s3 = aws_sdk_s3::Client::from_conf(s3);
            crate::audit_table::sealed(&s3, bucket).await
        })?;
        Ok(Some(heads))
    }

    #[cfg(not(feature = "aws"))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "without AWS there is none"
    )]
    fn sealed(&self) -> Result<Option<Heads>, AuditError> {
        Ok(None)
    }
}

impl TrailArgs {
    fn entries(&self) -> Result<Vec<Entry>, AuditError> {
        #[cfg(feature = "aws")]
        if let Some(table) = &self.table {
            let runtime = tokio::runtime::Runtime::new().map_err(AuditError::NoRuntime)?;
            return Ok(runtime.block_on(async {
                let config = lightsout_aws::load().await;
                crate::audit_table::entries(&aws_sdk_dynamodb::Client::new(&config), table).await
            })?);
        }
        let path = self.file.as_deref().unwrap_or(Path::new("-"));
        if path == Path::new("-") {
            return read(path, io::stdin().lock());
        }
        let file = fs::File::open(path).map_err(unreadable(path))?;
        read(path, BufReader::new(file))
    }
}

fn read(path: &Path, reader: impl BufRead) -> Result<Vec<Entry>, AuditError> {
    let mut entries = Vec::new();
    for (number, line) in reader.lines().enumerate() {
        let line = line.map_err(unreadable(path))?;
        if line.trim().is_empty() {
            continue;
        }
        let entry = serde_json::from_str(&line).map_err(|source| AuditError::NoRecord {
            path: path.to_owned(),
            line: number + 1,
            source,
        })?;
        entries.push(entry);
    }
    Ok(entries)
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> AuditError + use<> {
    let path = path.to_owned();
    move |source| AuditError::Unreadable { path, source }
}

#[cfg(test)]
mod tests {
    use std::{future::Future, pin::pin, task};

    use lightsout_audit::{Access, MemoryLedger, Seen, Trail};
    use lightsout_toolkit::Terminal;

    use super::*;

    /// The ledger in memory answers at once, so that one poll is enough.
    fn now<T>(task: impl Future<Output = T>) -> T {
        match pin!(task).poll(&mut task::Context::from_waker(task::Waker::noop())) {
            task::Poll::Ready(end) => end,
            task::Poll::Pending => panic!("a ledger in memory never waits"),
        }
    }

    fn trail() -> String {
        let trail = Trail::new(MemoryLedger::default(), "w");
        for number in 0..5 {
            let access = Access {
                at: number,
                who: "ann".to_owned(),
                charts: vec![Seen {
                    chart: format!("c-{number}"),
                    version: "v1".to_owned(),
                }],
                ..Access::default()
            };
            now(trail.record(&access)).unwrap();
        }
        lines(&trail.ledger().entries())
    }

    fn verify_file(text: &str) -> Status {
        verify_with(text, None)
    }

    fn verify_with(text: &str, log: Option<&str>) -> Status {
        let folder = tempfile::tempdir().unwrap();
        let log = log.map(|log| {
            let path = folder.path().join("log");
            fs::write(&path, log).unwrap();
            path
        });
        let path = folder.path().join("trail.jsonl");
        fs::write(&path, text).unwrap();
        let arguments = AuditArgs {
            command: AuditCommand::Verify(VerifyArgs {
                trail: TrailArgs {
                    file: Some(path),
                    #[cfg(feature = "aws")]
                    table: None,
                },
                heads: None,
                log,
                #[cfg(feature = "aws")]
                sealed: None,
                write_heads: None,
            }),
        };
        run(&arguments, Form::Text, &mut Terminal::new(Form::Text))
    }

    #[test]
    fn a_trail_that_was_changed_is_a_finding_and_one_that_cannot_be_read_a_failure() {
        let text = trail();
        assert_eq!(verify_file(&text), Status::Fine);
        assert_eq!(
            verify_file(&text.replacen("ann", "bob", 1)),
            Status::Finding
        );
        let without: Vec<_> = text.lines().filter(|line| !line.contains("c-2")).collect();
        assert_eq!(verify_file(&without.join("\n")), Status::Finding);
        assert_eq!(verify_file("no record"), Status::Failure);
    }

    #[test]
    fn a_cut_end_is_a_finding_where_the_log_tells_of_it() {
        let text = trail();
        let last: Entry = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        let log = format!(
            "{{\"stream\":\"{}\",\"number\":{},\"hash\":\"{}\"}}",
            last.stream, last.number, last.hash
        );
        assert_eq!(verify_with(&text, Some(&log)), Status::Fine);
        let cut: Vec<_> = text.lines().take(text.lines().count() - 1).collect();
        assert_eq!(verify_file(&cut.join("\n")), Status::Fine);
        assert_eq!(verify_with(&cut.join("\n"), Some(&log)), Status::Finding);
        assert_eq!(verify_with(&text, Some("nothing")), Status::Failure);
    }

    #[test]
    fn a_breach_report_is_csv_that_a_spreadsheet_reads() {
        let entries = read(Path::new("-"), trail().as_bytes()).unwrap();
        let report = csv(&seen(&entries, &Question::default()));
        assert_eq!(report.lines().count(), 6);
        assert_eq!(report.lines().nth(1), Some("0,ann,,,c-0,v1,,,,"));
        assert_eq!(cell_of("=1,\"2\""), "\"'=1,\"\"2\"\"\"");
    }
}
