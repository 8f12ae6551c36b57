//! A call back from the system behind a step: signed, kept before it is acknowledged, harmless when late or repeated.

use crate::app::App;
use crate::error::{Reason, Result, UserError};
use crate::job::Job;
use crate::runner::callback::{sign, verify};

/// The most that a call back may say, in bytes.
pub const LONGEST: usize = 64 * 1024;

/// Takes a call back for a step of a request. `proof` is its `Authorization` or `X-Signature-256` header. One that comes
/// before the step's start is recorded waits for it; one for a request that has ended changes nothing.
pub async fn arrive(app: &App, (request, step): (&str, &str), proof: &str, body: &[u8]) -> Result<()> {
    let token = sign(&app.tools.callback_key, request, step);
    if !verify(&token, body, proof) {
        return Err(UserError::new(Reason::Denied, "The call back is not signed as it must be.").into());
    }
    if body.len() > LONGEST {
        return Err(UserError::invalid("The call back is too long.").hint("send at most 64 KiB").into());
    }
    let said: serde_json::Value = serde_json::from_slice(body)
        .map_err(|e| UserError::invalid(format!("The call back is not JSON: {e}.")).hint("send a JSON object"))?;
    let (request, step, said) = (request.to_owned(), step.to_owned(), said.to_string());
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            if tx.request(&request).await?.is_none_or(|found| found.state.is_end()) {
                return Ok(true);
            }
            let kept = tx.keep_call_back(&request, &step, &said).await?;
            tx.wake_job(&Job::Perform { request }.name().unwrap_or_default()).await?;
            Ok(kept)
        })
    });
    if write.await? {
        return Ok(());
    }
    Err(UserError::new(Reason::Limited, "Too many call backs of this step wait already.")
        .hint("try again later")
        .into())
}
