//! What clients see of the desk: their own accounts, and prices. The desk sees the same routes of everybody.

use axum::extract::State;
use serde::Deserialize;
use siaga_platform::accounts::{self, demo};
use siaga_platform::identity::permissions::DESK_WRITE;
use siaga_platform::people::Principal;
use siaga_platform::refusal::CONFLICT;
use siaga_platform::unit::Platform;
use siaga_risk::event::{Body, OrderState};
use siaga_risk::ids::{AccountId, GroupId};
use siaga_risk::terms::AccountTerms;
use siaga_risk::units::{Leverage, Money};
use siaga_risk::view::{AccountView, Query as Ask, View};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::accounts::view;
use super::{command, market, orders, standing};
use crate::gateway::directory::Directory;
use crate::gateway::dto::account::{
    AccountDto, AccountStatus, HeldDto, MarginState, PortfolioDto, held, portfolio,
};
use crate::gateway::error::{ApiError, ApiResult, Fault, Problem};
use crate::gateway::guard::{sees_all, trades_all};
use crate::gateway::json::Json;
use crate::gateway::platform::door::{By, Desk};
use crate::gateway::query::Id;
use crate::gateway::server::App;
use crate::wire;

/// Money of the client's.
const LIVE: &str = "live";
/// Play money.
const DEMO: &str = "demo";

wire! {
    /// An account of one's own. Money is in its currency.
    pub struct OwnAccountDto {
        pub id: u32,
        /// `live`, or `demo`: it holds play money.
        pub account_type: String,
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
        pub status: AccountStatus,
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
        .routes(routes!(account_of))
        .merge(standing::routes())
        .merge(orders::own_routes())
        .merge(market::own_routes())
}

/// Passes for the desk, and for whose account it is; another's does not exist.
pub async fn may_see(app: &App, by: &Principal, account: u32) -> ApiResult<()> {
    match sees_all(by)? {
        true => Ok(()),
        false => is_own(app, by, account).await,
    }
}

/// Whether somebody trades on an account as the desk does: a client does so as its owner, and another's does not exist.
pub async fn trades_as_desk(app: &App, by: &Principal, account: u32) -> ApiResult<bool> {
    let by_desk = trades_all(by)?;
    if !by_desk {
        is_own(app, by, account).await?;
    }
    Ok(by_desk)
}

async fn is_own(app: &App, by: &Principal, account: u32) -> ApiResult<()> {
    let platform = app.core.platform().ok_or_else(not_open)?;
    Ok(accounts::is_own(&platform, by, account).await?)
}

/// Nobody can say now whose an account is.
pub(super) fn not_open() -> ApiError {
    ApiError::new(
        Fault::NotAvailable,
        "whose account it is stands in the database, which is not open: wait a moment",
    )
}

fn own(account: AccountDto, is_demo: bool) -> OwnAccountDto {
    OwnAccountDto {
        id: account.id,
        account_type: if is_demo { DEMO } else { LIVE }.to_owned(),
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
        status: account.status,
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
    for known in accounts::own(&platform, &by).await? {
        match view(&app, known.account).await {
            Ok(account) => items.push(own(account, known.demo)),
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
    /// `group`: the leverage of the account's group; `1:50`: one of its own, whole and no higher than the group's. That of a live
    /// account is only lowered: the desk alone gives more. Caps of classes and instruments hold beside it. Absent: the group's for a new
    /// account, as it is for one that is open.
    pub leverage_type: Option<String>,
    /// `live`: the account that an approval of documents opens; `demo`: play money, without documents.
    pub account_type: String,
}

/// The account that an approval of KYC opened, or one with play money (P0.13). Asking again opens no second one of a kind; it gives the
/// account another leverage while nothing is open on it.
#[utoipa::path(post, path = "/api/v1/trading/account/open", tag = "accounts", request_body = OpenRequest,
    responses((status = 200, body = OpenedAccount), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)),
    extensions(("x-permission" = json!("desk.write"))))]
async fn open_account(
    State(app): State<App>,
    Desk(platform): Desk,
    By(by): By,
    Json(request): Json<OpenRequest>,
) -> ApiResult<axum::Json<OpenedAccount>> {
    if !by.is_person(request.user_id) {
        return Err(ApiError::not_found("the person"));
    }
    by.may(DESK_WRITE, &by.own())?;
    let wanted = request.leverage_type.as_deref().map(leverage).transpose()?;
    let account_id = match request.account_type.as_str() {
        LIVE => accounts::opened(&platform, &by).await?,
        DEMO => open_demo(&app, &platform, &by, wanted.unwrap_or(Leverage::NONE)).await?,
        _ => return Err(ApiError::field("account_type", "use live or demo")),
    };
    if let Some(wanted) = wanted {
        let is_demo = request.account_type == DEMO;
        agree(&app, &by, account_id, is_demo, wanted).await?;
    }
    Ok(axum::Json(OpenedAccount {
        account_id,
        mt4_credentials: None,
    }))
}

async fn open_demo(
    app: &App,
    platform: &Platform,
    by: &Principal,
    wanted: Leverage,
) -> ApiResult<u32> {
    let plan = app.identity().and_then(|identity| identity.settings().demo);
    let plan = plan.ok_or_else(|| {
        ApiError::new(
            Fault::NotAvailable,
            "this house has no demonstration accounts: ask for a live one",
        )
    })?;
    at_most(most_of(&app.core.directory(), plan.terms.group)?, wanted)?;
    let digits = app.core.directory().money_digits(plan.terms.currency);
    let balance = 10_i64
        .checked_pow(u32::from(digits))
        .and_then(|unit| unit.checked_mul(i64::from(plan.balance)))
        .ok_or_else(|| ApiError::internal("platform.demo.balance does not fit its currency"))?;
    Ok(demo::open(platform, by, &plan.terms, Money(balance), wanted).await?)
}

/// `group`, or `1:50`.
fn leverage(text: &str) -> ApiResult<Leverage> {
    if text == "group" {
        return Ok(Leverage::NONE);
    }
    let whole = text.strip_prefix("1:").filter(|rest| {
        let is_plain = rest.bytes().all(|byte| byte.is_ascii_digit());
        is_plain && !rest.starts_with('0')
    });
    whole
        .and_then(|rest| rest.parse().ok())
        .map(Leverage::of)
        .ok_or_else(|| ApiError::field("leverage_type", "use group, or a whole one like 1:50"))
}

/// The leverage that a group has.
fn most_of(names: &Directory, group: GroupId) -> ApiResult<Leverage> {
    let known = names.group(group);
    let known = known.map(|group| group.terms.leverage.or_one());
    known.ok_or_else(|| {
        ApiError::new(
            Fault::NotAvailable,
            "the account's group is not set up here: write to the desk",
        )
    })
}

/// Nobody gives themselves more than they may have.
fn at_most(most: Leverage, wanted: Leverage) -> ApiResult<()> {
    match wanted <= most {
        true => Ok(()),
        false => Err(ApiError::field(
            "leverage_type",
            format!("use at most 1:{most}; the desk alone gives more"),
        )),
    }
}

/// What a client may ask for and what they ask for, by the leverage of the group: play money up to that, and on a live account no more
/// than it has, which the desk may have lowered.
fn asked(is_demo: bool, group: Leverage, has: Leverage, wanted: Leverage) -> (Leverage, Leverage) {
    let most = if is_demo { group } else { group.min(has) };
    let wanted = if wanted == Leverage::NONE {
        group
    } else {
        wanted
    };
    (most, wanted)
}

/// Gives an account of the caller's the leverage they want, while nothing is open that it would charge anew.
async fn agree(
    app: &App,
    by: &Principal,
    account: u32,
    is_demo: bool,
    wanted: Leverage,
) -> ApiResult<()> {
    let _alone = app.terms.lock().await;
    let reply = app.core.ask(Ask::Account(AccountId(account))).await?;
    let View::Account(known) = reply.view else {
        return Err(ApiError::new(
            Fault::NotAvailable,
            "the account is being opened: ask again in a moment",
        ));
    };
    if known.terms.leverage == wanted {
        return Ok(());
    }
    let group = most_of(&app.core.directory(), known.terms.group)?;
    let (most, whole) = asked(is_demo, group, known.leverage, wanted);
    at_most(most, whole)?;
    if known.under_review || is_in_use(&known) {
        let why =
            "the leverage changes while nothing is open on the account and it is not under review";
        return Err(CONFLICT.because(why).into());
    }
    let terms = AccountTerms {
        leverage: wanted,
        ..known.terms
    };
    command(app, by.actor, Body::Account(terms)).await?;
    Ok(())
}

fn is_in_use(account: &AccountView) -> bool {
    let ended = |state| {
        matches!(
            state,
            OrderState::Filled
                | OrderState::Cancelled
                | OrderState::Rejected
                | OrderState::Expired
                | OrderState::Returned
        )
    };
    !account.positions.is_empty() || account.orders.iter().any(|order| !ended(order.state))
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

/// An account with its positions, its orders and what is left to its levels, as its client sees it: the desk asks of any, a client of
/// their own. The channel `portfolio` tells the same.
#[utoipa::path(get, path = "/api/v1/trading/accounts/{acc}", tag = "accounts", params(("acc" = u32, Path)),
    responses((status = 200, body = HeldDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)),
    extensions(("x-permission" = json!("desk.read"))))]
