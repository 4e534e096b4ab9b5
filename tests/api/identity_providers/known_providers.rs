//! Tokens as Entra ID, Keycloak and AD FS write them.

use super::*;

crate::tests![
    tokens_of_entra_version_1_are_read,
    tokens_of_entra_version_2_are_read,
    tokens_of_keycloak_are_read,
    tokens_of_ad_fs_are_read,
];

/// A provider with a discovery document, and a service that is configured with the issuer's URL only.
fn discovered<'e>(app: &App<'e>, document: Value, signer: &Signer, settings: &str) -> (Provider, App<'e>) {
    let provider = Provider::start();
    provider.publish(&[signer]);
    let mut document = document;
    document["jwks_uri"] = json!(format!("{}/keys", provider.base));
    provider.answer("/tenant/.well-known/openid-configuration", Answer::Json(document));
    let app = server(app, &settings.replace("PROVIDER", &format!("{}/tenant", provider.base)), POLICY);
    (provider, app)
}

const TENANT: &str = "7f1d5c3a-0b52-4c8e-9a6f-2d3e4f5a6b7c";
const CLIENT: &str = "2c4b8a10-6f7e-4d3c-8b9a-1f2e3d4c5b6a";

fn tokens_of_entra_version_1_are_read(app: &App) {
    // Its document is on another host than the issuer. Keys have the same value as kid and as x5t.
    let issuer = format!("https://sts.windows.net/{TENANT}/");
    let signer = Signer::rsa("nOo3ZDrODXEK1jKWhXslHR_KXEg").published_with("alg", Value::Null);
    let signer = signer.published_with("x5t", json!("nOo3ZDrODXEK1jKWhXslHR_KXEg"));
    let signer = signer.calling_itself(|header| header.x5t = header.kid.clone());
    let settings = format!(
        r#"
        [[issuers]]
        issuer = "{issuer}"
        audience = ["api://medstrategi"]
        algorithms = ["RS256"]
        municipalities = ["testby"]
        discovery_url = "PROVIDER"
        [issuers.required_claims]
        tid = ["{TENANT}"]
        appid = ["{CLIENT}"]
        [issuers.claims]
        person = "employee_id"
        [issuers.roles]
        "MED.Edit" = ["med.read", "med.edit"]
        "#
    );
    let document = json!({
        "issuer": issuer, "authorization_endpoint": "https://login.microsoftonline.com/common/oauth2/authorize",
        "id_token_signing_alg_values_supported": ["RS256"], "tenant_region_scope": "EU",
    });
    let (_provider, app) = discovered(app, document, &signer, &settings);
    let claims = json!({
        "aud": "api://medstrategi", "iss": issuer, "iat": now(), "nbf": now(), "exp": now() + 4000, "acr": "1",
        "aio": "AXQAi/8TAAAA", "amr": ["pwd"], "appid": CLIENT, "appidacr": "0", "family_name": "Holm",
        "given_name": "Ane", "ipaddr": "192.0.2.7", "name": "Ane Holm", "oid": "5c7d1e2f-aaaa-4bbb-8ccc-123456789abc",
        "rh": "0.AAAA.", "scp": "med.read User.Read", "sub": "pX2y_subject", "tid": TENANT,
        "unique_name": "aho@testby.example", "upn": "aho@testby.example", "uti": "abc", "ver": "1.0",
        "employee_id": "e-42",
    });
    let employees = json!([{"key": "e-42", "name": "Ane Holm"}]);
    app.import(&json!({"municipality": {"key": HERE, "code": "999", "name": HERE}, "employees": employees})).unwrap();
    let me = app.request("GET", "/v1/me").token(&signer.sign(&claims)).send().expect(200).json();
    assert_eq!(me["employee"]["name"], "Ane Holm");
    assert_eq!(edits(&app, &signer.sign(&claims)), 403);
    let of_a_program = with(&with(&claims, "scp", Value::Null), "roles", json!(["MED.Edit"]));
    assert_eq!(edits(&app, &signer.sign(&of_a_program)), 422);
    assert_eq!(status(&app, &signer.sign(&with(&claims, "scp", json!("User.Read")))), 403);
    let detail = refused(&app, &signer.sign(&with(&claims, "tid", json!("another-tenant"))));
    assert!(detail.contains("tid") && !detail.contains("another-tenant"), "{detail}");
    assert!(refused(&app, &signer.sign(&with(&claims, "appid", Value::Null))).contains("appid"));
    assert!(
        refused(&app, &signer.sign(&with(&claims, "aud", json!("00000003-0000-0000-c000-000000000000"))))
            .contains("aud")
    );
    assert_eq!(status(&app, &signer.sign(&with(&claims, "sub", Value::Null))), 401);
}

