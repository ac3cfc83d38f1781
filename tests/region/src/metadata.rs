//! The instance metadata service, version 2 (and 1 where it is allowed).

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roxmltree::Document;
use serde_json::json;

use crate::ec2::error::Ec2Error;
use crate::ec2::form::Form;
use crate::instance::{HttpTokens, Instance, InstanceId, Market, Switch, hex_digits};
use crate::world::World;

/// The longest life of a session token, in seconds (six hours).
const LONGEST_TOKEN: u64 = 21_600;

const TTL_HEADER: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const TOKEN_HEADER: &str = "x-aws-ec2-metadata-token";

/// How long before their end credentials are renewed.
const RENEWAL_MARGIN: Duration = Duration::from_mins(10);

/// Temporary keys of an instance's role.
#[derive(Clone, Debug)]
struct RoleKeys {
    role: String,
    document: String,
    expires: SystemTime,
}

/// The session tokens and role keys of all hosts.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    tokens: Mutex<BTreeMap<String, (InstanceId, Instant)>>,
    keys: tokio::sync::Mutex<BTreeMap<InstanceId, RoleKeys>>,
}

impl Sessions {
    fn open(&self, instance: &InstanceId, life: Duration) -> String {
        let token = format!("{}==", hex_digits(54));
        let now = Instant::now();
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|_, (_, end)| *end > now);
        tokens.insert(token.clone(), (instance.clone(), now + life));
        token
    }

    fn admits(&self, token: &str, instance: &InstanceId) -> Admission {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        match tokens.get(token) {
            Some((owner, end)) if owner == instance && *end > Instant::now() => Admission::Yes,
            _ => Admission::No,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Admission {
    Yes,
    No,
}

/// One address for all hosts: the caller's address says who asks.
pub(crate) fn router_for_all(world: Arc<World>) -> Router {
    Router::new().fallback(by_peer).with_state(world)
}

/// A service for one host alone.
pub(crate) fn router_for(world: Arc<World>, instance: InstanceId) -> Router {
    Router::new()
        .fallback(by_listener)
        .with_state((world, instance))
}

async fn by_peer(
    State(world): State<Arc<World>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response<Body> {
    let instance = world
        .fleet()
        .all()
        .find(|instance| IpAddr::from(instance.address) == peer.ip() && instance.state.has_host())
        .cloned();
    respond(&world, instance, &method, uri.path(), &headers).await
}

async fn by_listener(
    State((world, id)): State<(Arc<World>, InstanceId)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response<Body> {
    let instance = world.fleet().get(&id).cloned();
    respond(&world, instance, &method, uri.path(), &headers).await
}

async fn respond(
    world: &World,
    instance: Option<Instance>,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Response<Body> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(instance) = instance else {
        return plain(StatusCode::NOT_FOUND, "404 - Not Found");
    };
    let options = &instance.launch.metadata;
    if options.endpoint == Switch::Disabled {
        return plain(StatusCode::FORBIDDEN, "403 - Forbidden");
    }
    if *method == Method::PUT {
        if path != "/latest/api/token" {
            return plain(StatusCode::NOT_FOUND, "404 - Not Found");
        }
        // A proxy in between would open the service to others.
        if header("x-forwarded-for").is_some() {
            return plain(StatusCode::FORBIDDEN, "403 - Forbidden");
        }
        let life = header(TTL_HEADER)
            .and_then(|life| life.parse().ok())
            .filter(|life| (1..=LONGEST_TOKEN).contains(life));
        return match life {
            Some(life) => {
                let token = world
                    .sessions()
                    .open(&instance.id, Duration::from_secs(life));
                let mut response = plain(StatusCode::OK, &token);
                response.headers_mut().insert(TTL_HEADER, life.into());
                response
            }
            None => plain(StatusCode::BAD_REQUEST, "400 - Bad Request"),
        };
    }
    if *method != Method::GET {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "405 - Not Allowed");
    }
    let admitted = match header(TOKEN_HEADER) {
        Some(token) => world.sessions().admits(token, &instance.id),
        None if options.tokens == HttpTokens::Optional => Admission::Yes,
        None => Admission::No,
    };
    if admitted == Admission::No {
        return plain(StatusCode::UNAUTHORIZED, "401 - Unauthorized");
    }
    let Some(path) = path.strip_prefix("/latest") else {
        return plain(StatusCode::NOT_FOUND, "404 - Not Found");
    };
    let path = path.trim_matches('/');
    let mut tree = tree(&instance, world);
    if path.starts_with("meta-data/iam")
        && let Some(profile) = instance.profile_name()
    {
        match role_keys(world, &instance.id, profile).await {
            Ok(keys) => {
                let name = format!("meta-data/iam/security-credentials/{}", keys.role);
                tree.insert(name, keys.document.into_bytes());
            }
            Err(error) => world.report_problem(&instance.id, format!("role keys: {error}")),
        }
    }
    match tree.get(path).cloned().or_else(|| listing(&tree, path)) {
        Some(content) => {
            let mut response = Response::new(Body::from(content));
            response.headers_mut().insert(
                "content-type",
                axum::http::HeaderValue::from_static("text/plain"),
            );
            response
        }
        None => plain(StatusCode::NOT_FOUND, "404 - Not Found"),
    }
}

/// Everything that a host may read, by its path below `/latest/`.
fn tree(instance: &Instance, world: &World) -> BTreeMap<String, Vec<u8>> {
    let launch = &instance.launch;
    let host_name = format!("{}.ec2.internal", instance.host_name());
    let life_cycle = match launch.market {
        Market::Spot => "spot",
        Market::OnDemand => "on-demand",
    };
    let mut tree: BTreeMap<String, Vec<u8>> = [
        ("instance-id", instance.id.to_string()),
        ("ami-id", launch.image.clone()),
        ("ami-launch-index", instance.launch_index.to_string()),
        ("instance-type", launch.instance_type.clone()),
        ("instance-life-cycle", life_cycle.to_owned()),
        ("local-ipv4", instance.address.to_string()),
        ("hostname", host_name.clone()),
        ("local-hostname", host_name),
        ("placement/availability-zone", launch.zone.clone()),
        ("placement/region", world.region_name().to_owned()),
        ("reservation-id", instance.reservation.clone()),
        ("services/domain", "amazonaws.com".to_owned()),
        ("services/partition", "aws".to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (format!("meta-data/{name}"), value.into_bytes()))
    .collect();
    if launch.metadata.tags == Switch::Enabled {
        for (key, value) in &instance.tags {
            let name = format!("meta-data/tags/instance/{key}");
            tree.insert(name, value.clone().into_bytes());
        }
    }
    if let Some(arn) = &launch.profile_arn {
        let info = json!({
            "Code": "Success",
            "LastUpdated": seconds(instance.launched),
            "InstanceProfileArn": arn,
        });
        tree.insert(
            "meta-data/iam/info".to_owned(),
            info.to_string().into_bytes(),
        );
    }
    if let Some(user_data) = &launch.user_data {
        let decoded = STANDARD.decode(user_data).unwrap_or_default();
        tree.insert("user-data".to_owned(), decoded);
    }
    let document = json!({
        "accountId": world.account(),
        "architecture": std::env::consts::ARCH,
        "availabilityZone": launch.zone,
        "imageId": launch.image,
        "instanceId": instance.id.as_str(),
        "instanceType": launch.instance_type,
        "pendingTime": seconds(instance.launched),
        "privateIp": instance.address.to_string(),
        "region": world.region_name(),
        "version": "2017-09-30",
    });
    tree.insert(
        "dynamic/instance-identity/document".to_owned(),
        document.to_string().into_bytes(),
    );
    tree
}

/// The names directly below `path`, folders with a slash, as the service lists them.
fn listing(tree: &BTreeMap<String, Vec<u8>>, path: &str) -> Option<Vec<u8>> {
    let prefix = if path.is_empty() {
        String::new()
    } else {
        format!("{path}/")
    };
    let mut names: Vec<String> = tree
        .keys()
        .filter_map(|name| name.strip_prefix(&prefix))
        .map(|rest| match rest.split_once('/') {
            Some((folder, _)) => format!("{folder}/"),
            None => rest.to_owned(),
        })
        .collect();
    names.dedup();
    (!names.is_empty()).then(|| names.join("\n").into_bytes())
}

/// The role behind an instance profile, with keys from STS.
async fn role_keys(
    world: &World,
    instance: &InstanceId,
    profile: &str,
) -> Result<RoleKeys, Ec2Error> {
    let mut known = world.sessions().keys.lock().await;
    if let Some(keys) = known.get(instance)
        && keys.expires > SystemTime::now() + RENEWAL_MARGIN
    {
        return Ok(keys.clone());
    }
    let service = |service: &'static str, form: Form| async move {
        world
            .upstream()
            .service(service, world.region_name(), world.account(), &form)
            .await
    };
    let query = Form::from([
        ("Action", "GetInstanceProfile"),
        ("Version", "2010-05-08"),
        ("InstanceProfileName", profile),
    ]);
    let answer = service("iam", query).await?;
    let roles = Answer::read(&answer)?;
    // The profile has an ARN too: only the role's own element counts.
    let role = roles.inside("Roles", "RoleName")?;
    let arn = roles.inside("Roles", "Arn")?;
    let query = Form::from([
        ("Action", "AssumeRole"),
        ("Version", "2011-06-15"),
        ("RoleArn", &arn),
        ("RoleSessionName", instance.as_str()),
    ]);
    let answer = service("sts", query).await?;
    let keys = Answer::read(&answer)?;
    let expiration = keys.inside("Credentials", "Expiration")?;
    let expires = humantime::parse_rfc3339_weak(&expiration)
        .unwrap_or_else(|_| SystemTime::now() + Duration::from_hours(1));
    let document = json!({
        "Code": "Success",
        "Type": "AWS-HMAC",
        "LastUpdated": seconds(SystemTime::now()),
        "AccessKeyId": keys.inside("Credentials", "AccessKeyId")?,
        "SecretAccessKey": keys.inside("Credentials", "SecretAccessKey")?,
        "Token": keys.inside("Credentials", "SessionToken")?,
        "Expiration": seconds(expires),
    });
    let keys = RoleKeys {
        role,
        document: document.to_string(),
        expires,
    };
    known.insert(instance.clone(), keys.clone());
    Ok(keys)
}

/// An answer of IAM or STS.
struct Answer<'a>(Document<'a>);

impl<'a> Answer<'a> {
    fn read(text: &'a str) -> Result<Self, Ec2Error> {
        Document::parse(text)
            .map(Self)
            .map_err(|source| Ec2Error::server(500, "InternalError", source.to_string()))
    }

    fn inside(&self, outer: &str, name: &str) -> Result<String, Ec2Error> {
        self.0
            .descendants()
            .find(|node| node.tag_name().name() == outer)
            .and_then(|node| {
                node.descendants()
                    .find(|node| node.tag_name().name() == name)
            })
            .and_then(|node| node.text())
            .map(|text| text.trim().to_owned())
            .ok_or_else(|| Ec2Error::server(500, "InternalError", format!("no {name} in {outer}")))
    }
}

fn seconds(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

fn plain(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(text.to_owned()));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_lists_its_names_once_and_folders_with_a_slash() {
        let tree: BTreeMap<String, Vec<u8>> = [
            "meta-data/placement/region",
            "meta-data/placement/zone",
            "meta-data/ami-id",
        ]
        .into_iter()
        .map(|name| (name.to_owned(), Vec::new()))
        .collect();
        assert_eq!(
            listing(&tree, "meta-data"),
            Some(b"ami-id\nplacement/".to_vec())
        );
        assert_eq!(listing(&tree, ""), Some(b"meta-data/".to_vec()));
        assert_eq!(listing(&tree, "meta-data/nothing"), None);
    }

    #[test]
    fn a_session_token_is_good_for_its_own_host_and_its_own_time() {
        let sessions = Sessions::default();
        let (one, other) = (InstanceId::from("i-1"), InstanceId::from("i-2"));
        let token = sessions.open(&one, Duration::from_mins(1));
        assert_eq!(sessions.admits(&token, &one), Admission::Yes);
        assert_eq!(sessions.admits(&token, &other), Admission::No);
        assert_eq!(sessions.admits("guessed", &one), Admission::No);
        let ended = sessions.open(&one, Duration::ZERO);
        assert_eq!(sessions.admits(&ended, &one), Admission::No);
    }
}
