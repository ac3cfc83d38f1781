//! Does each stack contain what it promises?

use std::panic::{AssertUnwindSafe, catch_unwind};

use lightsout::{Assembly, cfn};
use parcels::{account::Account, app::app};

fn synth() -> Assembly {
    app("test", "pigeon").unwrap().synth().unwrap()
}

#[test]
fn a_carrier_is_an_account_with_a_queue_that_is_encrypted() {
    let assembly = synth();
    let template = assembly.template("Tracking");
    // A type of our own is a matcher like every other.
    template.count::<Account>(1);
    template.has(Account::matching().carrier("pigeon"));
    template.has(cfn::sqs::Queue::new().visibility_timeout(60));
    template.count::<cfn::sqs::Queue>(2);
    template.has_output("Account");
}

#[test]
fn the_account_has_the_contact_and_the_tag_that_it_was_given() {
    let assembly = synth();
    let account = assembly.template("Tracking").only::<Account>();
    account
        .has(Account::matching().contact("parcels@acme.example"))
        .has_exactly("Tags[0].Value", "parcels");
}

#[test]
fn a_carrier_in_upper_case_breaks_a_rule_in_its_own_line() {
    let error = app("test", "Pigeon").unwrap().synth().unwrap_err();
    let text = error.to_string();
    assert!(text.contains("carriers-are-lower-case"), "{text}");
    assert!(text.contains("write `pigeon`"), "{text}");
    assert!(text.contains("src/carrier.rs:"), "{text}");
}

#[test]
fn an_assertion_that_fails_names_the_nearest_and_where_it_differs() {
    let assembly = synth();
    let template = assembly.template("Tracking");
    let assertion = || template.has(Account::matching().carrier("stork"));
    let panic = catch_unwind(AssertUnwindSafe(assertion)).unwrap_err();
    let text = panic.downcast::<String>().unwrap();
    assert!(
        text.contains("`TrackingCarrierAccount` differs in"),
        "{text}"
    );
    assert!(
        text.contains("`Carrier` is \"pigeon\", expected \"stork\""),
        "{text}"
    );
}
