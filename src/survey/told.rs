//! Showing cards of this room, and notices: what a team is told once.

use serde_json::Value;

use crate::chat::Tone;
use crate::error::Result;
use crate::people::roster::Spot;
use crate::store::Tx;
use crate::store::message::Shown;

/// Shows a subject in one place.
pub async fn show(tx: &mut Tx, subject: &str, spot: &Spot) -> Result<()> {
    let platform = spot.platform.to_string();
    tx.show(subject, Shown { platform: &platform, place: &spot.place, recipient: &spot.recipient }).await
}

/// Tells something once in all these places.
pub async fn tell(tx: &mut Tx, (message, values): (&str, &Value), spots: &[Spot]) -> Result<()> {
    let id = tx.insert_notice(message, Tone::Waiting, values).await?;
    for spot in spots {
        show(tx, &id, spot).await?;
    }
    Ok(())
}
