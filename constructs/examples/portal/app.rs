//! The portal: three stacks, each a function that returns what the next need.

use std::{error::Error, time::Duration};

use lightsout::{
    App, Asset, Scope, Stage, Tag, Tree,
    apigateway::{
        AccountLogging, ApiKey, Authorization, Domain, LambdaAuthorizer, Period, RestApi, Route,
        TlsFloor, UsagePlan, Verb,
    },
    cognito::{Client, Group, OAuthScope, ResourceServer, SignInDomain, UserPool, UserPoolRef},
    contract::{
        Binary, Program, ReadParameter, ReadSecret, RotateSecret, Setting, Side, binary,
        environment,
    },
    ec2::{
        Fleet, Image, LaunchTemplate, Network, NetworkRef, Ports, SecurityGroup, UserData,
        UserDataFits, Zones,
    },
    iam::{BreakGlass, OidcProvider, PermissionBoundary, Role, Service, Statement},
    kms::{Key, KeyRef},
    lambda::{Code, FailedEvent, Function, FunctionRef},
    logs::{LogGroup, Retention},
    s3::{Bucket, BucketRef},
    schedule::{At, Cron, Days, Field, Rate, TimeZone, Weekday},
    scheduler::{FailedInvocation, Schedule, ScheduleGroup, Target},
    secretsmanager::{Characters, NoSecretsInTheOpen, Rotation, Secret, SecretRef},
    setting,
    sqs::Queue,
    ssm::{Parameter, ParameterRef, SessionPreferences},
    wafv2::{IpSet, ManagedRules, WebAcl},
};

/// What signs the pages of an answer.
pub(crate) enum SigningKey {}

environment! {
    /// What the query program needs.
    pub(crate) struct QueryEnvironment {
        /// How many results a page has.
        page: ReadParameter<u32> = "PAGE_PARAMETER",
        /// What signs the mark of the next page.
        signing: ReadSecret<SigningKey> = "SIGNING_SECRET",
        /// Seconds until an answer is given up.
        deadline: Setting<u64> = "DEADLINE_SECONDS",
    }
}

environment! {
    /// What the program that changes secrets needs.
    pub(crate) struct RotatorEnvironment {
        /// What is changed.
        signing: RotateSecret<SigningKey> = "SIGNING_SECRET",
    }
}

environment! {
    /// What a host for people needs.
    pub(crate) struct ConsoleEnvironment {
        /// What it is called.
        name: Setting<String> = "NAME",
    }
}

/// Answers questions.
pub(crate) struct Query;
/// Changes secrets.
pub(crate) struct Rotator;
/// Waits for people.
pub(crate) struct Console;

impl Program for Query {
    const BINARY: Binary = binary!("query" in "examples/programs");
    type Message = ();
    type Environment<S: Side> = QueryEnvironment<S>;
}

impl Program for Rotator {
    const BINARY: Binary = binary!("launcher" in "examples/programs");
    type Message = ();
    type Environment<S: Side> = RotatorEnvironment<S>;
}

impl Program for Console {
    const BINARY: Binary = binary!("master" in "examples/programs");
    type Message = ();
    type Environment<S: Side> = ConsoleEnvironment<S>;
}

/// What every other stack stands on.
struct Foundation {
    key: KeyRef,
    network: NetworkRef,
    assets: BucketRef<()>,
    signing: SecretRef<SigningKey>,
    page: ParameterRef<u32>,
}

/// Who may ask, and for what.
struct People {
    pool: UserPoolRef,
    read: OAuthScope,
}

/// What answers.
struct Programs {
    query: FunctionRef<Query>,
}

/// The whole portal, for a stage of this name.
pub(crate) fn app(stage: &str) -> Result<App, Box<dyn Error>> {
    let mut app = App::new("portal", Stage::new(stage));
    app.amend(Tag::new("Project", "portal"));
    app.check(NoSecretsInTheOpen);
    app.check(UserDataFits);

    let foundation = foundation(&mut app.stack("Foundation"))?;
    let people = people(&mut app.stack("People"), &foundation);
    let programs = programs(&mut app.stack("Programs"), &foundation)?;
    answers(&mut app.stack("Answers"), &foundation, &people, &programs);
    hosts(&mut app.stack("Hosts"), &foundation);
    access(&mut app.stack("Access"));
    app.asset_store("Foundation", foundation.assets.id());
    Ok(app)
}

