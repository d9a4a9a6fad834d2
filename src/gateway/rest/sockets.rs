//! Tickets for the stream, and its upgrade.

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use siaga_platform::accounts;
use siaga_platform::aml::permissions::{AML_READ, CASH_READ};
use siaga_platform::crm::permissions::LEAD_READ;
use siaga_platform::identity::permissions::DESK_READ;
use siaga_platform::ids::HOUSE;
use siaga_platform::kyc::permissions::READ as KYC_READ;
use siaga_platform::people::{Principal, Scope};
use siaga_platform::refusal::FORBIDDEN;
use siaga_risk::ids::{AccountId, ActorId};
use siaga_risk::units::Ts;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::gateway::auth::Rooms;
use crate::gateway::dto::micros;
use crate::gateway::error::{ApiError, ApiResult, Fault, Problem};
use crate::gateway::guard::{Caller, Passed, cookie, resolve};
use crate::gateway::server::App;
use crate::gateway::stream::session::BATCH_BYTES;
use crate::gateway::stream::{FRAME_BYTES_MAX, SUB_PROTOCOL, socket};
use crate::wire;

/// Streams of one client by all their sessions and API keys, with tickets that wait: a few tabs and one that reconnects. So nobody
/// takes the places of other clients; the desk's are kept by [`CLIENTS_MAX`](crate::gateway::stream::CLIENTS_MAX).
const CLIENT_STREAMS_MAX: usize = 8;

wire! {
    /// A ticket for one hello.
    pub struct TicketDto {
        pub ticket: String,
        pub expires: u64,
    }
}

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(ticket))
}

/// A ticket for one hello on `/ws/v1` within 30 s: the desk's for everything there, a client's for prices and for the portfolio and orders
/// of the accounts that are theirs when it is made.
#[utoipa::path(post, path = "/api/v1/ws-tickets", tag = "session",
    responses((status = 201, body = TicketDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 429, body = Problem),
        (status = 503, body = Problem)))]
async fn ticket(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Extension(passed): Extension<Passed>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let now = app.core.now();
    let rooms = entered(&app, &passed.principal).await?;
    let guest = passed.session.or(passed.key);
    if rooms.client {
        has_place(&app, actor, now)?;
    }
    // Who sends the secret itself is not there by the session beside it.
    let by_secret = headers.contains_key(header::AUTHORIZATION);
    let made = match guest {
        Some(guest) => app.doors.guest_ticket(actor, guest, rooms, now),
        None => app
            .doors
            .ticket(actor, cookie(&headers).filter(|_| !by_secret), now),
    };
    let (ticket, expires) = made.ok_or_else(|| full("too many tickets wait to be used"))?;
    let body = axum::Json(TicketDto {
        ticket,
        expires: micros(expires),
    });
    Ok((StatusCode::CREATED, body).into_response())
}

/// Whether a client may have one more stream.
fn has_place(app: &App, client: ActorId, now: Ts) -> ApiResult<()> {
    if app.hub.connected_of(client) + app.doors.waiting(client, now) >= CLIENT_STREAMS_MAX {
        let why = format!("at most {CLIENT_STREAMS_MAX} streams at once: close one first");
        return Err(full(why));
    }
    match app.hub.clients_full() {
        true => Err(full("too many are connected: try again in a moment")),
        false => Ok(()),
    }
}

fn full(why: impl Into<String>) -> ApiError {
    ApiError {
        retry_after_s: Some(30),
        ..ApiError::new(Fault::RateLimited, why)
    }
}

/// What somebody may follow.
async fn entered(app: &App, by: &Principal) -> ApiResult<Rooms> {
    let mut rooms = rooms_of(by)?;
    if rooms.client {
        let platform = app.core.platform().ok_or_else(|| {
            ApiError::new(
                Fault::NotAvailable,
                "whose accounts are whose stands in the database, which is not open: wait a moment",
            )
        })?;
        let own = accounts::own(&platform, by).await?;
        for (room, known) in rooms.own.iter_mut().zip(own) {
            *room = Some(AccountId(known.account));
        }
    }
    Ok(rooms)
}

/// What a role opens; a client's accounts are not known yet.
fn rooms_of(by: &Principal) -> ApiResult<Rooms> {
    let scope = by.scope(DESK_READ).map(|(scope, _)| scope);
    // Clients and partners have rows of their own in these parts, and nothing to do with when others' change.
    let works_on = |permission| by.role.is_staff() && by.scope(permission).is_ok();
    let rooms = Rooms {
        // As the desk's own routes: accounts and orders are the house's.
        desk: by.org == HOUSE && matches!(scope, Ok(Scope::All)),
        sales: works_on(LEAD_READ),
        kyc: works_on(KYC_READ),
        aml: works_on(AML_READ),
        cash: works_on(CASH_READ),
        client: matches!(scope, Ok(Scope::Own)),
        ..Rooms::NONE
    };
    match rooms.is_nothing() {
        false => Ok(rooms),
        true => Err(FORBIDDEN
            .because("nothing on the stream is for you to follow")
            .into()),
    }
}

/// The stream. Host and Origin are checked before, the ticket comes in the hello.
pub async fn stream(
    State(app): State<App>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> ApiResult<Response> {
    let upgrade = upgrade.map_err(|_| {
        ApiError::new(
            Fault::BadField,
            "connect with a WebSocket client; /docs shows how",
        )
    })?;
    let authorised = match headers.contains_key(header::AUTHORIZATION) {
        // Tokens and keys get a ticket, so that a stream ends with them; the secret needs none.
        true => match resolve(&app, &headers, None, true, None).await? {
            passed if passed.by_secret => true,
            _ => {
                return Err(ApiError::new(
                    Fault::Unauthenticated,
                    "get a ticket by POST /api/v1/ws-tickets",
                ));
            }
        },
        false => false,
    };
    let upgrade = upgrade
        .protocols([SUB_PROTOCOL])
        .max_message_size(FRAME_BYTES_MAX)
        .max_frame_size(FRAME_BYTES_MAX)
        // A batch fits, so it leaves as one write.
        .write_buffer_size(2 * BATCH_BYTES)
        .max_write_buffer_size(16 * BATCH_BYTES);
    let place = app.places.clone().try_acquire_owned();
    let place = place.map_err(|_| ApiError::new(Fault::Busy, "too many connections are open"))?;
    Ok(upgrade.on_upgrade(move |socket| socket::run(socket, app, authorised, place)))
}

#[cfg(test)]
mod tests {
    use siaga_platform::people::Role;

    use super::*;

    #[test]
    fn staff_follow_what_they_work_on_and_nobody_else_does() {
        let rooms = |role| {
            let by = Principal {
                role,
                ..Principal::owner()
            };
            rooms_of(&by).ok()
        };
        let finance = Rooms {
            kyc: true,
            cash: true,
            ..Rooms::NONE
        };
        assert_eq!(rooms(Role::Finance), Some(finance));
        let compliance = Rooms {
            desk: false,
            ..Rooms::ALL
        };
        assert_eq!(rooms(Role::ComplianceOfficer), Some(compliance));
        let dealer = Rooms {
            desk: true,
            ..Rooms::NONE
        };
        assert_eq!(rooms(Role::Dealer), Some(dealer));
        let client = Rooms {
            client: true,
            ..Rooms::NONE
        };
        assert_eq!(rooms(Role::EndUser), Some(client));
        for role in [Role::IbPartner, Role::ContentEditor] {
            assert_eq!(rooms(role), None, "{}", role.name());
        }
    }
}
