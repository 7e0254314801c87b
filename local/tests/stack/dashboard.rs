//! Alarms and dashboard show what is there, and every alarm says what to do.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::read_to_string,
    path::Path,
};

use serde_json::Value as Json;
use serde_yaml_ng::Value;

use crate::{
    Outcome,
    observed::{conversation, counted},
};

/// What AWS itself counts: namespace, metric, dimension.
const OF_AWS: [(&str, &str, &str); 7] = [
    ("AWS/ApiGateway", "4xx", "ApiId"),
    ("AWS/ApiGateway", "5xx", "ApiId"),
    ("AWS/ApiGateway", "Count", "ApiId"),
    ("AWS/ApiGateway", "IntegrationLatency", "ApiId"),
    ("AWS/Lambda", "Errors", "FunctionName"),
    ("AWS/Lambda", "IteratorAge", "FunctionName"),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName"),
];

/// What every stack counts into.
const NAMESPACE: &str = "SessionKeepalive/${AWS::StackName}";

fn page(path: &str) -> Outcome<String> {
    Ok(read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path))?)
}

/// The properties of the template's resources of one type.
fn resources(kind: &str) -> Outcome<BTreeMap<String, Value>> {
    let template: Value = serde_yaml_ng::from_str(&page("template.yaml")?)?;
    let resources = template["Resources"].as_mapping().ok_or("no resources")?;
    let of_kind = resources.iter().filter(|(_, resource)| resource["Type"].as_str() == Some(kind));
    Ok(of_kind.map(|(name, found)| (text(name), found["Properties"].clone())).collect())
}

/// A text, or what an intrinsic function makes one of.
fn text(value: &Value) -> String {
    match value {
        Value::Tagged(tagged) => text(&tagged.value),
        value => value.as_str().unwrap_or_default().to_owned(),
    }
}

/// A metric that is looked at. Without values all with these dimensions are meant.
#[derive(Debug)]
struct Shown {
    namespace: String,
    metric: String,
    dimensions: BTreeMap<String, Option<String>>,
}

fn of_alarms() -> Outcome<Vec<Shown>> {
    let alarms = resources("AWS::CloudWatch::Alarm")?;
    let shown = alarms.values().map(|alarm| {
        let dimensions = alarm.get("Dimensions").and_then(Value::as_sequence).into_iter().flatten();
        Shown {
            namespace: text(&alarm["Namespace"]),
            metric: text(&alarm["MetricName"]),
            dimensions: dimensions.map(|one| (text(&one["Name"]), Some(text(&one["Value"])))).collect(),
        }
    });
    Ok(shown.collect())
}

fn of_dashboard() -> Outcome<Vec<Shown>> {
    let dashboards = resources("AWS::CloudWatch::Dashboard")?;
    let body = text(&dashboards.values().next().ok_or("no dashboard")?["DashboardBody"]);
    let body: Json = serde_json::from_str(&body)?;
    let mut shown = Vec::new();
    for widget in body["widgets"].as_array().ok_or("no widgets")? {
        for metric in widget["properties"]["metrics"].as_array().ok_or("no metrics")? {
            let parts = metric.as_array().ok_or("not a metric")?;
            shown.push(match parts[0]["expression"].as_str() {
                Some(expression) => searched(expression)?,
                None => listed(&parts.iter().filter_map(Json::as_str).collect::<Vec<_>>())?,
            });
        }
    }
    Ok(shown)
}

/// A metric as a widget lists it: namespace, name, then dimensions and their values in turn.
fn listed(parts: &[&str]) -> Outcome<Shown> {
    let [namespace, metric, dimensions @ ..] = parts else { return Err(format!("{parts:?}").into()) };
    let pairs = dimensions.chunks(2).map(|pair| (pair[0].to_owned(), pair.get(1).map(|value| (*value).to_owned())));
    Ok(Shown { namespace: (*namespace).to_owned(), metric: (*metric).to_owned(), dimensions: pairs.collect() })
}

