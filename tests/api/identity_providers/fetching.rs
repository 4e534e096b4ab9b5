//! Fetching of keys: rotation, outages, hostile answers, and trusted authorities.

use super::*;

crate::tests![
    a_rotation_costs_no_request,
    a_storm_of_unknown_keys_is_one_refresh,
    a_request_waits_only_briefly_for_a_key,
    keys_survive_an_outage_and_are_dropped_when_withdrawn,
    the_service_starts_before_its_provider,
    the_providers_certificate_is_verified,
    the_program_trusts_the_systems_authorities,
    fetching_ends_with_the_service,
];

/// A policy that allows a refresh at any time.
const EAGER: RefreshPolicy =
    RefreshPolicy { interval: Duration::from_millis(20), fetch_timeout: Duration::from_secs(1), ..POLICY };

fn a_rotation_costs_no_request(app: &App) {
    let provider = Provider::start();
    let pairs = ["rsa", "other"];
    let signer = |n: usize| Signer::new(&format!("key-{n}"), pairs[n % 2], Algorithm::RS256);
    // Old keys stay published, since tokens signed by them are still in use.
    let publish = |last: usize| {
        let keys: Vec<Signer> = (0..=last).map(signer).collect();
        let keys = key_set(&keys.iter().collect::<Vec<_>>());
        provider.answer("/keys", Answer::Late(Duration::from_millis(60), Box::new(keys)));
    };
    publish(0);
    let policy = RefreshPolicy { min_interval: Duration::from_millis(1), ..POLICY };
    let app = server(app, &fetched(&format!("{}/keys", provider.base)), policy);
    let current = Mutex::new(signer(0).sign(&claims()));
    assert_eq!(status(&app, &current.lock().unwrap().clone()), 200);
    let (has_ended, sent) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !has_ended.load(Ordering::SeqCst) {
                    let token = current.lock().unwrap().clone();
                    get(&app, &token).expect(200);
                    sent.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        for n in 1..=8 {
            publish(n);
            *current.lock().unwrap() = signer(n).sign(&claims());
            // Each thread may still have one token of the old key. The others are new, so the key has been fetched.
            let before = sent.load(Ordering::SeqCst);
            let deadline = Instant::now() + LONGEST;
            while sent.load(Ordering::SeqCst) < before + 12 && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        has_ended.store(true, Ordering::SeqCst);
    });
    assert!(sent.into_inner() >= 96, "requests went on through every rotation");
    assert_eq!(provider.asked("/keys"), 9, "once at the start, once for each new key, however many asked for it");
}

fn a_storm_of_unknown_keys_is_one_refresh(app: &App) {
    let provider = Provider::start();
    let signer = Signer::rsa("good");
    provider.publish(&[&signer]);
    let app = server(app, &fetched(&format!("{}/keys", provider.base)), POLICY);
    let good = signer.sign(&claims());
    assert_eq!(status(&app, &good), 200);
    provider.answer("/keys", Answer::Held(Box::new(key_set(&[&signer]))));
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let n @ 0..1_000 = next.fetch_add(1, Ordering::SeqCst) {
                    let unknown = signer.calling_itself(|header| header.kid = Some(format!("random-{n}")));
                    get(&app, &unknown.sign(&claims())).expect_problem(401, "invalid-token");
                }
            });
        }
        wait_until("the storm begins a refresh", || provider.asked("/keys") == 2);
        for _ in 0..3 {
            assert_eq!(status(&app, &good), 200, "while a refresh is waited for");
        }
        provider.release();
    });
    assert_eq!(provider.asked("/keys"), 2, "once at the start, once for all of the storm");
    assert_eq!(status(&app, &good), 200);
}

fn a_request_waits_only_briefly_for_a_key(app: &App) {
    let provider = Provider::start();
    let (old, new) = (Signer::rsa("old"), Signer::other("new"));
    provider.publish(&[&old]);
    let policy = RefreshPolicy { max_wait: Duration::from_millis(200), ..POLICY };
    let app = server(app, &fetched(&format!("{}/keys", provider.base)), policy);
    wait_until("there are keys", || status(&app, &old.sign(&claims())) == 200);
    provider.answer("/keys", Answer::Held(Box::new(key_set(&[&new]))));
    let begun = Instant::now();
    let detail = refused(&app, &new.sign(&claims()));
    assert!(detail.contains("doesn't publish"), "{detail}");
    assert!(begun.elapsed() >= policy.max_wait, "{:?}", begun.elapsed());
    assert_eq!(status(&app, &old.sign(&claims())), 200, "until there are others the keys are good");
    provider.release();
    wait_until("the refresh ends", || status(&app, &new.sign(&claims())) == 200);
    assert_eq!(status(&app, &old.sign(&claims())), 401);
    assert_eq!(provider.asked("/keys"), 2);
}

