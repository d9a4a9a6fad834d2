//! A query string whose errors are ours.

use std::collections::BTreeMap;

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
                    .filter(|_| text.contains("missing field") || text.contains("unknown field"));
                let field = missing.or(name).unwrap_or("query");
                Err(ApiError::field(
                    field,
                    "the parameter is missing or has another form than documented",
                ))
            }
        }
    }
}

/// Lists of words in the query string: `a=1,2`, `a=1&a=2`, `a[]=1&a[]=2`, all the same.
#[derive(Debug, Default, PartialEq)]
pub struct Lists(BTreeMap<String, Vec<String>>);

impl Lists {
    fn of(pairs: Vec<(String, String)>) -> Lists {
        let mut lists = BTreeMap::<String, Vec<String>>::new();
        for (name, text) in pairs {
            let name = name.strip_suffix("[]").unwrap_or(&name);
            let words = text.split(',').map(str::trim).filter(|w| !w.is_empty());
            let list = lists.entry(name.to_owned()).or_default();
            list.extend(words.map(str::to_owned));
        }
        Lists(lists)
    }

    /// The words of a list; none where it was not given.
    pub fn take(&mut self, name: &str) -> Vec<String> {
        self.0.remove(name).unwrap_or_default()
    }

    /// # Errors
    /// A list was given that nobody took.
    pub fn end(&self) -> Result<(), ApiError> {
        match self.0.keys().next() {
            Some(name) => {
                let name: String = name.chars().take(64).collect();
                Err(ApiError::field(name, "there is no such parameter"))
            }
            None => Ok(()),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Lists {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Query(pairs) = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await?;
        Ok(Lists::of(pairs))
    }
}

/// An id in the address.
pub struct Id<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(id)) => Ok(Id(id)),
            Err(_) => Err(ApiError::field(
                "id",
                "the id has another form than documented",
            )),
        }
    }
}