fn tokens_of_entra_version_2_are_read(app: &App) {
    let issuer = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
    let signer = Signer::rsa("kid-2").published_with("alg", Value::Null).published_with("issuer", json!(issuer));
    let settings = format!(
        r#"
        [[issuers]]
        issuer = "{issuer}"
        audience = ["{CLIENT}"]
        algorithms = ["RS256"]
        municipalities = ["testby"]
        discovery_url = "PROVIDER/"
        [issuers.required_claims]
        azp = ["{CLIENT}", "another-client"]
        [issuers.roles]
        "MED.Edit" = ["med.edit"]
        "Strategy.Read" = ["med.read"]
        "#
    );
    let (_provider, app) = discovered(app, json!({"issuer": issuer}), &signer, &settings);
    let claims = json!({
        "aud": CLIENT, "iss": issuer, "iat": now(), "nbf": now(), "exp": now() + 4000, "aio": "AXQAi/8TAAAA",
        "azp": CLIENT, "azpacr": "1", "name": "Ane Holm", "oid": "5c7d1e2f-aaaa-4bbb-8ccc-123456789abc",
        "preferred_username": "aho@testby.example", "rh": "0.AAAA.", "scp": "Strategy.Read openid", "sub": "pX2y",
        "tid": TENANT, "uti": "abc", "ver": "2.0",
    });
    assert_eq!(status(&app, &signer.sign(&claims)), 200);
    assert_eq!(edits(&app, &signer.sign(&claims)), 403);
    let of_a_program = with(&with(&claims, "scp", Value::Null), "roles", json!(["MED.Edit"]));
    assert_eq!(edits(&app, &signer.sign(&with(&of_a_program, "idtyp", json!("app")))), 422);
    assert!(refused(&app, &signer.sign(&with(&claims, "azp", json!("a-stranger")))).contains("azp"));
    assert_eq!(status(&app, &signer.sign(&with(&claims, "iss", json!(issuer.replace("v2.0", ""))))), 401);
}

fn tokens_of_keycloak_are_read(app: &App) {
    let issuer = "https://login.example/realms/testby";
    let signer = Signer::rsa("FJ86GcF3jTbNLOco4NvZkUCIUmfYCqoqtOQeMfbhNlE");
    let settings = format!(
        r#"
        [[issuers]]
        issuer = "{issuer}"
        audience = ["medstrategi"]
        algorithms = ["RS256"]
        municipalities = ["testby"]
        discovery_url = "PROVIDER/.well-known/openid-configuration"
        [issuers.claims]
        scopes = ["realm_access.roles", "resource_access.medstrategi.roles"]
        [issuers.required_claims]
        typ = ["Bearer"]
        azp = ["intranet"]
        [issuers.roles]
        "med-editor" = ["med.edit"]
        "#
    );
    let (_provider, app) = discovered(app, json!({"issuer": issuer}), &signer, &settings);
    let claims = json!({
        "exp": now() + 300, "iat": now(), "auth_time": now(), "jti": "b1a9f7f0-1111-4222-8333-444455556666",
        "iss": issuer, "aud": ["medstrategi", "account"], "sub": "f:1:ane", "typ": "Bearer", "azp": "intranet",
        "sid": "0c1d", "acr": "1", "allowed-origins": ["https://intranet.testby.example"],
        "realm_access": {"roles": ["offline_access", "med.read"]},
        "resource_access": {"account": {"roles": ["med-editor"]}},
        "scope": "openid med.edit", "preferred_username": "ane",
    });
    assert_eq!(status(&app, &signer.sign(&claims)), 200);
    assert_eq!(edits(&app, &signer.sign(&claims)), 403, "neither scope nor another client's roles count here");
    let editor = with(&claims, "resource_access", json!({"medstrategi": {"roles": ["med-editor"]}}));
    assert_eq!(edits(&app, &signer.sign(&editor)), 422);
    assert!(refused(&app, &signer.sign(&with(&claims, "typ", json!("ID")))).contains("typ"));
    assert_eq!(status(&app, &signer.sign(&with(&claims, "aud", json!("account")))), 401);
}

fn tokens_of_ad_fs_are_read(app: &App) {
    // Access tokens have an issuer of their own and name their key by x5t only, which is the published key's kid.
    let issuer = "http://adfs.testby.example/adfs/services/trust";
    let signer = Signer::rsa("Zy-dkZLZ4EJ2aPdxOdTq0FVJl0o").published_with("x5t", json!("Zy-dkZLZ4EJ2aPdxOdTq0FVJl0o"));
    let by_thumbprint = signer.calling_itself(|header| header.x5t = header.kid.take());
    let settings = format!(
        r#"
        [[issuers]]
        issuer = "{issuer}"
        audience = ["microsoft:identityserver:medstrategi"]
        algorithms = ["RS256"]
        municipalities = ["testby"]
        discovery_url = "PROVIDER"
        [issuers.required_claims]
        appid = ["{CLIENT}"]
        "#
    );
    let document = json!({"issuer": "https://adfs.testby.example/adfs", "access_token_issuer": issuer});
    let (provider, app) = discovered(app, document, &signer, &settings);
    let claims = json!({
        "aud": "microsoft:identityserver:medstrategi", "iss": issuer, "iat": now(), "nbf": now(), "exp": now() + 3600,
        "apptype": "Confidential", "appid": CLIENT,
            "authmethod": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
        "auth_time": "2026-11-22T12:00:00.000Z", "ver": "1.0", "scp": "openid med.read", "sub": "T2x+subject=",
    });
    assert_eq!(status(&app, &by_thumbprint.sign(&claims)), 200);
    assert_eq!(edits(&app, &by_thumbprint.sign(&claims)), 403);
    assert!(refused(&app, &by_thumbprint.sign(&with(&claims, "appid", json!("a-stranger")))).contains("appid"));
    let asked = provider.asked("/keys");
    // A key with another kid is found by its x5t. A thumbprint that is not published is an unknown key.
    provider.publish(&[&signer, &Signer::other("2").published_with("x5t", json!("other-print"))]);
    let other =
        Signer::other("2").calling_itself(|header| (header.kid, header.x5t) = (None, Some("other-print".into())));
    assert_eq!(status(&app, &other.sign(&claims)), 200);
    assert_eq!(provider.asked("/keys"), asked + 1);
    assert_eq!(status(&app, &by_thumbprint.calling_itself(|header| header.x5t = Some("2".into())).sign(&claims)), 401);
    assert_eq!(status(&app, &other.calling_itself(|header| header.x5t = Some("third".into())).sign(&claims)), 401);
}
