//! The publication planner of anonymous surveys: it alone makes what a card, a picture or an export shows of answers.
//!
//! # Threat model
//! The attacker reads this program and every figure of a wave: all groups, questions and releases. They know who is asked
//! and in which groups each person is, who answered which question and before which release, and the answers of any k − 2
//! people, their own among them. They want another person's answer to a question, or to narrow it to fewer possibilities
//! than stated below. They do not read the store: what is kept there, and that it cannot be tied to people, is its part.
//!
//! # Rules
//! A figure of a group counts its answers to one question. Answers are of one *class* if no figure counts one without the
//! other: their people are in the same groups, of those that have figures, and the same release was the first to count them.
//! 1. Counts. Every class has k answers at least, and so k people who are asked. The plan holds this for those asked when
//!    the wave opens, the release for those who answered.
//! 2. Spread. Of the classes that figures with a *value* make, each has at least k − 1 answers outside its fullest bucket,
//!    and 2k − 3 where a bound would name the bucket ([`Scale`]). So neither a group nor what is left of it when others are
//!    subtracted is unanimous, or unanimous but for k − 2.
//! 3. A group that passes 1 and is too uniform for 2 gets a [`Bound`] instead, with one answer to spare. All else is
//!    *hidden*, its count too.
//! 4. A running release counts the new answers of a class if they have the spread by themselves; else they wait. There is
//!    one only if it counts k new answers of every planned group. What still waits at the close is in no figure. A close
//!    that is the first release counts all.
//!
//! # Why this is enough
//! *Isolating.* What can be computed from exact totals is the rational span of the groups' indicator vectors over the
//! answers. Such a vector is constant on a class, so where it is not zero is a union of classes: nobody, or k at least. The
//! same is true of intersections and differences, of the totals of several releases, and of every figure that depends on a
//! group's histogram alone. No arithmetic is involved, so none can overflow.
//!
//! *Bounds.* The span is not all: if a team's answers are 3 and 4, and those of a role 4 and 5, their one common member said
//! 4. So small intersections must not be told apart either, and classes are not. Exchange the answers of two people of a class
//! of values: every value stays as it is, and every bound stays true, because an exchange changes its count by one at
//! most. Now take anyone whom a value counts, with answer a. At least k − 1 answers of the class are not a, and the attacker
//! knows k − 2 at most; to exchange with one of the others gives a world in which everything published is the same, and this
//! person's answer another. Whom only bounds count could have answered anything. Hence no combination of figures, linear
//! or not, over groups or over time, fixes an answer: possible for a person is every answer in the class that the attacker
//! does not know. This argument is exhaustive where a linear programme over the totals would only find what its
//! relaxation finds.
//!
//! *Questions.* Each has its own counts, its own choice and its own [`Ledger`]. An exchange of answers to one question
//! touches no figure of another, and no count, so figures of different questions say nothing together that they do not say
//! apart. That needs answers that do not bind each other. A question that only some answers lead to must not have figures by
//! group; a score of several questions (UMUX-LITE, SUS) is a question of its own, and theirs have no figures then; the options of
//! a multiple choice are questions of two buckets if no number of ticks is demanded.
//!
//! *Waves.* Answers of two waves are different answers, and nothing that is kept says which are of one person: each wave
//! stands alone. That people may answer alike twice is knowledge about them, not about the figures.
//!
//! # What remains
//! - That a person answered is not hidden: of a group in which all did, everyone knows. A bucket that is empty in a group is
//!   empty for its members.
//! - Which groups stay depends on counts. Which of these get a value, and which new answers wait, depends on the answers: a
//!   bound, and sometimes a hidden group, tells who reasons about the planner that answers are alike. Where only one group
//!   is shown, that does not help the k − 2 either, as a test shows; with overlapping groups it is not proven.
//! - Early and late answers are two releases where that hides nothing that one release shows; that they are told apart or not
//!   depends on the answers too.
//! - Comments are words: groups for them have 10 at least, by rule 1, but what somebody writes may give them away.
//!
//! # Hiding no more than that takes
//! Of all choices that keep the rules, the one is taken that hides the fewest groups; of those, the one whose hidden groups
//! have the fewest people, each counting its own; of those, the one that spares the groups declared first. First groups are
//! chosen by rule 1, then among these the ones with a value by rule 2. Up to eight groups over 32 cells the choice is the best;
//! beyond, it may be that the search is cut short. Then it still keeps the rules, and no single group more could be shown.
//!
//! After complementary suppression and its failures (Kelly, Golden and Assad 1992; Fischetti and Salazar 2001), trackers
//! (Denning, Denning and Schwartz 1979), and group disclosure (Machanavajjhala and others 2007).

mod classes;
mod comments;
mod judgement;
mod ledger;
mod plan;
mod scale;
mod selection;
mod set;
mod sheet;

pub use judgement::{Judgement, Verdict};
pub use ledger::{Counts, Ledger, Moment};
pub use plan::{Audience, Plan};
pub use scale::{Bound, Histogram, Scale};

/// The name of the group of all who are asked; it stands before every other.
pub const EVERYONE: &str = "everyone";
/// The smallest group that any wave may allow.
pub const LEAST_K: u32 = 3;
/// The smallest group of a wave that says nothing else.
pub const DEFAULT_K: u32 = 5;
/// How many comments a group needs at least before they are shown.
pub const LEAST_COMMENTS: u32 = 10;

/// What may be shown of a group. Whatever shows results takes this and nothing else.
///
/// Invariant: made from answers only by the rules of [this module](self). It cannot be read back from a store: the
/// [`Ledger`] makes it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published<T> {
    group: String,
    figure: Figure<T>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Figure<T> {
    Value(T),
    Bound(Bound<T>),
    Hidden,
    Nobody,
}

/// How a group is shown.
#[derive(Debug, PartialEq, Eq)]
pub enum View<'a, T> {
    /// With its value.
    Value(&'a T),
    /// With a bound, because its answers are too much alike.
    Bound(&'a Bound<T>),
    /// As "hidden to protect a small group", without any count.
    Hidden,
    /// As "no data": nobody at all answered this.
    Nobody,
}

impl<T> Published<T> {
    fn new(group: &str, figure: Figure<T>) -> Self {
        Self { group: group.to_owned(), figure }
    }

    /// The group's name.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// How it is shown.
    pub fn view(&self) -> View<'_, T> {
        match &self.figure {
            Figure::Value(value) => View::Value(value),
            Figure::Bound(bound) => View::Bound(bound),
            Figure::Hidden => View::Hidden,
            Figure::Nobody => View::Nobody,
        }
    }

    /// The same with what is computed from it. A plain function has no other data to bring along.
    pub fn map<U>(self, f: fn(&T) -> U) -> Published<U> {
        let figure = match self.figure {
            Figure::Value(value) => Figure::Value(f(&value)),
            Figure::Bound(bound) => Figure::Bound(bound.map(f)),
            Figure::Hidden => Figure::Hidden,
            Figure::Nobody => Figure::Nobody,
        };
        Published { group: self.group, figure }
    }
}
