//! What is asked and answered.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;
use tributary_texts::Language;

use super::super::rater::{Rated, Rater, Turn};
use super::current::Current;
use super::guard::{Denied, Guard};
use super::openapi::description;
use super::question::{BODY_BYTES_MAX, CUSTOMERS_MAX, CustomerFault, Question, encode};
use crate::error::ClientError;

/// Requests that are worked on at once.
pub(super) const AT_WORK_MAX: usize = 4;

/// How long a request may take, its body included.
const PATIENCE: Duration = Duration::from_secs(10);

/// Everything that a request needs.
pub(super) struct Service {
    pub(super) current: Current,
    guard: Guard,
    language: Language,
    now: fn() -> u64,
    pub(super) at_work: Arc<Semaphore>,
}

impl Service {
    pub(super) fn new(current: Current, guard: Guard, language: Language, now: fn() -> u64) -> Self {
        Self { current, guard, language, now, at_work: Arc::new(Semaphore::new(AT_WORK_MAX)) }
    }

    fn rater(&self) -> Result<Arc<Rater>, Refusal> {
        self.current.rater((self.now)()).map_err(|fault| Refusal::model(&fault, self.language))
    }
}

/// Everything that is answered here.
pub(super) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/v1/score", post(score))
        .route("/v1/health", get(health))
        .route("/openapi.json", get(openapi))
        .fallback(async || {
            Refusal::new(StatusCode::NOT_FOUND, "not_found", "there is nothing of this name; see /openapi.json")
        })
        .method_not_allowed_fallback(async || {
            let message = "this is asked by another method; see /openapi.json";
            Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
        })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(Arc::clone(&service), guarded))
        .with_state(service)
}

/// Looks at who asks, before anything else is looked at; and gives every request its time.
async fn guarded(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let mut answer = match service.guard.judge(request.uri(), request.headers()) {
        Err(denied) => Refusal::denied(denied).into_response(),
        Ok(()) => match tokio::time::timeout(PATIENCE, next.run(request)).await {
            Ok(answer) => answer,
            Err(_) => {
                let message = "the request took longer than 10 seconds; ask for fewer customers at once";
                Refusal::new(StatusCode::REQUEST_TIMEOUT, "too_slow", message).into_response()
            }
        },
    };
    let headers = answer.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

async fn health(State(service): State<Arc<Service>>) -> Result<Json, Refusal> {
    let rater = service.rater()?;
    let mut answer = models(&rater);
    answer["status"] = "ok".into();
    Ok(Json(answer))
}

async fn openapi(State(service): State<Arc<Service>>) -> Result<Json, Refusal> {
    let rater = service.rater()?;
    Ok(Json(description(&rater.schema)))
}

async fn score(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json, Refusal> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some("application/json") {
        let message = "the body is said to be something else than application/json";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", message));
    }
    let body = body.map_err(|fault| match fault.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            "the body has more than 1 MiB; ask for fewer customers",
        ),
        status => Refusal::new(status, "no_body", "the body did not arrive whole"),
    })?;
    // It is given back when the work is done, and not when whoever asked has gone: else many who go would have more worked on than this.
    let Ok(place) = Arc::clone(&service.at_work).try_acquire_owned() else { return Err(Refusal::busy()) };
    let rated = tokio::task::spawn_blocking(move || {
        let _place = place;
        let question = parsed(&body)?;
        let language = match &question.lang {
            None => service.language,
            Some(name) => Language::parse(name)
                .ok_or_else(|| Refusal::new(StatusCode::BAD_REQUEST, "unknown_language", "lang is \"zh\" or \"en\""))?,
        };
        answer(&*service.rater()?, &question, language)
    })
    .await;
    let stopped = |_| {
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "stopped", "scoring stopped, which is a fault of the program")
    };
    rated.map_err(stopped)?.map(Json)
}

