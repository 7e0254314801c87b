//! What the local stack needs to know of `template.yaml`.

use std::collections::BTreeMap;

use serde_yaml_ng::{Mapping, Value};

/// The template that this build belongs to.
const TEMPLATE: &str = include_str!("../../template.yaml");

/// The template, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Every route and the function that answers it.
    pub routes: Vec<Route>,
    /// What the functions find in their environment, as far as it does not depend on what AWS creates.
    pub environment: BTreeMap<String, String>,
    /// Partition key, sort key and TTL attribute.
    pub table: Table,
    /// What browsers are allowed.
    pub cors: Cors,
}

/// A route of the HTTP API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Upper case.
    pub method: String,
    /// May hold `{name}` in place of a segment.
    pub path: String,
    /// The folder under `functions/`.
    pub function: String,
}

/// The attributes that the table cannot do without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The name that the functions get.
    pub name: String,
    /// The partition key.
    pub partition_key: String,
    /// The sort key.
    pub sort_key: String,
    /// Epoch seconds after which an item is deleted.
    pub ttl_attribute: String,
    /// What the records of its stream hold.
    pub stream_view_type: String,
}

/// The CORS block of the HTTP API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cors {
    /// Literal origins.
    pub origins: Vec<String>,
    /// Methods of preflighted requests.
    pub methods: Vec<String>,
    /// Headers of preflighted requests.
    pub headers: Vec<String>,
    /// Headers that scripts may read.
    pub exposed: Vec<String>,
    /// Whether cookies are sent along.
    pub credentials: bool,
    /// Seconds that a preflight is remembered.
    pub max_age: String,
}

/// The template does not have what the local stack needs.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// It is not YAML.
    #[error("template.yaml cannot be read: {0}")]
    Yaml(#[from] serde_yaml_ng::Error),
    /// Something is not there, or not in the form that is understood here.
    #[error("template.yaml: {0} is missing or not understood")]
    Missing(String),
}

impl Template {
    /// Reads the template that this build belongs to.
    ///
    /// # Errors
    /// [`TemplateError`] when it does not have what the local stack needs.
    pub fn read() -> Result<Self, TemplateError> {
        let document: Value = serde_yaml_ng::from_str(TEMPLATE)?;
        let root = Node { place: "the template".to_owned(), value: &document };
        let parameters = Parameters::read(&root.at("Parameters")?)?;
        let resources = root.at("Resources")?;
        let of_type = |name: &'static str| {
            let mut found =
                resources.entries().into_iter().flatten().filter(move |(_, resource)| {
                    resource.at("Type").is_ok_and(|kind| kind.value.as_str() == Some(name))
                });
            found.next().ok_or_else(|| TemplateError::Missing(name.to_owned()))
        };
        let (table_name, table) = of_type("AWS::DynamoDB::Table")?;
        let (_, api) = of_type("AWS::Serverless::HttpApi")?;
        let variables = root.at("Globals")?.at("Function")?.at("Environment")?.at("Variables")?;
        let mut environment = BTreeMap::new();
        for (name, value) in variables.entries()? {
            environment.extend(parameters.resolve(value.value).map(|value| (name, value)));
        }
        Ok(Self {
            routes: routes(&resources)?,
            environment,
            table: table_definition(table_name, &table.at("Properties")?)?,
            cors: cors(&api.at("Properties")?.at("CorsConfiguration")?, &parameters)?,
        })
    }
}

fn routes(resources: &Node<'_>) -> Result<Vec<Route>, TemplateError> {
    let mut routes = Vec::new();
    for (_, resource) in resources.entries()? {
        let Ok(events) = resource.at("Properties").and_then(|properties| properties.at("Events")) else { continue };
        let code = resource.at("Properties")?.at("CodeUri")?.text()?;
        let function =
            code.strip_prefix("functions/").ok_or_else(|| TemplateError::Missing(format!("CodeUri {code}")))?;
        for (_, event) in events.entries()? {
            if event.at("Type")?.text()? == "HttpApi" {
                let route = event.at("Properties")?;
                let (method, path) = (route.at("Method")?.text()?, route.at("Path")?.text()?);
                routes.push(Route { method: method.to_owned(), path: path.to_owned(), function: function.to_owned() });
            }
        }
    }
    Ok(routes)
}

fn table_definition(name: String, properties: &Node<'_>) -> Result<Table, TemplateError> {
    let key = |kind: &str| {
        let schema = properties.at("KeySchema")?;
        let mut keys = schema.items()?.into_iter();
        let key = keys.find(|key| key.at("KeyType").is_ok_and(|found| found.value.as_str() == Some(kind)));
        let key = key.ok_or_else(|| TemplateError::Missing(format!("a key of type {kind}")))?;
        Ok::<_, TemplateError>(key.at("AttributeName")?.text()?.to_owned())
    };
    Ok(Table {
        name,
        partition_key: key("HASH")?,
        sort_key: key("RANGE")?,
        ttl_attribute: properties.at("TimeToLiveSpecification")?.at("AttributeName")?.text()?.to_owned(),
        stream_view_type: properties.at("StreamSpecification")?.at("StreamViewType")?.text()?.to_owned(),
    })
}

