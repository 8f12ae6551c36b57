//! Published figures as CSV.

use super::Report;
use crate::survey::percent::rounded;

impl Report {
    /// The published figures as CSV (RFC 4180). A cell that a spreadsheet would take for a formula begins with an apostrophe.
    pub fn csv(&self) -> String {
        let mut lines = vec![line(&[
            "survey", "wave", "question", "version", "group", "shown", "n", "score", "low", "high", "words",
        ])];
        let number = |value: Option<f64>| value.map(|value| rounded(value, 4).to_string()).unwrap_or_default();
        for asked in &self.questions {
            for row in &asked.rows {
                let n = row.n.map(|n| n.to_string()).unwrap_or_default();
                let (score, low, high) = (number(row.score), number(row.low), number(row.high));
                let wave = self.number.to_string();
                lines.push(line(&[
                    &self.title,
                    &wave,
                    &asked.text,
                    &asked.version,
                    &row.group,
                    &row.shown,
                    &n,
                    &score,
                    &low,
                    &high,
                    &row.words,
                ]));
            }
        }
        lines.concat()
    }
}

fn line(cells: &[&str]) -> String {
    let cell = |text: &&str| {
        // Numbers keep their sign; any other text that begins so could be a formula.
        let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err();
        let text = if is_formula { format!("'{text}") } else { (*text).to_owned() };
        if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
    };
    cells.iter().map(cell).collect::<Vec<_>>().join(",") + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_of_a_csv_is_a_formula() {
        for (text, cell) in [
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-2", "-2"),
            ("-2+3", "'-2+3"),
            ("\tx", "'\tx"),
            ("a \"b\", c", "\"a \"\"b\"\", c\""),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
        ] {
            assert_eq!(line(&[text, "x"]), format!("{cell},x\r\n"));
        }
    }
}
