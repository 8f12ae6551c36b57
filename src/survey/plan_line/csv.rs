//! Comma-separated values as RFC 4180 has them, and nothing that only looks like it.

use crate::error::{Result, UserError};

/// A record, and the line on which it begins, counted from one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) line: usize,
    pub(super) fields: Vec<String>,
}

/// The records of a text: fields between commas, without the blanks around them; a field in quotes may hold commas, line ends
/// and doubled quotes. Lines end as on any system, empty ones are skipped, and a byte order mark is too.
pub(super) fn records(text: &str) -> Result<Vec<Record>, UserError> {
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut line = 1;
    let mut records = Vec::new();
    while !rest.is_empty() {
        let mut record = Record { line, fields: Vec::new() };
        loop {
            let (field, after) = field(rest, line)?;
            line += rest[..rest.len() - after.len()].matches('\n').count();
            record.fields.push(field);
            let Some(more) = after.strip_prefix(',') else {
                rest = after.strip_prefix("\r\n").or_else(|| after.strip_prefix('\n')).unwrap_or(after);
                line += 1;
                break;
            };
            rest = more;
        }
        if record.fields != [""] {
            records.push(record);
        }
    }
    Ok(records)
}

/// The next field, and the text from the comma or the line end after it.
fn field(text: &str, line: usize) -> Result<(String, &str), UserError> {
    let begun = text.trim_start_matches([' ', '\t']);
    if let Some(quoted) = begun.strip_prefix('"') {
        return quoted_field(quoted, line);
    }
    let end = begun.find([',', '\n']).unwrap_or(begun.len());
    let end = if begun[..end].ends_with('\r') { end - 1 } else { end };
    let field = begun[..end].trim_end();
    if field.contains(['"', '\r']) {
        return Err(UserError::invalid(format!("line {line}: a field has a quotation mark or a line end inside."))
            .hint("put the whole field in quotation marks, and double those inside it"));
    }
    Ok((field.to_owned(), &begun[end..]))
}

fn quoted_field(text: &str, line: usize) -> Result<(String, &str), UserError> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let Some((part, after)) = rest.split_once('"') else {
            return Err(UserError::invalid(format!("line {line}: a quotation mark is opened and never closed."))
                .hint("close it, or double it if it belongs to the text"));
        };
        field.push_str(part);
        let Some(more) = after.strip_prefix('"') else {
            let after = after.trim_start_matches([' ', '\t']);
            if after.is_empty() || after.starts_with([',', '\n']) || after.starts_with("\r\n") {
                return Ok((field.trim().to_owned(), after));
            }
            return Err(UserError::invalid(format!("line {line}: there is text after a closing quotation mark."))
                .hint("put the whole field in quotation marks, and double those inside it"));
        };
        field.push('"');
        rest = more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(usize, Vec<String>)> {
        records(text).expect("records").into_iter().map(|record| (record.line, record.fields)).collect()
    }

    #[test]
    fn fields_are_read_as_they_are_written() {
        let text = "\u{feff}a , \"b, c\"\t,d\r\n\r\n\"say \"\"x\"\"\nand y\",,é\n\n1,2,3";
        let expected = [(1, ["a", "b, c", "d"]), (3, ["say \"x\"\nand y", "", "é"]), (6, ["1", "2", "3"])];
        let expected = expected.map(|(line, fields)| (line, fields.map(str::to_owned).to_vec()));
        assert_eq!(read(text), expected);
        assert_eq!(read("a,"), [(1, vec!["a".to_owned(), String::new()])]);
        assert!(read("").is_empty() && read("\n\r\n \n").is_empty());
    }

    #[test]
    fn what_only_looks_like_it_is_refused_with_its_line() {
        for (text, said) in [
            ("a\nb\"c", "line 2: a field has"),
            ("a\n\"b\n", "line 2: a quotation mark is opened"),
            ("\"x\ny\",\"b\"c", "line 2: there is text after"),
            ("a\rb", "line 1: a field has"),
        ] {
            let error = records(text).expect_err("refused").to_string();
            assert!(error.starts_with(said) && error.contains("hint: "), "{text:?}: {error}");
        }
    }
}
