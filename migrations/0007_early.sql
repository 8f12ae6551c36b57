-- What had been answered when the first reminder was due, by question, cell and bucket, as JSON; gone once the results are out.
alter table wave add column early text;
