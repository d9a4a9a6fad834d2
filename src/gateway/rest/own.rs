//! What clients see of the desk: their own accounts, and prices. The desk sees the same routes of everybody.

use axum::extract::State;
use siaga_platform::accounts;
use siaga_platform::people::Principal;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::accounts::view;
use super::{market, orders};
use crate::gateway::dto::account::{AccountDto, MarginState, PortfolioDto, portfolio};
use crate::gateway::error::{ApiError, ApiResult, Fault, Problem};
use crate::gateway::guard::sees_all;
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
    pub struct OwnAccounts {
        /// By number.
        pub items: Vec<OwnAccountDto>,
    }
}

/// Behind [`guard::client`](crate::gateway::guard::client); what names an account asks [`may_see`] first.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(own_accounts))
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
    extensions(("x-permission" = serde_json::json!("desk.read"))))]
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
