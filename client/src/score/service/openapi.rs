//! The service in the words of OpenAPI 3.1, with the columns of its schema.

use serde_json::{Map, Value, json};
use tributary_model::schema::{FieldKind, Schema};

use super::question::{BODY_BYTES_MAX, CUSTOMERS_MAX, columns};

/// What can be asked of this service, and what it answers.
pub(super) fn description(schema: &Schema) -> Value {
    let digest = json!({ "type": "string", "pattern": "^[0-9a-f]{64}$" });
    let beside = json!({
        "type": ["string", "null"],
        "pattern": "^[0-9a-f]{64}$",
        "description": "the model that scores a share of the customers beside it",
    });
    let refused = |text: &str| json!({ "description": text, "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Refusal" } } } });
    let answered = |text: &str, name: &str| {
        let reference = format!("#/components/schemas/{name}");
        json!({ "description": text, "content": { "application/json": { "schema": { "$ref": reference } } } })
    };
    let common = |mut own: Value| {
        for (status, text) in [
            ("401", "on a loopback address: the token of the token file is not shown"),
            ("403", "a page in a browser asks"),
            ("408", "the request took longer than 10 seconds"),
            ("421", "the Host header does not name this service"),
            ("503", "the model may not be used, or as many requests as are taken at once are worked on"),
        ] {
            own[status] = refused(text);
        }
        own
    };
    let scored = common(json!({
        "200": answered("one result for each customer, in their order", "Answer"),
        "400": refused("no JSON, another content, or no number of customers from 1 to 1000"),
        "413": refused("the body has more than 1 MiB"),
        "415": refused("the body is said to be something else than application/json"),
        "422": refused("a customer lacks a column, or a value does not fit the schema: none was scored"),
    }));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Scores of customers at a branch",
            "version": "1.0.0",
            "description": format!(
                "Customers by the columns of the schema {} {}. A decile is one of a file, so that there is none here.",
                schema.name(), schema.version()
            ),
        },
        "paths": {
            "/v1/score": { "post": {
                "operationId": "score",
                "summary": "Score 1 to 1000 customers",
                "requestBody": {
                    "required": true,
                    "description": format!("at most {BODY_BYTES_MAX} bytes"),
                    "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Question" } } },
                },
                "responses": scored,
            } },
            "/v1/health": { "get": {
                "operationId": "health",
                "summary": "Whether customers are scored now, and by which model",
                "responses": common(json!({ "200": answered("customers are scored", "Health") })),
            } },
            "/openapi.json": { "get": {
                "operationId": "describe",
                "summary": "This description",
                "responses": common(json!({ "200": {
                    "description": "OpenAPI 3.1",
                    "content": { "application/json": { "schema": { "type": "object" } } },
                } })),
            } },
        },
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "schemas": {
                "Question": {
                    "type": "object",
                    "required": ["customers"],
                    "additionalProperties": false,
                    "properties": {
                        "lang": { "enum": ["zh", "en"] },
                        "customers": {
                            "type": "array",
                            "minItems": 1,
                            "maxItems": CUSTOMERS_MAX,
                            "items": { "$ref": "#/components/schemas/Customer" },
                        },
                    },
                },
                "Customer": customer(schema),
                "Answer": {
                    "type": "object",
                    "required": ["model", "state", "challenger", "schema", "labels", "results"],
                    "properties": {
                        "model": digest.clone(),
                        "state": { "type": "string" },
                        "challenger": beside.clone(),
                        "schema": digest.clone(),
                        "labels": { "type": "array", "items": { "type": "string" } },
                        "results": { "type": "array", "items": { "$ref": "#/components/schemas/Result" } },
                    },
                },
                "Result": {
                    "type": "object",
                    "required": ["scores", "stage", "action", "notice", "model"],
                    "properties": {
                        "scores": scores(schema),
                        "stage": { "type": ["string", "null"] },
                        "action": { "type": ["string", "null"] },
                        "notice": { "type": ["string", "null"] },
                        "model": digest.clone(),
                    },
                },
                "Score": {
                    "type": "object",
                    "required": ["score", "probability", "points", "reasons"],
                    "properties": {
                        "score": { "type": "number", "description": "the logit" },
                        "probability": { "type": "number", "minimum": 0, "maximum": 1 },
                        "points": { "type": ["integer", "null"], "description": "nothing where the model is not additive" },
                        "reasons": { "type": "array", "maxItems": 3, "items": { "type": "string" } },
                    },
                },
                "Health": {
                    "type": "object",
                    "required": ["status", "model", "state", "challenger"],
                    "properties": {
                        "status": { "const": "ok" },
                        "model": digest,
                        "state": { "type": "string" },
                        "challenger": beside,
                    },
                },
                "Refusal": {
                    "type": "object",
                    "required": ["error"],
                    "properties": { "error": {
                        "type": "object",
                        "required": ["code", "message"],
                        "properties": {
                            "code": { "type": "string" },
                            "message": { "type": "string" },
                            "customers": { "type": "array", "items": {
                                "type": "object",
                                "required": ["customer", "message"],
                                "properties": {
                                    "customer": { "type": "integer", "minimum": 1 },
                                    "message": { "type": "string" },
                                },
                            } },
                        },
                    } },
                },
            },
        },
        "security": [{ "token": [] }, {}],
    })
}

/// The columns of a customer. Others may be there, and are not looked at.
fn customer(schema: &Schema) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for column in columns(schema) {
        let fields: Vec<_> = schema.fields().iter().filter(|field| field.column == column).collect();
        let numeric = fields.iter().all(|field| matches!(field.kind, FieldKind::Numeric { .. }));
        // Numbers may be texts, as a file has them; categories may be numbers.
        let kinds = json!(["number", "string", "boolean", "null"]);
        let text = fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>().join(", ");
        let what = if numeric { "a number" } else { "a category" };
        properties.insert(column.to_owned(), json!({ "type": kinds, "description": format!("{what}: {text}") }));
        if !fields.iter().all(|field| field.optional) {
            required.push(column);
        }
    }
    if let Some(key) = schema.customer_column()
        && !properties.contains_key(key)
    {
        let what = "who the customer is; it decides whether a challenger scores the customer, and without it the champion does";
        properties.insert(key.to_owned(), json!({ "type": ["number", "string", "null"], "description": what }));
    }
    json!({ "type": "object", "required": required, "properties": properties })
}

fn scores(schema: &Schema) -> Value {
    let names: Vec<&str> = schema.labels().iter().map(|label| label.name.as_str()).collect();
    let one = json!({ "$ref": "#/components/schemas/Score" });
    let properties: Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), one.clone())).collect();
    json!({ "type": "object", "required": names, "properties": properties })
}