fn foundation(stack: &mut Scope<'_>) -> Result<Foundation, Box<dyn Error>> {
    let key = stack.add("Key", Key::new("What the portal keeps"));
    let network = Network::new("10.40.0.0/16".parse()?, Zones::Two).flow_logs(&key);
    let network = stack.add("Network", network);
    let signing = Secret::new(&key)
        .length(64)
        .characters(Characters::LettersAndDigits)
        .describe("Signs the mark of the next page");
    Ok(Foundation {
        key,
        network,
        assets: stack.add("Assets", Bucket::new(&key)),
        signing: stack.add("Signing", signing),
        page: stack.add("Page", Parameter::new("/portal/page", "50")),
    })
}

fn people(stack: &mut Scope<'_>, Foundation { key, .. }: &Foundation) -> People {
    let pool = stack.add("Pool", UserPool::new(key));
    let [read, write] = stack.add(
        "Results",
        ResourceServer::new(
            &pool,
            "results",
            [("read", "Reads results"), ("write", "Corrects results")],
        ),
    );
    let callback = "https://portal.clinic.example/signed-in";
    stack.add("Portal", Client::for_people(&pool, [callback]).scope(&read));
    let importer = Client::for_machines(&pool, [&write]).token_lasts(Duration::from_mins(15));
    stack.add("Importer", importer);
    stack.add("Coders", Group::new(&pool, "coders", "Code charts"));
    stack.add("SignIn", SignInDomain::new(&pool, "portal-dev-clinic"));
    People { pool, read }
}

fn programs(stack: &mut Scope<'_>, foundation: &Foundation) -> Result<Programs, Box<dyn Error>> {
    let Foundation { key, network, .. } = foundation;
    let failures = stack.add("Failures", Queue::<FailedEvent>::new(key));
    let missed = stack.add("Missed", Queue::<FailedInvocation>::new(key));
    let code = stack.asset(Asset::program("Query", Query::BINARY));
    let query = Function::new(
        Query,
        QueryEnvironment {
            page: foundation.page.reader(),
            signing: foundation.signing.reader(),
            deadline: setting(20),
        },
        Code::new(code, foundation.assets.name()),
        network,
        key,
    )
    .memory_mib(512)
    .timeout(Duration::from_secs(25))
    .reserved_concurrency(20)
    .failures_to(&failures);
    let query = stack.add("Query", query);

    let code = stack.asset(Asset::program("Rotator", Rotator::BINARY));
    let rotator = Function::new(
        Rotator,
        RotatorEnvironment {
            signing: foundation.signing.rotator(),
        },
        Code::new(code, foundation.assets.name()),
        network,
        key,
    );
    let rotator = stack.add("Rotator", rotator);
    let rotation = Rotation::new(&foundation.signing, &rotator);
    stack.add("Rotation", rotation.every(Duration::from_hours(90 * 24)));

    let group = stack.add("Schedules", ScheduleGroup::new());
    let warm = Schedule::new(
        Cron::new(Field::step(0, 15), 7..=18).days(Days::week([
            Weekday::Monday,
            Weekday::Tuesday,
            Weekday::Wednesday,
            Weekday::Thursday,
            Weekday::Friday,
        ])),
        Target::function(&query),
        &missed,
        key,
    )
    .time_zone(TimeZone::new("Europe/Berlin"))
    .group(&group)
    .describe("Keeps the portal awake in office hours");
    stack.add("Warm", warm);
    let often = Schedule::new(
        Rate::every(Duration::from_hours(6)),
        Target::message(&failures, Tree::object([("kind", "check".into())])),
        &missed,
        key,
    )
    .within(Duration::from_mins(30));
    stack.add("Often", often);
    let ends: At = "2031-01-01T00:00:00".parse()?;
    let once: At = "2030-12-31T23:00:00".parse()?;
    let call = Target::call(
        "lambda",
        "invoke",
        Statement::allow(["lambda:InvokeFunction"]).on(query.arn()),
        Tree::object([
            ("FunctionName", query.name().into()),
            ("InvocationType", "Event".into()),
        ]),
    );
    let last = Schedule::new(once, call, &missed, key).retries(10, Duration::from_hours(1));
    stack.add("Last", last.ends(ends));
    Ok(Programs { query })
}

