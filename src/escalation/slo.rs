//! Promises: whether a capability has kept its own over the last days.

use super::evidence::Promise;
use crate::app::App;
use crate::catalogue::capability::Capability;
use crate::clock::Span;
use crate::error::Result;

/// How far back a promise is looked at: 7 days.
const WINDOW: Span = Span::from_secs(7 * 24 * 3600);
/// How many requests it takes to tell.
const ENOUGH: i64 = 20;
/// How long after a breach was dealt with the next one is not said: what was done about it needs time to show.
pub(super) const REST: Span = Span::from_secs(24 * 3600);

/// What was promised and what was kept, if less was; none if it was kept, or if too few requests have ended to tell.
pub(super) async fn breach(app: &App, capability: &Capability) -> Result<Option<Promise>> {
    let Some(slo) = &capability.slo else { return Ok(None) };
    let since = app.clock.now() - WINDOW.millis();
    let kept = app.store.kept(&capability.name, since).await?;
    if kept.ended < ENOUGH {
        return Ok(None);
    }
    let share = kept.succeeded as f64 / kept.ended as f64;
    let nth = nine_tenths(kept.ended) - 1;
    let p90 = Span::from_millis(app.store.nth_duration(&capability.name, since, nth).await?.unwrap_or(0));
    if share >= slo.success && p90 <= slo.p90 {
        return Ok(None);
    }
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    Ok(Some(Promise {
        ended: kept.ended,
        succeeded: kept.succeeded,
        share: percent(share),
        promised: percent(slo.success),
        p90: p90.to_string(),
        within: slo.p90.to_string(),
    }))
}

/// How many of `all` are nine tenths, rounded up: the nearest-rank method of percentiles.
fn nine_tenths(all: i64) -> i64 {
    (all * 9 + 9) / 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ninetieth_percentile_is_a_value_that_nine_of_ten_do_not_exceed() {
        for (all, rank) in [(1, 1), (10, 9), (11, 10), (20, 18), (21, 19), (100, 90)] {
            assert_eq!(nine_tenths(all), rank);
        }
    }
}
