//! A municipality with indicators and values, and checks of the verdicts on their targets.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::harness::App;

/// Values of an indicator and of its benchmark, a day, the expected verdict and parts of its reason.
pub type Case<'c> = (&'c str, &'c str, &'c str, &'c str, &'c [&'c str]);

/// A municipality, with tokens for writing and reading values.
pub struct Town<'a> {
    pub app: &'a App<'a>,
    pub key: &'a str,
}

impl Town<'_> {
    pub fn send(&self, method: &str, path: &str, body: &Value) {
        let token = self.app.token_of(self.key, "med.admin");
        let answer = self.app.request(method, path).token(&token).header("if-match", "*").json(body).send();
        let told = String::from_utf8_lossy(&answer.body);
        assert!((200..300).contains(&answer.status), "{method} {path} of {body}: {told}");
    }

    pub fn put(&self, indicator: &Value) {
        let token = self.app.token_of(self.key, "med.edit");
        let path = format!("/v1/indicators/{}", indicator["key"].as_str().unwrap());
        self.app.request("PUT", &path).token(&token).json(indicator).send().expect(201);
    }

    /// Checks the verdict on an indicator's first target, case by case.
    pub fn check(&self, indicator: &str, cases: &[Case]) {
        let path = format!("/v1/indicators/{indicator}");
        let benchmark = self.read(&path)["benchmarks"][0]["key"].as_str().map(str::to_owned);
        for (values, others, on, verdict, reason) in cases {
            self.fill(&format!("{path}/values"), values);
            if let Some(key) = &benchmark {
                self.fill(&format!("{path}/benchmarks/{key}/values"), others);
            }
            self.judge(indicator, on, verdict, reason);
        }
    }

    /// Replaces all values. In "2021 64.5, 2023 71?, 2024 12:4", 71 is provisional and 12 is about four people.
    fn fill(&self, path: &str, values: &str) {
        let mut rows: BTreeMap<String, Value> = BTreeMap::new();
        for item in self.read(path)["items"].as_array().unwrap() {
            rows.insert(item["period"].as_str().unwrap().to_owned(), json!({"period": item["period"], "value": null}));
        }
        for part in values.split(',').filter(|part| !part.is_empty()) {
            let (period, value) = part.trim().split_once(' ').unwrap();
            let (value, is_provisional) = value.strip_suffix('?').map_or((value, false), |value| (value, true));
            let (value, count) = value.split_once(':').map_or((value, None), |(value, count)| (value, Some(count)));
            let mut row = json!({"period": period, "is_provisional": is_provisional});
            row["value"] = json!(value.parse::<f64>().unwrap());
            if let Some(count) = count {
                row["count"] = json!(count.parse::<i64>().unwrap());
            }
            rows.insert(period.to_owned(), row);
        }
        self.send("PUT", path, &json!({"values": rows.into_values().collect::<Vec<_>>()}));
    }

    fn read(&self, path: &str) -> Value {
        let token = self.app.token_of(self.key, "med.read");
        self.app.request("GET", path).token(&token).header("accept-language", "da").send().expect(200).json()
    }

    /// Checks the verdict on an indicator's first target, and that its reason contains these texts.
    pub fn judge(&self, indicator: &str, on: &str, verdict: &str, reason: &[&str]) {
        let told = self.read(&format!("/v1/indicators/{indicator}/verdicts?on={on}"));
        let told = &told["items"][0];
        let said = told["reason"].as_str().unwrap();
        assert_eq!(told["verdict"], verdict, "{indicator} on {on}: {told}");
        for words in reason {
            assert!(said.contains(words), "{indicator} on {on} says nothing of '{words}': {told}");
        }
        assert!(said.ends_with('.') && !said.contains("  "), "{told}");
        assert_eq!(told["is_provisional"] == true, said.contains("foreløbig"), "{told}");
        assert_eq!(told["is_suppressed"] == true, said.contains("skjult"), "{told}");
        for input in told["inputs"].as_array().unwrap().iter().filter(|input| input["kind"] != "expected") {
            let number = input["value"].as_f64().map(|number| number.to_string().replace('.', ","));
            assert!(number.is_none_or(|number| said.contains(&number)), "{input} in {told}");
        }
    }
}
