//! Support tiers: within which hours humans help.

use crate::calendar::Calendar;
use crate::catalogue::capability::{Capability, Maturity, Support};

/// When humans help with a capability: as it says, else as befits how far it is. What belongs to none is helped with in
/// business hours.
pub(super) fn of(capability: Option<&Capability>) -> Support {
    let Some(capability) = capability else { return Support::BusinessHours };
    capability.support.unwrap_or(match capability.maturity {
        Maturity::Experimental | Maturity::Deprecated | Maturity::Retired => Support::BestEffort,
        Maturity::Beta | Maturity::Ga => Support::BusinessHours,
    })
}

/// Its name in the database.
pub(super) fn name(tier: Support) -> &'static str {
    match tier {
        Support::BestEffort => "best-effort",
        Support::BusinessHours => "business-hours",
        Support::AroundTheClock => "around-the-clock",
    }
}

/// The tier of a name.
pub(super) fn named(name: &str) -> Support {
    let all = [Support::BestEffort, Support::BusinessHours, Support::AroundTheClock];
    all.into_iter().find(|tier| self::name(*tier) == name).unwrap_or(Support::BusinessHours)
}

/// The hours that count for a tier, of those that somebody keeps.
pub(super) fn hours(tier: Support, calendar: &Calendar) -> Calendar {
    match tier {
        Support::AroundTheClock => calendar.always(),
        Support::BestEffort | Support::BusinessHours => calendar.clone(),
    }
}
