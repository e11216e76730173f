//! The service over its own socket, and over loopback: what it answers, whom it refuses, and what a flood comes to.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tributary_protocol::registry::ModelStep;
use tributary_texts::Language;

use super::app::{AT_WORK_MAX, Service, router};
use super::current::Current;
use super::door::{CONNECTIONS_MAX, Door};
use super::question::BODY_BYTES_MAX;
use crate::score::world::{NOW, World, manifest, model, schema};

/// A service of a branch's champion.
struct Served {
    world: World,
    runtime: Runtime,
    service: Arc<Service>,
    connections: Arc<Semaphore>,
    path: PathBuf,
}

/// A status, the head and the body of an answer.
type Answer = (u16, String, Value);

impl Served {
    fn new(world: World) -> Self {
        let path = world.at("state/scores.sock");
        let runtime = runtime();
        let door = runtime.block_on(async { Door::socket(&path) }).unwrap_or_else(|fault| panic!("{fault}"));
        let current = Current::new(world.settings(), schema(), "champion".into());
        let service = Arc::new(Service::new(current, door.guard(), Language::English, || NOW));
        let connections = Arc::clone(&door.places);
        runtime.spawn(door.serve(router(Arc::clone(&service))));
        Self { world, runtime, service, connections, path }
    }

    fn usual() -> Self {
        Self::new(World::usual().0)
    }

    fn connect(&self) -> UnixStream {
        UnixStream::connect(&self.path).unwrap()
    }

    fn ask(&self, head: &str, body: &[u8]) -> Answer {
        ask(self.connect(), head, body)
    }

    fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n"), b"")
    }

    fn score(&self, body: &Value) -> Answer {
        self.post(body.to_string().as_bytes())
    }

    fn post(&self, body: &[u8]) -> Answer {
        self.ask("POST /v1/score HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n", body)
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Asks on a connection of its own, which is closed after the answer.
fn ask(mut stream: impl Read + Write, head: &str, body: &[u8]) -> Answer {
    let mut head = head.to_owned();
    write!(head, "connection: close\r\ncontent-length: {}\r\n\r\n", body.len()).unwrap();
    // Who is refused before all was sent is told so.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
    answer(stream)
}

fn answer(mut stream: impl Read) -> Answer {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
    (status, head.to_ascii_lowercase(), serde_json::from_str(body).unwrap_or(Value::Null))
}

#[test]
fn a_customer_is_scored_as_in_a_file() {
    let (world, digest) = World::usual();
    world.write("rows.csv", "who,age,state,vip\nC1,20,1,\nC2,50,frozen,\nC3,,1,yes\n");
    world.acting();
    let (_, file) = world.scored().unwrap();
    let served = Served::new(world);
    let customers = json!([
        { "age": 20, "state": 1, "vip": null, "who": "C1", "left": "1" },
        { "state": "frozen", "age": "50" },
        { "age": null, "state": "1", "vip": "yes", "unknown": true },
    ]);
    let (status, head, found) = served.score(&json!({ "customers": customers }));
    assert_eq!((status, found["model"].as_str().unwrap()), (200, digest.to_string().as_str()));
    assert!(head.contains("cache-control: no-store") && head.contains("nosniff"));
    assert!(!head.contains("access-control"), "no page of another site reads it");
    for (line, result) in file.lines().skip(1).zip(found["results"].as_array().unwrap()) {
        let line: Vec<&str> = line.split(',').collect();
        let own = &result["scores"]["churn"];
        for (key, expected) in [("score", line[1]), ("probability", line[2])] {
            let expected: f64 = expected.parse().unwrap();
            assert!((own[key].as_f64().unwrap() - expected).abs() < 1e-12, "{key}: {own}");
        }
        assert_eq!(own["points"].to_string(), line[4]);
        let reasons: Vec<&str> = own["reasons"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
        assert_eq!(reasons, line[5..8].iter().copied().filter(|reason| !reason.is_empty()).collect::<Vec<_>>());
        for (at, key) in (8..).zip(["stage", "action", "notice"]) {
            assert_eq!(result[key].as_str().unwrap(), line[at]);
        }
        assert!(own.get("decile").is_none(), "a decile is one of a file");
    }
    let (_, _, chinese) = served.score(&json!({ "lang": "zh", "customers": [{ "state": "1", "age": "" }] }));
    let result = &chinese["results"][0];
    assert_eq!(
        (&result["scores"]["churn"]["reasons"][0], &result["action"]),
        (&json!("年龄（无数据）"), &json!("行动2"))
    );
    let mode = std::fs::metadata(&served.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (status, _, health) = served.get("/v1/health");
    assert_eq!(
        (status, health),
        (200, json!({ "status": "ok", "model": digest.to_string(), "state": "champion", "challenger": null }))
    );
    // A second service does not take its place.
    let again = served.runtime.block_on(async { Door::socket(&served.path) }).err().unwrap().to_string();
    assert!(again.contains("another process serves here"), "{again}");
}

/// What is refused, with its status, its code and what is said of it. No answer quotes a value.
#[test]
fn bad_questions_have_clear_answers() {
    let served = Served::usual();
    let customers = |customers: Value| json!({ "customers": customers }).to_string();
    let one = |customer: &str| format!("{{\"customers\":[{{\"state\":\"1\",\"age\":50}},{customer}]}}");
    let table: [(String, u16, &str, &str); 21] = [
        (String::new(), 400, "bad_question", "no JSON"),
        ("{\"customers\":[".into(), 400, "bad_question", "no JSON"),
        (format!("{{\"customers\":{}", "[".repeat(100_000)), 400, "bad_question", "another content"),
        (format!("{{\"customers\":[{{\"x\":{}", "{\"x\":".repeat(1_000)), 400, "bad_question", "no JSON"),
        ("{\"customers\":[{}],\"customers\":[{}]}".into(), 400, "bad_question", "another content"),
        (one("{\"age\":1e999,\"state\":\"1\"}"), 400, "bad_question", "no JSON"),
        ("[1]".into(), 400, "bad_question", "another content"),
        ("{}".into(), 400, "bad_question", "another content"),
        ("{\"customers\":[],\"model\":\"x\"}".into(), 400, "bad_question", "another content"),
        (customers(json!([])), 400, "bad_question", "0 customers"),
        (customers(json!(vec![json!({}); 1001])), 400, "bad_question", "1001 customers"),
        (customers(json!(["secret"])), 400, "bad_question", "another content"),
        (one("{\"age\":50,\"age\":51,\"state\":\"1\"}"), 400, "bad_question", "a column is there twice"),
        (one("{\"age\":[50],\"state\":\"1\"}"), 400, "bad_question", "a list or an object"),
        (one("{\"age\":50}"), 422, "bad_customers", "no column \"state\""),
        (one("{\"AGE\":50,\"state\":\"1\"}"), 422, "bad_customers", "upper and lower case only"),
        (
            one("{\"age\":\"secret\",\"state\":\"1\"}"),
            422,
            "bad_customers",
            "row 2, column \"age\": text where a number is expected",
        ),
        (one("{\"age\":\"1,5\",\"state\":\"1\"}"), 422, "bad_customers", "a number with a decimal comma"),
        (one("{\"age\":\"NaN\",\"state\":\"1\"}"), 422, "bad_customers", "NaN"),
        (one("{\"age\":50,\"state\":null}"), 422, "bad_customers", "row 2, column \"state\": empty"),
        ("{\"lang\":\"fr\",\"customers\":[{}]}".into(), 400, "unknown_language", "\"zh\" or \"en\""),
    ];
    for (body, status, code, said) in table {
        let (found, _, answer) = served.post(body.as_bytes());
        let text = answer.to_string().replace("\\\"", "\"");
        assert_eq!((found, answer["error"]["code"].as_str()), (status, Some(code)), "{body}: {text}");
        assert!(text.contains(said) && !text.contains("secret"), "{body}: {text}");
        if status == 422 {
            assert_eq!(answer["error"]["customers"][0]["customer"], 2, "{text}");
        }
    }
    let post = "POST /v1/score HTTP/1.1\r\nhost: localhost\r\n";
    let heads: [(&str, u16, &str); 12] = [
        ("GET /v1/none HTTP/1.1\r\nhost: localhost\r\n", 404, "not_found"),
        ("GET /v1/score HTTP/1.1\r\nhost: localhost\r\n", 405, "method_not_allowed"),
        ("OPTIONS /v1/score HTTP/1.1\r\nhost: localhost\r\n", 405, "method_not_allowed"),
        (post, 415, "not_json"),
        (&format!("{post}content-type: text/plain; a=application/json\r\n"), 415, "not_json"),
        (&format!("{post}content-type: application/json ; charset=utf-8\r\n"), 400, "bad_question"),
        ("GET /v1/health HTTP/1.1\r\nhost: evil.example\r\n", 421, "wrong_host"),
        ("GET /v1/health HTTP/1.1\r\n", 421, "wrong_host"),
        ("GET http://localhost/v1/health HTTP/1.1\r\nhost: localhost\r\n", 421, "wrong_host"),
        ("GET /v1/health HTTP/1.1\r\nhost: localhost\r\norigin: http://evil.example\r\n", 403, "from_a_page"),
        ("GET /v1/health HTTP/1.1\r\nhost: localhost\r\nsec-fetch-site: cross-site\r\n", 403, "from_a_page"),
        (&format!("{post}content-type: application/json\r\norigin: null\r\n"), 403, "from_a_page"),
    ];
    for (head, status, code) in heads {
        let (found, _, answer) = served.ask(head, b"");
        assert_eq!((found, answer["error"]["code"].as_str()), (status, Some(code)), "{head}");
    }
    let (status, _, answer) = served.post(&vec![b' '; BODY_BYTES_MAX + 1]);
    assert_eq!((status, &answer["error"]["code"]), (413, &json!("too_large")));
    let (status, ..) = served.post(&vec![b' '; BODY_BYTES_MAX]);
    assert_eq!(status, 400, "of the largest size it is looked at");
}

/// A customer who is named is scored by the model of a file; whoever is not named, by the champion.
#[test]
fn a_challengers_share_is_that_of_a_file() {
    let (mut world, champion) = World::usual();
    let challenger = world.used(ModelStep::Challenge, &model(3.0));
    let names: Vec<String> = (0..400).map(|number| format!("C{number}")).collect();
    let rows: String = names.iter().map(|name| format!("{name},50,1\n")).collect();
    world.write("rows.csv", &format!("who,age,state\n{rows}"));
    let (_, file) = world.scored().unwrap();
    let served = Served::new(world);
    let customers: Vec<Value> = names.iter().map(|who| json!({ "who": who, "age": 50, "state": "1" })).collect();
    let (status, _, found) = served.score(&json!({ "customers": customers }));
    assert_eq!((status, &found["challenger"]), (200, &json!(challenger.to_string())));
    let mut theirs = 0;
    for (line, result) in file.lines().skip(1).zip(found["results"].as_array().unwrap()) {
        let by = result["model"].as_str().unwrap();
        theirs += usize::from(by == challenger.to_string());
        assert!(line.ends_with(&format!(",{}", &by[..8])), "{line}: {by}");
        let score: f64 = line.split(',').nth(1).unwrap().parse().unwrap();
        assert!((result["scores"]["churn"]["score"].as_f64().unwrap() - score).abs() < 1e-12);
    }
    assert!((10..100).contains(&theirs), "{theirs}");
    let nobody: Vec<Value> = (0..100).map(|_| json!({ "age": 50, "state": "1" })).collect();
    let (_, _, found) = served.score(&json!({ "customers": nobody }));
    assert!(found["results"].as_array().unwrap().iter().all(|one| one["model"] == champion.to_string()));
    assert_eq!(served.get("/v1/health").2["challenger"], challenger.to_string());
}

/// Whether the model may be used is looked at before each request.
#[test]
fn a_champion_that_is_replaced_or_withdrawn_is_served_no_more() {
    let mut served = Served::usual();
    let customer = json!({ "customers": [{ "age": 100, "state": "frozen" }] });
    let score = |served: &Served| {
        let (status, _, found) = served.score(&customer);
        (status, found["results"][0]["scores"]["churn"]["score"].as_f64(), found["error"]["message"].to_string())
    };
    assert_eq!(score(&served).1, Some(0.5));
    served.world.champion(&model(3.0));
    assert_eq!(score(&served).1, Some(2.5), "the new champion");
    served.world.stated(ModelStep::Withdraw, &manifest(&model(3.0)));
    let (status, _, said) = score(&served);
    assert!(status == 503 && said.contains("no model is the champion"), "{said}");
    assert_eq!(served.get("/v1/health").0, 503);
    served.world.champion(&model(2.0));
    assert_eq!(score(&served).1, Some(1.5));
    served.world.taken_back();
    let (status, _, said) = score(&served);
    assert!(status == 503 && said.contains("no grant of the data's owner"), "{said}");
}

#[test]
fn whoever_floods_it_is_told_to_come_back() {
    let served = Served::usual();
    // All places but one are taken, and one who asks has the last: it is answered, and stays.
    let most = u32::try_from(CONNECTIONS_MAX).unwrap();
    let others = served.connections.try_acquire_many(most - 1).unwrap();
    let mut last = served.connect();
    last.write_all(b"GET /v1/health HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut begin = [0; 12];
    last.read_exact(&mut begin).unwrap();
    assert_eq!(&begin, b"HTTP/1.1 200");
    let (status, head, answered) = answer(served.connect());
    assert_eq!((status, &answered["error"]["code"]), (503, &json!("busy")));
    assert!(head.contains("retry-after: 1"));
    drop(others);
    assert_eq!(served.get("/v1/health").0, 200);
    let places = served.service.at_work.try_acquire_many(u32::try_from(AT_WORK_MAX).unwrap()).unwrap();
    let (status, head, answered) = served.score(&json!({ "customers": [{ "age": 1, "state": "1" }] }));
    assert_eq!((status, &answered["error"]["code"]), (503, &json!("busy")));
    assert!(head.contains("retry-after: 1"));
    assert_eq!(served.get("/v1/health").0, 200, "who asks how it is gets an answer all the same");
    drop(places);
    assert_eq!(served.score(&json!({ "customers": [{ "age": 1, "state": "1" }] })).0, 200);
}

/// Of a head that has not ended, 64 KiB are kept, and what one read brings beyond them.
#[test]
fn a_head_is_as_long_as_may_be_and_no_longer() {
    let served = Served::usual();
    let status = |bytes: usize| {
        let mut stream = served.connect();
        let more = "x".repeat(bytes);
        let head = format!("GET /v1/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nx-more: {more}\r\n\r\n");
        // Who is refused before all was read has the answer, and then a connection that was cut.
        let (mut told, _) = (Vec::new(), stream.write_all(head.as_bytes()));
        let _ = stream.read_to_end(&mut told);
        String::from_utf8(told).unwrap().split(' ').nth(1).and_then(|status| status.parse().ok())
    };
    assert_eq!((status(65_000), status(140_000)), (Some(200), Some(431)));
}

/// Whoever goes before the answer leaves the work behind, and its place is taken as long as it lasts.
#[test]
fn those_who_go_have_no_more_worked_on_than_those_who_stay() {
    let served = Served::usual();
    let until = |holds: &dyn Fn() -> bool| {
        while !holds() {
            std::thread::yield_now();
        }
    };
    // Nothing is scored as long as the model is being judged.
    let judging = served.service.current.held.lock().unwrap();
    let body = json!({ "customers": [{ "age": 1, "state": "1" }] }).to_string();
    let head = format!(
        "POST /v1/score HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut gone: Vec<UnixStream> = (0..AT_WORK_MAX).map(|_| served.connect()).collect();
    gone.iter_mut().for_each(|stream| stream.write_all(format!("{head}{body}").as_bytes()).unwrap());
    until(&|| served.service.at_work.available_permits() == 0);
    drop(gone);
    until(&|| served.connections.available_permits() == CONNECTIONS_MAX);
    assert_eq!(served.post(body.as_bytes()).0, 503, "the work of those who have gone is still to be done");
    drop(judging);
    until(&|| served.service.at_work.available_permits() == AT_WORK_MAX);
    assert_eq!(served.post(body.as_bytes()).0, 200);
}

#[test]
fn on_loopback_each_request_shows_the_token() {
    let (world, _) = World::usual();
    let runtime = runtime();
    let token = world.at("token");
    let open = |address: &str| runtime.block_on(Door::loopback(address.parse().unwrap(), &token));
    for address in ["0.0.0.0:0", "192.0.2.1:0", "[::]:0"] {
        assert!(open(address).err().unwrap().to_string().contains("on this machine alone"), "{address}");
    }
    assert!(!token.exists());
    let door = open("127.0.0.1:0").unwrap_or_else(|fault| panic!("{fault}"));
    let address = door.place().strip_prefix("http://").unwrap().to_owned();
    let current = Current::new(world.settings(), schema(), "champion".into());
    let service = Arc::new(Service::new(current, door.guard(), Language::English, || NOW));
    runtime.spawn(door.serve(router(service)));
    let token = std::fs::read_to_string(&token).unwrap();
    let get = |host: &str, more: &str| {
        let head = format!("GET /v1/health HTTP/1.1\r\nhost: {host}\r\n{more}");
        let (status, head, answer) = ask(TcpStream::connect(&address).unwrap(), &head, b"");
        (status, answer["error"]["code"].as_str().map(str::to_owned), head)
    };
    let shown = format!("authorization: Bearer {}\r\n", token.trim());
    assert_eq!(get(&address, &shown).0, 200);
    let (status, code, head) = get(&address, "");
    assert!(
        status == 401 && code.as_deref() == Some("no_token") && head.contains("www-authenticate: bearer"),
        "{head}"
    );
    assert_eq!(get(&address, &shown.replace("Bearer ", "Bearer x")).0, 401);
    // A page whose name was led to this address sends its own name.
    let (_, port) = address.rsplit_once(':').unwrap();
    assert_eq!(get(&format!("rebound.example:{port}"), &shown).0, 421);
    assert_eq!(get(&address, &format!("{shown}origin: http://{address}\r\n")).0, 403);
}

/// The description is what is served, and what is served fits the description.
#[test]
fn the_description_is_open_api_and_true() {
    let served = Served::usual();
    let (status, _, all) = served.get("/openapi.json");
    assert_eq!((status, &all["openapi"]), (200, &json!("3.1.0")));
    assert!(all["info"]["title"].is_string() && all["info"]["version"].is_string());
    let mut ids = Vec::new();
    for (path, item) in all["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            ids.push(operation["operationId"].as_str().unwrap());
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.contains_key("200") && responses.values().all(|one| one["description"].is_string()));
            let head = format!("{} {path} HTTP/1.1\r\nhost: localhost\r\n", method.to_uppercase());
            let (status, _, answer) = served.ask(&head, b"");
            assert!(responses.contains_key(&status.to_string()), "{path}: {status}");
            assert_eq!(
                fits(&all, &responses[&status.to_string()]["content"]["application/json"]["schema"], &answer),
                Ok(())
            );
        }
    }
    ids.sort_unstable();
    assert_eq!(ids, ["describe", "health", "score"]);
    let references = all.to_string();
    for reference in references.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(all.pointer(reference).is_some(), "{reference}");
    }
    let question = json!({ "customers": [{ "age": 50, "state": "1" }] });
    let of = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    assert_eq!(fits(&all, &of("Question"), &question), Ok(()));
    assert!(fits(&all, &of("Question"), &json!({ "customers": [{ "age": 50 }] })).is_err());
    assert!(fits(&all, &of("Question"), &json!({ "customers": [], "lang": "fr" })).is_err());
    assert_eq!(fits(&all, &of("Answer"), &served.score(&question).2), Ok(()));
    assert_eq!(fits(&all, &of("Refusal"), &served.score(&json!({ "customers": [{}] })).2), Ok(()));
    assert!(fits(&all, &of("Answer"), &json!({ "model": "x" })).is_err());
}

/// Whether a value fits a schema, of those words that the description uses.
fn fits(root: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        return fits(root, root.pointer(reference.strip_prefix('#').unwrap()).unwrap(), value);
    }
    let no = |what: &str| Err(format!("{value} is not {what}"));
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let is = |wanted: &Value| wanted == kind || (wanted == "number" && kind == "integer");
    match &schema["type"] {
        Value::Null => {}
        Value::Array(kinds) if kinds.iter().any(is) => {}
        one if is(one) => {}
        other => return no(&other.to_string()),
    }
    if schema["const"] != Value::Null && schema["const"] != *value {
        return no("the constant");
    }
    if let Some(all) = schema["enum"].as_array()
        && !all.contains(value)
    {
        return no("one of the list");
    }
    let number = value.as_f64().unwrap_or_default();
    if schema["minimum"].as_f64().is_some_and(|least| number < least)
        || schema["maximum"].as_f64().is_some_and(|most| number > most)
    {
        return no("within its limits");
    }
    if let (Some(_), Some(text)) = (schema["pattern"].as_str(), value.as_str())
        && !(text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
    {
        return no("a digest");
    }
    if let Some(items) = value.as_array() {
        let count = items.len() as u64;
        if schema["minItems"].as_u64().is_some_and(|least| count < least)
            || schema["maxItems"].as_u64().is_some_and(|most| count > most)
        {
            return no("a list of that length");
        }
        items.iter().try_for_each(|item| fits(root, &schema["items"], item))?;
    }
    if let Some(object) = value.as_object() {
        let required = schema["required"].as_array().into_iter().flatten();
        if let Some(lacking) = required.filter_map(Value::as_str).find(|name| !object.contains_key(*name)) {
            return no(&format!("complete without {lacking}"));
        }
        for (name, value) in object {
            match schema["properties"].get(name) {
                Some(schema) => fits(root, schema, value)?,
                None if schema["additionalProperties"] == false => return no(&format!("allowed to have {name}")),
                None => {}
            }
        }
    }
    Ok(())
}

/// Whoever has made a program for it finds the same description.
#[test]
fn the_description_is_what_it_was() {
    let served = Served::usual();
    let (_, _, mut all) = served.get("/openapi.json");
    all["info"]["version"] = json!("of this release");
    crate::whole::compare(&format!("{all:#}\n"), "score/service/openapi.json");
}
