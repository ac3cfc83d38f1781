//! The command line of the pipeline: one enum of commands, a file for each
//! that is more than a call into the toolkit.

mod audit;
mod code;
mod deidentify;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use lightsout::{Assembly, SynthError};
use lightsout_toolkit::{Form, Hint, Io, Status, SynthArgs, Terminal, fail, ls, synth_each};

use crate::{
    app,
    environment::{Environment, EnvironmentError},
};

/// Codes medical charts in batches, and turns its own machines off
#[derive(Debug, Parser)]
#[command(name = "lightsout", version)]
struct Cli {
    /// Write data as JSON on stdout
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Synth(SynthCommand),
    /// List the stacks of every environment, in the order of their deployment
    Ls(Environments),
    Diff(DiffCommand),
    #[cfg(feature = "aws")]
    Deploy(DeployCommand),
    #[cfg(feature = "aws")]
    Destroy(DestroyCommand),
    #[cfg(feature = "aws")]
    Run(RunCommand),
    Code(code::CodeArgs),
    Audit(audit::AuditArgs),
    Deidentify(deidentify::DeidentifyArgs),
    #[cfg(feature = "local")]
    Local(crate::local::LocalArgs),
}

/// Write the templates of every environment into a folder
///
/// The folder is a cloud assembly. Problems are reported all at once.
#[derive(Debug, Args)]
struct SynthCommand {
    #[command(flatten)]
    environments: Environments,
    #[command(flatten)]
    synth: SynthArgs,
}

/// Compare what the stacks say with what is deployed
///
/// Exits with 1 when something differs. With `--against`, two folders are
/// compared and nothing is asked of AWS.
#[derive(Debug, Args)]
struct DiffCommand {
    #[command(flatten)]
    environments: Environments,
    /// Compare with a folder that `synth` wrote earlier
    #[arg(long, value_name = "DIR")]
    against: Option<PathBuf>,
    #[cfg(feature = "aws")]
    #[command(flatten)]
    build: BuildArgs,
}

#[cfg(feature = "aws")]
#[derive(Debug, Args)]
struct BuildArgs {
    /// Only these stacks and what they depend on (can be repeated)
    #[arg(long = "stack", value_name = "NAME")]
    stacks: Vec<String>,
    /// Where built programs are kept
    #[arg(long, value_name = "DIR", default_value = "cdk.out")]
    out: PathBuf,
}

/// Build the programs and deploy the stacks of one environment
#[cfg(feature = "aws")]
#[derive(Debug, Args)]
struct DeployCommand {
    #[command(flatten)]
    environment: OneEnvironment,
    #[command(flatten)]
    build: BuildArgs,
    /// Do not ask before changing anything
    #[arg(long)]
    yes: bool,
}

/// Delete the stacks of one environment
#[cfg(feature = "aws")]
#[derive(Debug, Args)]
struct DestroyCommand {
    #[command(flatten)]
    environment: OneEnvironment,
    #[command(flatten)]
    destroy: lightsout_toolkit::DestroyArgs,
}

/// Start a run now, if the launcher finds that one is needed
///
/// It decides as it does for an alarm: nothing waits and nothing is started, or a run is
/// under way already, or one is started. Its word and the run are written.
#[cfg(feature = "aws")]
#[derive(Debug, Args)]
struct RunCommand {
    #[command(flatten)]
    environment: OneEnvironment,
}

#[derive(Debug, Args)]
struct Environments {
    /// Only this environment (can be repeated) [default: all]
    #[arg(long = "env", value_name = "NAME")]
    environments: Vec<String>,
}

#[cfg(feature = "aws")]
#[derive(Debug, Args)]
struct OneEnvironment {
    /// The environment
    #[arg(long = "env", value_name = "NAME")]
    name: String,
}

/// Reads the arguments of this process, runs the command, and returns its exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let form = if cli.json { Form::Json } else { Form::Text };
    let mut io = Terminal::new(form);
    match cli.command {
        #[cfg(feature = "local")]
        Command::Local(arguments) => crate::local::main(&arguments, form),
        command => run(command, form, &mut io).into(),
    }
}

