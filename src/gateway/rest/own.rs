//! What clients see of the desk: their own accounts, and prices. The desk sees the same routes of everybody.

use axum::extract::State;
use serde::Deserialize;
use siaga_platform::accounts;
use siaga_platform::people::Principal;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::accounts::view;
use super::{market, orders};
use crate::gateway::dto::account::{AccountDto, MarginState, PortfolioDto, portfolio};
use crate::gateway::error::{ApiError, ApiResult, Fault, Problem};
use crate::gateway::guard::sees_all;
use crate::gateway::json::Json;
use crate::gateway::platform::door::{By, Desk};
use crate::gateway::query::Id;
use crate::gateway::server::App;
use crate::wire;

wire! {
    /// An account of one's own. Money is in its currency.
    pub struct OwnAccountDto {
        pub id: u32,
        pub currency: String,
        /// x : 1, before caps of classes and instruments.
        pub leverage: String,
        pub state: MarginState,
        pub balance: String,
        pub equity: String,
        pub pnl: String,
        pub used: String,
        pub free: String,
        /// Absent without used margin.
        pub level_pct: Option<String>,
        /// Only closing goes on.
        pub under_review: bool,
    }
    /// The account that was asked for (P0.13).
    pub struct OpenedAccount {
        pub account_id: u32,
        /// Accounts of this desk have none: their owner signs in here.
        pub mt4_credentials: Option<String>,
    }
    pub struct OwnAccounts {
        /// By number.
        pub items: Vec<OwnAccountDto>,
    }
}

/// Behind [`guard::client`](crate::gateway::guard::client); what names an account asks [`may_see`] first.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(own_accounts))
        .routes(routes!(open_account))
        .routes(routes!(portfolio_of))
        .merge(orders::own_routes())
        .merge(market::own_routes())
}

/// Passes for the desk, and for whose account it is; another's does not exist.
pub async fn may_see(app: &App, by: &Principal, account: u32) -> ApiResult<()> {
    if sees_all(by)? {
        return Ok(());
    }
    let platform = app.core.platform().ok_or_else(|| {
        ApiError::new(
            Fault::NotAvailable,
            "whose account it is stands in the database, which is not open: wait a moment",
        )
    })?;
    Ok(accounts::is_own(&platform, by, account).await?)
}

fn own(account: AccountDto) -> OwnAccountDto {
    OwnAccountDto {
        id: account.id,
        currency: account.currency,
        leverage: account.leverage,
        state: account.state,
        balance: account.balance,
        equity: account.equity,
        pnl: account.unrealised,
        used: account.used,
        free: account.free,
        level_pct: account.level_pct,
        under_review: account.under_review,
    }
}

/// The caller's own accounts.
#[utoipa::path(get, path = "/api/v1/trading/accounts", tag = "accounts",
    responses((status = 200, body = OwnAccounts), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem)),
    extensions(("x-permission" = json!("desk.read"))))]
async fn own_accounts(
    State(app): State<App>,
    Desk(platform): Desk,
    By(by): By,
) -> ApiResult<axum::Json<OwnAccounts>> {
    let mut items = Vec::new();
    for id in accounts::own(&platform, &by).await? {
        match view(&app, id).await {
            Ok(account) => items.push(own(account)),
            // The directory has it, and the core does not know it yet.
            Err(error) if error.fault == Fault::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(axum::Json(OwnAccounts { items }))
}

/// An account that is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenRequest {
    /// The caller: nobody asks for somebody else.
    pub user_id: Uuid,
    /// `group`: the leverage of the house's terms. Absent is the same.
    pub leverage_type: Option<String>,
    /// `live`.
    pub account_type: String,
}

/// The account that an approval of KYC opened (P0.13). Asking again opens no second one.
#[utoipa::path(post, path = "/api/v1/trading/account/open", tag = "accounts", request_body = OpenRequest,
    responses((status = 200, body = OpenedAccount), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("desk.read"))))]
async fn open_account(
    Desk(platform): Desk,
    By(by): By,
    Json(request): Json<OpenRequest>,
) -> ApiResult<axum::Json<OpenedAccount>> {
    if !by.is_person(request.user_id) {
        return Err(ApiError::not_found("the person"));
    }
    if request.account_type != "live" {
        return Err(ApiError::field(
            "account_type",
            "use live; there are no demonstration accounts here",
        ));
    }
    if request.leverage_type.is_some_and(|kind| kind != "group") {
        return Err(ApiError::field(
            "leverage_type",
            "use group; another leverage is agreed with the desk",
        ));
    }
    Ok(axum::Json(OpenedAccount {
        account_id: accounts::opened(&platform, &by).await?,
        mt4_credentials: None,
    }))
}

/// Positions, balance, equity and profit of an account (P0.14): the desk of any, a client of their own.
#[utoipa::path(get, path = "/api/v1/trading/{acc}/portfolio", tag = "accounts", params(("acc" = u32, Path)),
    responses((status = 200, body = PortfolioDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn portfolio_of(
    State(app): State<App>,
    By(by): By,
    Id(id): Id<u32>,
) -> ApiResult<axum::Json<PortfolioDto>> {
    may_see(&app, &by, id).await?;
    Ok(axum::Json(portfolio(view(&app, id).await?)))
}
