//! Examples of the contract. They stand in JSON files beside the types and handlers that they belong to.

/// The example in the file `examples/<name>.json` beside the source file that names it.
///
/// For attributes: `#[schema(example = json!(example!("unit_body")))]`.
macro_rules! example {
    ($name:literal) => {
        $crate::http::example::parse(include_str!(concat!("examples/", $name, ".json")))
    };
}
pub(crate) use example;

/// The example that a file holds. A file that is no JSON gives null, which the contract's tests find.
pub fn parse(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    fn files_below(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
    }

    #[test]
    fn every_example_is_json_and_is_used() {
        let files = files_below(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")));
        let examples = files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "json"));
        for path in examples {
            let is_json = !super::parse(&std::fs::read_to_string(path).unwrap()).is_null();
            let macro_call = format!("example!(\"{}\")", path.file_stem().unwrap().display());
            let resource = path.parent().and_then(Path::parent);
            let mut sources = files.iter().filter(|source| source.parent() == resource);
            let is_used = sources.any(|source| std::fs::read_to_string(source).unwrap().contains(&macro_call));
            assert!(is_json && is_used, "{}", path.display());
        }
    }
}
