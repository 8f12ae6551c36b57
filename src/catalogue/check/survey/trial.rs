//! Running the tests of a survey: the answers are read as in earnest.

use super::super::finding::{Findings, Remark};
use crate::catalogue::survey::{Survey, SurveyTest};

/// Runs all tests of a survey.
pub(super) fn run(survey: &Survey, findings: &mut Findings<'_>) {
    for (index, test) in survey.test.iter().enumerate() {
        try_one(survey, test, (&format!("survey.test[{index}]"), findings));
    }
}

fn try_one(survey: &Survey, test: &SurveyTest, (at, findings): (&str, &mut Findings<'_>)) {
    let names = || survey.question.iter().map(|question| question.name.as_str());
    for name in test.answers.keys().filter(|name| survey.question(name).is_none()) {
        let remark = Remark::new(format!("there is no question `{name}`")).guess(name, names());
        findings.add(&format!("{at}.answers.{name}"), remark);
    }
    if let Some(name) = test.error.as_ref().filter(|name| survey.question(name).is_none()) {
        let remark = Remark::new(format!("there is no question `{name}`")).guess(name, names());
        return findings.add(&format!("{at}.error"), remark);
    }
    let read = survey.read(&test.answers);
    for (name, error) in read.errors.iter().filter(|(name, _)| survey.question(name).is_some()) {
        if test.error.as_ref() != Some(name) {
            findings.add(&format!("{at}.answers.{name}"), Remark::new(format!("this is refused: {error}")));
        }
    }
    if let Some(name) = test.error.as_ref().filter(|name| !read.errors.contains_key(*name)) {
        findings.add(&format!("{at}.error"), format!("`{name}` should be refused, and is accepted"));
    }
}
