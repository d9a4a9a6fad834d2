//! The platform over HTTP, one module per engine. The engines themselves know no HTTP.

pub mod aml;
pub mod aml_cash;
pub mod aml_reports;
pub mod crm;
mod crm_bulk;
mod crm_dto;
mod crm_limits;
mod crm_requests;
pub mod crm_work;
pub mod door;
mod identity;
mod identity_dto;
mod identity_factors;
mod identity_people;
mod identity_teams;
pub mod kyc;
mod kyc_dto;
mod kyc_upload;
pub mod maintenance;
mod profile;
pub mod records;
pub mod subjects;

use utoipa_axum::router::OpenApiRouter;

use super::server::App;

/// What needs a caller.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(kyc::routes())
        .merge(records::routes())
        .merge(subjects::routes())
        .merge(crm::routes())
        .merge(crm_bulk::routes())
        .merge(crm_limits::routes())
        .merge(crm_work::routes())
        .merge(aml::routes())
        .merge(aml_reports::routes())
        .merge(aml_cash::routes())
        .merge(identity::routes())
        .merge(identity_factors::routes())
        .merge(identity_people::routes())
        .merge(identity_teams::routes())
        .merge(profile::routes())
        .merge(maintenance::routes())
}

/// What has none yet: registering, signing in, signed webhooks.
pub fn open_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(crm::open_routes())
        .merge(kyc::open_routes())
        .merge(subjects::open_routes())
        .merge(identity::open_routes())
        .merge(identity_factors::open_routes())
}
