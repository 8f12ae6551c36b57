//! The score of a rating, with its interval and with what it is made of.

use serde::Serialize;

use crate::survey::interval::{Cohort, Interval, student, wilson};
use crate::survey::promoter::Promoters;
use crate::survey::question::{Points, Rating};
use crate::survey::tally::{Bucket, Moments, Tally};

/// What is known from the answers to one rating. Everything is at full precision: [`crate::survey::percent::rounded`] is for
/// showing it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Score {
    /// How many answered in full.
    pub n: u64,
    /// eNPS in points from -100 to 100, CSAT in percent, UMUX-LITE and SUS from 0 to 100, a scale's mean; absent where
    /// nobody answered.
    pub score: Option<f64>,
    /// The lower end of the interval of 95 %; absent where there are too few answers for one.
    pub low: Option<f64>,
    /// Its upper end.
    pub high: Option<f64>,
    /// How the interval was computed.
    pub method: Method,
    /// How many answered nothing.
    pub skipped: u64,
    /// How many answered only some of the items.
    pub incomplete: u64,
    /// What else is said of this type.
    #[serde(flatten)]
    pub detail: Detail,
    /// A column for every possible answer.
    pub distribution: Vec<Bucket>,
}

/// How an interval around a score was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Rocks's adjusted Wald interval.
    AdjustedWald,
    /// Wilson's score interval.
    Wilson,
    /// Student's t interval of the mean.
    T,
}

/// What is said of one type of question only.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Detail {
    /// Of eNPS.
    Enps {
        /// The answers by their meaning.
        #[serde(flatten)]
        promoters: Promoters,
        /// The score that the interval surrounds, 100 s′.
        adjusted: Option<f64>,
    },
    /// Of CSAT.
    Csat {
        /// How many are satisfied.
        satisfied: u64,
        /// The lowest answer that counts as satisfied.
        satisfied_from: u8,
    },
    /// Of UMUX-LITE.
    UmuxLite {
        /// The standard deviation of the scores, with n - 1.
        sd: Option<f64>,
        /// The SUS score that goes with it: 0.65 U + 22.9 (Lewis, Utesch and Maher, CHI 2013).
        sus_equivalent: Option<f64>,
    },
    /// Of SUS.
    Sus {
        /// The standard deviation of the scores, with n - 1.
        sd: Option<f64>,
    },
    /// Of a scale.
    Scale {
        /// The mean; the same as the score.
        mean: Option<f64>,
        /// The standard deviation, with n - 1.
        sd: Option<f64>,
        /// The mean from 0 to 100: (mean − 1)/(k − 1) · 100.
        index: Option<f64>,
        /// The lowest answer that counts as favourable.
        favourable_from: u8,
        /// The answers that do.
        favourable: Share,
    },
}

/// A part of the answers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    /// How many.
    pub count: u64,
    /// Out of a hundred; absent where nobody answered.
    pub percent: Option<f64>,
    /// The lower end of its Wilson interval, in percent.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
}

impl Share {
    /// `count` of `n`, whose interval a random cohort may narrow.
    pub fn of(count: u64, n: u64, cohort: Option<Cohort>) -> Self {
        let percent = (n > 0).then(|| 100.0 * count as f64 / n as f64);
        let interval = percent.zip(wilson(count, n));
        let interval = interval.map(|(percent, interval)| interval.scaled(100.0).narrowed(percent, n, cohort));
        Self {
            count,
            percent,
            low: interval.map(|interval| interval.low),
            high: interval.map(|interval| interval.high),
        }
    }
}

impl Score {
    /// The score of a tally. Only where those who were asked are a random cohort is one given: see [`Cohort`].
    pub fn of(tally: &Tally, cohort: Option<Cohort>) -> Self {
        let known = match tally.rating() {
            Rating::Enps => Known::promoters(&Promoters::of(tally), cohort),
            Rating::Csat(points) => Known::satisfied(tally, points, cohort),
            Rating::UmuxLite => Known::mean(tally, cohort, |moments| Detail::UmuxLite {
                sd: deviation(moments),
                sus_equivalent: moments.map(|moments| 0.65 * moments.mean + 22.9),
            }),
            Rating::Sus => Known::mean(tally, cohort, |moments| Detail::Sus { sd: deviation(moments) }),
            Rating::Scale(points) => Known::mean(tally, cohort, |moments| {
                let favourable_from = *points.top().start();
                Detail::Scale {
                    mean: moments.map(|moments| moments.mean),
                    sd: deviation(moments),
                    index: moments.map(|moments| (moments.mean - 1.0) / (f64::from(points.count()) - 1.0) * 100.0),
                    favourable_from,
                    favourable: Share::of(tally.within(points.top()), tally.n(), cohort),
                }
            }),
        };
        Self {
            n: tally.n(),
            score: known.score,
            low: known.interval.map(|interval| interval.low),
            high: known.interval.map(|interval| interval.high),
            method: known.method,
            skipped: tally.skipped(),
            incomplete: tally.incomplete(),
            detail: known.detail,
            distribution: tally.distribution(),
        }
    }
}

