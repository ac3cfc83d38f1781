use lightsout::{
    apigateway::{AccountLoggingRef, RestApi},
    kms::KeyRef,
    lambda::FunctionRef,
};

fn open_api(function: FunctionRef<()>, logging: AccountLoggingRef, key: KeyRef) {
    let _ = RestApi::new("answers", &function, &logging, &key);
}

fn main() {}
