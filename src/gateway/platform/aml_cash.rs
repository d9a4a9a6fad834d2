//! Movements of money: asked for, approved by another person, booked by the core.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use siaga_platform::aml::cash::state::Step;
use siaga_platform::aml::cash::{self, Asked, CashRow, NewCash};
use siaga_platform::aml::faults::NO_RATE;
use siaga_risk::ids::{AccountId, CurrencyId};
use siaga_risk::units::pow10;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::door::{By, Desk, IdempotencyKey, PageQuery};
use crate::gateway::decimal;
use crate::gateway::directory::Directory;
use crate::gateway::error::{ApiError, ApiResult, Problem};
use crate::gateway::json::Json;
use crate::gateway::query::{Id, Query};
use crate::gateway::server::App;
use crate::wire;

/// Decimals of a dollar.
const USD_DIGITS: u8 = 2;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, request))
        .routes(routes!(one))
        .routes(routes!(approve))
        .routes(routes!(confirm))
        .routes(routes!(reject))
        .routes(routes!(cancel))
        .routes(routes!(hold))
        .routes(routes!(release))
}

wire! {
    /// A movement of money.
    pub struct CashDto {
        pub id: Uuid,
        pub user_id: Uuid,
        pub account: i64,
        /// `deposit`, `withdrawal`, `correction`.
        pub kind: String,
        pub currency: String,
        pub amount: String,
        /// Its value in dollars when it was asked for.
        pub usd: String,
        /// `requested`, `held`, `approved`, `confirmed`, `rejected`, `cancelled`.
        pub status: String,
        pub method: String,
        pub payer: String,
        pub payer_is_client: Option<bool>,
        pub note: String,
        pub requested_by: String,
        pub approved_by: Option<String>,
        /// Its input in the core.
        pub booked_seq: Option<i64>,
        pub created_at_us: i64,
        pub decided_at_us: Option<i64>,
        pub confirmed_at_us: Option<i64>,
        pub revision: i64,
        /// Steps that its state has and the caller may take.
        pub moves: Vec<String>,
    }
    pub struct CashPage {
        pub items: Vec<CashDto>,
        pub next: Option<String>,
    }
}

fn dto(row: CashRow, names: &Directory) -> CashDto {
    let digits = names
        .currency(&row.currency)
        .map_or(USD_DIGITS, |currency| names.money_digits(currency));
    CashDto {
        id: row.id,
        user_id: row.user,
        account: row.account,
        kind: row.kind,
        amount: decimal::show(row.amount, digits),
        currency: row.currency,
        usd: decimal::show(row.usd_cents, USD_DIGITS),
        status: row.status,
        method: row.method,
        payer: row.payer,
        payer_is_client: row.payer_is_client,
        note: row.note,
        requested_by: row.requested_by,
        approved_by: row.approved_by,
        booked_seq: row.core_seq,
        created_at_us: row.created_at,
        decided_at_us: row.decided_at,
        confirmed_at_us: row.confirmed_at,
        revision: row.revision,
        moves: row.moves,
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CashQuery {
    /// One status.
    pub status: Option<String>,
    /// One account.
    pub account: Option<u32>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// 1 to 100; 50 when absent.
    pub limit: Option<u32>,
}

/// Movements of money that the caller may see, newest first.
#[utoipa::path(get, path = "/api/v1/cash/requests", tag = "cash", params(CashQuery),
    responses((status = 200, body = CashPage), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("cash.read"))))]
async fn list(
    State(app): State<App>,
    Desk(platform): Desk,
    By(by): By,
    Query(query): Query<CashQuery>,
) -> ApiResult<axum::Json<CashPage>> {
    let page = PageQuery {
        cursor: query.cursor,
        limit: query.limit,
    };
    let page = cash::list(&platform, &by, query.status, query.account, page.paging()?).await?;
    let names = app.core.directory();
    Ok(axum::Json(CashPage {
        items: page.items.into_iter().map(|row| dto(row, &names)).collect(),
        next: page.next,
    }))
}

/// A movement of money.
#[utoipa::path(get, path = "/api/v1/cash/requests/{id}", tag = "cash", params(("id" = Uuid, Path)),
    responses((status = 200, body = CashDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("cash.read"))))]
