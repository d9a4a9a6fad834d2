//! Accounts, portfolio, money, the margin ladder.

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use siaga_platform::accounts::demo;
use siaga_platform::aml::cash as platform_cash;
use siaga_platform::kyc;
use siaga_platform::people::Principal;
use siaga_platform::refusal::CONFLICT;
use siaga_risk::event::{Body, Cash, CashKind, SetReview};
use siaga_risk::ids::{AccountId, LinkId};
use siaga_risk::units::{Leverage, Money};
use siaga_risk::view::{LadderRow, Query as Ask, View};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::desk::{done, note, noted};
use super::orders::as_told;
use super::own::{not_open, trades_as_desk};
use super::{Done, command};
use crate::gateway::decimal;
use crate::gateway::dto::account::{AccountDto, AccountRow, LadderDto, account, ladder, row};
use crate::gateway::dto::wire_enum;
use crate::gateway::error::{ApiError, ApiResult, Problem};
use crate::gateway::guard::{Caller, Passed};
use crate::gateway::json::Json;
use crate::gateway::platform::door::By;
use crate::gateway::query::{Id, Query};
use crate::gateway::server::App;
use crate::wire;

/// Rows of one answer.
const ROWS_MAX: usize = 1_000;

wire! {
    pub struct AccountList {
        pub items: Vec<AccountRow>,
        /// Give it as `cursor` for the next page; absent at the end.
        pub next: Option<u32>,
    }
    /// Nearest to a stop-out first.
    pub struct Ladder { pub items: Vec<LadderDto> }
}

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(accounts))
        .routes(routes!(one))
        .routes(routes!(cash))
        .routes(routes!(review))
        .routes(routes!(set_terms))
        .routes(routes!(margin))
}

/// What a client owes after a margin call. Behind [`guard::trader`](crate::gateway::guard::trader).
pub fn step_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(acknowledge))
        .routes(routes!(confirm_call))
        .routes(routes!(logged_in))
}

/// The view of an account, or an error.
pub async fn view(app: &App, id: u32) -> ApiResult<AccountDto> {
    let reply = app.core.ask(Ask::Account(AccountId(id))).await?;
    match &reply.view {
        View::Account(found) => Ok(account(found, reply.seq, reply.now, &app.core.directory())),
        _ => Err(ApiError::not_found("the account")),
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// `next` of the page before.
    pub cursor: Option<u32>,
    /// At most 1,000; 200 when absent.
    pub limit: Option<usize>,
}

/// Accounts by id.
#[utoipa::path(get, path = "/api/v1/accounts", tag = "accounts", params(PageQuery),
    responses((status = 200, body = AccountList), (status = 401, body = Problem), (status = 422, body = Problem)))]
async fn accounts(
    State(app): State<App>,
    Query(query): Query<PageQuery>,
) -> ApiResult<axum::Json<AccountList>> {
    let limit = page(query.limit)?;
    let ask = Ask::Ladder {
        after: query.cursor.map(AccountId),
        count: limit as u32,
    };
    let rows = match app.core.ask(ask).await?.view {
        View::Ladder(rows) => rows,
        _ => Vec::new(),
    };
    let names = app.core.directory();
    let next = (rows.len() == limit)
        .then(|| rows.last().map(|r| r.account.0))
        .flatten();
    let listed = |r: &LadderRow| names.account(r.account).map(|a| row(r, &a.terms, &names));
    let items = rows.iter().filter_map(listed).collect();
    Ok(axum::Json(AccountList { items, next }))
}

/// An account now.
#[utoipa::path(get, path = "/api/v1/accounts/{id}", tag = "accounts", params(("id" = u32, Path)),
    responses((status = 200, body = AccountDto), (status = 401, body = Problem), (status = 404, body = Problem)))]
async fn one(State(app): State<App>, Id(id): Id<u32>) -> ApiResult<axum::Json<AccountDto>> {
    view(&app, id).await.map(axum::Json)
}

wire_enum!(
    /// What a cash movement is.
    CashMovement = MovementKind { Deposit, Withdrawal, Correction, Credit }
);

/// The movements that a person may book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MovementKind {
    Deposit,
    Withdrawal,
    Correction,
    /// Lent by the house: it counts as equity and cannot be withdrawn.
    Credit,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CashRequest {
    pub kind: CashMovement,
    /// In the account's currency. Positive for a deposit and a withdrawal; a correction may be negative, and so may a credit, which takes
    /// back at most what there is.
    pub amount: String,
    /// Your own number or text of this movement: it stands for the Idempotency-Key. A movement whose reference was booked on the
    /// account in the last seven days is refused as `already_exists` and changes nothing, so a repeated request books once.
    pub reference: String,
}

