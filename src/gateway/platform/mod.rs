//! The platform over HTTP, one module per engine. The engines themselves know no HTTP.

pub mod door;
mod identity;
mod identity_dto;
mod identity_factors;
mod identity_people;

use utoipa_axum::router::OpenApiRouter;

use super::server::App;

/// What needs a caller.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(identity::routes())
        .merge(identity_factors::routes())
        .merge(identity_people::routes())
}

/// What has none yet: registering, signing in, signed webhooks.
pub fn open_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(identity::open_routes())
        .merge(identity_factors::open_routes())
}