async fn one(
    State(app): State<App>,
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
) -> ApiResult<axum::Json<CashDto>> {
    let row = cash::one(&platform, &by, id).await?;
    Ok(axum::Json(dto(row, &app.core.directory())))
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CashAskRequest {
    pub account: u32,
    /// `deposit`, `withdrawal`, `correction`.
    pub kind: String,
    /// In the account's currency; only a correction may be negative.
    pub amount: String,
    /// How: a bank, a card.
    #[serde(default)]
    pub method: String,
    /// The name on the other side.
    pub payer: Option<String>,
    #[serde(default)]
    pub note: String,
}

/// Asks for a movement of money. A withdrawal needs a second factor.
#[utoipa::path(post, path = "/api/v1/cash/requests", tag = "cash", params(IdempotencyKey), request_body = CashAskRequest,
    responses((status = 201, body = CashDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)), extensions(("x-permission" = json!("cash.request"))))]
async fn request(
    State(app): State<App>,
    Desk(platform): Desk,
    By(by): By,
    key: IdempotencyKey,
    Json(request): Json<CashAskRequest>,
) -> ApiResult<(StatusCode, axum::Json<CashDto>)> {
    let once = key.once("POST /api/v1/cash/requests", &request)?;
    let names = app.core.directory();
    let account = names.account(AccountId(request.account));
    let currency = account
        .ok_or_else(|| ApiError::not_found("the account"))?
        .terms
        .currency;
    let digits = names.money_digits(currency);
    let amount = decimal::read(&request.amount, digits)
        .map_err(|fault| ApiError::field("amount", fault.says(digits)))?;
    let usd_cents = match in_cents(&app, &names, currency, amount) {
        Some(cents) => cents,
        None => {
            return Err(NO_RATE
                .because("ask again when its currency is quoted against the dollar")
                .into());
        }
    };
    let new = NewCash {
        account: request.account,
        kind: request.kind,
        currency: names.currency_code(currency),
        amount,
        usd_cents,
        method: request.method,
        payer: request.payer,
        note: request.note,
    };
    let row = cash::request(&platform, &by, once, new).await?;
    Ok((StatusCode::CREATED, axum::Json(dto(row, &names))))
}

/// The value of an amount in cents of a dollar, at the last price that makes it larger: monitoring does not look away.
/// `None` without a price.
fn in_cents(app: &App, names: &Directory, currency: CurrencyId, amount: i64) -> Option<i64> {
    let size = i128::from(amount.unsigned_abs());
    let unit = i128::from(pow10(names.money_digits(currency)));
    let cents = i128::from(pow10(USD_DIGITS));
    let usd = names.currency("USD")?;
    if currency == usd {
        return i64::try_from(up(size * cents, unit)).ok();
    }
    names.instruments().find_map(|entry| {
        let mark = app.core.live().mark(entry.terms.id)?;
        let scale = i128::from(pow10(entry.terms.price_digits));
        let (bid, ask) = (i128::from(mark.bid.0), i128::from(mark.ask.0));
        let value = if (entry.terms.base, entry.terms.quote) == (currency, usd) && ask > 0 {
            up(
                size.checked_mul(ask)?.checked_mul(cents)?,
                scale.checked_mul(unit)?,
            )
        } else if (entry.terms.base, entry.terms.quote) == (usd, currency) && bid > 0 {
            up(
                size.checked_mul(scale)?.checked_mul(cents)?,
                bid.checked_mul(unit)?,
            )
        } else {
            return None;
        };
        i64::try_from(value).ok()
    })
}

/// A quotient of sizes, rounded up: an amount a fraction of a cent above a threshold is above it.
fn up(size: i128, by: i128) -> i128 {
    size / by + i128::from(size % by != 0)
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CashStepRequest {
    pub revision: i64,
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CashReasonRequest {
    pub reason: String,
    pub revision: i64,
}

/// Approves a movement; never by whom asked for it.
#[utoipa::path(post, path = "/api/v1/cash/requests/{id}/approve", tag = "cash", params(("id" = Uuid, Path), IdempotencyKey), request_body = CashStepRequest,
    responses((status = 200, body = CashDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem)), extensions(("x-permission" = json!("cash.decide"))))]
async fn approve(
    State(app): State<App>,
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<CashStepRequest>,
) -> ApiResult<axum::Json<CashDto>> {
    let once = key.once("POST /api/v1/cash/requests/{id}/approve", &(id, &request))?;
    let asked = Asked {
        id,
        step: Step::Approve,
        reason: String::new(),
        revision: request.revision,
    };
    let row = cash::take_step(&platform, &by, once, asked).await?;
    Ok(axum::Json(dto(row, &app.core.directory())))
}

