//! What an account has otherwise than its group.

use axum::Extension;
use axum::extract::State;
use serde::Deserialize;
use siaga_risk::event::Body;
use siaga_risk::ids::AccountId;
use siaga_risk::terms::{AccountRules, RUNGS_MAX};
use siaga_risk::units::Ratio;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Done;
use super::desk::{done, note};
use crate::gateway::decimal;
use crate::gateway::dto::rules::{BalanceProtection, HedgeRule, StopOutPolicy};
use crate::gateway::error::{ApiError, ApiResult, Problem};
use crate::gateway::guard::Caller;
use crate::gateway::json::Json;
use crate::gateway::query::Id;
use crate::gateway::server::App;

/// Decimals of a percentage as a ratio holds them.
const PERCENT_DIGITS: u8 = 10;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(set_rules))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountRulesRequest {
    pub warning_pct: Option<String>,
    pub restricted_pct: Option<String>,
    pub stop_out_pct: Option<String>,
    /// Further levels that are told, falling, at most eight, in place of the group's; an empty list tells none.
    pub levels_told_pct: Option<Vec<String>>,
    pub stop_out_policy: Option<StopOutPolicy>,
    pub negative_balance_protection: Option<BalanceProtection>,
    /// Of a hedging account.
    pub hedge: Option<HedgeRule>,
    pub note: String,
}

/// Gives an account levels and rules of its own in place of its group's. All of them are replaced: what is absent is as the group has
/// it again. Levels that do not fall from the warning to the stop-out are refused.
#[utoipa::path(put, path = "/api/v1/accounts/{id}/rules", tag = "accounts", params(("id" = u32, Path)), request_body = AccountRulesRequest,
    responses((status = 200, body = Done), (status = 401, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn set_rules(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Id(id): Id<u32>,
    Json(request): Json<AccountRulesRequest>,
) -> ApiResult<axum::Json<Done>> {
    let account = AccountId(id);
    if app.core.directory().account(account).is_none() {
        return Err(ApiError::not_found("the account"));
    }
    let rungs = match &request.levels_told_pct {
        Some(told) => Some(rungs(told)?),
        None => None,
    };
    let rules = AccountRules {
        account,
        warning: level("warning_pct", request.warning_pct.as_deref())?,
        restricted: level("restricted_pct", request.restricted_pct.as_deref())?,
        stop_out: level("stop_out_pct", request.stop_out_pct.as_deref())?,
        rungs,
        stop_out_policy: request.stop_out_policy.map(Into::into),
        negative_balance_protection: request.negative_balance_protection.map(Into::into),
        hedge: request.hedge.map(Into::into),
    };
    note(&app, actor, &request.note).await?;
    done(&app, actor, Body::Rules(Box::new(rules))).await
}

fn level(field: &'static str, text: Option<&str>) -> ApiResult<Option<Ratio>> {
    let Some(text) = text else {
        return Ok(None);
    };
    let level = decimal::read(text, PERCENT_DIGITS);
    let level = level.map_err(|fault| ApiError::field(field, fault.says(PERCENT_DIGITS)))?;
    Ok(Some(Ratio(level)))
}

fn rungs(told: &[String]) -> ApiResult<[Ratio; RUNGS_MAX]> {
    const FIELD: &str = "levels_told_pct";
    let mut rungs = [Ratio(0); RUNGS_MAX];
    if told.len() > rungs.len() {
        return Err(ApiError::field(FIELD, format!("use at most {RUNGS_MAX}")));
    }
    for (rung, text) in rungs.iter_mut().zip(told) {
        *rung = level(FIELD, Some(text))?.unwrap_or_default();
    }
    Ok(rungs)
}
