//! Shapes of the CRM on the wire.

use siaga_platform::crm::assign::Rule;
use siaga_platform::crm::assignment::{Seat, Seats};
use siaga_platform::crm::deals::Deal;
use siaga_platform::crm::leave::Left;
use siaga_platform::crm::moves::Way;
use siaga_platform::crm::notice::Notice;
use siaga_platform::crm::score::Score;
use siaga_platform::crm::sources::Source;
use siaga_platform::crm::staff::Candidate;
use siaga_platform::crm::store::FactRow;
use siaga_platform::crm::tasks::Task;
use siaga_platform::crm::urgency::Urgency;
use siaga_platform::crm::view::{ColumnView, Dashboard, Line, Seen, Timeline, percent};
use siaga_platform::page::Page;
use siaga_platform::people::Sight;
use siaga_risk::units::Ts;
use uuid::Uuid;

use super::profile::UserProfileDto;
use crate::gateway::decimal;
use crate::gateway::dto::micros;
use crate::wire;

wire! {
    /// Decisions on the identity of a lead.
    pub struct LeadKycDto {
        pub passed: i32,
        pub failed: i32,
    }
    /// A lead. Personal fields are null where nothing is known or everything was erased.
    pub struct LeadDto {
        pub id: Uuid,
        /// The user it became.
        pub user_id: Option<Uuid>,
        /// Under which key its person's data are kept; null for who may see neither their consents nor their requests.
        pub subject_id: Option<Uuid>,
        /// `new`, `contacted`, `interested`, `demo`, `kyc`, `verified`, `deposit` or `active`.
        pub stage: &'static str,
        /// The column of the board.
        pub column: &'static str,
        /// `open`, `lost` or `merged`.
        pub status: &'static str,
        /// UTC microseconds.
        pub stage_since: u64,
        /// When the term of the stage is over, UTC microseconds.
        pub due_at: Option<u64>,
        pub overdue: bool,
        /// 0 to 100.
        pub score: u8,
        /// `none`, `mql` or `sql`.
        pub band: &'static str,
        pub hot: bool,
        pub name: Option<String>,
        /// E.164.
        pub phone: Option<String>,
        pub email: Option<String>,
        pub city: Option<String>,
        /// `clear` or `masked`.
        pub sight: &'static str,
        pub source: String,
        pub channel: String,
        /// Parameters of the link: `source`, `medium`, `campaign`, `term`, `content`.
        #[schema(value_type = Object)]
        pub utm: serde_json::Value,
        pub territory: Option<String>,
        pub interests: Vec<String>,
        /// Null is the pool.
        pub assigned_to: Option<Uuid>,
        pub team_id: Option<Uuid>,
        pub referrer_id: Option<Uuid>,
        pub merged_into: Option<Uuid>,
        pub kyc: LeadKycDto,
        /// Why it was lost.
        pub reason: Option<String>,
        /// UTC microseconds.
        pub created_at: u64,
        /// UTC microseconds.
        pub updated_at: u64,
        pub revision: i64,
    }
    /// A page of leads.
    pub struct LeadList {
        pub items: Vec<LeadDto>,
        /// Give it as `cursor` for the next page.
        pub next: Option<String>,
    }
    /// Leads that were found, best first.
    pub struct LeadHits {
        pub items: Vec<LeadDto>,
    }
    /// What became of a captured lead.
    pub struct LeadCapturedDto {
        pub lead_id: Uuid,
        /// `created`, `merged` or `joined`.
        pub outcome: &'static str,
        /// Null where its sender may not see it.
        pub lead: Option<LeadDto>,
    }
    /// A move that the caller may make.
    pub struct LeadWayDto {
        pub stage: &'static str,
        pub by_hand: bool,
        pub needs_reason: bool,
    }
    /// Moves that the caller may make.
    pub struct LeadWayList {
        pub items: Vec<LeadWayDto>,
    }
    /// A line of a timeline.
    pub struct LeadTimelineItemDto {
        pub id: Uuid,
        pub kind: String,
        /// UTC microseconds.
        pub at: u64,
        /// A user's key, or `system`.
        pub by: String,
        /// States and numbers.
        #[schema(value_type = Object)]
        pub detail: serde_json::Value,
        /// What a person wrote.
        pub text: Option<String>,
    }
    /// An account of the person.
    pub struct LeadAccountDto {
        pub account: i64,
        pub system: String,
        pub outside_id: String,
        /// `live`, or `demo` with play money.
        pub account_type: String,
    }
    /// A risk alert of one of these accounts.
    pub struct LeadAlertDto {
        pub id: String,
        pub title: String,
        pub severity: String,
        pub state: String,
        pub account: i64,
        /// `live`, or `demo` with play money.
        pub account_type: String,
        /// UTC microseconds.
        pub at: u64,
    }
    /// A lead's 360°, newest first. Accounts and alerts stand beside the first page.
    pub struct LeadTimeline {
        pub items: Vec<LeadTimelineItemDto>,
        pub next: Option<String>,
        pub accounts: Vec<LeadAccountDto>,
        pub alerts: Vec<LeadAlertDto>,
        /// Of the client it became, with the state of each account, on the first page; null for who is no staff.
        pub profile: Option<UserProfileDto>,
    }
    /// A key of something new.
    pub struct LeadMade {
        pub id: Uuid,
    }
    /// A fact of a lead.
    pub struct LeadFactDto {
        pub id: Uuid,
        pub kind: &'static str,
        pub source: String,
        pub proof: String,
        /// UTC microseconds.
        pub at: u64,
        /// UTC microseconds.
        pub withdrawn_at: Option<u64>,
    }
    /// Points of one kind of fact.
    pub struct LeadScorePartDto {
        pub kind: &'static str,
        pub points: u8,
        pub of: u8,
    }
    /// A score and its parts.
    pub struct LeadScoreDto {
        pub total: u8,
        pub band: &'static str,
        pub hot: bool,
        pub parts: Vec<LeadScorePartDto>,
    }
    /// Facts and the score they come to.
    pub struct LeadFactList {
        pub items: Vec<LeadFactDto>,
        pub score: LeadScoreDto,
    }
    /// Leads of one stage.
    pub struct StageTotalDto {
        pub stage: &'static str,
        pub total: i64,
    }
    /// A column of the board.
    pub struct BoardColumnDto {
        pub column: &'static str,
        pub title: &'static str,
        /// Open leads that the caller may see.
        pub total: i64,
        pub hot: i64,
        pub overdue: i64,
        /// With more leads there is too much in progress; null where none is set.
        pub limit: Option<u32>,
        pub stages: Vec<StageTotalDto>,
        /// The newest; more by the list.
        pub cards: Vec<LeadDto>,
        pub next: Option<String>,
    }
    /// Six columns.
    pub struct LeadBoard {
        pub columns: Vec<BoardColumnDto>,
        /// UTC microseconds.
        pub at: u64,
    }
    /// Leads that came in.
    pub struct LeadTotalsDto {
        pub today: i64,
        pub week: i64,
        pub month: i64,
        pub all: i64,
    }
    /// Decisions on identity.
    pub struct CrmKycRateDto {
        pub passed: i64,
        pub failed: i64,
        /// Decimal text; null while nothing was decided.
        pub pass_percent: Option<String>,
    }
    /// A stage on the dashboard.
    pub struct StageFiguresDto {
        pub stage: &'static str,
        pub now: i64,
        pub overdue: i64,
        /// Average time of those who left it, seconds.
        pub average_s: Option<i64>,
    }
    /// The figures of sales, of the leads that the caller may see.
    pub struct CrmDashboardDto {
        pub total: LeadTotalsDto,
        pub converted: i64,
        /// Converted of all, decimal text; null while there is none.
        pub conversion_percent: Option<String>,
        pub kyc: CrmKycRateDto,
        pub stages: Vec<StageFiguresDto>,
        pub pool: i64,
        pub hot: i64,
        /// UTC microseconds.
        pub at: u64,
    }
    /// A follow-up task.
    pub struct CrmTaskDto {
        pub id: Uuid,
        pub lead_id: Uuid,
        pub title: Option<String>,
        pub description: Option<String>,
        /// `critical`, `high`, `medium` or `low`.
        pub priority: String,
        /// `todo`, `in_progress`, `review` or `done`.
        pub status: String,
        /// UTC microseconds.
        pub due_at: u64,
        /// `overdue`, `urgent` (24 h), `upcoming` (7 d) or `scheduled`.
        pub urgency: &'static str,
        pub assignee_id: Option<Uuid>,
        pub creator_id: Option<Uuid>,
        /// UTC microseconds.
        pub created_at: u64,
        /// UTC microseconds.
        pub updated_at: u64,
        pub revision: i64,
    }
    /// A page of tasks.
    pub struct CrmTaskList {
        pub items: Vec<CrmTaskDto>,
        pub next: Option<String>,
    }
    /// What a lead may bring.
    pub struct DealDto {
        pub id: Uuid,
        pub lead_id: Uuid,
        pub title: Option<String>,
        /// Decimal text.
        pub expected_usd: String,
        /// `open`, `won` or `lost`.
        pub status: String,
        pub owner_id: Option<Uuid>,
        /// UTC microseconds.
        pub created_at: u64,
        /// UTC microseconds.
        pub updated_at: u64,
        pub revision: i64,
    }
    /// Deals of a lead.
    pub struct DealList {
        pub items: Vec<DealDto>,
    }
    /// Something the caller was told.
    pub struct CrmNoticeDto {
        pub id: Uuid,
        /// `score`, `merged`, `assigned`, `sla`, `left`, `hot` or `contact`.
        pub kind: String,
        pub lead_id: Option<Uuid>,
        #[schema(value_type = Object)]
        pub detail: serde_json::Value,
        /// UTC microseconds.
        pub at: u64,
        /// UTC microseconds.
        pub read_at: Option<u64>,
    }
    /// A page of notices.
    pub struct CrmNoticeList {
        pub items: Vec<CrmNoticeDto>,
        pub next: Option<String>,
    }
    /// How many notices were not read, counted up to 10,000.
    pub struct CrmNoticeCount {
        pub unread: i64,
    }
    /// Somebody who is given leads.
    pub struct SalesAgentDto {
        pub user_id: Uuid,
        pub name: Option<String>,
        pub team_id: Option<Uuid>,
        pub active_leads: u32,
        pub cap: u32,
        /// Active and not on leave.
        pub available: bool,
        pub on_leave: bool,
        pub accepting: bool,
        pub territories: Vec<String>,
        pub skills: Vec<String>,
    }
    /// Who is given leads, and how.
    pub struct SalesAgentList {
        pub items: Vec<SalesAgentDto>,
        /// Leads that wait.
        pub pool: i64,
        /// `round_robin`, `territory` or `skill`.
        pub rule: &'static str,
    }
    /// Somebody of sales who is given no leads yet.
    pub struct SalesCandidateDto {
        pub user_id: Uuid,
        pub name: Option<String>,
        pub role: String,
        pub team_id: Option<Uuid>,
    }
    /// Who may become one who is given leads.
    pub struct SalesCandidateList {
        pub items: Vec<SalesCandidateDto>,
    }
    /// How agents are chosen.
    pub struct AssignRuleDto {
        pub rule: &'static str,
    }
    /// What became of the work of somebody who left.
    pub struct SalesLeftDto {
        pub user_id: Uuid,
        pub leads_to_pool: u64,
        pub leads_reassigned: u64,
        pub deals_moved: u64,
        pub tasks_moved: u64,
        pub manager_id: Option<Uuid>,
    }
    /// A landing page or partner that sends leads in.
    pub struct LeadSourceDto {
        pub id: Uuid,
        pub name: String,
        pub channel: String,
        pub active: bool,
        /// UTC microseconds.
        pub created_at: u64,
        /// Shown once.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub secret: Option<String>,
    }
    /// The sources of the house.
    pub struct LeadSourceList {
        pub items: Vec<LeadSourceDto>,
    }
    /// A new secret, shown once.
    pub struct LeadSecretDto {
        pub secret: String,
    }
}

