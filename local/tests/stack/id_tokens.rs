//! ID tokens of a real issuer that rotates its keys, goes down and lies. Instants are given; only its silence takes time.

use std::{sync::Arc, time::Instant};

use futures_util::future::join_all;
use session::{
    credential::{
        foreign_token::Flaw,
        id_token::{IdTokenRefused, IdTokens, VerifiedIdToken},
    },
    identity::SubjectId,
};

use crate::{
    Outcome,
    openid_provider::{Behaviour, OpenIdProvider},
    world::at,
};

const DESCRIPTION: &str = "/.well-known/openid-configuration";
const KEYS: &str = "/keys";

fn trusting(provider: &OpenIdProvider) -> Outcome<IdTokens> {
    started_with(&provider.settings_json())
}

fn started_with(issuers: &str) -> Outcome<IdTokens> {
    Ok(IdTokens::from_settings(&[("OIDC_ISSUERS", issuers)].into_iter().collect())?.ok_or("not set")?)
}

async fn verify(tokens: &IdTokens, token: &str, seconds: u64) -> Result<VerifiedIdToken, IdTokenRefused> {
    tokens.verify(token, None, at(seconds)).await
}

/// `ok`, `rejected: …` or `unreachable: …`, without the issuer's address.
async fn said(tokens: &IdTokens, token: &str, seconds: u64) -> String {
    match verify(tokens, token, seconds).await {
        Ok(_) => "ok".to_owned(),
        Err(IdTokenRefused::Rejected { cause }) => format!("rejected: {cause}"),
        Err(IdTokenRefused::Unreachable { cause }) => {
            let (_, what) = cause.split_once(": ").unwrap_or_default();
            format!("unreachable: {what}")
        }
    }
}

const NO_KEY: &str = "rejected: its issuer has no such key";
const FAILING: &str = "unreachable: answered with status 500 Internal Server Error";

#[tokio::test]
async fn a_token_with_any_of_the_three_algorithms_is_verified_with_keys_that_are_fetched_once() -> Outcome {
    let provider = OpenIdProvider::start().await?;
    let tokens = trusting(&provider)?;
    for algorithm in ["RS256", "ES256", "EdDSA"] {
        let token = provider.sign_with(algorithm, &provider.claims("ada", 0))?;
        let verified = verify(&tokens, &token, 0).await?;
        assert_eq!(verified.subject, SubjectId::of("idToken", &provider.issuer, "ada"), "{algorithm}");
        assert_eq!(verified.expires_at, at(360), "{algorithm}");
    }
    assert_eq!(provider.requests(), [DESCRIPTION, KEYS]);
    Ok(())
}

