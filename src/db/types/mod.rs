//! The small types that columns hold: ids, keys, times, enums and JSON, each stored as text or time.

mod id;
mod json;
mod key;
mod reference;
mod text;
mod timestamp;

use utoipa::openapi::ObjectBuilder;
use utoipa::openapi::schema::{SchemaFormat, Type};

pub use id::Id;
pub use json::Json;
pub use key::{KEY_LENGTH, Key, RegisterKey};
pub use reference::Reference;
pub use timestamp::Timestamp;

fn string_schema(format: &str, description: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::Custom(format.into())))
        .description(Some(description))
}
