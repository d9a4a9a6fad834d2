//! A JSON body whose errors are ours: numbered, with the field's name, without the parser's text.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use serde::de::{Deserialize, DeserializeOwned, Deserializer};

use super::error::{ApiError, Fault};

/// A body of JSON. An empty one counts as `{}` where all fields may be absent.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|value| value.to_str().ok()).unwrap_or("");
        let is_json = kind
            .split(';')
            .next()
            .is_some_and(|k| k.trim().eq_ignore_ascii_case("application/json"));
        let body =
            Bytes::from_request(request, state)
                .await
                .map_err(|rejection| match rejection.status() {
                    StatusCode::PAYLOAD_TOO_LARGE => {
                        let limit = super::server::BODY_BYTES_MAX / 1024;
                        ApiError::new(Fault::TooLarge, format!("send at most {limit} KiB"))
                    }
                    _ => ApiError::new(Fault::BadJson, "the body ended early; send it again"),
                })?;
        if body.is_empty() {
            return read(b"{}").map(Json);
        }
        // Asking for the type also keeps plain HTML forms of other sites out.
        if !is_json {
            return Err(ApiError::new(
                Fault::NotJson,
                "set Content-Type: application/json",
            ));
        }
        read(&body).map(Json)
    }
}

/// A field that is there, be it null: null empties, an absent one stays.
///
/// # Errors
/// The value has another form.
pub fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    field: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(field).map(Some)
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    // A list would be taken for the fields in their order.
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    let is_object = first == Some(&b'{');
    let mut source = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut source).map_err(|error| {
        let inner = error.inner();
        if !inner.is_data() {
            let at = format!("line {}, column {}", inner.line(), inner.column());
            return ApiError::new(Fault::BadJson, format!("the JSON is broken at {at}"));
        }
        let path = error.path().to_string();
        let text = inner.to_string();
        if text.starts_with("unknown field") {
            return unknown(&path, &text);
        }
        let named = || text.split('`').nth(1).unwrap_or_default().to_owned();
        match path.as_str() {
            "." if !is_object => no_object(),
            "." if text.starts_with("missing field") => {
                ApiError::field(named(), "the field is required")
            }
            "." if text.starts_with("duplicate field") => ApiError::field(named(), TWICE),
            "." => ApiError::new(
                Fault::BadField,
                "a field has another type or value than documented",
            ),
            inside if text.starts_with("duplicate field") => {
                ApiError::field(format!("{inside}.{}", named()), TWICE)
            }
            inside => ApiError::field(
                inside,
                "the field has another type or value than documented",
            ),
        }
    })?;
    source.end().map_err(|_| {
        ApiError::new(
            Fault::BadJson,
            "something follows the JSON; send one object",
        )
    })?;
    if !is_object {
        return Err(no_object());
    }
    Ok(value)
}

/// What is said of a field that stands there twice: which of them was meant, nobody knows.
const TWICE: &str = "the field is there twice; send it once";

fn no_object() -> ApiError {
    ApiError::new(Fault::BadField, "the body is no JSON object; send one")
}

/// A field that is not there: ignoring it would do something else than was meant. The parser's text quotes it and what is there.
fn unknown(path: &str, text: &str) -> ApiError {
    let mut quoted = text.split('`').skip(1).step_by(2);
    let name: String = quoted.next().unwrap_or_default().chars().take(64).collect();
    let inside = match path.rsplit_once('.') {
        Some((inside, last)) if last == name => inside,
        _ if path == name => "",
        _ => path.trim_matches('.'),
    };
    let field = match inside {
        "" => name.clone(),
        inside => format!("{inside}.{name}"),
    };
    let known: Vec<&str> = quoted.collect();
    let nearest = known
        .iter()
        .map(|known| (strsim::levenshtein(&name, known), known))
        .min();
    let detail = match nearest {
        Some((edits, known)) if edits <= NEAR_EDITS => {
            format!("there is no such field; did you mean {known}?")
        }
        _ => format!("there is no such field; use {}", known.join(", ")),
    };
    ApiError::field(field, detail)
}

/// A slip of the finger, and the separator that is written differently everywhere.
const NEAR_EDITS: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[serde(rename = "name")]
        _name: String,
        #[serde(default, rename = "inner")]
        _inner: Option<Inner>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[serde(rename = "size")]
        _size: u32,
    }

    /// Everything in it may be left out, so that an empty list would do.
    #[derive(Debug, serde::Deserialize)]
    struct Loose {
        #[serde(default, rename = "name")]
        _name: Option<String>,
    }

    fn told<T: DeserializeOwned + std::fmt::Debug>(body: &str) -> (Option<String>, String) {
        let error = read::<T>(body.as_bytes()).expect_err(body);
        (error.field, error.detail)
    }

    #[test]
    fn what_is_wrong_with_a_body_is_said() {
        for (body, field, detail) in [
            ("{}", Some("name"), "the field is required"),
            (r#"{"name":"a","name":"b"}"#, Some("name"), TWICE),
            (
                r#"{"name":"a","inner":{"size":1,"size":2}}"#,
                Some("inner.size"),
                TWICE,
            ),
            (
                r#"{"name":1}"#,
                Some("name"),
                "the field has another type or value than documented",
            ),
            ("[]", None, "the body is no JSON object; send one"),
            (r#"["a"]"#, None, "the body is no JSON object; send one"),
            ("1", None, "the body is no JSON object; send one"),
            ("null", None, "the body is no JSON object; send one"),
        ] {
            let said = told::<Body>(body);
            assert_eq!(
                (said.0.as_deref(), said.1.as_str()),
                (field, detail),
                "{body}"
            );
        }
        for body in ["[]", r#" ["a"]"#, "1"] {
            assert_eq!(told::<Loose>(body).0, None, "{body}");
        }
        assert!(read::<Loose>(b" {}").is_ok());
    }
}