async fn account_of(
    State(app): State<App>,
    By(by): By,
    Id(id): Id<u32>,
) -> ApiResult<axum::Json<HeldDto>> {
    may_see(&app, &by, id).await?;
    Ok(axum::Json(held(view(&app, id).await?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_live_account_is_given_no_more_than_it_has_and_play_money_what_the_group_has() {
        let may = |is_demo, has: u32, wanted| {
            let (most, wanted) = asked(is_demo, Leverage::of(100), Leverage::of(has), wanted);
            at_most(most, wanted).is_ok()
        };
        for (wanted, live, demo) in [
            (Leverage::of(5), true, true),
            (Leverage::of(10), true, true),
            (Leverage::of(11), false, true),
            (Leverage::of(100), false, true),
            (Leverage::of(101), false, false),
            (Leverage::NONE, false, true),
        ] {
            assert_eq!(may(false, 10, wanted), live, "{wanted}");
            assert_eq!(may(true, 10, wanted), demo, "{wanted}");
        }
        assert!(may(false, 100, Leverage::NONE), "as it is already");
        assert!(may(false, 200, Leverage::NONE), "less than it has");
        assert!(!may(false, 200, Leverage::of(150)), "more than the group's");
    }

    #[test]
    fn in_a_group_that_the_desk_does_not_have_nothing_is_opened() {
        let refused = most_of(&Directory::default(), GroupId(7));
        let fault = refused.map_err(|refused| refused.fault);
        assert_eq!(fault, Err(Fault::NotAvailable));
    }
}