fn run(command: Command, form: Form, io: &mut dyn Io) -> Status {
    match command {
        Command::Synth(arguments) => match arguments.environments.synthesize() {
            Ok(assemblies) => synth_each(&arguments.synth, assemblies, io),
            Err(error) => fail(&error, io),
        },
        Command::Ls(environments) => match environments.assemblies() {
            Ok(assemblies) => ls(&assemblies, io),
            Err(error) => fail(&*error, io),
        },
        Command::Diff(arguments) => diff(&arguments, io),
        #[cfg(feature = "aws")]
        Command::Deploy(arguments) => remote::deploy(arguments, io),
        #[cfg(feature = "aws")]
        Command::Destroy(arguments) => remote::destroy(&arguments, io),
        #[cfg(feature = "aws")]
        Command::Run(arguments) => remote::run(&arguments, form, io),
        Command::Code(arguments) => code::run(&arguments, form, io),
        Command::Audit(arguments) => audit::run(&arguments, form, io),
        Command::Deidentify(arguments) => deidentify::run(&arguments, form, io),
        #[cfg(feature = "local")]
        Command::Local(_) => unreachable!("`local` may start this program anew, before all else"),
    }
}

fn diff(arguments: &DiffCommand, io: &mut dyn Io) -> Status {
    let assemblies = match arguments.environments.assemblies() {
        Ok(assemblies) => assemblies,
        Err(error) => return fail(&*error, io),
    };
    if let Some(against) = &arguments.against {
        return lightsout_toolkit::diff_folders(&assemblies, against, io);
    }
    #[cfg(feature = "aws")]
    return remote::diff(&assemblies, &arguments.build, io);
    #[cfg(not(feature = "aws"))]
    fail(&WithoutAws, io)
}

/// The command was built without AWS clients.
#[cfg(not(feature = "aws"))]
#[derive(Debug, thiserror::Error)]
#[error(
    "this `lightsout` was built without the feature `aws`: it compares folders only, with --against"
)]
struct WithoutAws;

#[cfg(not(feature = "aws"))]
impl Hint for WithoutAws {}

impl Environments {
    fn read(&self) -> Result<Vec<Environment>, EnvironmentError> {
        if self.environments.is_empty() {
            return Environment::all();
        }
        self.environments
            .iter()
            .map(|name| Environment::named(name))
            .collect()
    }

    fn synthesize(&self) -> Result<Vec<Result<Assembly, SynthError>>, EnvironmentError> {
        let environments = self.read()?;
        Ok(environments.iter().map(|e| app(e).synth()).collect())
    }

    fn assemblies(&self) -> Result<Vec<Assembly>, Box<dyn Hint>> {
        let assemblies: Result<Vec<_>, _> = self.synthesize().map_err(boxed)?.into_iter().collect();
        assemblies.map_err(boxed)
    }
}

fn boxed(error: impl Hint + 'static) -> Box<dyn Hint> {
    Box::new(error)
}

impl Hint for EnvironmentError {
    fn hint(&self) -> Option<String> {
        Some(self.hint())
    }
}

/// The commands that talk to AWS.
#[cfg(feature = "aws")]
mod remote {
    use std::{io::Write as _, path::Path};

    use lightsout::Assembly;
    use lightsout_toolkit::{
        Architecture, BuildPlan, BuiltAssets, DeployArgs, DiffArgs, Form, Hint, Io, Status,
        build_assets, fail,
    };
    use tokio::runtime::Runtime;

    use super::{BuildArgs, DeployCommand, DestroyCommand, RunCommand, boxed};
    use crate::{
        environment::{self, Environment},
        launcher::{self, LauncherError},
        output,
    };

    type Result<T> = std::result::Result<T, Box<dyn Hint>>;

