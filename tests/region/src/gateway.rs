//! The region's one endpoint: EC2 here, everything else to `MiniStack`.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};

use crate::ec2::error::Ec2Error;
use crate::ec2::form::Form;
use crate::ec2::{self, Answer};
use crate::world::World;

/// The largest EC2 request that is read.
const REQUEST_LIMIT: usize = 1024 * 1024;

/// The part of a `SigV4` credential scope that names EC2.
const EC2_SCOPE: &str = "/ec2/aws4_request";

pub(crate) fn router(world: Arc<World>) -> Router {
    Router::new().fallback(handle).with_state(world)
}

async fn handle(State(world): State<Arc<World>>, request: Request<Body>) -> Response<Body> {
    let authorization = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    if authorization.contains(EC2_SCOPE) {
        handle_ec2(&world, request, &authorization).await
    } else {
        forward(&world, request).await
    }
}

async fn handle_ec2(
    world: &Arc<World>,
    request: Request<Body>,
    authorization: &str,
) -> Response<Body> {
    if world.faults().takes_call() {
        let error = Ec2Error::server(503, "RequestLimitExceeded", "Request limit exceeded.");
        return refuse(&error);
    }
    let (mut head, body) = request.into_parts();
    let body = match to_bytes(body, REQUEST_LIMIT).await {
        Ok(body) => body,
        Err(source) => {
            let problem = format!("The request cannot be read: {source}");
            return refuse(&Ec2Error::client("MalformedRequest", problem));
        }
    };
    let body = match ec2::answer(world, &Form::parse(&body), authorization).await {
        Answer::Own(Ok(xml)) => return xml_response(StatusCode::OK, xml),
        Answer::Own(Err(error)) => return refuse(&error),
        Answer::Forward => body,
        Answer::ForwardInstead(form) => form.encode().into(),
    };
    head.headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    forward(world, Request::from_parts(head, Body::from(body))).await
}

async fn forward(world: &World, request: Request<Body>) -> Response<Body> {
    match world.upstream().forward(request).await {
        Ok(response) => response,
        Err(source) => {
            let problem = format!("MiniStack does not answer: {source}");
            refuse(&Ec2Error::server(503, "ServiceUnavailable", problem))
        }
    }
}

fn refuse(error: &Ec2Error) -> Response<Body> {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    xml_response(status, error.to_xml())
}

fn xml_response(status: StatusCode, xml: String) -> Response<Body> {
    let mut response = Response::new(Body::from(xml));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/xml;charset=UTF-8"),
    );
    response
}