fn cors(block: &Node<'_>, parameters: &Parameters) -> Result<Cors, TemplateError> {
    let list = |name: &str| {
        let items = block.at(name)?.items()?;
        let resolved = items.iter().map(|item| parameters.resolve(item.value));
        resolved.collect::<Option<Vec<_>>>().ok_or_else(|| TemplateError::Missing(name.to_owned()))
    };
    Ok(Cors {
        origins: list("AllowOrigins")?,
        methods: list("AllowMethods")?,
        headers: list("AllowHeaders")?,
        exposed: list("ExposeHeaders")?,
        credentials: block.at("AllowCredentials")?.value.as_bool().unwrap_or(false),
        max_age: parameters.resolve(block.at("MaxAge")?.value).unwrap_or_default(),
    })
}

/// The defaults of the template's parameters.
struct Parameters(BTreeMap<String, String>);

impl Parameters {
    fn read(parameters: &Node<'_>) -> Result<Self, TemplateError> {
        let defaults = parameters.entries()?.into_iter().filter_map(|(name, parameter)| {
            let default = parameter.at("Default").ok()?;
            Some((name, scalar(default.value)?))
        });
        Ok(Self(defaults.collect()))
    }

    /// A literal, or the default of the parameter that is referred to; nothing for what only AWS can know.
    fn resolve(&self, value: &Value) -> Option<String> {
        match value {
            Value::Tagged(tagged) if tagged.tag == "Ref" => self.0.get(tagged.value.as_str()?).cloned(),
            value => scalar(value),
        }
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(bool) => Some(bool.to_string()),
        Value::Null | Value::Sequence(_) | Value::Mapping(_) | Value::Tagged(_) => None,
    }
}

/// A part of the template that knows where it stands, for messages.
struct Node<'a> {
    place: String,
    value: &'a Value,
}

impl<'a> Node<'a> {
    fn at(&self, key: &str) -> Result<Node<'a>, TemplateError> {
        let place = format!("{} > {key}", self.place);
        self.value.get(key).map(|value| Node { place: place.clone(), value }).ok_or(TemplateError::Missing(place))
    }

    fn entries(&self) -> Result<Vec<(String, Node<'a>)>, TemplateError> {
        let mapping: &Mapping = self.value.as_mapping().ok_or_else(|| self.missing())?;
        let entries = mapping.iter().filter_map(|(key, value)| {
            let key = key.as_str()?.to_owned();
            Some((key.clone(), Node { place: format!("{} > {key}", self.place), value }))
        });
        Ok(entries.collect())
    }

    fn items(&self) -> Result<Vec<Node<'a>>, TemplateError> {
        let items = self.value.as_sequence().ok_or_else(|| self.missing())?;
        Ok(items.iter().map(|value| Node { place: self.place.clone(), value }).collect())
    }

    fn text(&self) -> Result<&'a str, TemplateError> {
        self.value.as_str().ok_or_else(|| self.missing())
    }

    fn missing(&self) -> TemplateError {
        TemplateError::Missing(self.place.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_tells_routes_table_environment_and_cors() {
        let template = Template::read().unwrap();
        let routes: Vec<_> = template.routes.iter().map(|route| format!("{} {}", route.method, route.path)).collect();
        for route in [
            "POST /connect",
            "POST /register",
            "POST /validate-session",
            "GET /session",
            "POST /refresh",
            "POST /logout",
            "GET /sessions",
            "DELETE /sessions/{id}",
            "DELETE /sessions",
            "GET /session-policy",
            "GET /.well-known/jwks.json",
            "GET /.well-known/openid-configuration",
        ] {
            assert!(routes.contains(&route.to_owned()), "{route} is not in {routes:?}");
        }
        assert_eq!(routes.len(), 12);
        assert_eq!(template.environment["SESSION_ACCESS_TTL"], "15m");
        assert_eq!(template.environment["SESSION_MAX_PER_SUBJECT"], "20");
        assert_eq!(template.environment.get("SESSION_TABLE"), None, "only AWS knows it");
        let Table { name, partition_key, sort_key, ttl_attribute, stream_view_type } = template.table;
        assert_eq!([name, partition_key, sort_key, ttl_attribute], ["SessionTable", "pk", "sk", "ttl"]);
        assert_eq!(stream_view_type, "NEW_AND_OLD_IMAGES");
        assert!(template.cors.credentials);
        assert_eq!(template.cors.origins, ["http://localhost:5173"]);
    }
}
