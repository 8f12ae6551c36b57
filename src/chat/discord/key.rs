//! Whether a delivery over HTTP is Discord's: its signature, its time, and nothing ambiguous about either.

use hyper::HeaderMap;
use serenity::interactions_endpoint::Verifier;

use crate::clock::Millis;
use crate::error::{Result, UserError};

/// How far a delivery's time may be from ours, in seconds.
const TOLERANCE: i64 = 300;

/// The encodings of points of small order, without their sign bit, in hexadecimal. Under such a key anybody can sign, and
/// the verifier takes them. Source: the curve's eight-torsion points, each encoding below 2^255 of them.
const WEAK: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

/// The public key of the application.
#[derive(Clone)]
pub struct Key(Verifier);

impl Key {
    /// A key in 64 hexadecimal digits; refused if anybody could sign under it.
    pub fn read(text: &str) -> Result<Self> {
        let wrong = || {
            UserError::invalid("discord.public_key is not the public key of an application.")
                .hint("copy it from the application's General Information page: 64 hexadecimal digits")
        };
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| wrong())?;
        let mut unsigned = bytes;
        unsigned[31] &= 0x7f;
        if WEAK.contains(&hex::encode(unsigned).as_str()) {
            return Err(wrong().into());
        }
        Verifier::try_new(bytes).map(Self).map_err(|_| wrong().into())
    }

    /// Whether a delivery is signed under this key, over exactly these bytes, at about this time.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8], now: Millis) -> Result<(), &'static str> {
        let signature = only(headers, "x-signature-ed25519")?;
        let timestamp = only(headers, "x-signature-timestamp")?;
        let is_signature = signature.len() == 128 && signature.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_signature {
            return Err("signature");
        }
        let is_time = (1..=12).contains(&timestamp.len()) && timestamp.bytes().all(|b| b.is_ascii_digit());
        let time: i64 = timestamp.parse().ok().filter(|_| is_time).ok_or("timestamp")?;
        if (now / 1000 - time).abs() > TOLERANCE {
            return Err("stale");
        }
        self.0.verify(signature, timestamp, body).map_err(|()| "signature")
    }
}

/// The one value of a header.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, &'static str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().map_err(|_| "headers"),
        _ => Err("headers"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A signature with the secret key 0x01 × 32.
    const KEY: &str = "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c";
    const BODY: &[u8] = br#"{"type":1}"#;
    const TIME: &str = "1700000000";
    const NOW: Millis = 1_700_000_000_000;
    const SIGNATURE: &str = "9ef52e0980512fc86504213828935ead2d8ad69632af84e31aae7c0a1593a04f81779d871c1d68240dce56038c60788e51e59a6c3f14c72a4183c785b1e8b70e";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().expect("a value"));
        }
        headers
    }

    fn signed(signature: &str, timestamp: &str) -> HeaderMap {
        headers(&[("X-Signature-Ed25519", signature), ("X-Signature-Timestamp", timestamp)])
    }

    fn verify(headers: &HeaderMap, body: &[u8], now: Millis) -> Result<(), &'static str> {
        Key::read(KEY).expect("a key").verify(headers, body, now)
    }

    #[test]
    fn a_signed_delivery_is_taken() {
        assert_eq!(verify(&signed(SIGNATURE, TIME), BODY, NOW + 299_000), Ok(()));
        assert_eq!(verify(&signed(&SIGNATURE.to_uppercase(), TIME), BODY, NOW), Ok(()));
    }

    #[test]
    fn a6_another_time_body_or_key_is_not() {
        assert_eq!(verify(&signed(SIGNATURE, "1700000001"), BODY, NOW), Err("signature"));
        assert_eq!(verify(&signed(SIGNATURE, TIME), b"{\"type\":2}", NOW), Err("signature"));
        assert_eq!(verify(&signed(SIGNATURE, TIME), BODY, NOW + 301_000), Err("stale"));
        assert_eq!(verify(&signed(SIGNATURE, TIME), BODY, NOW - 301_000), Err("stale"));
        let other = Key::read("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a").expect("a key");
        assert_eq!(other.verify(&signed(SIGNATURE, TIME), BODY, NOW), Err("signature"));
    }

    #[test]
    fn f2_headers_that_are_doubled_missing_or_odd_are_refused() {
        let twice = headers(&[
            ("x-signature-ed25519", SIGNATURE),
            ("x-signature-ed25519", SIGNATURE),
            ("x-signature-timestamp", TIME),
        ]);
        assert_eq!(verify(&twice, BODY, NOW), Err("headers"));
        assert_eq!(verify(&headers(&[("x-signature-ed25519", SIGNATURE)]), BODY, NOW), Err("headers"));
        for time in ["NaN", "Infinity", "1e999", "1700000000.5", "-1700000000", "+1700000000", " 1700000000", ""] {
            assert_eq!(verify(&signed(SIGNATURE, time), BODY, NOW), Err("timestamp"), "{time}");
        }
    }

    #[test]
    fn f16_signatures_of_other_lengths_and_weak_keys_are_refused() {
        for signature in [&SIGNATURE[..8], &SIGNATURE[..126], &format!("{SIGNATURE}00"), "", &"+f".repeat(64)] {
            assert_eq!(verify(&signed(signature, TIME), BODY, NOW), Err("signature"), "{signature}");
        }
        for weak in WEAK {
            let negative = format!("{}{:02x}", &weak[..62], u8::from_str_radix(&weak[62..], 16).expect("hex") | 0x80);
            assert!(Key::read(weak).is_err() && Key::read(&negative).is_err(), "{weak}");
        }
        for wrong in ["", "00", "zz", &"0".repeat(66)] {
            assert!(Key::read(wrong).is_err());
        }
    }

    #[test]
    fn f16_under_a_weak_key_anybody_could_sign() {
        // This is why they are refused: the verifier takes this for a signature of anything.
        let identity: [u8; 32] = hex::decode(WEAK[1]).expect("hex").try_into().expect("32 bytes");
        let forged = format!("{}{}", WEAK[1], "0".repeat(64));
        assert!(Verifier::try_new(identity).expect("taken").verify(&forged, TIME, b"anything").is_ok());
    }
}
