//! A table of counts: how many people of the same groups were asked, and how many answered.

use std::collections::BTreeMap;

use super::csv::{self, Record};
use crate::error::{Result, UserError};

const COLUMNS: &str = "the first line names the columns, such as `team,region,asked,answered`";

/// The people who are in the same groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// The group in each dimension; empty for none.
    pub(super) values: Vec<String>,
    pub(super) asked: u32,
    pub(super) answered: u32,
}

/// A table that has been checked: no two rows are the same groups, nobody answers who is not asked, and all people can be
/// counted in 32 bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) dimensions: Vec<String>,
    pub(super) rows: Vec<Row>,
    /// Whether it does not say how many were asked.
    pub(super) asked_is_answered: bool,
}

/// The places of the columns.
struct Header {
    dimensions: Vec<(usize, String)>,
    asked: Option<usize>,
    answered: usize,
    width: usize,
}

impl Table {
    /// Reads a table. An error names the line and what to do.
    pub(super) fn read(input: &[u8]) -> Result<Self, UserError> {
        let text = std::str::from_utf8(input).map_err(|error| {
            let line = input[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
            UserError::invalid(format!("line {line}: this is not UTF-8.")).hint("save the table as UTF-8")
        })?;
        let records = csv::records(text)?;
        let [header, rows @ ..] = records.as_slice() else {
            return Err(UserError::invalid("There is no table on standard input.").hint(COLUMNS));
        };
        let header = Header::read(header)?;
        if rows.is_empty() {
            return Err(UserError::invalid("The table has no line but the one that names its columns.")
                .hint("add a line for each group, with its counts"));
        }
        let rows =
            rows.iter().map(|record| Ok((record.line, header.row(record)?))).collect::<Result<Vec<_>, UserError>>()?;
        check(&rows)?;
        Ok(Self {
            dimensions: header.dimensions.into_iter().map(|(_, name)| name).collect(),
            rows: rows.into_iter().map(|(_, row)| row).collect(),
            asked_is_answered: header.asked.is_none(),
        })
    }
}

impl Header {
    fn read(record: &Record) -> Result<Self, UserError> {
        let wrong = |what: &str| UserError::invalid(format!("line {}: {what}", record.line)).hint(COLUMNS);
        let place = |wanted: &str| record.fields.iter().position(|field| field.eq_ignore_ascii_case(wanted));
        let answered = place("answered").ok_or_else(|| wrong("no column is called `answered`."))?;
        let asked = place("asked");
        let mut dimensions: Vec<(usize, String)> = Vec::new();
        for (at, name) in record.fields.iter().enumerate().filter(|(at, _)| *at != answered && Some(*at) != asked) {
            let is_known = dimensions.iter().any(|(_, known)| known == name);
            let is_count = ["asked", "answered"].iter().any(|count| name.eq_ignore_ascii_case(count));
            if name.is_empty() || is_known || is_count {
                return Err(wrong(&format!("column {} is called `{name}`, which names no other thing.", at + 1)));
            }
            dimensions.push((at, name.clone()));
        }
        if dimensions.is_empty() {
            return Err(wrong("no column says which group it is."));
        }
        Ok(Self { dimensions, asked, answered, width: record.fields.len() })
    }

    fn row(&self, record: &Record) -> Result<Row, UserError> {
        let line = record.line;
        if record.fields.len() != self.width {
            let said = format!("line {line}: there are {} fields, and {} columns.", record.fields.len(), self.width);
            return Err(UserError::invalid(said).hint("put a field that has a comma in it in quotation marks"));
        }
        let values: Vec<String> = self.dimensions.iter().map(|(at, _)| record.fields[*at].clone()).collect();
        if values.iter().any(|value| ["everyone", "total"].iter().any(|total| value.eq_ignore_ascii_case(total))) {
            return Err(UserError::invalid(format!("line {line}: this counts people again who are in other lines."))
                .hint("leave totals out: everyone is the sum of all lines"));
        }
        if values.iter().all(String::is_empty) && values.len() == 1 {
            return Err(
                UserError::invalid(format!("line {line}: the group has no name.")).hint("name it, or leave it out")
            );
        }
        let answered = count(&record.fields[self.answered], line)?;
        let asked = self.asked.map_or(Ok(answered), |at| count(&record.fields[at], line))?;
        if answered > asked {
            return Err(UserError::invalid(format!("line {line}: {answered} answered, but only {asked} were asked."))
                .hint("`asked` counts all who were asked, also those who answered"));
        }
        Ok(Row { values, asked, answered })
    }
}

fn count(field: &str, line: usize) -> Result<u32, UserError> {
    let is_whole = !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_digit());
    is_whole.then(|| field.parse().ok()).flatten().ok_or_else(|| {
        let hint = format!("write digits alone, up to {}", u32::MAX);
        UserError::invalid(format!("line {line}: `{field}` is no count of people.")).hint(hint)
    })
}

/// What can only be seen of all rows together.
fn check(rows: &[(usize, Row)]) -> Result<(), UserError> {
    let mut known: BTreeMap<&[String], usize> = BTreeMap::new();
    let mut people = 0_u32;
    for (line, row) in rows {
        if let Some(before) = known.insert(&row.values, *line) {
            return Err(UserError::invalid(format!(
                "line {line}: the same groups are counted in line {before} already."
            ))
            .hint("add the two lines up: each person is counted in one line"));
        }
        people = people.checked_add(row.asked).ok_or_else(|| {
            UserError::invalid(format!("line {line}: with it there are more than {} people.", u32::MAX))
                .hint("check the counts")
        })?;
    }
    Ok(())
}