/// Books a deposit, a withdrawal, a correction or a credit at once: on accounts with play money and on the desk's own. Money on the live
/// account of a client is asked for at `/api/v1/cash/requests`; there credit alone is booked here, by whoever decides on money.
#[utoipa::path(post, path = "/api/v1/accounts/{id}/cash", tag = "accounts", params(("id" = u32, Path)), request_body = CashRequest,
    responses((status = 201, body = Done), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn cash(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Extension(passed): Extension<Passed>,
    Id(id): Id<u32>,
    Json(request): Json<CashRequest>,
) -> ApiResult<Response> {
    let names = app.core.directory();
    let entry = names
        .account(AccountId(id))
        .ok_or_else(|| ApiError::not_found("the account"))?;
    let digits = names.money_digits(entry.terms.currency);
    let amount = decimal::read(&request.amount, digits)
        .map_err(|f| ApiError::field("amount", f.says(digits)))?;
    let signed = matches!(
        request.kind,
        CashMovement::Correction | CashMovement::Credit
    );
    if amount == 0 || (amount < 0 && !signed) {
        return Err(ApiError::field(
            "amount",
            "give an amount above zero; only a correction and a credit may be negative",
        ));
    }
    if request.reference.trim().is_empty() || request.reference.len() > REFERENCE_CHARS_MAX {
        return Err(ApiError::field(
            "reference",
            format!("give 1 to {REFERENCE_CHARS_MAX} characters"),
        ));
    }
    let is_credit = matches!(request.kind, CashMovement::Credit);
    may_book(&app, &passed.principal, id, is_credit).await?;
    let (kind, amount) = match request.kind {
        CashMovement::Deposit => (CashKind::Deposit, amount),
        CashMovement::Withdrawal => (CashKind::Withdrawal, -amount),
        CashMovement::Correction => (CashKind::Correction, amount),
        CashMovement::Credit => (CashKind::Credit, amount),
    };
    let booked = Cash {
        account: AccountId(id),
        kind,
        amount: Money(amount),
        reference: reference(&request.reference),
    };
    let answered = command(&app, actor, Body::Cash(booked)).await?;
    Ok((StatusCode::CREATED, axum::Json(Done::of(answered.seq))).into_response())
}

/// Passes where the platform lets it, and where there is none by the house's own choice: while its database is away, any account may be a
/// client's.
async fn may_book(app: &App, by: &Principal, account: u32, is_credit: bool) -> ApiResult<()> {
    match app.core.platform() {
        Some(platform) => Ok(platform_cash::may_book(&platform, by, account, is_credit).await?),
        None if app.core.status().store.is_configured() => Err(not_open()),
        None => Ok(()),
    }
}

const REFERENCE_CHARS_MAX: usize = 128;

/// A number stays itself, a text becomes its digest.
fn reference(text: &str) -> u64 {
    let text = text.trim();
    if let Ok(number) = text.parse() {
        return number;
    }
    let digest = Sha256::digest(text.as_bytes());
    digest
        .iter()
        .take(8)
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The client has read and accepts the risk notice: themselves, or the desk for them.
#[utoipa::path(post, path = "/api/v1/accounts/{id}/acknowledge-risk", tag = "accounts", params(("id" = u32, Path)),
    responses((status = 200, body = Done), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)),
    extensions(("x-permission" = json!("desk.write"))))]
async fn acknowledge(
    State(app): State<App>,
    By(by): By,
    Id(id): Id<u32>,
) -> ApiResult<axum::Json<Done>> {
    step(&app, &by, id, Body::AcknowledgeRisk(AccountId(id))).await
}

/// The client has seen the margin call, by their own word or the desk's; the session ends, and the next login asks for the risk notice.
#[utoipa::path(post, path = "/api/v1/accounts/{id}/confirm-call", tag = "accounts", params(("id" = u32, Path)),
    responses((status = 200, body = Done), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)),
    extensions(("x-permission" = json!("desk.write"))))]
async fn confirm_call(
    State(app): State<App>,
    By(by): By,
    Id(id): Id<u32>,
) -> ApiResult<axum::Json<Done>> {
    step(&app, &by, id, Body::ConfirmCall(AccountId(id))).await
}

/// The client has logged in: reported by themselves, or by whoever keeps the clients' sessions.
#[utoipa::path(post, path = "/api/v1/accounts/{id}/logged-in", tag = "accounts", params(("id" = u32, Path)),
    responses((status = 200, body = Done), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)),
    extensions(("x-permission" = json!("desk.write"))))]
async fn logged_in(
    State(app): State<App>,
    By(by): By,
    Id(id): Id<u32>,
) -> ApiResult<axum::Json<Done>> {
    step(&app, &by, id, Body::LoggedIn(AccountId(id))).await
}

