//! Reading requests: the framework's extractors with this API's own refusals.

use super::Api;
use super::error::Problem;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use bytes::Bytes;
use contract::ObjectId;
use serde::de::DeserializeOwned;

/// A JSON body.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Api> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let size_max = api.server().config().http.body_size_max;
        match axum::Json::from_request(request, api).await {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(rejection) => Err(refuse(&rejection, size_max)),
        }
    }
}

/// A JSON body that says what is to change. One that names nothing of it is refused: whoever wrote it meant something else.
pub struct Patch<T>(pub T);

impl<T: DeserializeOwned + Default + PartialEq> FromRequest<Api> for Patch<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let Body(patch) = Body::<T>::from_request(request, api).await?;
        if patch == T::default() {
            return Err(Problem::invalid(
                "The body names nothing that could be changed here, so nothing was changed.".into(),
            ));
        }
        Ok(Self(patch))
    }
}

fn refuse(rejection: &JsonRejection, size_max: usize) -> Problem {
    match rejection {
        JsonRejection::MissingJsonContentType(_) => Problem::Unsupported(
            "The body must be JSON, with the header content-type: application/json.".into(),
        ),
        other if other.status() == StatusCode::PAYLOAD_TOO_LARGE => Problem::TooLarge { size_max },
        other => Problem::invalid(format!(
            "The body cannot be read. {}",
            sentence(&other.body_text())
        )),
    }
}

/// The query of the URL.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(Problem::invalid(format!(
                "The query cannot be read. {}",
                sentence(&rejection.body_text())
            ))),
        }
    }
}

/// The `{id}` of the path.
pub struct Id(pub ObjectId);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(text)) => text
                .parse()
                .map(Self)
                .map_err(|e| Problem::invalid(format!("\"{text}\" is {e}."))),
            Err(rejection) => Err(Problem::invalid(sentence(&rejection.body_text()))),
        }
    }
}

/// The two identities of the path, in their order.
pub struct Ids(pub ObjectId, pub ObjectId);

impl<S: Send + Sync> FromRequestParts<S> for Ids {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = |text: String| {
            let parsed = text.parse::<ObjectId>();
            parsed.map_err(|e| Problem::invalid(format!("\"{text}\" is {e}.")))
        };
        match Path::<(String, String)>::from_request_parts(parts, state).await {
            Ok(Path((first, second))) => Ok(Self(read(first)?, read(second)?)),
            Err(rejection) => Err(Problem::invalid(sentence(&rejection.body_text()))),
        }
    }
}

/// The one part of the path that is not fixed.
pub struct Segment(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(text)) => Ok(Self(text)),
            Err(rejection) => Err(Problem::invalid(sentence(&rejection.body_text()))),
        }
    }
}

/// A body of octets, of at most so many. Its route has a limit of its own, which is the same.
pub struct Octets<const SIZE_MAX: usize>(pub Bytes);

impl<const SIZE_MAX: usize> FromRequest<Api> for Octets<SIZE_MAX> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        match Bytes::from_request(request, api).await {
            Ok(bytes) => Ok(Self(bytes)),
            Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(Problem::TooLarge { size_max: SIZE_MAX })
            }
            Err(rejection) => Err(Problem::invalid(format!(
                "The octets cannot be read. {}",
                sentence(&rejection.body_text())
            ))),
        }
    }
}

fn sentence(text: &str) -> String {
    format!("{}.", text.trim_end_matches('.'))
}