/// Books an approved movement in the core. Sent again it is booked once.
#[utoipa::path(post, path = "/api/v1/cash/requests/{id}/confirm", tag = "cash", params(("id" = Uuid, Path), IdempotencyKey), request_body = CashStepRequest,
    responses((status = 200, body = CashDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)),
    extensions(("x-permission" = json!("cash.decide"))))]
async fn confirm(
    State(app): State<App>,
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<CashStepRequest>,
) -> ApiResult<axum::Json<CashDto>> {
    let once = key.once("POST /api/v1/cash/requests/{id}/confirm", &(id, &request))?;
    let row = cash::confirm(&platform, &by, once, id, request.revision).await?;
    Ok(axum::Json(dto(row, &app.core.directory())))
}

/// Refuses a movement.
#[utoipa::path(post, path = "/api/v1/cash/requests/{id}/reject", tag = "cash", params(("id" = Uuid, Path), IdempotencyKey), request_body = CashReasonRequest,
    responses((status = 200, body = CashDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem)), extensions(("x-permission" = json!("cash.decide"))))]
async fn reject(
    State(app): State<App>,
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<CashReasonRequest>,
) -> ApiResult<axum::Json<CashDto>> {
    let once = key.once("POST /api/v1/cash/requests/{id}/reject", &(id, &request))?;
    let asked = Asked {
        id,
        step: Step::Reject,
        reason: request.reason,
        revision: request.revision,
    };
    let row = cash::take_step(&platform, &by, once, asked).await?;
    Ok(axum::Json(dto(row, &app.core.directory())))
}

/// Takes a request back, while nobody has decided on it.
#[utoipa::path(post, path = "/api/v1/cash/requests/{id}/cancel", tag = "cash", params(("id" = Uuid, Path), IdempotencyKey), request_body = CashStepRequest,
    responses((status = 200, body = CashDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem)), extensions(("x-permission" = json!("cash.request"))))]
async fn cancel(
    State(app): State<App>,
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<CashStepRequest>,
) -> ApiResult<axum::Json<CashDto>> {
    let once = key.once("POST /api/v1/cash/requests/{id}/cancel", &(id, &request))?;
    let asked = Asked {
        id,
        step: Step::Cancel,
        reason: String::new(),
        revision: request.revision,
    };
    let row = cash::take_step(&platform, &by, once, asked).await?;
    Ok(axum::Json(dto(row, &app.core.directory())))
}

/// Holds a movement until compliance releases it.
#[utoipa::path(post, path = "/api/v1/cash/requests/{id}/hold", tag = "cash", params(("id" = Uuid, Path), IdempotencyKey), request_body = CashReasonRequest,
    responses((status = 200, body = CashDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem)), extensions(("x-permission" = json!("cash.hold"))))]
async fn hold(
    State(app): State<App>,
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<CashReasonRequest>,
) -> ApiResult<axum::Json<CashDto>> {
    let once = key.once("POST /api/v1/cash/requests/{id}/hold", &(id, &request))?;
    let asked = Asked {
        id,
        step: Step::Hold,
        reason: request.reason,
        revision: request.revision,
    };
    let row = cash::take_step(&platform, &by, once, asked).await?;
    Ok(axum::Json(dto(row, &app.core.directory())))
}

/// Lets a held movement go on.
#[utoipa::path(post, path = "/api/v1/cash/requests/{id}/release", tag = "cash", params(("id" = Uuid, Path), IdempotencyKey), request_body = CashReasonRequest,
    responses((status = 200, body = CashDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem)), extensions(("x-permission" = json!("cash.hold"))))]
async fn release(
    State(app): State<App>,
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<CashReasonRequest>,
) -> ApiResult<axum::Json<CashDto>> {
    let once = key.once("POST /api/v1/cash/requests/{id}/release", &(id, &request))?;
    let asked = Asked {
        id,
        step: Step::Release,
        reason: request.reason,
        revision: request.revision,
    };
    let row = cash::take_step(&platform, &by, once, asked).await?;
    Ok(axum::Json(dto(row, &app.core.directory())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_of_a_cent_counts_as_a_cent() {
        assert_eq!(
            (
                up(1_000_000, 100),
                up(1_000_001, 100),
                up(1, 100),
                up(0, 100)
            ),
            (10_000, 10_001, 1, 0)
        );
    }
}
