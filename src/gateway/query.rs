//! A query string whose errors are ours.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::error::ApiError;

/// The query string of a request.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Query::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(query)) => Ok(Query(query)),
            Err(rejection) => {
                let text = rejection.body_text();
                let name = text
                    .rsplit(": ")
                    .nth(1)
                    .filter(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
                let missing = text
                    .split('`')
                    .nth(1)
                    .filter(|_| text.contains("missing field"));
                let field = missing.or(name).unwrap_or("query");
                Err(ApiError::field(
                    field,
                    "the parameter is missing or has another form than documented",
                ))
            }
        }
    }
}

/// An id in the address.
pub struct Id<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(id)) => Ok(Id(id)),
            Err(_) => Err(ApiError::field("id", "ids are whole numbers")),
        }
    }
}