fn keys_survive_an_outage_and_are_dropped_when_withdrawn(app: &App) {
    let provider = Provider::start();
    let (old, new) = (Signer::rsa("old"), Signer::other("new"));
    provider.publish(&[&old]);
    provider.answer("/elsewhere", key_set(&[&new]));
    let app = server(app, &fetched(&format!("{}/keys", provider.base)), EAGER);
    let token = old.sign(&claims());
    wait_until("there are keys", || status(&app, &token) == 200);
    let raw = |status: u16, headers: &str, body: &[u8]| Answer::Raw(status, headers.into(), body.to_vec());
    let huge = format!(r#"{{"keys": [], "more": "{}"}}"#, "a".repeat(1024 * 1024));
    let failures = [
        ("a cut connection", Answer::Cut),
        ("a failure", raw(500, "", b"{\"keys\": []}")),
        ("a page in place of keys", raw(200, "content-type: text/html\r\n", b"<html>Sign in</html>")),
        ("nothing", raw(200, "", b"")),
        ("no content", raw(204, "", b"")),
        ("other JSON", Answer::Json(json!({"error": "temporarily_unavailable"}))),
        ("half of a set", raw(200, "", br#"{"keys": [{"kty": "RSA""#)),
        ("a set without end", raw(200, "", huge.as_bytes())),
        ("more keys than anybody has", Answer::Json(json!({"keys": vec![new.jwk.clone(); 101]}))),
        ("an answer that is late", Answer::Held(Box::new(key_set(&[&new])))),
        ("an answer that never ends", Answer::Dribble),
        ("another place", raw(302, &format!("location: {}/elsewhere\r\n", provider.base), b"")),
        ("headers without end", raw(200, &format!("x-long: {}\r\n", "a".repeat(200_000)), b"{\"keys\": []}")),
    ];
    for (failure, answer) in failures {
        provider.answer("/keys", answer);
        provider.wait_for("/keys", 2);
        assert_eq!(status(&app, &token), 200, "{failure}");
    }
    assert_eq!(provider.asked("/elsewhere"), 0);
    provider.publish(&[&old, &new]);
    wait_until("the provider is back", || status(&app, &new.sign(&claims())) == 200);
    assert_eq!(status(&app, &token), 200);
    provider.publish(&[&new]);
    wait_until("a withdrawn key is dead", || status(&app, &token) == 401);
    assert_eq!(status(&app, &new.sign(&claims())), 200);
    provider.publish(&[]);
    wait_until("so is the last", || status(&app, &new.sign(&claims())) == 401);
}

fn the_service_starts_before_its_provider(app: &App) {
    let provider = Provider::start();
    let signer = Signer::rsa("key");
    provider.answer("/keys", Answer::Cut);
    let policy =
        RefreshPolicy { retry_interval: Duration::from_secs(600), min_interval: Duration::from_millis(300), ..POLICY };
    let app = server(app, &fetched(&format!("{}/keys", provider.base)), policy);
    let token = signer.sign(&claims());
    for _ in 0..3 {
        let answer = get(&app, &token).expect_problem(503, "unavailable");
        assert!(answer.header("retry-after").is_some());
        assert!(answer.json()["detail"].as_str().unwrap().contains("keys"), "{}", answer.json());
    }
    assert_eq!(refused(&app, "nonsense"), "The token is no JSON Web Token.");
    app.request("GET", "/livez").without_token().send().expect(204);
    app.request("GET", "/readyz").without_token().send().expect(204);
    provider.publish(&[&signer]);
    // Without a request, the next refresh would come after ten minutes.
    wait_until("the provider is there", || status(&app, &token) == 200);
    // A retry that no request has caused.
    provider.answer("/keys", Answer::Cut);
    let retrying = issuers(&app, &fetched(&format!("{}/keys", provider.base)), POLICY);
    provider.wait_for("/keys", 3);
    drop(retrying);
}

fn the_providers_certificate_is_verified(app: &App) {
    let (provider, open) = (Provider::start_with_tls(), Provider::start());
    let signer = Signer::rsa("key");
    provider.publish(&[&signer]);
    open.publish(&[&signer]);
    let moved = |to: &str| Answer::Raw(307, format!("location: {to}\r\n"), Vec::new());
    provider.answer("/moved", moved("/keys"));
    provider.answer("/opened", moved(&format!("{}/keys", open.base)));
    let document = |keys: &str| Answer::Json(json!({"issuer": ISSUER, "jwks_uri": keys}));
    provider.answer("/.well-known/openid-configuration", document(&format!("{}/keys", provider.base)));
    provider.answer("/.well-known/open", document(&format!("{}/keys", open.base)));
    let ca = |name: &str| format!("ca_file = \"{KEYS}/{name}.pem\"\n");
    let at = |path: &str| fetched(&format!("{}{path}", provider.base));
    let by_name = at("/keys").replace("127.0.0.1", "localhost");
    let another_name = at("/keys").replace("127.0.0.1", "127.0.0.2");
    let discovery = |path: &str| at(path).replace("jwks_url", "discovery_url");
    for (settings, expected, why) in [
        (at("/keys") + &ca("ca"), 200, "the authority is the settings' own"),
        (by_name + &ca("ca"), 200, "the certificate has both names"),
        (at("/moved") + &ca("ca"), 200, "from https to https"),
        (discovery("") + &ca("ca"), 200, "the document and the keys"),
        (at("/keys") + &ca("other-ca"), 503, "another authority"),
        (at("/keys"), 503, "the system's authorities"),
        (another_name + &ca("ca"), 503, "the certificate has another name, or nobody is there"),
        (at("/opened") + &ca("ca"), 503, "from https to http"),
        (discovery("/.well-known/open") + &ca("ca"), 503, "a document that leads from https to http"),
    ] {
        let app = server(app, &settings, POLICY);
        assert_eq!(status(&app, &signer.sign(&claims())), expected, "{why}");
    }
    assert_eq!(open.asked("/keys"), 0);
}

fn the_program_trusts_the_systems_authorities(app: &App) {
    let (provider, proxy) = (Provider::start_with_tls(), Provider::start());
    let signer = Signer::rsa("key");
    provider.publish(&[&signer]);
    let token = signer.sign(&claims());
    let settings = fetched(&format!("{}/keys", provider.base)).replace("https://127", "https://somebody:hidden@127");
    let levels = |served: &Served| app.request_to(&served.base, "GET", "/v1/levels").token(&token).send().status;
    let ca = format!("{KEYS}/ca.pem");
    {
        let trusting = serve_by(app, &settings, &[("SSL_CERT_FILE", &ca)]);
        wait_until("there are keys", || levels(&trusting) == 200);
    }
    {
        let other = serve_by(app, &settings, &[("SSL_CERT_FILE", &format!("{KEYS}/other-ca.pem"))]);
        assert_eq!(levels(&other), 503);
        wait_until("the reason is logged", || logged(app).contains("keys can't be fetched"));
        let log = logged(app);
        let line = log.lines().find(|line| line.contains("keys can't be fetched")).unwrap();
        assert!(line.contains(ISSUER) && line.contains(&provider.base) && line.contains("UnknownIssuer"), "{line}");
        assert!(!log.contains("hidden"), "{log}");
    }
    let asked = provider.asked("/keys");
    let through = serve_by(app, &settings, &[("SSL_CERT_FILE", &ca), ("HTTPS_PROXY", &proxy.base)]);
    assert_eq!(levels(&through), 503);
    let tunnel = provider.base.trim_start_matches("https://");
    wait_until("a proxy of the environment is asked", || proxy.asked(tunnel) >= 1);
    assert_eq!(provider.asked("/keys"), asked);
}

fn fetching_ends_with_the_service(app: &App) {
    let provider = Provider::start();
    provider.publish(&[&Signer::rsa("key")]);
    let issuers = issuers(app, &fetched(&format!("{}/keys", provider.base)), EAGER);
    provider.wait_for("/keys", 3);
    drop(issuers);
    wait_until("nobody asks for a second", || {
        let asked = provider.asked("/keys");
        std::thread::sleep(Duration::from_secs(1));
        provider.asked("/keys") == asked
    });
}
