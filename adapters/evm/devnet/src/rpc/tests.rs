//! The envelope against requests that are malformed, hostile or unusual.

use serde_json::{Value, json};

use super::envelope::{self, Params, RpcResult};

fn echo(method: &str, params: &Params) -> RpcResult {
    match method {
        "echo" => params.required::<Value>(0),
        "count" => params.required::<u64>(0).map(Value::from),
        _ => Err(envelope::RpcError::unknown_method(method)),
    }
}

fn respond(body: &str) -> Option<Value> {
    envelope::respond(body.as_bytes(), 3, echo)
}

fn code(body: &str) -> Value {
    respond(body).unwrap()["error"]["code"].clone()
}

#[test]
fn malformed_requests_get_the_errors_of_json_rpc() {
    for (body, expected) in [
        ("", -32_700),
        ("{", -32_700),
        ("\u{0}", -32_700),
        ("[]", -32_600),
        ("7", -32_600),
        (r#""echo""#, -32_600),
        (r#"{"id":1}"#, -32_600),
        (r#"{"id":1,"method":7}"#, -32_600),
        (r#"{"id":{},"method":"echo"}"#, -32_600),
        (r#"{"id":1,"method":"echo","params":{"a":1}}"#, -32_602),
        (r#"{"id":1,"method":"echo","params":[]}"#, -32_602),
        (r#"{"id":1,"method":"count","params":["x"]}"#, -32_602),
        (r#"{"id":1,"method":"nothing"}"#, -32_601),
        ("[1,2,3,4]", -32_600),
    ] {
        assert_eq!(code(body), expected, "{body}");
    }
    let deep = "[".repeat(100_000);
    assert_eq!(code(&deep), -32_700);
}

#[test]
fn ids_come_back_as_they_were_and_notifications_are_silent() {
    for id in [json!(1), json!("a"), json!(null), json!(-1.5)] {
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": "echo", "params": [9] });
        let expected = json!({ "jsonrpc": "2.0", "id": id, "result": 9 });
        assert_eq!(respond(&request.to_string()), Some(expected));
    }
    assert_eq!(respond(r#"{"method":"echo","params":[9]}"#), None);
    let batch = r#"[{"method":"echo","params":[1]},{"id":2,"method":"echo","params":[2]},3]"#;
    let answers = respond(batch).unwrap();
    assert_eq!(answers.as_array().unwrap().len(), 2);
    assert_eq!(answers[0]["result"], 2);
    assert_eq!(answers[1]["error"]["code"], -32_600);
    assert_eq!(respond(r#"[{"method":"echo","params":[1]}]"#), None);
}