fn answers(
    stack: &mut Scope<'_>,
    Foundation { key, network, .. }: &Foundation,
    people: &People,
    Programs { query }: &Programs,
) {
    let logging = stack.add("Logging", AccountLogging::new());
    let certificate =
        "arn:aws:acm:us-east-1:111122223333:certificate/7f3a1b2c-1111-2222-3333-444455556666";
    let domain = Domain::new("api.clinic.example", certificate).tls(TlsFloor::Tls13);
    let domain = stack.add("Domain", domain);
    let search = Tree::object([
        ("type", "object".into()),
        ("required", ["codes"].into()),
        (
            "properties",
            Tree::object([("codes", Tree::object([("type", "array".into())]))]),
        ),
    ]);
    let routes = [
        Route::new(Verb::Get, "/results/{result}", query).query("version"),
        Route::new(Verb::Post, "/searches", query)
            .body(search)
            .throttle(5, 10)
            .metered(),
    ];
    let callers = people.pool.authorizer().scope(&people.read);
    let api = RestApi::with_routes(
        "answers",
        routes,
        Authorization::UserPool(callers),
        &logging,
        key,
    )
    .throttle(50, 100)
    .domain(&domain, "v1")
    .browsers_from("https://portal.clinic.example");
    let public = stack.add("Public", api);
    let partner = stack.add("Partner", ApiKey::new().describe("The partner's importer"));
    stack.add(
        "Partners",
        UsagePlan::new(&public)
            .throttle(10, 20)
            .quota(10_000, Period::Day)
            .key(&partner),
    );
    let offices = stack.add("Offices", IpSet::v4(["203.0.113.0/24"]));
    let banned = stack.add("Banned", IpSet::v6(["2001:db8::/32"]));
    stack.add(
        "Firewall",
        WebAcl::new(key)
            .managed(ManagedRules::aws("AWSManagedRulesSQLiRuleSet").counting("SQLi_BODY"))
            .rate_limit(500)
            .only_from(&offices)
            .never_from(&banned)
            .only_countries(["DE", "US"])
            .protects(&public),
    );
    let by_token =
        Authorization::Lambda(LambdaAuthorizer::new(query).remember(Duration::from_mins(1)));
    let judged = RestApi::new("judged", query, by_token, &logging, key).tls(TlsFloor::Tls13);
    stack.add("Judged", judged);
    let inside = RestApi::new("inside", query, Authorization::Iam, &logging, key);
    stack.add("Inside", inside.private_in(network));
}

fn hosts(stack: &mut Scope<'_>, Foundation { key, network, .. }: &Foundation) {
    let log = LogGroup::new(key).retention(Retention::Days2192);
    let log = stack.add("SessionLog", log);
    let sessions = stack.add("Sessions", SessionPreferences::new(&log, key));
    let store = stack.add("Store", SecurityGroup::new("Stores indexes", network));
    let consoles = SecurityGroup::new("Wait for people", network).reaches(Ports::tcp(6379), &store);
    let consoles = stack.add("Consoles", consoles);
    let console = LaunchTemplate::new(
        Console,
        ConsoleEnvironment {
            name: setting("console"),
        },
        &Fleet::tagged("portal:fleet", "consoles"),
        Image::Parameter(
            "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64".to_owned(),
        ),
        UserData::bash("exec sleep infinity\n"),
        network,
        key,
    )
    .instance_type("c7g.large")
    .volume_gib(20)
    .scratch_gib(100)
    .group(&consoles)
    .sessions(&sessions);
    stack.add("Console", console);
}

fn access(stack: &mut Scope<'_>) {
    let describe = || {
        Statement::allow(["cloudformation:DescribeStacks"])
            .on("arn:aws:cloudformation:us-east-1:111122223333:stack/portal-dev-*/*")
    };
    let most = PermissionBoundary::new("The most that builds may do", [describe()]);
    let most = stack.add("Most", most);
    let builds = OidcProvider::new("token.actions.githubusercontent.com", "sts.amazonaws.com");
    let builds = stack.add("Builds", builds);
    stack.add(
        "Deployer",
        Role::for_workload(&builds, "repo:clinic/portal:ref:refs/heads/main", "Deploys")
            .boundary(&most)
            .with([describe()]),
    );
    stack.add(
        "Auditor",
        Role::for_account("444455556666", "audit-7f3a", "Looks at stacks")
            .longest_session(Duration::from_hours(2))
            .with([describe()]),
    );
    stack.add(
        "Hosts",
        Role::new(Service::Ec2, "Looks at stacks").with([describe()]),
    );
    stack.add(
        "BreakGlass",
        BreakGlass::new(["arn:aws:iam::111122223333:role/on-call"]).with([describe()]),
    );
}