/// A lead as its reader sees it.
pub fn lead(seen: Seen, now: Ts) -> LeadDto {
    let Seen {
        lead,
        known,
        reason,
        sight,
        subject: subject_id,
    } = seen;
    let territory = known.territory();
    LeadDto {
        id: lead.id,
        user_id: lead.user,
        subject_id,
        stage: lead.stage.name(),
        column: lead.stage.column().name(),
        status: lead.status.name(),
        stage_since: micros(lead.since),
        due_at: lead.due.map(micros),
        overdue: lead.is_overdue(now),
        score: lead.score,
        band: lead.band().name(),
        hot: lead.is_hot(now),
        name: known.name,
        phone: known.phone,
        email: known.email,
        city: known.city,
        sight: match sight {
            Sight::Clear => "clear",
            Sight::Masked => "masked",
        },
        kyc: LeadKycDto {
            passed: lead.kyc_passed,
            failed: lead.kyc_failed,
        },
        reason,
        source: lead.source,
        channel: lead.channel,
        utm: lead.utm,
        territory,
        interests: lead.interests,
        assigned_to: lead.assigned_to,
        team_id: lead.team,
        referrer_id: lead.referrer,
        merged_into: lead.merged_into,
        created_at: micros(lead.created),
        updated_at: micros(lead.updated),
        revision: lead.revision,
    }
}