/// `SEARCH('{"namespace",Dimension} MetricName="metric"', 'Sum')`
fn searched(expression: &str) -> Outcome<Shown> {
    let odd = || format!("not understood: {expression}");
    let inside = expression.strip_prefix("SEARCH('{\"").ok_or_else(odd)?;
    let (namespace, rest) = inside.split_once("\",").ok_or_else(odd)?;
    let (dimension, rest) = rest.split_once("} MetricName=\"").ok_or_else(odd)?;
    let (metric, _) = rest.split_once('"').ok_or_else(odd)?;
    Ok(Shown {
        namespace: namespace.to_owned(),
        metric: metric.to_owned(),
        dimensions: [(dimension.to_owned(), None)].into(),
    })
}

#[tokio::test]
async fn every_metric_that_is_looked_at_is_counted() -> Outcome {
    let counted = counted(conversation().await?);
    let (alarms, dashboard) = (of_alarms()?, of_dashboard()?);
    assert_eq!((alarms.len(), dashboard.len()), (11, 19));
    for Shown { namespace, metric, dimensions } in alarms.iter().chain(&dashboard) {
        if namespace == NAMESPACE {
            let found = counted.iter().any(|(name, of)| {
                let value = |dimension: &String| of.get(dimension);
                let same = |(name, wanted): (&String, &Option<String>)| {
                    value(name).is_some_and(|value| wanted.as_ref().is_none_or(|wanted| wanted == value))
                };
                name == metric && of.len() == dimensions.len() && dimensions.iter().all(same)
            });
            assert!(found, "nobody counts {metric} {dimensions:?}");
        } else {
            let names: Vec<_> = dimensions.keys().map(String::as_str).collect();
            let known =
                OF_AWS.iter().any(|(of, name, dimension)| of == namespace && name == metric && names == [*dimension]);
            assert!(known, "AWS does not count {namespace} {metric} {names:?}");
        }
    }
    Ok(())
}

#[test]
fn the_functions_count_into_the_namespace_that_is_looked_at() -> Outcome {
    let template: Value = serde_yaml_ng::from_str(&page("template.yaml")?)?;
    let variables = &template["Globals"]["Function"]["Environment"]["Variables"];
    assert_eq!(text(&variables["SESSION_METRICS_NAMESPACE"]), NAMESPACE);
    Ok(())
}

#[test]
fn every_alarm_has_its_heading_in_the_runbook_and_every_heading_its_alarm() -> Outcome {
    let runbook = page("docs/runbook.md")?;
    let (_, section) = runbook.split_once("\n## Alarms\n").ok_or("no alarms")?;
    let section = section.split("\n## ").next().unwrap_or_default();
    let headings = section.lines().filter_map(|line| line.strip_prefix("### "));
    let headings: BTreeSet<String> = headings.map(|heading| heading.to_lowercase().replace(' ', "-")).collect();
    let mut linked = BTreeSet::new();
    for (name, alarm) in resources("AWS::CloudWatch::Alarm")? {
        let description = text(&alarm["AlarmDescription"]);
        let (_, anchor) = description.split_once(" ${RunbookUrl}#").ok_or_else(|| format!("{name} links nowhere"))?;
        assert!(linked.insert(anchor.to_owned()), "{name} shares its heading");
    }
    assert_eq!(linked, headings);
    for part in section.split("\n### ").skip(1) {
        for question in ["**Means:**", "**Look:**", "**Do:**"] {
            assert!(part.contains(question), "{question} is not answered: {part}");
        }
    }
    Ok(())
}

#[test]
fn an_alarm_that_hears_nothing_is_quiet_and_tells_the_topic_if_there_is_one() -> Outcome {
    for (name, alarm) in resources("AWS::CloudWatch::Alarm")? {
        assert_eq!(text(&alarm["TreatMissingData"]), "notBreaching", "{name}");
        for actions in ["AlarmActions", "OKActions"] {
            let Value::Tagged(choice) = &alarm[actions] else { return Err(format!("{name} {actions}").into()) };
            assert_eq!(text(&choice.value[0]), "HasAlarmTopic", "{name} {actions}");
            assert_eq!(text(&choice.value[1][0]), "AlarmTopicArn", "{name} {actions}");
        }
    }
    Ok(())
}