    /// No thread could be started for the calls to AWS.
    #[derive(Debug, thiserror::Error)]
    #[error("cannot start the runtime for calls to AWS")]
    struct NoRuntime(#[from] std::io::Error);

    impl Hint for NoRuntime {}

    pub(super) fn diff(assemblies: &[Assembly], build: &BuildArgs, io: &mut dyn Io) -> Status {
        let mut worst = Status::Fine;
        for assembly in assemblies {
            match diff_one(assembly, build, io) {
                Ok(status) => worst = worst.max(status),
                Err(error) => return fail(&*error, io),
            }
        }
        worst
    }

    fn diff_one(assembly: &Assembly, build: &BuildArgs, io: &mut dyn Io) -> Result<Status> {
        let environment = Environment::named(&assembly.stage().name).map_err(boxed)?;
        let assets = build_for(assembly, &environment, &build.out, io)?;
        let arguments = DiffArgs {
            stacks: build.stacks.clone(),
            ..DiffArgs::default()
        };
        runtime()?.block_on(async {
            let config = lightsout_aws::load().await;
            lightsout_toolkit::diff(&arguments, assembly, Some(&assets), &config, io)
                .await
                .map_err(boxed)
        })
    }

    pub(super) fn deploy(arguments: DeployCommand, io: &mut dyn Io) -> Status {
        let work = |io: &mut dyn Io| {
            let (environment, assembly) = assembly(&arguments.environment.name)?;
            let assets = build_for(&assembly, &environment, &arguments.build.out, io)?;
            let deploy = DeployArgs {
                stacks: arguments.build.stacks,
                yes: arguments.yes,
                ..DeployArgs::default()
            };
            runtime()?.block_on(async {
                let config = lightsout_aws::load().await;
                lightsout_toolkit::deploy(&deploy, &assembly, &assets, &config, io)
                    .await
                    .map(|_| Status::Fine)
                    .map_err(boxed)
            })
        };
        work(io).unwrap_or_else(|error| fail(&*error, io))
    }

    pub(super) fn destroy(arguments: &DestroyCommand, io: &mut dyn Io) -> Status {
        let work = |io: &mut dyn Io| {
            let (_, assembly) = assembly(&arguments.environment.name)?;
            runtime()?.block_on(async {
                let config = lightsout_aws::load().await;
                lightsout_toolkit::destroy(&arguments.destroy, &assembly, &config, io)
                    .await
                    .map_err(boxed)
            })
        };
        work(io).unwrap_or_else(|error| fail(&*error, io))
    }

    /// The environment has no launcher yet.
    #[derive(Debug, thiserror::Error)]
    #[error("environment `{0}` is not deployed: its stack `Fleet` names no launcher")]
    struct NotDeployed(String);

    impl Hint for NotDeployed {
        fn hint(&self) -> Option<String> {
            Some(format!("deploy it: lightsout deploy --env {}", self.0))
        }
    }

    impl Hint for LauncherError {
        fn hint(&self) -> Option<String> {
            match self {
                Self::Failed(_) => Some("the launcher's log group tells why".to_owned()),
                _ => None,
            }
        }
    }

    pub(super) fn run(arguments: &RunCommand, form: Form, io: &mut dyn Io) -> Status {
        let work = || {
            let name = &arguments.environment.name;
            let (_, assembly) = assembly(name)?;
            let decision = runtime()?.block_on(async {
                let config = lightsout_aws::load().await;
                let deployed = lightsout_toolkit::deployment(&assembly, &config);
                let deployed = deployed.await.map_err(boxed)?;
                let function = deployed
                    .output("Fleet", output::fleet::LAUNCHER)
                    .ok_or_else(|| boxed(NotDeployed(name.clone())))?;
                let client = aws_sdk_lambda::Client::new(&config);
                launcher::ask(&client, function).await.map_err(boxed)
            })?;
            let text = match form {
                Form::Json => serde_json::to_string(&decision).unwrap_or_default(),
                Form::Text => decision.to_string(),
            };
            // Who closed the pipe has seen enough.
            let _written = writeln!(std::io::stdout(), "{text}");
            Ok(Status::Fine)
        };
        work().unwrap_or_else(|error: Box<dyn Hint>| fail(&*error, io))
    }

    fn assembly(name: &str) -> Result<(Environment, Assembly)> {
        let environment = Environment::named(name).map_err(boxed)?;
        let assembly = crate::app(&environment).synth().map_err(boxed)?;
        Ok((environment, assembly))
    }

    fn build_for(
        assembly: &Assembly,
        environment: &Environment,
        out: &Path,
        io: &mut dyn Io,
    ) -> Result<BuiltAssets> {
        let architecture = match environment.settings.hosts.architecture {
            environment::Architecture::Arm64 => Architecture::Arm64,
            environment::Architecture::X86 => Architecture::X86_64,
        };
        build_assets(assembly, &BuildPlan::lambda(".", out, architecture), io).map_err(boxed)
    }

    fn runtime() -> Result<Runtime> {
        Runtime::new().map_err(|error| boxed(NoRuntime(error)))
    }
}