/// A page of leads.
pub fn leads(page: Page<Seen>, now: Ts) -> LeadList {
    LeadList {
        items: page.items.into_iter().map(|seen| lead(seen, now)).collect(),
        next: page.next,
    }
}

/// Moves.
pub fn ways(ways: Vec<Way>) -> LeadWayList {
    let way = |way: Way| LeadWayDto {
        stage: way.to.name(),
        by_hand: true,
        needs_reason: way.needs_reason,
    };
    LeadWayList {
        items: ways.into_iter().map(way).collect(),
    }
}

fn line(line: Line) -> LeadTimelineItemDto {
    LeadTimelineItemDto {
        id: line.id,
        kind: line.kind,
        at: micros(line.at),
        by: line.by,
        detail: line.detail,
        text: line.text,
    }
}

/// A timeline.
pub fn timeline(timeline: Timeline, profile: Option<UserProfileDto>) -> LeadTimeline {
    let accounts = timeline.accounts.into_iter().map(|line| LeadAccountDto {
        account: line.account,
        system: line.system,
        outside_id: line.outside_id,
        account_type: line.account_type,
    });
    let alerts = timeline.alerts.into_iter().map(|line| LeadAlertDto {
        id: line.id.to_string(),
        title: line.title,
        severity: line.severity,
        state: line.state,
        account: line.account,
        account_type: line.account_type,
        at: micros(line.at),
    });
    LeadTimeline {
        items: timeline.lines.items.into_iter().map(line).collect(),
        next: timeline.lines.next,
        accounts: accounts.collect(),
        alerts: alerts.collect(),
        profile,
    }
}