/// A step after a margin call: the desk's word for any account, a client's for their own.
async fn step(app: &App, by: &Principal, id: u32, body: Body) -> ApiResult<axum::Json<Done>> {
    let by_desk = trades_as_desk(app, by, id).await?;
    let answered = command(app, by.actor, body).await;
    let answered = answered.map_err(|error| as_told(by_desk, error))?;
    Ok(axum::Json(Done::of(answered.seq)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewRequest {
    pub on: bool,
    pub note: String,
}

/// Puts an account under review (dispute, compliance), or ends it: meanwhile it may only close. It does not end while the platform has
/// a cause of its own: a dispute, an approval that does not stand, or a client found on a list of sanctions.
#[utoipa::path(post, path = "/api/v1/accounts/{id}/review", tag = "accounts", params(("id" = u32, Path)), request_body = ReviewRequest,
    responses((status = 200, body = Done), (status = 401, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn review(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Id(id): Id<u32>,
    Json(request): Json<ReviewRequest>,
) -> ApiResult<axum::Json<Done>> {
    if !request.on
        && let Some(platform) = app.core.platform()
    {
        kyc::may_end_review(&platform, AccountId(id)).await?;
    }
    let noted = noted(&app, actor, &request.note, request.on).await?;
    let set = SetReview {
        account: AccountId(id),
        on: request.on,
        note: noted.hash,
    };
    noted.done(&app, actor, Body::Review(set)).await
}

/// A leverage: a whole number, or a decimal as text.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
pub enum LeverageInput {
    Whole(u32),
    Text(String),
}

impl LeverageInput {
    fn read(&self) -> ApiResult<Leverage> {
        let wrong =
            |fault: decimal::Fault| ApiError::field("leverage", fault.says(Leverage::DIGITS));
        match self {
            LeverageInput::Whole(whole) => Ok(Leverage::of(*whole)),
            LeverageInput::Text(text) => {
                let value = decimal::read(text, Leverage::DIGITS).map_err(wrong)?;
                let value = u64::try_from(value);
                let negative = |_| ApiError::field("leverage", "give none below zero");
                value.map(Leverage).map_err(negative)
            }
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountTermsRequest {
    /// The group's name; absent = as it is.
    pub group: Option<String>,
    /// The broker link's number; absent = as it is.
    pub link: Option<u16>,
    /// The account's own leverage (x : 1), 0 = its group's; absent = as it is. With a point as text: `"33.33"`.
    pub leverage: Option<LeverageInput>,
    pub note: String,
}

/// Moves an account to another group or broker, or gives it a leverage of its own. Its currency and accounting are fixed.
#[utoipa::path(put, path = "/api/v1/accounts/{id}/terms", tag = "accounts", params(("id" = u32, Path)), request_body = AccountTermsRequest,
    responses((status = 200, body = Done), (status = 401, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn set_terms(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Id(id): Id<u32>,
    Json(request): Json<AccountTermsRequest>,
) -> ApiResult<axum::Json<Done>> {
    let _alone = app.terms.lock().await;
    let reply = app.core.ask(Ask::Account(AccountId(id))).await?;
    let View::Account(known) = reply.view else {
        return Err(ApiError::not_found("the account"));
    };
    let mut terms = known.terms;
    if let Some(name) = &request.group {
        let names = app.core.directory();
        let found = names.groups().find(|group| group.name == *name);
        let found = found.ok_or_else(|| ApiError::field("group", "there is no such group"))?;
        terms.group = found.terms.id;
    }
    let link = request.link.map_or(terms.link, LinkId);
    if link != terms.link
        && let Some(platform) = app.core.platform()
        && demo::is_demo(&platform, id).await?
    {
        let why = "the account holds play money: it stays at the broker that it was opened at";
        return Err(CONFLICT.because(why).into());
    }
    terms.link = link;
    if let Some(leverage) = &request.leverage {
        terms.leverage = leverage.read()?;
    }
    note(&app, actor, &request.note).await?;
    done(&app, actor, Body::Account(terms)).await
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct LadderQuery {
    /// At most 1,000; 200 when absent.
    pub limit: Option<usize>,
}

/// The margin ladder, nearest to a stop-out first. It moves with every price, so it has no further pages: ask for what is nearest.
#[utoipa::path(get, path = "/api/v1/margin", tag = "desk", params(LadderQuery),
    responses((status = 200, body = Ladder), (status = 401, body = Problem), (status = 422, body = Problem)))]
async fn margin(
    State(app): State<App>,
    Query(query): Query<LadderQuery>,
) -> ApiResult<axum::Json<Ladder>> {
    let names = app.core.directory();
    let rows = app.core.ladder(page(query.limit)?);
    let items = rows.iter().filter_map(|r| ladder(r, &names)).collect();
    Ok(axum::Json(Ladder { items }))
}

/// Rows of a page, as asked for.
pub(super) fn page(limit: Option<usize>) -> ApiResult<usize> {
    match limit.unwrap_or(200) {
        limit @ 1..=ROWS_MAX => Ok(limit),
        _ => Err(ApiError::field("limit", format!("use 1 to {ROWS_MAX}"))),
    }
}
