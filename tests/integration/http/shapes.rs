//! What an answer has to look like by the OpenAPI document: its status, its kind, and as much of JSON Schema as the document uses.

use serde_json::Value;
use support::Answer;

/// The shapes of a document.
pub struct Shapes<'a> {
    document: &'a Value,
    /// Members that a schema does not name are faults.
    is_strict: bool,
}

impl<'a> Shapes<'a> {
    pub fn of(document: &'a Value) -> Self {
        Self {
            document,
            is_strict: false,
        }
    }

    /// Nothing that the document does not name is right.
    pub fn strictly(document: &'a Value) -> Self {
        Self {
            document,
            is_strict: true,
        }
    }

    /// The value has the shape with this name.
    ///
    /// # Panics
    /// If it has not.
    pub fn hold(&self, value: &Value, name: &str) {
        let schema = &self.document["components"]["schemas"][name];
        assert!(schema.is_object(), "{name} is in the document");
        if let Err(fault) = self.fits(value, schema) {
            panic!("{name}: {fault}\n{value:#}");
        }
    }

    /// Whether the document says that an operation may be answered so.
    pub fn told(&self, operation: &Value, answer: &Answer) -> Result<(), String> {
        let status = answer.status;
        let response = &operation["responses"][status.to_string()];
        if !response.is_object() {
            return Err(format!("the document does not name {status}"));
        }
        let response = self.resolved(response)?;
        let of = answer.header("content-type").unwrap_or_default();
        let of = of.split(';').next().unwrap_or_default();
        let contents = response["content"].as_object();
        let Some(contents) = contents.filter(|contents| !contents.is_empty()) else {
            return match answer.body.is_empty() {
                true => Ok(()),
                false => Err(format!("{status} has no body, but one came: {of}")),
            };
        };
        let content = contents
            .get(of)
            .ok_or_else(|| format!("the document names no body of kind {of:?} for {status}"))?;
        if of != "application/json" {
            return Ok(());
        }
        let value = serde_json::from_slice(&answer.body).map_err(|e| format!("no JSON: {e}"))?;
        self.fits(&value, &content["schema"])
            .map_err(|fault| format!("{fault} in {value}"))
    }

    /// What a reference leads to, or the value itself.
    pub fn resolved<'v>(&self, value: &'v Value) -> Result<&'v Value, String>
    where
        'a: 'v,
    {
        match value["$ref"].as_str() {
            Some(reference) => {
                let found = self.document.pointer(reference.trim_start_matches('#'));
                found.ok_or_else(|| format!("{reference} is missing"))
            }
            None => Ok(value),
        }
    }

    fn fits(&self, value: &Value, schema: &Value) -> Result<(), String> {
        if schema.get("$ref").is_some() {
            return self.fits(value, self.resolved(schema)?);
        }
        if let Some(all) = schema["allOf"].as_array() {
            let loosely = Self::of(self.document);
            return all.iter().try_for_each(|one| loosely.fits(value, one));
        }
        if let Some(choices) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
            let faults: Vec<String> = choices
                .iter()
                .filter_map(|one| self.fits(value, one).err())
                .collect();
            return match faults.len() < choices.len() {
                true => Ok(()),
                false => Err(faults.join(" / ")),
            };
        }
        if let Some(allowed) = schema["enum"].as_array()
            && !allowed.contains(value)
        {
            return Err(format!("{value} is none of {allowed:?}"));
        }
        type_fits(value, &schema["type"])?;
        self.members_fit(value, schema)?;
        match (value.as_array(), schema.get("items")) {
            (Some(items), Some(of)) => items.iter().try_for_each(|item| self.fits(item, of)),
            _ => Ok(()),
        }
    }

    fn members_fit(&self, value: &Value, schema: &Value) -> Result<(), String> {
        let required = schema["required"].as_array().into_iter().flatten();
        for name in required.filter_map(Value::as_str) {
            if value.get(name).is_none() {
                return Err(format!("{name} is missing"));
            }
        }
        let Some(properties) = schema["properties"].as_object() else {
            return Ok(());
        };
        for (name, member) in value.as_object().into_iter().flatten() {
            match properties.get(name) {
                Some(property) => self
                    .fits(member, property)
                    .map_err(|fault| format!("{name}: {fault}"))?,
                None if self.is_strict => return Err(format!("{name} is not named")),
                None => {}
            }
        }
        Ok(())
    }
}

fn type_fits(value: &Value, named: &Value) -> Result<(), String> {
    let is = |name: &Value| match name.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        _ => true,
    };
    let fits = match named.as_array() {
        Some(names) => names.iter().any(is),
        None => is(named),
    };
    match fits {
        true => Ok(()),
        false => Err(format!("{value} is not {named}")),
    }
}