/// Facts and score.
pub fn facts(facts: Vec<FactRow>, score: Score, now: Ts) -> LeadFactList {
    let fact = |fact: FactRow| LeadFactDto {
        id: fact.id,
        kind: fact.kind.name(),
        source: fact.source,
        proof: fact.proof,
        at: micros(fact.at),
        withdrawn_at: fact.withdrawn.map(micros),
    };
    let part = |(kind, points, of): &(siaga_platform::crm::FactKind, u8, u8)| LeadScorePartDto {
        kind: kind.name(),
        points: *points,
        of: *of,
    };
    LeadFactList {
        items: facts.into_iter().map(fact).collect(),
        score: LeadScoreDto {
            total: score.total,
            band: score.band.name(),
            hot: score.is_hot(now),
            parts: score.parts.iter().map(part).collect(),
        },
    }
}

/// The board.
pub fn board(columns: Vec<ColumnView>, now: Ts) -> LeadBoard {
    let column = |view: ColumnView| BoardColumnDto {
        column: view.column.name(),
        title: view.column.title(),
        total: view.total,
        hot: view.hot,
        overdue: view.overdue,
        limit: view.limit,
        stages: view
            .stages
            .iter()
            .map(|(stage, total)| StageTotalDto {
                stage: stage.name(),
                total: *total,
            })
            .collect(),
        cards: view
            .cards
            .items
            .into_iter()
            .map(|seen| lead(seen, now))
            .collect(),
        next: view.cards.next,
    };
    LeadBoard {
        columns: columns.into_iter().map(column).collect(),
        at: micros(now),
    }
}

