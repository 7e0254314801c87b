//! The template as CloudFormation will see it: SAM changes it in ways that its own linter does not report.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};
use session::settings::Variables;

use crate::Outcome;

/// The translated template.
pub(crate) fn translated() -> Outcome<Option<Value>> {
    translate("template.yaml", &["AppOrigin=https://app.example.com", "Issuer=https://i", "Audience=a"])
}

/// A template with these parameters; nothing where SAM is not installed, which CI does not accept.
fn translate(template: &str, parameters: &[&str]) -> Outcome<Option<Value>> {
    if Command::new("sam").arg("--version").output().is_err() {
        assert_eq!(Variables::from_environment().get("CI"), None, "SAM is not installed");
        return Ok(None);
    }
    let script: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/translate-template");
    let output = Command::new(script).arg(template).args(parameters).output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(Some(serde_json::from_slice(&output.stdout)?))
}

/// The resources of one type by name.
pub(crate) fn of_type<'a>(template: &'a Value, kind: &str) -> BTreeMap<&'a str, &'a Value> {
    let resources = template["Resources"].as_object().into_iter().flatten();
    let found = resources.filter(|(_, resource)| resource["Type"] == kind);
    found.map(|(name, resource)| (name.as_str(), &resource["Properties"])).collect()
}

/// The default of the parameter that a value refers to.
fn default_of<'a>(template: &'a Value, value: &Value) -> &'a Value {
    let name = value["Ref"].as_str().unwrap_or_default();
    template.pointer(&format!("/Parameters/{name}/Default")).unwrap_or(&Value::Null)
}

/// A text, or every text of a list.
pub(crate) fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        other => vec![other.to_string()],
    }
}

#[test]
fn cors_allows_the_app_with_cookies_and_nobody_else() -> Outcome {
    let Some(template) = translated()? else { return Ok(()) };
    let cors = &template["Resources"]["Api"]["Properties"]["Body"]["x-amazon-apigateway-cors"];
    assert_eq!(cors["allowOrigins"], json!(["https://app.example.com"]));
    assert_eq!(cors["allowCredentials"], true);
    for header in ["authorization", "content-type", "idempotency-key", "x-session-client"] {
        assert!(strings(&cors["allowHeaders"]).contains(&header.to_owned()), "{header}");
    }
    for header in ["x-session-expires-in", "x-session-warning", "retry-after", "etag"] {
        assert!(strings(&cors["exposeHeaders"]).contains(&header.to_owned()), "{header}");
    }
    Ok(())
}

#[test]
fn every_route_is_there_and_the_dear_ones_are_throttled_by_name() -> Outcome {
    let Some(template) = translated()? else { return Ok(()) };
    let paths = template["Resources"]["Api"]["Properties"]["Body"]["paths"].as_object().ok_or("no paths")?;
    let routes: Vec<String> = paths
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().into_iter().flatten().map(|(method, _)| method.to_uppercase());
            methods.map(move |method| format!("{method} {path}")).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(routes.len(), 12, "{routes:?}");
    let stage = &template["Resources"]["ApiApiGatewayDefaultStage"]["Properties"];
    for route in ["POST /connect", "POST /register", "POST /refresh", "POST /validate-session"] {
        assert!(routes.contains(&route.to_owned()), "{route}");
        assert!(stage["RouteSettings"][route]["ThrottlingRateLimit"].is_u64(), "{route}");
    }
    let throttled = stage["RouteSettings"].as_object().ok_or("no route settings")?;
    assert!(throttled.keys().all(|route| routes.contains(route)), "a route that does not exist is throttled");
    let format = stage["AccessLogSettings"]["Format"].as_str().ok_or("no access log")?;
    let line: Value = serde_json::from_str(format)?;
    let told: Vec<_> = line.as_object().ok_or("not an object")?.values().filter_map(Value::as_str).collect();
    let private = ["header", "query", "path", "authorizer"];
    assert!(told.iter().all(|variable| private.iter().all(|word| !variable.contains(word))), "{told:?}");
    Ok(())
}