/// The standard deviation; absent for fewer than two answers.
fn deviation(moments: Option<&Moments>) -> Option<f64> {
    moments?.variance.map(f64::sqrt)
}

/// What differs between the types.
struct Known {
    score: Option<f64>,
    interval: Option<Interval>,
    method: Method,
    detail: Detail,
}

impl Known {
    fn promoters(promoters: &Promoters, cohort: Option<Cohort>) -> Self {
        let adjusted = promoters.adjusted().map(|adjusted| 100.0 * adjusted.score);
        Self {
            score: promoters.score(),
            interval: promoters.interval(cohort),
            method: Method::AdjustedWald,
            detail: Detail::Enps { promoters: *promoters, adjusted },
        }
    }

    fn satisfied(tally: &Tally, points: Points, cohort: Option<Cohort>) -> Self {
        let share = Share::of(tally.within(points.top()), tally.n(), cohort);
        Self {
            score: share.percent,
            interval: share.low.zip(share.high).map(|(low, high)| Interval { low, high }),
            method: Method::Wilson,
            detail: Detail::Csat { satisfied: share.count, satisfied_from: *points.top().start() },
        }
    }

    fn mean(tally: &Tally, cohort: Option<Cohort>, detail: impl FnOnce(Option<&Moments>) -> Detail) -> Self {
        let moments = tally.moments();
        let interval = moments.and_then(|these| Some(student(&these)?.narrowed(these.mean, these.n, cohort)));
        let score = moments.map(|these| these.mean);
        Self { score, interval, method: Method::T, detail: detail(moments.as_ref()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::survey::question::Kind;
    use crate::survey::question::tests::{any_rating, say};
    use crate::survey::tally::tests::tally;

    fn score(word: &str, answers: &[&str]) -> Score {
        Score::of(&tally(word, answers), None)
    }

    fn close(left: Option<f64>, right: f64, within: f64) {
        let left = left.expect("a number");
        assert!((left - right).abs() <= within, "{left} is not {right}");
    }

    #[test]
    fn sus_is_as_in_the_example_of_brooke() {
        // Brooke, SUS: a "quick and dirty" usability scale (1996), its filled-in form; also Tullis and Albert, Measuring
        // the User Experience, figure 6.8: contributions 4 1 1 4 1 2 1 1 4 3 are 22, and 22 · 2.5 = 55.
        let sus = score("sus", &["5,4,2,1,2,3,2,4,5,2"]);
        assert_eq!((sus.n, sus.score, sus.low, sus.high), (1, Some(55.0), None, None));
        let unfinished = score("sus", &["5,4,2,1,2,3,2,4,5,", "1,5,1,5,1,5,1,5,1,5", "5,1,5,1,5,1,5,1,5,1"]);
        assert_eq!((unfinished.n, unfinished.incomplete, unfinished.score), (2, 1, Some(50.0)));
    }

    #[test]
    fn umux_lite_follows_the_formulas_of_its_authors() {
        // The formulas of Lewis, Utesch and Maher, UMUX-LITE: when there's no time for the SUS (CHI 2013), at their ends and
        // between: (6 + 5 − 2) · 100/12 = 75, and 0.65 · 75 + 22.9 = 71.65.
        for (answer, expected, sus) in
            [("1,1", 0.0, 22.9), ("7,7", 100.0, 87.9), ("6,5", 75.0, 71.65), ("4,4", 50.0, 55.4)]
        {
            let umux = score("umux-lite", &[answer]);
            close(umux.score, expected, 1e-12);
            let Detail::UmuxLite { sus_equivalent, sd } = umux.detail else { panic!("{umux:?}") };
            close(sus_equivalent, sus, 1e-12);
            assert_eq!(sd, None);
        }
    }

    #[test]
    fn csat_is_the_share_of_the_satisfied() {
        // Newcombe 1998, table I, method 3: 15 of 148.
        let answers: Vec<&str> = [["4"; 10].as_slice(), &["5"; 5], &["3"; 100], &["1"; 33], &[""; 7]].concat();
        let csat = score("csat5", &answers);
        assert_eq!((csat.n, csat.skipped), (148, 7));
        assert_eq!(csat.detail, Detail::Csat { satisfied: 15, satisfied_from: 4 });
        close(csat.score, 100.0 * 15.0 / 148.0, 1e-12);
        close(csat.low, 6.24, 5e-3);
        close(csat.high, 16.05, 5e-3);
    }

    #[test]
    fn a_scale_has_a_mean_an_index_and_a_favourable_share() {
        // 1 2 3 4 5: mean 3, sd √2.5, and t of four degrees of freedom is 2.776445 (NIST table: 2.776).
        let scale = score("scale5", &["1", "2", "3", "4", "5"]);
        close(scale.score, 3.0, 0.0);
        close(scale.low, 3.0 - 2.776445 * (2.5_f64 / 5.0).sqrt(), 1e-6);
        let Detail::Scale { sd, index, favourable, favourable_from, mean } = scale.detail else { panic!("{scale:?}") };
        close(sd, 2.5_f64.sqrt(), 1e-15);
        close(index, 50.0, 0.0);
        assert_eq!((favourable.count, favourable.percent, favourable_from, mean), (2, Some(40.0), 4, Some(3.0)));
    }

    #[test]
    fn without_answers_there_is_no_score() {
        for kind in Kind::all() {
            let Kind::Rating(rating) = kind else { continue };
            let score = Score::of(&Tally::of(rating, ["", ""]).expect("skipped"), None);
            assert_eq!((score.n, score.skipped, score.score, score.low, score.high), (0, 2, None, None, None));
            let json = serde_json::to_value(&score).expect("JSON");
            assert_eq!((&json["score"], &json["low"]), (&Value::Null, &Value::Null));
        }
    }

    #[test]
    fn the_json_has_everything_under_plain_names() {
        let json = serde_json::to_value(score("enps", &["10", "9", "8", "0", ""])).expect("JSON");
        let expected = json!({"n": 4, "score": 25.0, "skipped": 1, "promoters": 2, "passives": 1, "detractors": 1});
        for (name, value) in expected.as_object().expect("an object") {
            assert_eq!(&json[name], value, "{json}");
        }
        close(json["adjusted"].as_f64(), 100.0 / 7.0, 1e-12);
        assert_eq!(json["method"], "adjusted-wald");
        assert_eq!(json["distribution"][10], json!({"value": 10.0, "count": 1}));
    }

    /// A rating, and answers to it.
    fn answers() -> impl Strategy<Value = (Rating, Vec<String>)> {
        let seeds = proptest::collection::vec(any::<[u8; 10]>(), 1..60);
        (any_rating(), seeds).prop_map(|(rating, seeds)| (rating, seeds.iter().map(|seed| say(rating, seed)).collect()))
    }

    fn of(rating: Rating, answers: &[String]) -> Score {
        Score::of(&Tally::of(rating, answers.iter().map(String::as_str)).expect("answers"), None)
    }

    proptest! {
        #[test]
        fn scores_stay_in_their_bounds((rating, said) in answers()) {
            let score = of(rating, &said);
            let value = score.score.expect("answers");
            let (low, high) = match rating {
                Rating::Enps => (-100.0, 100.0),
                Rating::Scale(points) => (1.0, f64::from(points.count())),
                _ => (0.0, 100.0),
            };
            prop_assert!(low <= value && value <= high);
            prop_assert_eq!(score.low.is_some(), said.len() > 1 || score.method != Method::T);
            if let Some((low, high)) = score.low.zip(score.high) {
                prop_assert!(low <= high && low.is_finite() && high.is_finite());
                prop_assert!(rating == Rating::Enps || low <= value && value <= high);
            }
            prop_assert_eq!(score.distribution.iter().map(|bucket| bucket.count).sum::<u64>(), score.n);
        }

        #[test]
        fn the_order_of_answers_is_nothing((rating, said) in answers(), turn in 0..60_usize) {
            let mut others = said.clone();
            others.reverse();
            others.rotate_left(turn % said.len());
            prop_assert_eq!(of(rating, &said), of(rating, &others));
        }

        #[test]
        fn skipping_changes_nothing_but_its_own_count((rating, mut said) in answers(), skipped in 1..9_usize) {
            let before = of(rating, &said);
            said.extend(vec![String::new(); skipped]);
            prop_assert_eq!(of(rating, &said), Score { skipped: skipped as u64, ..before });
        }

        #[test]
        fn four_times_the_answers_narrow_the_interval((rating, said) in answers()) {
            let (few, many) = (of(rating, &said), of(rating, &[said.as_slice(); 4].concat()));
            if let Some(((low, high), (lower, higher))) = few.low.zip(few.high).zip(many.low.zip(many.high)) {
                let clipped = rating == Rating::Enps && (higher == 100.0 || lower == -100.0 || high == 100.0 || low == -100.0);
                prop_assert!(clipped || higher - lower < high - low || high == low);
            }
        }
    }
}