fn percent_text(part: i64, whole: i64) -> Option<String> {
    percent(part, whole).map(|hundredths| decimal::show(hundredths, 2))
}

/// The dashboard.
pub fn dashboard(figures: Dashboard) -> CrmDashboardDto {
    let [today, week, month, all] = figures.total;
    let (passed, failed) = figures.kyc;
    let stages = figures.stages.iter().map(|stage| StageFiguresDto {
        stage: stage.stage.name(),
        now: stage.now,
        overdue: stage.overdue,
        average_s: stage.average_s,
    });
    CrmDashboardDto {
        total: LeadTotalsDto {
            today,
            week,
            month,
            all,
        },
        converted: figures.converted,
        conversion_percent: percent_text(figures.converted, all),
        kyc: CrmKycRateDto {
            passed,
            failed,
            pass_percent: percent_text(passed, passed + failed),
        },
        stages: stages.collect(),
        pool: figures.pool,
        hot: figures.hot,
        at: micros(figures.at),
    }
}

/// A task.
pub fn task(task: Task, now: Ts) -> CrmTaskDto {
    CrmTaskDto {
        id: task.id,
        lead_id: task.lead,
        urgency: Urgency::of(task.due, now).name(),
        title: task.title,
        description: task.description,
        priority: task.priority,
        status: task.status,
        due_at: micros(task.due),
        assignee_id: task.assignee,
        creator_id: task.creator,
        created_at: micros(task.created),
        updated_at: micros(task.updated),
        revision: task.revision,
    }
}

/// A deal.
pub fn deal(deal: Deal) -> DealDto {
    DealDto {
        id: deal.id,
        lead_id: deal.lead,
        title: deal.title,
        expected_usd: decimal::show(deal.expected_usd_cents, 2),
        status: deal.status,
        owner_id: deal.owner,
        created_at: micros(deal.created),
        updated_at: micros(deal.updated),
        revision: deal.revision,
    }
}

/// A notice.
pub fn notice(notice: Notice) -> CrmNoticeDto {
    CrmNoticeDto {
        id: notice.id,
        kind: notice.kind,
        lead_id: notice.lead,
        detail: notice.detail,
        at: micros(notice.at),
        read_at: notice.read.map(micros),
    }
}

fn agent(seat: Seat) -> SalesAgentDto {
    SalesAgentDto {
        user_id: seat.agent.user,
        name: seat.name,
        team_id: seat.team,
        active_leads: seat.agent.active,
        cap: seat.agent.cap,
        available: seat.agent.available,
        on_leave: seat.on_leave,
        accepting: seat.accepting,
        territories: seat.agent.territories,
        skills: seat.agent.skills,
    }
}

/// Who is given leads.
pub fn agents(seats: Seats) -> SalesAgentList {
    SalesAgentList {
        items: seats.seats.into_iter().map(agent).collect(),
        pool: seats.pool,
        rule: Rule::name(seats.rule),
    }
}

/// Who may become one.
pub fn candidates(candidates: Vec<Candidate>) -> SalesCandidateList {
    let candidate = |candidate: Candidate| SalesCandidateDto {
        user_id: candidate.user,
        name: candidate.name,
        role: candidate.role,
        team_id: candidate.team,
    };
    SalesCandidateList {
        items: candidates.into_iter().map(candidate).collect(),
    }
}

/// What became of somebody's work.
pub fn left(left: Left) -> SalesLeftDto {
    SalesLeftDto {
        user_id: left.user,
        leads_to_pool: left.leads_to_pool,
        leads_reassigned: left.leads_reassigned,
        deals_moved: left.deals_moved,
        tasks_moved: left.tasks_moved,
        manager_id: left.manager,
    }
}

/// A source, with its secret where it is new.
pub fn source(source: Source, secret: Option<String>) -> LeadSourceDto {
    LeadSourceDto {
        id: source.id,
        name: source.name,
        channel: source.channel,
        active: source.active,
        created_at: micros(source.created),
        secret,
    }
}