fn parsed(body: &[u8]) -> Result<Question, Refusal> {
    let question: Question = serde_json::from_slice(body).map_err(|fault| {
        // The parser's own words may quote a value.
        let (line, column) = (fault.line(), fault.column());
        let what = match fault.classify() {
            serde_json::error::Category::Data => "another content than a question to score; see /openapi.json",
            _ => "no JSON",
        };
        let known =
            ["a column is there twice in one customer", "a column holds a list or an object, and not one value"];
        let text = fault.to_string();
        let what = known.into_iter().find(|known| text.starts_with(known)).unwrap_or(what);
        let message = format!("the body is refused at line {line}, column {column}: {what}");
        Refusal::new(StatusCode::BAD_REQUEST, "bad_question", message)
    })?;
    if (1..=CUSTOMERS_MAX).contains(&question.customers.len()) {
        return Ok(question);
    }
    let message = format!("{} customers; one request is about 1 to {CUSTOMERS_MAX}", question.customers.len());
    Err(Refusal::new(StatusCode::BAD_REQUEST, "bad_question", message))
}

/// The model that was named, and the challenger that scores a share of the customers beside it.
fn models(rater: &Rater) -> Value {
    let named = &rater.judge(Turn::Named).model;
    let beside = rater.judges().find_map(|(judge, share)| share.map(|_| judge.model.digest.to_string()));
    json!({ "model": named.digest.to_string(), "state": named.state, "challenger": beside })
}

/// Scores all customers, or none.
fn answer(rater: &Rater, question: &Question, language: Language) -> Result<Value, Refusal> {
    let mut room = rater.room();
    let mut results = Vec::with_capacity(question.customers.len());
    let encoded = encode(&rater.schema, &question.customers, |customer, row| {
        let turn = rater.turn(customer.key(&rater.schema).as_deref());
        let heads = rater.heads().iter().zip(rater.rate(turn, row, &mut room, language));
        let scores: Map<String, Value> = heads.map(|(head, rated)| (head.clone(), of_head(&rated))).collect();
        let actions = rater.actions.as_ref();
        let stage = actions
            .and_then(|own| own.stage_of(&customer.wanted(own.wanted()), tributary_model::schema::Decimal::Point));
        let stage = rater.stage(stage);
        results.push(json!({
            "scores": scores,
            "stage": stage.map(|stage| &stage.name),
            "action": stage.map(|stage| stage.action.text(language)),
            "notice": stage.map(|stage| stage.notice.text(language)),
            "model": rater.judge(turn).model.digest.to_string(),
        }));
    });
    encoded.map_err(Refusal::customers)?;
    let mut answer = models(rater);
    answer["schema"] = rater.schema.digest().to_string().into();
    answer["labels"] = json!(rater.heads());
    answer["results"] = results.into();
    Ok(answer)
}

fn of_head(rated: &Rated<'_>) -> Value {
    let reasons: Vec<&str> = rated.reasons.into_iter().filter(|reason| !reason.is_empty()).collect();
    json!({
        "score": rated.score,
        "probability": rated.probability,
        "points": rated.points,
        "reasons": reasons,
    })
}

/// An answer.
struct Json(Value);

impl IntoResponse for Json {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], self.0.to_string()).into_response()
    }
}

/// Why there is none.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    customers: Vec<CustomerFault>,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), customers: Vec::new() }
    }

    fn busy() -> Self {
        let message = "as many requests as this service takes at once are worked on; ask again in a second";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message)
    }

    fn model(fault: &ClientError, language: Language) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "no_model", fault.said().text(language))
    }

    fn customers(customers: Vec<CustomerFault>) -> Self {
        let message = "customers cannot be scored, and none was; correct what is told of each";
        let refusal = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_customers", message);
        Self { customers, ..refusal }
    }

    fn denied(denied: Denied) -> Self {
        let (status, code, message) = match denied {
            Denied::Host => {
                (StatusCode::MISDIRECTED_REQUEST, "wrong_host", "the Host header does not name this service")
            }
            Denied::Origin => (StatusCode::FORBIDDEN, "from_a_page", "pages in a browser are not answered"),
            Denied::Token => {
                (StatusCode::UNAUTHORIZED, "no_token", "show the token of the token file: Authorization: Bearer TOKEN")
            }
        };
        Self::new(status, code, message)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut error = json!({ "code": self.code, "message": self.message });
        if !self.customers.is_empty() {
            error["customers"] = json!(self.customers);
        }
        let mut response = (self.status, Json(json!({ "error": error }))).into_response();
        match self.code {
            "busy" => drop(response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"))),
            "no_token" => drop(response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            _ => {}
        }
        response
    }
}