#[test]
fn the_table_outlives_the_stack_and_forgets_by_ttl() -> Outcome {
    let Some(template) = translated()? else { return Ok(()) };
    let table = &template["Resources"]["SessionTable"];
    assert_eq!((&table["DeletionPolicy"], &table["UpdateReplacePolicy"]), (&json!("Retain"), &json!("Retain")));
    let table = &table["Properties"];
    assert_eq!(table["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(table["DeletionProtectionEnabled"], true);
    assert_eq!(table["TimeToLiveSpecification"], json!({ "AttributeName": "ttl", "Enabled": true }));
    assert_eq!(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true);
    assert!(table.get("GlobalSecondaryIndexes").is_none());
    Ok(())
}

#[test]
fn connect_is_a_bulkhead_of_its_own() -> Outcome {
    let Some(template) = translated()? else { return Ok(()) };
    let functions = of_type(&template, "AWS::Lambda::Function");
    for (name, function) in functions {
        let connect = name == "Connect";
        assert_eq!(function.get("ReservedConcurrentExecutions").is_some(), connect, "{name}");
        assert_eq!(function.get("VpcConfig").is_some(), connect, "{name}");
        assert_eq!((function["MemorySize"] == 512, function["Timeout"] == 15), (connect, connect), "{name}");
    }
    for parameter in ["SubnetIds", "SecurityGroupIds", "ConnectLayers"] {
        assert_eq!(template["Parameters"][parameter]["Default"], "", "{parameter}");
    }
    Ok(())
}

#[test]
fn functions_are_small_quick_to_give_up_and_told_no_secret() -> Outcome {
    let Some(template) = translated()? else { return Ok(()) };
    let functions = of_type(&template, "AWS::Lambda::Function");
    assert_eq!(functions.len(), 9);
    for (name, function) in functions {
        assert_eq!(
            (&function["Runtime"], &function["Handler"]),
            (&json!("provided.al2023"), &json!("bootstrap")),
            "{name}"
        );
        assert_eq!(default_of(&template, &function["Architectures"][0]), "arm64", "{name}");
        let (memory, timeout) = (function["MemorySize"].as_u64(), function["Timeout"].as_u64());
        assert!(memory.is_some_and(|memory| memory <= 512) && timeout.is_some_and(|timeout| timeout < 30), "{name}");
        assert_eq!(function["LoggingConfig"]["LogFormat"], "JSON", "{name}");
        let variables = function["Environment"]["Variables"].as_object().ok_or("no environment")?;
        let holds_secret = variables.contains_key("SESSION_SECRET_ARN");
        assert_eq!(holds_secret, ["Connect", "Logout", "Refresh", "RotateSecret"].contains(&name), "{name}");
        assert!(!variables.contains_key("SESSION_SECRET"), "{name}");
    }
    for (name, group) in of_type(&template, "AWS::Logs::LogGroup") {
        let days = if name == "AuditLogs" { 365 } else { 30 };
        assert_eq!(*default_of(&template, &group["RetentionInDays"]), days, "{name}");
    }
    let secret = &template["Resources"]["MasterSecret"]["Properties"]["GenerateSecretString"];
    assert_eq!((&secret["PasswordLength"], &secret["GenerateStringKey"]), (&json!(64), &json!("current")));
    assert_eq!(secret["SecretStringTemplate"], r#"{"previous": []}"#);
    Ok(())
}

#[test]
fn a_failing_batch_comes_again_a_bounded_number_of_times_and_then_goes_to_the_queue() -> Outcome {
    let Some(template) = translated()? else { return Ok(()) };
    let sources = of_type(&template, "AWS::Lambda::EventSourceMapping");
    let source = sources.get("RecordEventsSource").ok_or("the stream is not read")?;
    assert_eq!(source["EventSourceArn"], json!({ "Fn::GetAtt": ["SessionTable", "StreamArn"] }));
    assert_eq!(source["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
    assert_eq!(source["BisectBatchOnFunctionError"], true);
    // Left out, both are without a limit, and one bad batch holds its shard up until the stream forgets it.
    assert!(source["MaximumRetryAttempts"].as_u64().is_some_and(|attempts| (1..=100).contains(&attempts)));
    assert!(source["MaximumRecordAgeInSeconds"].as_u64().is_some_and(|age| (3_600..86_400).contains(&age)));
    let queue = json!({ "Fn::GetAtt": ["LostRecords", "Arn"] });
    assert_eq!(source["DestinationConfig"]["OnFailure"]["Destination"], queue);
    let filter = source["FilterCriteria"]["Filters"][0]["Pattern"].as_str().ok_or("no filter")?;
    let filter: Value = serde_json::from_str(filter)?;
    let kinds = json!([{ "prefix": "S#" }, { "prefix": "R#" }]);
    assert_eq!(filter["dynamodb"]["Keys"]["sk"]["S"], kinds);
    let stream = &template["Resources"]["SessionTable"]["Properties"]["StreamSpecification"];
    assert_eq!(stream["StreamViewType"], "NEW_AND_OLD_IMAGES");
    let function = of_type(&template, "AWS::Lambda::Function")["RecordEvents"];
    assert_eq!(function["LoggingConfig"]["LogGroup"], json!({ "Ref": "AuditLogs" }));
    Ok(())
}

#[test]
fn any_api_of_the_account_may_ask_the_authorizer_and_nobody_else() -> Outcome {
    let Some(template) = translated()? else { return Ok(()) };
    let permissions = of_type(&template, "AWS::Lambda::Permission");
    let permission = permissions["AuthorizePermission"];
    assert_eq!(
        (&permission["Action"], &permission["Principal"]),
        (&json!("lambda:InvokeFunction"), &json!("apigateway.amazonaws.com"),)
    );
    let source = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:*/authorizers/*";
    assert_eq!(permission["SourceArn"]["Fn::Sub"], source);
    let output = &template["Outputs"]["AuthorizeArn"];
    assert_eq!(output["Value"], json!({ "Fn::GetAtt": ["Authorize", "Arn"] }));
    assert_eq!(output["Export"]["Name"]["Fn::Sub"], "${AWS::StackName}-AuthorizeArn");
    Ok(())
}

#[test]
fn an_ended_session_is_remembered_as_live_for_the_setting_and_at_most_a_minute() -> Outcome {
    let Some(template) = translate("examples/python-api/template.yaml", &[])? else { return Ok(()) };
    let limits = &template["Parameters"]["AuthorizerTtl"];
    assert_eq!((&limits["Type"], &limits["MinValue"], &limits["MaxValue"]), (&json!("Number"), &json!(0), &json!(60)));
    let body = &template["Resources"]["Api"]["Properties"]["Body"];
    let schemes = body["components"]["securitySchemes"].as_object().ok_or("no authorizer")?;
    assert_eq!(schemes.len(), 1);
    let authorizer = &schemes["Session"]["x-amazon-apigateway-authorizer"];
    assert_eq!(authorizer["authorizerResultTtlInSeconds"], json!({ "Ref": "AuthorizerTtl" }), "exactly the parameter");
    assert_eq!(authorizer["identitySource"], json!(["$request.header.Authorization"]), "by the token alone");
    assert_eq!(authorizer["authorizerPayloadFormatVersion"], "2.0");
    assert_eq!(authorizer["enableSimpleResponses"], true);
    assert!(authorizer["authorizerUri"].to_string().contains("-AuthorizeArn"), "{authorizer}");
    for (path, methods) in body["paths"].as_object().ok_or("no paths")? {
        for (method, route) in methods.as_object().ok_or("no methods")? {
            assert_eq!(route["security"], json!([{ "Session": [] }]), "{method} {path} is not guarded");
        }
    }
    Ok(())
}
