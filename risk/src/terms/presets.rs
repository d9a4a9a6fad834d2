//! The named sets of defaults that groups start from (decisions on margin, equity and thresholds).

use super::*;

/// Highest leverage of retail clients by [`CapClass`] (ESMA decision 2018/796, annex I).
pub const ESMA_CAPS: [Leverage; 5] = [
    Leverage::of(30),
    Leverage::of(20),
    Leverage::of(10),
    Leverage::of(5),
    Leverage::of(2),
];

impl GroupTerms {
    /// A group with a preset's values.
    pub fn preset(id: GroupId, preset: Preset) -> GroupTerms {
        match preset {
            Preset::Mt5Default => mt5_default(id),
            Preset::EsmaRetail => esma_retail(id),
            Preset::Bappebti => GroupTerms {
                preset: Preset::Bappebti,
                ..mt5_default(id)
            },
            Preset::OandaV20 => oanda_v20(id),
            Preset::CryptoCross => crypto_cross(id),
        }
    }

    /// What is held goes on being charged the initial margin, whatever maintenance the instrument names: retail
    /// clients are closed out at half of their initial margin (ESMA decision 2018/796, article 2(1)(b)).
    pub fn holds_initial(&self) -> bool {
        self.preset == Preset::EsmaRetail
    }
}

/// Margin at the opening price, stop-out at 30 % reached at equality, largest loss first.
fn mt5_default(id: GroupId) -> GroupTerms {
    GroupTerms {
        id,
        preset: Preset::Mt5Default,
        margin_price: MarginPrice::Open,
        leverage: Leverage::of(100),
        warning: Ratio::percent(100),
        restricted: Ratio::percent(50),
        stop_out: Ratio::percent(30),
        stop_out_test: LevelTest::AtOrBelow,
        stop_out_policy: StopOutPolicy::Mt5,
        stop_out_mode: StopOutMode::Act,
        free_margin: FreeMargin::Both,
        loss_account: Ratio::percent(5),
        loss_position: Ratio::percent(50),
        negative_balance_protection: BalanceProtection::None,
        rate_max: 50,
        rate_window_ns: SECOND_NS,
        duplicate_window_ns: 0,
        call_flow: CallFlow::Acknowledge,
        throttle: ThrottleTerms::OFF,
        closing: StopOutTerms::PLAIN,
        loss: LossTerms::DEFAULT,
        margin: GroupMargin::NONE,
    }
}

/// Caps by class, close-out at half of the initial margin per account, and nobody owes more than was deposited.
fn esma_retail(id: GroupId) -> GroupTerms {
    GroupTerms {
        preset: Preset::EsmaRetail,
        leverage: ESMA_CAPS[0],
        stop_out: Ratio::percent(50),
        stop_out_policy: StopOutPolicy::LosersFirst,
        negative_balance_protection: BalanceProtection::AnyClose,
        margin: GroupMargin {
            caps: ESMA_CAPS,
            ..GroupMargin::NONE
        },
        ..mt5_default(id)
    }
}

/// Margin at the current mid; closed out, as a whole, when half of the margin used reaches the net asset value.
fn oanda_v20(id: GroupId) -> GroupTerms {
    GroupTerms {
        preset: Preset::OandaV20,
        margin_price: MarginPrice::Mid,
        leverage: Leverage::of(50),
        stop_out: Ratio::percent(50),
        stop_out_test: LevelTest::OandaCloseout,
        stop_out_policy: StopOutPolicy::CloseAll,
        closing: StopOutTerms {
            at_mid: true,
            ..StopOutTerms::PLAIN
        },
        ..mt5_default(id)
    }
}

/// Margin at the mark; liquidated at 100 % of it.
fn crypto_cross(id: GroupId) -> GroupTerms {
    GroupTerms {
        preset: Preset::CryptoCross,
        margin_price: MarginPrice::Mark,
        leverage: Leverage::of(20),
        warning: Ratio::percent(200),
        restricted: Ratio::percent(150),
        stop_out: Ratio::percent(100),
        stop_out_policy: StopOutPolicy::LargestMargin,
        negative_balance_protection: BalanceProtection::AnyClose,
        ..mt5_default(id)
    }
}