#[tokio::test]
async fn keys_at_a_known_address_take_one_request() -> Outcome {
    let provider = OpenIdProvider::start().await?;
    let known = format!(r#","jwksUri":"{}/keys"}}]"#, provider.issuer);
    let tokens = started_with(&provider.settings_json().replace("}]", &known))?;
    assert_eq!(said(&tokens, &provider.sign(&provider.claims("ada", 0))?, 0).await, "ok");
    assert_eq!(provider.requests(), [KEYS]);
    Ok(())
}

#[tokio::test]
async fn a_token_that_cannot_be_accepted_makes_no_request() -> Outcome {
    let (provider, stranger) = (OpenIdProvider::start().await?, OpenIdProvider::start().await?);
    let tokens = trusting(&provider)?;
    let strange = stranger.sign(&stranger.claims("ada", 0))?;
    let symmetric =
        provider.sign(&provider.claims("ada", 0))?.replacen("eyJhbGciOiJFZERTQSI", "eyJhbGciOiJIUzI1NiI", 1);
    for (token, flaw) in [(strange.as_str(), Flaw::Issuer), (&symmetric, Flaw::Algorithm), ("a.b.c", Flaw::Malformed)] {
        assert_eq!(verify(&tokens, token, 0).await, Err(IdTokenRefused::Rejected { cause: flaw }), "{token}");
    }
    let as_if = stranger.sign(&provider.claims("ada", 0))?;
    let refused = verify(&tokens, &as_if, 0).await;
    assert_eq!(refused, Err(IdTokenRefused::Rejected { cause: Flaw::Signature }), "signed by a stranger");
    assert_eq!(provider.requests(), [DESCRIPTION, KEYS], "for the last one only");
    assert_eq!(stranger.requests(), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn requests_at_the_same_time_fetch_the_keys_once() -> Outcome {
    let provider = OpenIdProvider::start().await?;
    let tokens = Arc::new(trusting(&provider)?);
    let token = provider.sign(&provider.claims("ada", 0))?;
    let verdicts = join_all((0..50).map(|_| said(&tokens, &token, 0))).await;
    assert!(verdicts.iter().all(|verdict| verdict == "ok"), "{verdicts:?}");
    assert_eq!(provider.requests(), [DESCRIPTION, KEYS]);
    let verdicts = join_all((0..50).map(|_| said(&tokens, &token, 1))).await;
    assert!(verdicts.iter().all(|verdict| verdict == "ok"), "{verdicts:?}");
    provider.behave(Behaviour::Failing);
    // An hour later: one looks again, nobody is kept waiting or out.
    let token = provider.sign(&provider.claims("ada", 3600))?;
    let verdicts = join_all((0..50).map(|_| said(&tokens, &token, 3600))).await;
    assert!(verdicts.iter().all(|verdict| verdict == "ok"), "{verdicts:?}");
    assert_eq!(provider.requests(), [DESCRIPTION]);
    Ok(())
}

#[tokio::test]
async fn an_unknown_key_is_looked_for_at_most_once_a_minute() -> Outcome {
    let provider = OpenIdProvider::start().await?;
    let tokens = trusting(&provider)?;
    let old = provider.sign(&provider.claims("ada", 0))?;
    assert_eq!(said(&tokens, &old, 0).await, "ok");
    provider.requests();
    provider.rotate()?;
    let new = provider.sign(&provider.claims("ada", 0))?;
    for seconds in [1, 30, 59] {
        assert_eq!(said(&tokens, &new, seconds).await, NO_KEY, "{seconds}");
    }
    assert_eq!(provider.requests(), [""; 0]);
    assert_eq!(said(&tokens, &new, 60).await, "ok");
    assert_eq!(said(&tokens, &old, 60).await, "ok", "still published");
    assert_eq!(provider.requests(), [DESCRIPTION, KEYS]);
    let unheard_of = new.replacen(new.split('.').next().unwrap_or_default(), "eyJhbGciOiJFZERTQSIsImtpZCI6IngifQ", 1);
    for seconds in 60..180 {
        assert_eq!(said(&tokens, &unheard_of, seconds).await, NO_KEY, "{seconds}");
    }
    assert_eq!(provider.requests(), [DESCRIPTION, KEYS], "at 120");
    Ok(())
}

#[tokio::test]
async fn a_key_that_was_withdrawn_is_accepted_for_an_hour_at_most() -> Outcome {
    let provider = OpenIdProvider::start().await?;
    let tokens = trusting(&provider)?;
    let signed_at = |seconds| provider.sign(&provider.claims("ada", seconds));
    assert_eq!(said(&tokens, &signed_at(0)?, 0).await, "ok");
    let (early, late) = (signed_at(3599)?, signed_at(3600)?);
    provider.rotate()?;
    provider.withdraw_old_keys();
    provider.requests();
    assert_eq!(said(&tokens, &early, 3599).await, "ok");
    assert_eq!(provider.requests(), [""; 0]);
    assert_eq!(said(&tokens, &late, 3600).await, NO_KEY);
    assert_eq!(provider.requests(), [DESCRIPTION, KEYS]);
    Ok(())
}

#[tokio::test]
async fn an_issuer_that_is_down_keeps_nobody_out_whose_key_is_known() -> Outcome {
    let provider = OpenIdProvider::start().await?;
    let tokens = trusting(&provider)?;
    assert_eq!(said(&tokens, &provider.sign(&provider.claims("ada", 0))?, 0).await, "ok");
    provider.requests();
    provider.behave(Behaviour::Failing);
    for (seconds, asked) in [(3599, 0), (3600, 1), (3601, 0), (3659, 0), (3660, 1), (90_000, 1)] {
        let token = provider.sign(&provider.claims("ada", seconds))?;
        assert_eq!(said(&tokens, &token, seconds).await, "ok", "{seconds}");
        assert_eq!(provider.requests().len(), asked, "{seconds}");
    }
    provider.rotate()?;
    let new = provider.sign(&provider.claims("ada", 90_010))?;
    assert_eq!(said(&tokens, &new, 90_010).await, FAILING, "unknown, and that cannot be changed now");
    provider.behave(Behaviour::Honest);
    assert_eq!(said(&tokens, &new, 90_059).await, FAILING);
    assert_eq!(provider.requests().len(), 0);
    assert_eq!(said(&tokens, &new, 90_060).await, "ok");
    Ok(())
}

#[tokio::test]
async fn an_issuer_that_is_down_from_the_start_is_asked_again_after_five_seconds() -> Outcome {
    let provider = OpenIdProvider::start().await?;
    let tokens = trusting(&provider)?;
    let token = provider.sign(&provider.claims("ada", 0))?;
    provider.behave(Behaviour::Failing);
    for (seconds, asked) in [(0, 1), (1, 0), (4, 0), (5, 1), (9, 0)] {
        assert_eq!(said(&tokens, &token, seconds).await, FAILING, "{seconds}");
        assert_eq!(provider.requests().len(), asked, "{seconds}");
    }
    provider.behave(Behaviour::Honest);
    assert_eq!(said(&tokens, &token, 10).await, "ok");
    let nobody = started_with(&provider.settings_json().replace("}]", r#","jwksUri":"http://127.0.0.1:1/keys"}]"#))?;
    assert!(said(&nobody, &token, 0).await.starts_with("unreachable: no answer: "), "nobody listens");
    Ok(())
}

#[tokio::test]
async fn no_redirect_is_followed() -> Outcome {
    let (provider, elsewhere) = (OpenIdProvider::start().await?, OpenIdProvider::start().await?);
    let token = provider.sign(&provider.claims("ada", 0))?;
    for target in [format!("{}/keys", elsewhere.issuer), format!("{}/other", provider.issuer)] {
        provider.behave(Behaviour::Redirecting(target));
        assert_eq!(said(&trusting(&provider)?, &token, 0).await, "unreachable: answered with status 302 Found");
    }
    assert_eq!(elsewhere.requests(), [""; 0]);
    assert_eq!(provider.requests(), [DESCRIPTION, DESCRIPTION]);
    Ok(())
}

#[tokio::test]
async fn an_answer_has_at_most_64_kib() -> Outcome {
    let provider = OpenIdProvider::start().await?;
    let token = provider.sign(&provider.claims("ada", 0))?;
    let too_large = "unreachable: answered with more than 65536 bytes";
    for (padding, verdict) in [(60_000, "ok"), (64 * 1024, too_large), (1024 * 1024, too_large)] {
        provider.behave(Behaviour::Padded(padding));
        assert_eq!(said(&trusting(&provider)?, &token, 0).await, verdict, "{padding}");
    }
    provider.behave(Behaviour::Garbled);
    let garbled = said(&trusting(&provider)?, &token, 0).await;
    assert!(garbled.starts_with("unreachable: answered with something else than was asked for: "), "{garbled}");
    assert!(!garbled.contains("html"), "{garbled}");
    Ok(())
}

#[tokio::test]
async fn a_silent_issuer_is_given_up_but_not_before_a_second_and_a_half() -> Outcome {
    let provider = OpenIdProvider::start().await?;
    let tokens = trusting(&provider)?;
    let token = provider.sign(&provider.claims("ada", 0))?;
    provider.behave(Behaviour::Silent);
    let begun = Instant::now();
    let verdict = said(&tokens, &token, 0).await;
    // How much later a busy machine notices is nothing that a test can promise.
    let waited = begun.elapsed().as_millis();
    assert!(verdict.starts_with("unreachable: no answer: "), "{verdict}");
    assert!(waited >= 1400, "{waited} ms");
    Ok(())
}

#[tokio::test]
async fn an_issuer_that_describes_another_or_leads_to_an_insecure_address_is_not_believed() -> Outcome {
    let (provider, victim) = (OpenIdProvider::start().await?, OpenIdProvider::start().await?);
    let token = provider.sign(&provider.claims("ada", 0))?;
    for other in [victim.issuer.clone(), format!("{}/", provider.issuer), String::new()] {
        provider.behave(Behaviour::Describing(other.clone()));
        let said = said(&trusting(&provider)?, &token, 0).await;
        assert_eq!(said, "unreachable: describes another issuer than itself", "{other}");
    }
    for address in
        ["http://169.254.169.254/keys", "http://keys.example/", "file:///etc/passwd", "https://u:p@a.example/", "keys"]
    {
        provider.behave(Behaviour::KeysAt(address.to_owned()));
        let said = said(&trusting(&provider)?, &token, 0).await;
        assert_eq!(said, "unreachable: names an address for its keys that is not secure", "{address}");
    }
    assert!(provider.requests().iter().all(|path| path == DESCRIPTION));
    // Another address on the same machine is as good as its own; the keys are then those that are there.
    provider.behave(Behaviour::KeysAt(format!("{}/keys", victim.issuer)));
    assert_eq!(said(&trusting(&provider)?, &token, 0).await, "rejected: its signature is wrong");
    Ok(())
}
