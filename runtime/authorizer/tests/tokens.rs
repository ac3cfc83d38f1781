//! Which tokens let somebody in?
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use lightsout_authorizer::{
    Caller, Event, Issuer, LONGEST_LIFE, Refusal, Role, Verifier, invocation,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const NOW: u64 = 1_795_000_000;

fn verifier(issuer: &Issuer) -> Verifier {
    Verifier::new(&issuer.keys(), Issuer::ISSUER, Issuer::AUDIENCE).unwrap()
}

fn header() -> Value {
    json!({"alg": "ES256", "typ": "JWT", "kid": Issuer::KEY})
}

fn claims() -> Value {
    json!({
        "iss": Issuer::ISSUER, "aud": Issuer::AUDIENCE, "sub": "u-1",
        "tenant": "north-clinic", "role": "coder", "iat": NOW - 60, "exp": NOW + 600,
    })
}

fn with(mut json: Value, name: &str, value: Value) -> Value {
    match value {
        Value::Null => {
            json.as_object_mut().unwrap().remove(name);
        }
        value => json[name] = value,
    }
    json
}

#[test]
fn a_token_of_the_provider_says_who_calls() {
    let issuer = Issuer::new().unwrap();
    for role in Role::ALL {
        let token = issuer.token("u-1", "north-clinic", role, NOW);
        let caller = Caller {
            who: "u-1".to_owned(),
            tenant: "north-clinic".to_owned(),
            role,
            issued_at: NOW,
        };
        assert_eq!(verifier(&issuer).verify(&token, NOW), Ok(caller));
    }
    let cognito = with(claims(), "tenant", Value::Null);
    let cognito = with(cognito, "custom:tenant", "south".into());
    let token = format!("bearer {}", issuer.signed(&header(), &cognito));
    assert_eq!(
        verifier(&issuer).verify(&token, NOW).unwrap().tenant,
        "south"
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a row for each forgery")]
fn no_forged_expired_foreign_or_truncated_token_lets_anybody_in() {
    let issuer = Issuer::new().unwrap();
    let stranger = Issuer::new().unwrap();
    let verifier = verifier(&issuer);
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let good = issuer.signed(&header(), &claims());
    assert!(verifier.verify(&format!("Bearer {good}"), NOW).is_ok());
    let signature = good.rsplit('.').next().unwrap();
    let unsigned = |alg: &str| {
        let header = with(header(), "alg", alg.into());
        format!("{}.{}", part(&header), part(&claims()))
    };
    // An HMAC whose secret is the public key, as it stands in the JWK set.
    let with_public_key = {
        let header = with(header(), "alg", "HS256".into());
        let message = format!("{}.{}", part(&header), part(&claims()));
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, issuer.keys().as_bytes());
        let tag = ring::hmac::sign(&key, message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
    };
    let own_key: Value = serde_json::from_str(&stranger.keys()).unwrap();
    let mut cases = vec![
        ("none", format!("{}.", unsigned("none")), Refusal::NoToken),
        ("None", format!("{}.", unsigned("None")), Refusal::NoToken),
        (
            "none with a signature",
            format!("{}.{signature}", unsigned("none")),
            Refusal::NoToken,
        ),
        (
            "another algorithm",
            format!("{}.{signature}", unsigned("RS256")),
            Refusal::NotValid,
        ),
        (
            "a longer hash",
            format!("{}.{signature}", unsigned("ES384")),
            Refusal::NotValid,
        ),
        (
            "hmac with the public key",
            with_public_key,
            Refusal::NotValid,
        ),
        (
            "of a stranger",
            stranger.signed(&header(), &claims()),
            Refusal::NotValid,
        ),
        (
            "no signature",
            format!("{}.", unsigned("ES256")),
            Refusal::NotValid,
        ),
        ("two parts", unsigned("ES256"), Refusal::NoToken),
        ("empty", String::new(), Refusal::NoToken),
        ("dots", "..".to_owned(), Refusal::NoToken),
        ("too long", "a".repeat(9_000), Refusal::NoToken),
    ];
    for (what, header) in [
        ("no kid", with(header(), "kid", Value::Null)),
        ("an unknown kid", with(header(), "kid", "local-2".into())),
        (
            "a path as kid",
            with(header(), "kid", "../../../dev/null".into()),
        ),
        (
            "a query as kid",
            with(header(), "kid", "x' UNION SELECT 'key".into()),
        ),
        (
            "a prefix of the kid",
            with(header(), "kid", "local-".into()),
        ),
        ("an empty kid", with(header(), "kid", "".into())),
    ] {
        cases.push((what, issuer.signed(&header, &claims()), Refusal::UnknownKey));
        cases.push((
            what,
            stranger.signed(&header, &claims()),
            Refusal::UnknownKey,
        ));
    }
    for (what, header) in [
        (
            "a key in the header",
            with(header(), "jwk", own_key["keys"][0].clone()),
        ),
        (
            "an address of keys",
            with(header(), "jku", "https://evil.example/jwks".into()),
        ),
        (
            "a certificate",
            with(header(), "x5u", "https://evil.example/x".into()),
        ),
    ] {
        cases.push((what, stranger.signed(&header, &claims()), Refusal::NotValid));
    }
    for (what, name, value, why) in [
        (
            "another issuer",
            "iss",
            json!("https://issuer.invalid.example"),
            Refusal::NotValid,
        ),
        ("no issuer", "iss", Value::Null, Refusal::NotValid),
        (
            "another audience",
            "aud",
            json!("lightsout-dev"),
            Refusal::NotValid,
        ),
        (
            "audiences of others",
            "aud",
            json!(["a", "b"]),
            Refusal::NotValid,
        ),
        ("no audience", "aud", Value::Null, Refusal::NotValid),
        ("no subject", "sub", Value::Null, Refusal::NotValid),
        ("no end", "exp", Value::Null, Refusal::NotValid),
        ("no beginning", "iat", Value::Null, Refusal::SaysTooLittle),
        ("expired", "exp", json!(NOW - 1), Refusal::OutOfTime),
        ("expired now", "exp", json!(NOW), Refusal::OutOfTime),
        (
            "issued in the future",
            "iat",
            json!(NOW + 120),
            Refusal::OutOfTime,
        ),
        ("not yet", "nbf", json!(NOW + 120), Refusal::OutOfTime),
        (
            "of two hours",
            "exp",
            json!(NOW - 60 + LONGEST_LIFE + 1),
            Refusal::LivesTooLong,
        ),
        ("an end as text", "exp", json!("later"), Refusal::NotValid),
        ("no tenant", "tenant", Value::Null, Refusal::SaysTooLittle),
        (
            "an empty tenant",
            "tenant",
            json!(""),
            Refusal::SaysTooLittle,
        ),
        (
            "a tenant above",
            "tenant",
            json!("north/.."),
            Refusal::SaysTooLittle,
        ),
        (
            "two tenants",
            "tenant",
            json!(["north", "south"]),
            Refusal::SaysTooLittle,
        ),
        ("no role", "role", Value::Null, Refusal::SaysTooLittle),
        (
            "a role of its own",
            "role",
            json!("root"),
            Refusal::SaysTooLittle,
        ),
        (
            "a role in capitals",
            "role",
            json!("AUDITOR"),
            Refusal::SaysTooLittle,
        ),
        ("an empty subject", "sub", json!(""), Refusal::SaysTooLittle),
    ] {
        let claims = with(claims(), name, value);
        cases.push((what, issuer.signed(&header(), &claims), why));
    }
    for (what, token, why) in &cases {
        let answer = verifier.verify(&format!("Bearer {token}"), NOW);
        assert!(answer.is_err(), "{what} lets somebody in");
        if *why == Refusal::NotValid {
            // Which of several faults is found first is the library's affair.
            continue;
        }
        assert_eq!(answer, Err(*why), "{what}");
    }
    for header in ["", "Bearer", "Basic dTpw", &good, &format!("Bearer{good}")] {
        assert_eq!(
            verifier.verify(header, NOW),
            Err(Refusal::NoToken),
            "{header}"
        );
    }
    println!("{} forged tokens, none let in", cases.len() + 5);
}

#[test]
fn a_token_ends_by_the_clock() {
    let issuer = Issuer::new().unwrap();
    let verifier = verifier(&issuer);
    let token = issuer.token("u-1", "north", Role::Billing, NOW);
    assert!(verifier.verify(&token, NOW + 1_799).is_ok());
    assert_eq!(
        verifier.verify(&token, NOW + 1_800),
        Err(Refusal::OutOfTime)
    );
    assert_eq!(verifier.verify(&token, NOW - 61), Err(Refusal::OutOfTime));
}

#[test]
fn keys_that_cannot_be_used_are_named_and_none_let_nobody_in() {
    let of = |keys: &str| {
        Verifier::new(keys, "i", "a")
            .map(drop)
            .map_err(|e| e.to_string())
    };
    assert!(of("[]").unwrap_err().contains("jwks_uri"));
    assert!(
        of(r#"{"keys":[{"kty":"oct","kid":"s","k":"c2VjcmV0"}]}"#)
            .unwrap_err()
            .contains("key `s`")
    );
    assert!(
        of(r#"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}"#)
            .unwrap_err()
            .contains("key 0")
    );
    let nobody = Verifier::new(r#"{"keys":[]}"#, Issuer::ISSUER, Issuer::AUDIENCE).unwrap();
    let token = Issuer::new().unwrap().token("u", "t", Role::Coder, NOW);
    assert_eq!(nobody.verify(&token, NOW), Err(Refusal::UnknownKey));
}

#[test]
fn who_is_let_in_is_counted_by_their_tenant() {
    let issuer = Issuer::new().unwrap();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let event = |token: &str| -> Event {
        let event = json!({
            "authorizationToken": token,
            "methodArn": "arn:aws:execute-api:us-east-1:111122223333:a/v1/GET/runs",
        });
        serde_json::from_value(event).unwrap()
    };
    let token = issuer.token("u-1", "north", Role::Billing, now);
    let verifier = verifier(&issuer);
    let answer = invocation(&verifier, "lightsout-dev-results", &event(&token)).unwrap();
    assert_eq!(answer["usageIdentifierKey"], "lightsout-dev-results-north");
    assert_eq!(answer["context"]["tenant"], "north");
    assert!(invocation(&verifier, "lightsout-dev-results", &event("north")).is_err());
}

proptest! {
    #[test]
    fn a_token_that_was_cut_or_changed_anywhere_lets_nobody_in(
        place in any::<prop::sample::Index>(), letter in "[A-Za-z0-9_.-]",
    ) {
        let issuer = Issuer::new().unwrap();
        let verifier = verifier(&issuer);
        let good = issuer.signed(&header(), &claims());
        let place = place.index(good.len());
        let cut = format!("Bearer {}", &good[..place]);
        prop_assert!(verifier.verify(&cut, NOW).is_err());
        let changed = format!("Bearer {}{letter}{}", &good[..place], &good[place + 1..]);
        if changed[7..] != good {
            prop_assert!(verifier.verify(&changed, NOW).is_err());
        }
    }

    #[test]
    fn any_text_lets_nobody_in_and_panics_nowhere(text in "\\PC{0,80}") {
        let issuer = Issuer::new().unwrap();
        let verifier = verifier(&issuer);
        prop_assert!(verifier.verify(&text, NOW).is_err());
        let bearer = format!("Bearer {text}");
        prop_assert!(verifier.verify(&bearer, NOW).is_err());
    }
}
