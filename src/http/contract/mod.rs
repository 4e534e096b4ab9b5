//! The contract: the OpenAPI document, generated from the code, and what the service itself reads
//! from it: which methods a path takes, which parameters an operation knows, what a body may hold.
//!
//! `schemas` and `operations` add what follows from the form of a schema or an operation, so that no handler repeats
//! it; `examples` fills in what an example can be put together from. `violations` puts what a body gets wrong in words.

mod examples;
mod operations;
mod schemas;
mod violations;

use std::collections::{BTreeSet, HashMap};

use actix_web::dev::ResourceDef;
use actix_web::http::Method;
use actix_web::web;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::db::types::{Key, Reference, RegisterKey};
use crate::period::Period;
use crate::problem::{Problem, Result, ValidationErrors};
use crate::resource::Replacement;
pub use violations::UNKNOWN_FIELD;

/// The query parameter that says how many rows a page is to hold.
pub const LIMIT: &str = "limit";

/// Where a reference to a schema begins.
const SCHEMAS: &str = "#/components/schemas/";

/// The contract, ready to be served and to check requests against.
pub struct Contract {
    text: web::Bytes,
    tag: String,
    routes: Vec<Route>,
    validators: HashMap<String, jsonschema::Validator>,
}

/// What the service knows of a path.
struct Route {
    path: ResourceDef,
    allow: String,
    query_parameters: HashMap<Method, Vec<String>>,
    /// How many rows a page of a list holds unless the client says.
    default_limits: HashMap<Method, u64>,
}

impl Contract {
    /// Completes the generated document and compiles its body schemas.
    pub fn new(generated: utoipa::openapi::OpenApi) -> Result<Self> {
        let mut document = serde_json::to_value(generated).map_err(Problem::internal)?;
        schemas::complete(&mut document);
        let validators = validators(&document)?;
        schemas::add_patches(&mut document);
        operations::complete(&mut document);
        schemas::drop_unused(&mut document);
        examples::complete(&mut document);
        let mut text = serde_json::to_vec_pretty(&document).map_err(Problem::internal)?;
        text.push(b'\n');
        let tag = crate::http::entity_tag::content_tag(&text);
        Ok(Self { text: text.into(), tag, routes: routes(&document), validators })
    }

    /// The document, as it is served and committed.
    pub fn text(&self) -> web::Bytes {
        self.text.clone()
    }

    /// The document's entity tag.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The methods that a path takes, as `Allow` lists them; `None` if there is no such path.
    pub fn allow(&self, path: &str) -> Option<String> {
        self.route(path).map(|route| route.allow.clone())
    }

    /// The query parameters that an operation knows; `None` if there is no such operation.
    pub fn query_parameters(&self, method: &Method, path: &str) -> Option<&[String]> {
        self.route(path)?.query_parameters.get(method).map(Vec::as_slice)
    }

    /// How many rows a page of an operation's list holds by default; `None` if it answers no list.
    pub fn default_limit(&self, method: &Method, path: &str) -> Option<u64> {
        self.route(path)?.default_limits.get(method).copied()
    }

    fn route(&self, path: &str) -> Option<&Route> {
        self.routes.iter().find(|route| route.path.is_match(path))
    }

    /// Checks a value against the published schema of `T` and deserializes it. Every violation is listed.
    pub fn parse<T: DeserializeOwned + ToSchema>(&self, value: Value) -> Result<T> {
        self.check(T::name().as_ref(), &value)?;
        deserialize(value)
    }

    /// [`Contract::parse`] for what is sent to PUT, in which fields may stand that the service writes itself.
    pub fn parse_replacement<T: DeserializeOwned + Serialize + ToSchema>(
        &self,
        value: Value,
    ) -> Result<Replacement<T>> {
        self.check(Replacement::<T>::name().as_ref(), &value)?;
        Ok(Replacement::new(deserialize(value.clone())?, value))
    }

    fn check(&self, schema: &str, value: &Value) -> Result<()> {
        let validator = self.validators.get(schema);
        let validator = validator.ok_or_else(|| Problem::internal(format!("the contract has no body '{schema}'")))?;
        let mut errors = ValidationErrors::default();
        for violation in validator.iter_errors(value) {
            violations::report(&violation, &mut errors);
        }
        errors.into_result()
    }
}

fn deserialize<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let pointer = violations::pointer(error.path());
        Problem::invalid(pointer, error.into_inner().to_string())
    })
}

fn routes(document: &Value) -> Vec<Route> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let mut routes: Vec<Route> = paths
        .map(|(path, operations)| {
            let mut methods = BTreeSet::from(["OPTIONS".to_owned()]);
            let (mut query_parameters, mut default_limits) = (HashMap::new(), HashMap::new());
            for (method, operation) in operations.as_object().into_iter().flatten() {
                let name = method.to_ascii_uppercase();
                if let Ok(method) = name.parse::<Method>() {
                    query_parameters.insert(method.clone(), query_names(operation));
                    default_limits.extend(default_limit(operation).map(|rows| (method, rows)));
                }
                if name == "GET" {
                    methods.insert("HEAD".to_owned());
                }
                methods.insert(name);
            }
            let allow = methods.into_iter().collect::<Vec<_>>().join(", ");
            Route { path: ResourceDef::new(path.as_str()), allow, query_parameters, default_limits }
        })
        .collect();
    // A fixed word beats a placeholder in the same place.
    routes.sort_by_key(|route| route.path.pattern().unwrap_or_default().matches('{').count());
    routes
}

fn query_names(operation: &Value) -> Vec<String> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let query = parameters.filter(|parameter| parameter["in"] == "query");
    query.filter_map(|parameter| parameter["name"].as_str().map(ToOwned::to_owned)).collect()
}

fn default_limit(operation: &Value) -> Option<u64> {
    let mut parameters = operation["parameters"].as_array().into_iter().flatten();
    parameters.find(|parameter| parameter["name"] == LIMIT)?["schema"]["default"].as_u64()
}

/// One validator for each schema that a request body has.
fn validators(document: &Value) -> Result<HashMap<String, jsonschema::Validator>> {
    let mut components = document["components"].clone();
    violations::drop_patterns_covered_by_formats(&mut components);
    let validator = |name: String| {
        let schema = json!({"$ref": format!("{SCHEMAS}{name}"), "components": components});
        let validator = jsonschema::draft202012::options()
            .should_validate_formats(true)
            .with_format("key", |text: &str| text.parse::<Key>().is_ok())
            .with_format("register-key", |text: &str| text.parse::<RegisterKey>().is_ok())
            .with_format("reference", |text: &str| text.parse::<Reference>().is_ok())
            .with_format("period", |text: &str| text.parse::<Period>().is_ok())
            .build(&schema)
            .map_err(|error| Problem::internal(format!("the schema of {name} is faulty: {error}")))?;
        Ok((name, validator))
    };
    schemas::of_bodies(document).into_iter().map(validator).collect()
}

/// The name of the schema that a `$ref` leads to.
fn schema_name(reference: &Value) -> Option<&str> {
    reference.as_str()?.strip_prefix(SCHEMAS)
}

/// All operations of the document, with their methods.
fn operations(document: &mut Value) -> impl Iterator<Item = (&String, &mut Map<String, Value>)> {
    let paths = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    let operations = paths.flat_map(|path| path.as_object_mut().into_iter().flatten());
    operations.filter_map(|(method, operation)| Some((method, operation.as_object_mut()?)))
}

/// The members of an object, none where the value is something else.
fn members(value: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    value.as_object_mut().into_iter().flatten()
}
